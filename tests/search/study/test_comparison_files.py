"""Study files that compare ready configurations: [variants], seeds, presets, [override], and trials to begin with."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
import pytest

from core.config import AugmentationConfig, RunConfig
from core.inputs.augmentation import TaskAugmentation
from data.augmentation.rephrasing.answer_cache import AnswerCache
from data.augmentation.rephrasing.chat_request import Answer, ChatRequest
from data.augmentation.rephrasing.example_rewriter import ExampleRewriter
from data.augmentation.rephrasing.prompts import prompts_of
from data.errors import UserError
from data.synthetic.corpus import write_corpus
from search.analysis.seed_groups import StudyOfSeeds
from search.recorded.study import create_or_load
from search.samplers.registry import make_sampler
from search.space.feasibility import try_space
from search.space.parsing import read_space
from search.space.paths import differing_paths, get_value
from search.space.random_draws import RandomDraws
from search.storage.optuna_internals import ask, next_number
from search.study.file import load_study
from search.study.first_trials import DEFAULT
from search.study.lookup import list_studies
from search.study.presets import list_presets
from search.study.spec import StudySpec
from search.trials.record import CONFIG, ROLE

PRESETS = ("baseline", "single-task", "cooking", "build-extend", "siamese", "contrastive", "multi-extended")

COMPARISON = """\
tasks = ["sst", "para", "sts"]
seeds = [3, 4]

[base.optim]
learning_rate = 3e-5

[override.budget]
epochs = 4

[variants.plain]

[variants.cooked]
preset = "cooking"

[variants.own]
preset = "mine"
heads.sst.layers = 2
"""

MINE = """\
description = "mine"
meant_for = ["sst"]

[heads.sst]
layers = 3
hidden_size = 7

[budget]
epochs = 9
"""


def load(folder: Path, text: str, **options: object) -> StudySpec:
    presets = folder / "studies" / "presets"
    presets.mkdir(parents=True, exist_ok=True)
    (presets / "mine.toml").write_text(MINE)
    path = folder / "study.toml"
    path.write_text(text)
    return load_study(path, studies_dir=folder / "studies", answers_dir=folder / "answers", **options)  # type: ignore[arg-type]


def message(folder: Path, text: str) -> str:
    with pytest.raises(UserError) as caught:
        load(folder, text)
    return str(caught.value).replace(f"{folder}{os.sep}", "")


def run_of(spec: StudySpec, params: dict[str, object]) -> RunConfig:
    draws = RandomDraws(np.random.default_rng(0), params)
    config = spec.space.suggest(draws, spec.base)
    assert draws.params == params, "nothing but the given parameters is asked for"
    return config


def test_who_has_the_last_word(tmp_path: Path) -> None:
    """The base, then the preset, then the override, then the variant's own line."""
    spec = load(tmp_path, COMPARISON)
    plain, cooked, own = (run_of(spec, {"variant": name, "seed": 3}) for name in ("plain", "cooked", "own"))
    assert plain == spec.base
    assert [run.optim.learning_rate for run in (plain, cooked, own)] == [3e-5, 1e-5, 3e-5]
    assert [run.budget.epochs for run in (plain, cooked, own)] == [4, 4, 4]
    assert [run.heads["sst"].layers for run in (plain, cooked, own)] == [1, 1, 2]
    assert own.heads["sst"].hidden_size == 7
    assert cooked.sampler.order == "shuffled"
    assert run_of(spec, {"variant": "own", "seed": 4}) == own.model_copy(update={"seed": 4})


