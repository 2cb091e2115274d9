from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config import RunConfig
from core.inputs.augmentation import TaskAugmentation, answers_dir
from core.inputs.fixed_subset import fixed_subset
from core.inputs.resources import Resources
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun
from data.augmentation.additional_examples import normalise_sentence
from data.augmentation.rephrasing.answer_cache import AnswerCache
from data.augmentation.rephrasing.chat_request import Answer
from data.augmentation.rephrasing.example_rewriter import ExampleRewriter
from data.errors import UserError
from data.reading import read_split
from data.tasks import SplitName
from tests.core.conftest import MakeConfig


def further(config: RunConfig, task: str, answers: Path = Path("no answers")) -> TaskAugmentation:
    return TaskAugmentation(config, task, answers)


def limited(config: RunConfig, task: str, examples: int) -> RunConfig:
    tree = config.model_dump()
    tree["tasks"][task]["train_limit"] = examples
    return RunConfig.model_validate(tree)


def sentences(config: RunConfig, task: str, split: SplitName) -> list[tuple[str, ...]]:
    return read_split(config.tasks[task].spec, Path(config.data.directory), split).sentences


def keys(examples: list[tuple[str, ...]]) -> set[tuple[str, ...]]:
    return {tuple(sorted(map(normalise_sentence, example))) for example in examples}


def test_a_file_gives_what_a_limited_run_leaves_out(small_config: MakeConfig) -> None:
    """The training file itself as the extra file: what the run uses is dropped, and what dev or test hold."""
    file = small_config().tasks["para"].spec.files.train

    def limited_to_100(fraction: float) -> RunConfig:
        return limited(
            small_config(augmentation={"para": {"extra": {"path": file, "fraction": fraction}}}), "para", 100
        )

    config = limited_to_100(1.0)
    made = further(config, "para").make()
    whole = sentences(config, "para", "train")
    used = [whole[position] for position in fixed_subset(len(whole), 100, "para")]
    known = keys(used) | keys(sentences(config, "para", "dev")) | keys(sentences(config, "para", "test"))
    assert keys(made.sentences) == keys(whole) - known
    assert len(made) == len(keys(made.sentences)), "each once"
    fewer = further(limited_to_100(0.5), "para").make()
    assert keys(fewer.sentences) < keys(made.sentences)
    assert len(fewer) == pytest.approx(len(made) / 2, abs=3)


def test_copies_are_of_the_runs_own_examples_and_no_seeds(small_config: MakeConfig) -> None:
    def config(of_run: int, **eda: Any) -> RunConfig:
        eda = {"fraction": 1.0, **eda}
        return limited(small_config(seed=of_run, augmentation={"sst": {"eda": eda}}), "sst", 60)

    one = further(config(0, copies=2), "sst").make()
    assert one.sentences == further(config(1, copies=2), "sst").make().sentences
    assert one.sentences != further(config(0, copies=2, seed=1), "sst").make().sentences
    assert further(config(0, copies=2), "sst").digest == further(config(1, copies=2), "sst").digest
    assert further(config(0, copies=2), "sst").digest != further(config(0, copies=3), "sst").digest
    assert 60 < len(one) <= 120
    whole = read_split(config(0).tasks["sst"].spec, Path(config(0).data.directory), "train")
    assert whole.labels is not None
    used = fixed_subset(len(whole), 60, "sst")
    np.testing.assert_array_equal(one.labels, whole.labels[used[one.sources]])
    known = keys([whole.sentences[position] for position in used])
    assert not known & keys(one.sentences)


def test_pairs_are_neither_lengthened_nor_shortened(small_config: MakeConfig) -> None:
    config = small_config(augmentation={"sts": {"eda": {"fraction": 1.0, "synonym": 0.0}}})
    made = further(config, "sts").make()
    originals = sentences(config, "sts", "train")
    assert len(made) > 50
    for example, source in zip(made.sentences, made.sources, strict=True):
        for new, old in zip(example, originals[source], strict=True):
            assert sorted(normalise_sentence(new).split()) == sorted(normalise_sentence(old).split())


