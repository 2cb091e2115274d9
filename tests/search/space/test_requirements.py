"""Settings that are searched only where what they need is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.config import AugmentationConfig, RunConfig
from core.inputs.augmentation import TaskAugmentation
from data.augmentation.rephrasing.answer_cache import AnswerCache
from data.augmentation.rephrasing.chat_request import Answer, ChatRequest
from data.augmentation.rephrasing.example_rewriter import ExampleRewriter
from data.augmentation.rephrasing.prompts import prompts_of
from data.synthetic.corpus import write_corpus
from search.study.spec import StudySpec
from tests.search.study.comparison_texts import SEARCH, load


def test_settings_are_searched_where_their_needs_are_met(tmp_path: Path) -> None:
    (tmp_path / "more.csv").touch()
    text = SEARCH + '"augmentation.sst.rephrased.fraction" = { low = 0.0, high = 1.0, needs = "answers" }\n'
    text = text.replace(
        "[space]", '[base.augmentation]\npara.extra.path = "more.csv"\nsst.rephrased.model = "m"\n[space]'
    )
    paths = [dimension.path for dimension in load(tmp_path, text, data=tmp_path).space.dimensions]
    assert paths == ["heads.sst.layers", "heads.sst.hidden_size", "augmentation.para.extra.fraction"]


def test_answers_are_those_to_the_tasks_own_sentences(tmp_path: Path) -> None:
    """Another study's answers are none; and what depends on a setting that is left out is left out with it."""
    write_corpus(tmp_path / "data", train=20, dev=5, test=5, seed=0)
    text = SEARCH.replace("[space]", '[base.augmentation.sst.rephrased]\nmodel = "m"\n[space]')
    fraction = "augmentation.sst.rephrased.fraction"
    text += f'"{fraction}" = {{ low = 0.0, high = 1.0, needs = "answers" }}\n'
    text += f'"augmentation.sst.rephrased.seed" = {{ choices = [0, 1], when = {{ "{fraction}" = {{ above = 0 }} }} }}\n'
    answers = AnswerCache(tmp_path / "answers")

    def search(**options: object) -> StudySpec:
        return load(tmp_path, text, data=tmp_path / "data", **options)

    with answers.writing():
        answers.put(
            ChatRequest("m", prompts_of("synonyms", "English", "German")[0], "a film", 0.5, 1, 9), Answer("x", "stop")
        )
    notes = search().notes
    assert notes[1].startswith(
        f"{fraction} is not searched: augmentation.sst.rephrased: 20 of 20 sentences have not been"
    )
    assert notes[2] == f"augmentation.sst.rephrased.seed is not searched: it depends on {fraction}"
    spec = search()
    further = TaskAugmentation(spec.base.model_copy(update=with_all_rephrased(spec.base)), "sst", tmp_path / "answers")
    job = further.rephrasing_job()
    with answers.writing():
        for position in job.chosen:
            ExampleRewriter(job.settings).rewrite(position, job.train.sentences[position], answering(answers))
    assert {fraction, "augmentation.sst.rephrased.seed"} <= set(search().space.paths)


def with_all_rephrased(base: RunConfig) -> dict[str, object]:
    tree = base.model_dump()["augmentation"]
    tree["sst"]["rephrased"]["fraction"] = 1.0
    return {"augmentation": {task: AugmentationConfig.model_validate(section) for task, section in tree.items()}}


def answering(cache: AnswerCache) -> Callable[[ChatRequest], Answer]:
    def ask(request: ChatRequest) -> Answer:
        answer = Answer(f"truly {request.sentence}", "stop")
        cache.put(request, answer)
        return answer

    return ask