def test_every_variant_with_every_seed_in_order(tmp_path: Path) -> None:
    spec = load(tmp_path, COMPARISON)
    assert spec.trials == 6
    assert (spec.sampler.name, spec.pruner.name) == ("grid", "none")
    assert [trial.params for trial in spec.first_trials] == [
        {"variant": name, "seed": seed} for seed in (3, 4) for name in ("plain", "cooked", "own")
    ]
    assert spec.first_trials[0].role == DEFAULT
    assert len({trial.role for trial in spec.first_trials}) == 6
    study = create_or_load(spec, optuna.storages.InMemoryStorage())
    found = []
    for _ in range(6):
        sampler = make_sampler(spec.sampler, spec.seed, next_number(study), spec.space)
        trial, config = ask(
            study, sampler, lambda trial: spec.space.suggest(trial, spec.base), lambda trial, config: (trial, config)
        )
        found.append(spec.space.chosen(config))
        study.tell(trial, 0.5)
    assert found == [trial.params for trial in spec.first_trials]
    assert [row.path for row in spec.summary().rows] == ["variant", "seed"]


def test_what_is_tried_out_knows_its_variant(tmp_path: Path) -> None:
    spec = load(tmp_path, COMPARISON)
    named = {run.key: run.config for run in try_space(spec.space, spec.base) if run.key[0] == "variants"}
    assert named == {
        ("variants", name): run_of(spec, {"variant": name, "seed": 3}) for name in ("plain", "cooked", "own")
    }


def test_one_seed_is_no_setting(tmp_path: Path) -> None:
    spec = load(tmp_path, COMPARISON.replace("seeds = [3, 4]", "seed = 5"))
    assert [dimension.path for dimension in spec.space.dimensions] == ["variant"]
    assert spec.trials == 3
    assert run_of(spec, {"variant": "own"}).seed == 5
    spec = load(tmp_path, COMPARISON.replace("seeds = [3, 4]", "base.seed = 6"))
    assert run_of(spec, {"variant": "own"}).seed == 6


def test_variants_are_compared_without_several_seeds_too(tmp_path: Path) -> None:
    spec = load(tmp_path, COMPARISON.replace("seeds = [3, 4]", ""))
    study = create_or_load(spec, optuna.storages.InMemoryStorage())
    for _ in range(3):
        sampler = make_sampler(spec.sampler, spec.seed, next_number(study), spec.space)
        trial, config = ask(
            study, sampler, lambda trial: spec.space.suggest(trial, spec.base), lambda trial, config: (trial, config)
        )
        trial.set_user_attr(CONFIG, config.canonical_json())
        study.tell(trial, 0.5)
    compared = StudyOfSeeds.read(study)
    assert compared is not None
    assert [one.settings for one in compared.configurations] == [
        {"variant": name} for name in ("plain", "cooked", "own")
    ]
    assert compared.default == 0


def test_a_stored_comparison_reads_back(tmp_path: Path) -> None:
    spec = load(tmp_path, COMPARISON)
    stored = json.loads(json.dumps(spec.identity()))
    space = read_space(stored["space"], spec.base)
    assert space == spec.space
    assert space.chosen(run_of(spec, {"variant": "own", "seed": 4})) == {"variant": "own", "seed": 4}
    assert spec.difference(stored) == []
    other = load(tmp_path, COMPARISON.replace("layers = 2", "layers = 4"))
    assert other.difference(stored) == ["space: variant: own: heads.sst.layers was 2, is now 4"]


def test_queued_trials_survive_a_kill(tmp_path: Path) -> None:
    """A driver killed while it queues leaves some of them; the next one adds the others, each once."""
    spec = load(tmp_path, COMPARISON)
    for queued in range(7):
        storage = optuna.storages.InMemoryStorage()
        study = create_or_load(spec, storage)
        left = optuna.create_study(storage=storage, study_name="left", direction="maximize")
        for key, value in study.user_attrs.items():
            left.set_user_attr(key, value)
        for first in spec.first_trials[:queued]:
            left.enqueue_trial(first.params, user_attrs={ROLE: first.role})
        optuna.delete_study(study_name=spec.name, storage=storage)
        storage.create_new_study(directions=[optuna.study.StudyDirection.MAXIMIZE], study_name=spec.name)
        taken_up = optuna.load_study(study_name=spec.name, storage=storage)
        for key, value in left.user_attrs.items():
            taken_up.set_user_attr(key, value)
        for trial in left.get_trials():
            taken_up.add_trial(trial)
        roles = [trial.user_attrs[ROLE] for trial in create_or_load(spec, storage).get_trials()]
        assert roles == [first.role for first in spec.first_trials]