def test_sources_are_joined_and_none_twice(small_config: MakeConfig, tmp_path: Path) -> None:
    base = small_config()
    spec, train = base.tasks["sst"].spec, sentences(base, "sst", "train")
    rows = [("x1", "an entirely new sentence", 3), ("x2", train[0][0], 1), ("x3", "An entirely  new sentence", 4)]
    with (tmp_path / "more.csv").open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerows([("", spec.columns.id, *spec.columns.sentences, spec.columns.label)])
        writer.writerows((number, *row) for number, row in enumerate(rows))
    augmentation = {
        "sst": {"extra": {"path": str(tmp_path / "more.csv"), "fraction": 1.0}, "eda": {"fraction": 1.0}},
    }
    made = further(small_config(augmentation=augmentation), "sst").make()
    assert made.sentences[0] == ("an entirely new sentence",)
    assert made.labels[0] == 3
    assert made.sources[0] == -1
    assert (made.sources[1:] >= 0).all()


def answer_all(config: RunConfig, task: str, answers: Path, but: int = 0) -> None:
    """Answer every request of the job but the last few, as search.augment would."""
    job = further(config, task, answers).rephrasing_job()
    cache, rewriter = AnswerCache(answers), ExampleRewriter(job.settings)
    with cache.writing():
        for position in job.chosen[: len(job.chosen) - but]:

            def ask(request: Any) -> Answer:
                answer = Answer(f"truly {request.sentence}", "stop")
                cache.put(request, answer)
                return answer

            rewriter.rewrite(position, job.train.sentences[position], ask)


def test_rephrasings_are_read_and_asked_for_where_missing(small_config: MakeConfig, tmp_path: Path) -> None:
    config = small_config(augmentation={"sst": {"rephrased": {"fraction": 0.5, "model": "llama"}}})
    before = further(config, "sst", tmp_path).digest
    with pytest.raises(UserError, match=r"120 of 120 sentences .* yet; first run python -m search\.augment with"):
        further(config, "sst", tmp_path).make()
    answer_all(config, "sst", tmp_path, but=2)
    with pytest.raises(UserError, match="2 of 120 sentences have not been rephrased yet"):
        further(config, "sst", tmp_path).make()
    answer_all(config, "sst", tmp_path)
    made = further(config, "sst", tmp_path).make()
    assert all(sentence.startswith("truly ") for (sentence,) in made.sentences)
    assert 100 < len(made) <= 120
    assert further(config, "sst", tmp_path).digest != before


def test_a_run_trains_on_them_with_or_instead_of_its_own_examples(small_config: MakeConfig, tmp_path: Path) -> None:
    resources = Resources(tmp_path / "cache")
    plain = resources.task_data(small_config())["sst"].train
    eda: dict[str, Any] = {"eda": {"fraction": 1.0}}
    beside = resources.task_data(small_config(augmentation={"sst": eda}))
    instead = resources.task_data(small_config(augmentation={"sst": {**eda, "original": False}}))
    made = further(small_config(augmentation={"sst": eda}), "sst").make()
    assert len(beside["sst"].train) == len(plain) + len(made)
    assert len(instead["sst"].train) == len(made)
    assert beside["sst"].train.subset(np.arange(len(plain))).digest == plain.digest
    last = beside["sst"].train.subset(np.arange(len(plain), len(plain) + len(made)))
    assert last.digest == instead["sst"].train.digest
    assert beside["sst"].dev.digest == resources.task_data(small_config())["sst"].dev.digest
    np.testing.assert_array_equal(last.labels, made.labels)
    # Another process takes them from the disk.
    again = Resources(tmp_path / "cache")
    again.encoder(small_config())
    kept = list((tmp_path / "cache" / "further").iterdir())
    assert len(kept) == 1
    assert again.task_data(small_config(augmentation={"sst": eda}))["sst"].train.digest == beside["sst"].train.digest
    run = TrainingRun(small_config(augmentation={"sst": eda}), RunFolder(tmp_path / "run"), resources)
    assert len(run.tasks["sst"].train) == len(plain) + len(made)


def test_answers_are_not_in_the_cache(tmp_path: Path) -> None:
    """Caches are deleted; answers were paid for."""
    assert not answers_dir(tmp_path / "cache").is_relative_to(tmp_path / "cache")
