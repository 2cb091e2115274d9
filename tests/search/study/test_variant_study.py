"""Studies that compare ready configurations: [variants] and seeds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from memory_storage import MemoryStorage

from search.analysis.seed_comparison import StudyOfSeeds
from search.pruners.registry import UntilLastRung
from search.recorded.study import create_or_load
from search.samplers.registry import make_sampler
from search.space.feasibility import try_space
from search.space.parsing import read_space
from search.storage.optuna_internals import ask, next_number
from search.study.first_trials import DEFAULT
from search.trials.record import CONFIG
from tests.search.study.comparison_texts import COMPARISON, ONE_TASK, RATES, load, message, run_of


def test_every_variant_with_every_seed_in_order(tmp_path: Path) -> None:
    spec = load(tmp_path, COMPARISON)
    assert spec.trials == 6
    assert (spec.sampler.name, spec.pruner.name) == ("grid", "none")
    assert [trial.params for trial in spec.first_trials] == [
        {"variant": name, "seed": seed} for seed in (3, 4) for name in ("plain", "cooked", "own")
    ]
    assert spec.first_trials[0].role == DEFAULT
    assert len({trial.role for trial in spec.first_trials}) == 6
    study = create_or_load(spec, MemoryStorage())
    found = []
    for _ in range(6):
        sampler = make_sampler(spec.sampler, spec.seed, next_number(study), spec.space)
        trial, config = ask(
            study, sampler, lambda trial: spec.space.suggest(trial, spec.base), lambda trial, config: (trial, config)
        )
        found.append(spec.space.chosen(config))
        study.tell(trial, 0.5)
    assert found == [trial.params for trial in spec.first_trials]
    assert [row.path for row in spec.space.describe()] == ["variant", "seed"]


def test_what_is_tried_out_knows_its_variant(tmp_path: Path) -> None:
    spec = load(tmp_path, COMPARISON)
    named = {run.key: run.config for run in try_space(spec.space, spec.base) if run.key[0] == "variants"}
    assert named == {
        ("variants", name): run_of(spec, {"variant": name, "seed": 3}) for name in ("plain", "cooked", "own")
    }


def test_a_single_seed_is_not_a_setting(tmp_path: Path) -> None:
    spec = load(tmp_path, COMPARISON.replace("seeds = [3, 4]", "seed = 5"))
    assert [dimension.path for dimension in spec.space.dimensions] == ["variant"]
    assert spec.trials == 3
    assert run_of(spec, {"variant": "own"}).seed == 5
    spec = load(tmp_path, COMPARISON.replace("seeds = [3, 4]", "base.seed = 6"))
    assert run_of(spec, {"variant": "own"}).seed == 6


def test_variants_are_compared_without_several_seeds_too(tmp_path: Path) -> None:
    spec = load(tmp_path, COMPARISON.replace("seeds = [3, 4]", ""))
    study = create_or_load(spec, MemoryStorage())
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


def test_every_variant_may_have_its_own_length_and_rungs(tmp_path: Path) -> None:
    spec = load(
        tmp_path,
        COMPARISON
        + "budget.examples = 900\neval.rungs = [0.5, 1.0]\n[variants.long]\nbudget = { passes = 2 }\n[synthetic]\n",
    )
    own, long = (run_of(spec, {"variant": name, "seed": 4}) for name in ("own", "long"))
    assert own.rungs == (450, 900)
    assert long.budget.examples == 2 * 3 * 4000
    assert spec.own_rungs["cooked"] == spec.base.rungs == (4000, 8000, 12_000, 16_000, 20_000)
    assert (spec.own_rungs["own"], spec.own_rungs["long"]) == (own.rungs, long.rungs)
    assert spec.planned_examples == (20_000, 20_000, 900, 24_000) * 2
    assert spec.longest_run == 24_000
    assert spec.lengths == {
        "long": "2 passes over the joint training set of 12,000 examples = 24,000 training examples"
    }
    stored = json.loads(json.dumps(spec.identity()))
    again = read_space(stored["space"], spec.base)
    assert again == spec.space
    assert {run_of(replace(spec, space=again), {"variant": "own", "seed": 3}).rungs} == {own.rungs}
    pruner = create_or_load(spec, MemoryStorage()).pruner
    assert isinstance(pruner, UntilLastRung)
    assert pruner.shares is not None


def test_variants_of_one_length_are_a_study_as_before(tmp_path: Path) -> None:
    spec = load(tmp_path, COMPARISON)
    assert spec.variants.keys() == {"plain", "cooked", "own"}
    assert (spec.own_rungs, spec.planned_examples, spec.longest_run) == ({}, (), 20_000)
    pruner = create_or_load(spec, MemoryStorage()).pruner
    assert isinstance(pruner, UntilLastRung)
    assert pruner.shares is None
    assert not any(
        "budget.examples" in settings for settings in spec.identity()["space"]["variant"]["variants"].values()
    )


def changed(old: str, new: str) -> str:
    assert old in COMPARISON
    return COMPARISON.replace(old, new)


MISTAKES = [
    (COMPARISON + RATES, "study.toml:18: space: cannot be combined with [variants]"),
    ('sampler = "tpe"\n' + COMPARISON, "study.toml:1: sampler: cannot be combined with [variants]"),
    (changed('"cooking"', '"coking"'), "study.toml:12: variants.cooked: no preset 'coking'; did you mean 'cooking'?"),
    (changed("layers = 2", "layer = 2"), "variants.own.heads.sst.layer: no such setting of a run"),
    (changed("layers = 2", "layers = 99"), "study.toml:17: variants.own.heads.sst.layers: must be at most 16"),
    (
        COMPARISON + "eval.batch_size = 3\n",
        "own: has eval.batch_size = 3, but 'plain' has 64; it must be the same in all variants: all",
    ),
    (COMPARISON + "[variants.twin]\n", "variants.twin: is the same run as 'plain'"),
    (
        changed("seeds = [3, 4]", "seeds = [3, 4]\nbase.seed = 6"),
        "study.toml:3: base.seed: cannot be combined with seeds",
    ),
    (COMPARISON + "seed = 1\n", "variants.own.seed: must be the same for all variants"),
    (changed("seeds = [3, 4]", "seeds = [3, 3]"), "study.toml:2: seeds: must be different"),
    (changed(', "para", "sts"', ""), "preset 'cooking' is for sst, para, sts, but the study has no task 'para'"),
    ("trials = 7\n" + COMPARISON, "study.toml:1: trials: there are only 6 runs to compare; 7 trials would repeat some"),
    (ONE_TASK + "[variants.one]\n", "variants: must give at least two runs to compare"),
    (ONE_TASK + "seeds = [1, 2]\n" + RATES, "study.toml:2: seeds: is for [variants]"),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES)
def test_mistakes(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in message(tmp_path, text)