def test_fewer_trials_queue_no_more(tmp_path: Path) -> None:
    storage = optuna.storages.InMemoryStorage()
    assert len(create_or_load(load(tmp_path, COMPARISON, trials=2), storage).get_trials()) == 2
    assert len(create_or_load(load(tmp_path, COMPARISON), storage).get_trials()) == 6


ONE_TASK = 'tasks = ["sst"]\n'
RATES = '[space]\n"optim.learning_rate" = [1e-5, 1e-4]\n'


def changed(old: str, new: str) -> str:
    assert old in COMPARISON
    return COMPARISON.replace(old, new)


MISTAKES = [
    (COMPARISON + RATES, "study.toml:18: space: does not go with [variants]"),
    ('sampler = "tpe"\n' + COMPARISON, "study.toml:1: sampler: does not go with [variants]"),
    (changed('"cooking"', '"coking"'), "study.toml:12: variants.cooked: no preset 'coking'; did you mean 'cooking'?"),
    (changed("layers = 2", "layer = 2"), "variants.own.heads.sst.layer: no such setting of a run"),
    (changed("layers = 2", "layers = 99"), "study.toml:17: variants.own.heads.sst.layers: must be at most 16"),
    (COMPARISON + "eval.batch_size = 3\n", "own: has eval.batch_size = 3, and 'plain' has 64: it cannot differ, all"),
    (COMPARISON + "[variants.twin]\n", "variants.twin: is the same run as 'plain'"),
    (changed("seeds = [3, 4]", "seeds = [3, 4]\nbase.seed = 6"), "study.toml:3: base.seed: does not go with seeds"),
    (COMPARISON + "seed = 1\n", "variants.own.seed: is the same for all variants"),
    (changed("seeds = [3, 4]", "seeds = [3, 3]"), "study.toml:2: seeds: must be different"),
    (changed(', "para", "sts"', ""), "preset 'cooking' is for sst, para, sts, and the study has no task 'para'"),
    ("trials = 7\n" + COMPARISON, "study.toml:1: trials: there are 6 runs to compare, and 7 trials would repeat some"),
    (ONE_TASK + "[variants.one]\n", "variants: compares at least two runs"),
    (ONE_TASK + "seeds = [1, 2]\n" + RATES, "study.toml:2: seeds: is for [variants]"),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES)
def test_mistakes(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in message(tmp_path, text)


def test_a_mistake_in_a_preset_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "studies" / "presets").mkdir(parents=True)
    (tmp_path / "studies" / "presets" / "broken.toml").write_text("[heads.sst]\nlayers = 0\n")
    text = ONE_TASK + 'preset = "broken"\n' + RATES
    assert message(tmp_path, text) == "studies/presets/broken.toml:2: heads.sst.layers: must be at least 1, got 0"


def test_presets_lie_beside_the_study_too(tmp_path: Path) -> None:
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "near.toml").write_text("[heads.sst]\nlayers = 5\n")
    assert load(tmp_path, ONE_TASK + 'preset = "near"\n' + RATES).base.heads["sst"].layers == 5


def test_the_users_preset_goes_before_that_of_the_package(tmp_path: Path) -> None:
    """In a study that comes with the package too, beside which the package's presets lie."""
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "baseline.toml").write_text("[heads.sst]\nlayers = 6\n")
    assert load_study("papers", studies_dir=tmp_path).base.heads["sst"].layers == 6


def test_a_search_starts_from_a_preset(tmp_path: Path) -> None:
    text = ONE_TASK + 'preset = "mine"\n[base.heads.sst]\nlayers = 2\n' + RATES
    head = load(tmp_path, text).base.heads["sst"]
    assert (head.layers, head.hidden_size) == (2, 7)


