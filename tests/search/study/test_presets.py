"""Presets: where they are found, what they may contain, and those of the package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config import RunConfig
from search.space.paths import differing_paths, get_value
from search.space.random_draws import RandomDraws
from search.study.file import load_study
from search.study.presets import list_presets, merged
from search.study.spec import StudySpec
from tests.search.study.comparison_texts import ONE_TASK, PRESETS, RATES, load, message, run_of


@pytest.mark.parametrize(
    ("below", "above", "expected"),
    [
        ({"passes": 3, "passes_over": "smallest", "epochs": 2}, {"examples": 70}, {"epochs": 2, "examples": 70}),
        ({"examples": 70, "epochs": 2}, {"passes": 3}, {"epochs": 2, "passes": 3}),
        ({"passes": 3}, {"passes_over": "smallest"}, {"passes": 3, "passes_over": "smallest"}),
        ({"mlm": {"examples": 70, "tasks": "sst"}}, {"mlm": {"passes": 1}}, {"mlm": {"tasks": "sst", "passes": 1}}),
        (
            {"passes": {"layers": 2}},
            {"examples": {"layers": 1}},
            {"passes": {"layers": 2}, "examples": {"layers": 1}},
        ),  # heads of tasks of these names
    ],
)
def test_the_later_length_counts_whatever_its_unit(
    below: dict[str, Any], above: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert merged(below, above) == expected


def test_a_mistake_in_a_preset_is_reported_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "studies" / "presets").mkdir(parents=True)
    (tmp_path / "studies" / "presets" / "broken.toml").write_text("[heads.sst]\nlayers = 0\n")
    text = ONE_TASK + 'preset = "broken"\n' + RATES
    assert message(tmp_path, text) == "studies/presets/broken.toml:2: heads.sst.layers: must be at least 1, got 0"


def test_presets_may_be_next_to_the_study(tmp_path: Path) -> None:
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "near.toml").write_text("[heads.sst]\nlayers = 5\n")
    assert load(tmp_path, ONE_TASK + 'preset = "near"\n' + RATES).base.heads["sst"].layers == 5


def test_the_users_preset_goes_before_that_of_the_package(tmp_path: Path) -> None:
    """Packaged studies use them too; the package's presets are next to them."""
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "baseline.toml").write_text("[heads.sst]\nlayers = 6\n")
    assert load_study("papers", studies_dir=tmp_path).base.heads["sst"].layers == 6


def test_a_search_starts_from_a_preset(tmp_path: Path) -> None:
    text = ONE_TASK + 'preset = "mine"\n[base.heads.sst]\nlayers = 2\n' + RATES
    head = load(tmp_path, text).base.heads["sst"]
    assert (head.layers, head.hidden_size) == (2, 7)


@pytest.fixture
def everything(tmp_path: Path) -> StudySpec:
    """Return the packaged ``full`` study where all that it needs is there."""
    for name in ("mnli.csv", "para-extra.csv", "sst-train-trees.txt"):
        (tmp_path / name).touch()
    return load_study("full", data=tmp_path, answers_dir=None, studies_dir=tmp_path)


OTHERWISE_IN_FULL = {
    **{name: {"budget.examples"} for name in PRESETS},
    "baseline": {"budget.examples", "heads.sts.combine"},
    "baseline-trained": {"budget.examples", "tasks.sts.score_weight", "heads.sts.combine"},
    "contrastive": {"budget.examples", "tasks.sts.score_weight"},
}
"""Settings that the study overrides for all trials, and sts' vectors, which its space combines in one way."""


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
    assert there.budget.examples == everything.base.budget.examples, "all trials are equally long"
    for path in set(said) - OTHERWISE_IN_FULL[name]:
        assert get_value(there, path) == get_value(alone, path), path


def test_every_draw_from_the_full_space_is_a_run(everything: StudySpec) -> None:
    for seed in range(2000):
        everything.space.suggest(RandomDraws(np.random.default_rng(seed), {}), everything.base)


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