SEARCH = """\
tasks = ["sst", "para", "sts"]

[first.mine]
preset = "mine"

[first.deep]
heads.sst.layers = 4

[base.budget]
epochs = 9

[space]
"heads.sst.layers" = { low = 1, high = 3 }
"heads.sst.hidden_size" = { choices = ["none", 7], when = { "heads.sst.layers" = { above = 1 } } }
"augmentation.para.extra.fraction" = { low = 0.0, high = 1.0, step = 0.5, needs = "more.csv" }
"""


def test_trials_to_begin_with(tmp_path: Path) -> None:
    spec = load(tmp_path, SEARCH)
    assert [(trial.role, trial.params) for trial in spec.first_trials] == [
        ("default", {"heads.sst.layers": 1}),
        ("first mine", {"heads.sst.layers": 3, "heads.sst.hidden_size": 7}),
    ]
    assert spec.notes == (
        "augmentation.para.extra.fraction is not searched: there is no file 'data/more.csv'",
        "no trial of 'deep': heads.sst.layers = 4 lies outside 1 .. 3",
    )
    without = load(tmp_path, SEARCH.replace("epochs = 9", "epochs = 8"))
    assert without.notes[1] == "no trial of 'mine': budget.epochs = 9 is not searched, and is 8 in the space"


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
        f"{fraction} is not searched: augmentation.sst.rephrased: of 20 sentences 20 have not been"
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


@pytest.fixture
def everything(tmp_path: Path) -> StudySpec:
    """The packaged ``full`` study where all that it needs is there."""
    for name in ("mnli.csv", "para-extra.csv", "sst-train-trees.txt"):
        (tmp_path / name).touch()
    return load_study("full", data=tmp_path, answers_dir=None, studies_dir=tmp_path)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_goes_through_the_full_space_unchanged(everything: StudySpec, name: str, tmp_path: Path) -> None:
    """Encoded into the space and applied again, the same run comes back: in every setting, the inactive ones too."""
    study = (
        'tasks = ["sst", "para", "sts"]\nseeds = [0]\n'
        f'[variants.one]\npreset = "{name}"\n[variants.two]\npreset = "{name}"\noptim.accumulate = 7\n'
    )
    alone = load(tmp_path, study).base
    (params,) = (trial.params for trial in everything.first_trials if trial.role == f"first {name}")
    there = run_of(everything, params)
    assert everything.notes == ()
    assert RunConfig.model_validate_json(there.canonical_json()) == there
    # What the preset sets holds in the space, whatever the base has.
    plain = RunConfig.model_validate({"tasks": {task: {"spec": alone.tasks[task].spec} for task in alone.tasks}})
    said = [path for path in differing_paths([alone, plain]) if not path.startswith("compute.")]
    assert len(said) > 5
    for path in said:
        assert get_value(there, path) == get_value(alone, path), path


@pytest.mark.parametrize("name", PRESETS)
def test_presets_say_what_a_system_is(name: str) -> None:
    """A base must not shine through where a report's system has a setting of its own."""
    text = list_presets()[name].read_text()
    for setting in (
        "encoders",
        "rank",
        "learning_rate",
        "schedule",
        "clip_norm",
        "order",
        "batch_size",
        "epochs",
        "rule",
    ):
        assert f"\n{setting} = " in text, setting
    assert text.count("pooling = ") >= 3
    assert text.count("\npair = ") == 2
    assert text.count("dropout = ") >= 3
    assert "\noutput = " in text


def test_the_packaged_comparison_of_the_reports() -> None:
    spec = load_study("papers", data="/nowhere")
    assert spec.summary().rows[0].values == ", ".join(["baseline", *PRESETS[1:]])
    assert spec.trials == 14
    assert {"papers", "full"} <= set(list_studies())
