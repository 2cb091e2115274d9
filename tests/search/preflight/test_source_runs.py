"""What a study's trials read and ask, known before it starts: nothing is missing, and nothing is asked for no trial."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config.augmentation import RephrasedConfig
from search.parsing.errors import StudyFileError
from search.preflight.source_runs import SourceRun, source_runs
from search.space.random_draws import RandomDraws
from search.study.file import load_study
from search.study.spec import StudySpec

HERE = "augmentation.sst"


def study(folder: Path, space: str, base: str = "") -> StudySpec:
    path = folder / "study.toml"
    path.write_text(f'tasks = ["sst", "para"]\n{base}\n[space]\n"optim.learning_rate" = [1e-4, 1e-3]\n{space}\n')
    return load_study(path)


def runs(spec: StudySpec, source: str) -> list[SourceRun]:
    return [run for run in source_runs(spec.space, spec.base) if run.source == source]


def asked(settings: RephrasedConfig) -> tuple[Any, ...]:
    """Return everything that a model is asked, except for how many examples."""
    return tuple(settings.model_dump(exclude={"fraction"}).values())


def test_a_study_without_sources_has_none(tmp_path: Path) -> None:
    assert source_runs(study(tmp_path, "").space, study(tmp_path, "").base) == []


def test_whatever_a_trial_draws_was_asked_before(tmp_path: Path) -> None:
    """With as large a share, too; and everything that was asked is drawn by some trial."""
    spec = study(
        tmp_path,
        f"""
"{HERE}.rephrased.fraction" = {{ low = 0.0, high = 0.8 }}
"{HERE}.rephrased.model" = ["small", "large"]
"{HERE}.rephrased.tries" = {{ low = 1, high = 4 }}
"{HERE}.rephrased.swap" = {{ choices = [0.0, 1.0], when = {{ "{HERE}.rephrased.model" = "large" }} }}
"{HERE}.rephrased.pivot" = {{ value = "French", when = {{ "sampler.alpha" = {{ above = 0.4, below = 0.6 }} }} }}
"sampler.alpha" = {{ low = 0.0, high = 1.0, when = {{ "optim.learning_rate" = 1e-3 }} }}
"tasks.sst.train_limit" = [100, 200]
""",
        base="[base.optim]\nlearning_rate = 1e-4",
    )
    found = runs(spec, "rephrased")
    share: dict[tuple[Any, ...], float] = {}
    for run in found:
        settings = run.config.augmentation["sst"].rephrased
        key = (*asked(settings), run.config.tasks["sst"].train_limit)
        share[key] = max(share.get(key, 0.0), settings.fraction)
    assert len(share) == 4 * (1 + 2) * 2 * 2  # tries; small, large with and without swap; pivots; limits
    drawn = set()
    for seed in range(1500):
        config = spec.space.suggest(RandomDraws(np.random.default_rng(seed)), spec.base)
        settings = config.augmentation["sst"].rephrased
        key = (*asked(settings), config.tasks["sst"].train_limit)
        drawn.add(key)
        assert settings.fraction <= share[key]
    assert drawn == set(share)
    assert all(run.searched and run.only for run in found)


def test_a_share_is_looked_at_from_both_ends(tmp_path: Path) -> None:
    """Few sentences may lack a larger part of their answers than many do."""
    spec = study(
        tmp_path,
        f'"{HERE}.rephrased.fraction" = {{ low = 0.1, high = 0.8 }}',
        f'[base.{HERE}.rephrased]\nmodel = "m"',
    )
    assert [run.config.augmentation["sst"].rephrased.fraction for run in runs(spec, "rephrased")] == [0.1, 0.8]


@pytest.mark.parametrize("setting", ["lowest_temperature", "shortest"])
def test_a_model_cannot_be_asked_for_all_of_a_range(setting: str, tmp_path: Path) -> None:
    spec = study(tmp_path, f'"{HERE}.rephrased.{setting}" = {{ low = 0.1, high = 0.2 }}')
    with pytest.raises(StudyFileError, match="give choices instead of a range") as caught:
        source_runs(spec.space, spec.base)
    assert caught.value.key == ("space", f"{HERE}.rephrased.{setting}")


def test_too_many_jobs_are_refused(tmp_path: Path) -> None:
    space = f'"{HERE}.rephrased.tries" = {{ low = 1, high = 5 }}\n"{HERE}.rephrased.seed" = {{ low = 1, high = 401 }}'
    spec = study(tmp_path, space)
    with pytest.raises(StudyFileError, match="2,005 combinations") as caught:
        source_runs(spec.space, spec.base)
    assert caught.value.key == ("space", f"{HERE}.rephrased.seed")


def test_every_file_is_read_once_where_it_gives_most(tmp_path: Path) -> None:
    spec = study(
        tmp_path,
        f"""
"{HERE}.phrases.fraction" = {{ low = 0.0, high = 0.5 }}
"{HERE}.phrases.path" = {{ choices = ["a", "b"], when = {{ "{HERE}.phrases.fraction" = {{ above = 0 }} }} }}
"{HERE}.phrases.min_words" = {{ low = 2, high = 5 }}
"{HERE}.phrases.drop_neutral" = [true, false]
"augmentation.para.extra.path" = {{ value = "c", when = {{ "optim.learning_rate" = 1e-4 }} }}
"augmentation.para.extra.fraction" = {{ choices = [0.0, 1.0], when = {{ "optim.learning_rate" = 1e-4 }} }}
""",
        base=f'[base.{HERE}.phrases]\npath = "a"',
    )
    phrases = [run.config.augmentation["sst"].phrases for run in runs(spec, "phrases")]
    assert [(each.path, each.fraction, each.min_words, each.drop_neutral) for each in phrases] == [
        (path, 0.5, 2, False) for path in ("a", "b")
    ]
    assert {run.key for run in runs(spec, "phrases")} == {("space", f"{HERE}.phrases.path", "choices")}
    (extra,) = runs(spec, "extra")
    assert (extra.task, extra.config.augmentation["para"].extra.path) == ("para", "c")
    assert extra.key == ("space", "augmentation.para.extra.path", "value")


def test_a_run_has_one_source_and_knows_of_the_others(tmp_path: Path) -> None:
    base = f'[base.{HERE}.eda]\nfraction = 1.0\n[base.{HERE}.extra]\nfraction = 0.5\npath = "a"'
    spec = study(tmp_path, f'"{HERE}.eda.alpha" = {{ low = 0.1, high = 0.9 }}', base)
    found = source_runs(spec.space, spec.base)
    assert [(run.source, run.only, run.searched) for run in found] == [("extra", False, False), ("eda", False, False)]
    for run in found:
        assert list(run.config.augmentation["sst"].sources) == [run.source]
    assert [run.key[0] for run in found] == ["base", "base"]


def test_what_no_trial_combines_is_not_asked(tmp_path: Path) -> None:
    """Of these temperatures only one is ever another than the base's."""
    base = f'[base.{HERE}.rephrased]\nmodel = "m"\nfraction = 1.0\nlowest_temperature = 0.1\nhighest_temperature = 0.9'
    temperatures = {
        setting: f'"{HERE}.rephrased.{setting}" = {{ choices = {values}, when = {{ "sampler.alpha" = {alpha} }} }}'
        for setting, values, alpha in (
            ("lowest_temperature", [0.1, 0.8], 0.0),
            ("highest_temperature", [0.5, 0.9], 1.0),
        )
    }
    spec = study(tmp_path, "\n".join([*temperatures.values(), '"sampler.alpha" = [0.0, 0.5, 1.0]']), base)
    found = [run.config.augmentation["sst"].rephrased for run in runs(spec, "rephrased")]
    pairs = {(each.lowest_temperature, each.highest_temperature) for each in found}
    assert pairs == {(0.1, 0.9), (0.8, 0.9), (0.1, 0.5)}


def test_variants_that_differ_in_their_sources(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(
        """\
tasks = ["sst"]
seeds = [0, 1]
[variants.plain]
[variants.asked]
augmentation.sst.rephrased = { model = "m", fraction = 0.5 }
[variants.copied]
augmentation.sst.eda.fraction = 1.0
"""
    )
    spec = load_study(path)
    found = source_runs(spec.space, spec.base)
    assert [(run.source, run.key, run.only) for run in found] == [
        ("eda", ("variants", "copied", "augmentation", "sst", "eda", "fraction"), True),
        ("rephrased", ("variants", "asked", "augmentation", "sst", "rephrased", "model"), True),
    ]


def test_no_model_among_the_choices_is_nothing_to_ask(tmp_path: Path) -> None:
    spec = study(
        tmp_path,
        f"""
"{HERE}.rephrased.model" = ["none", "m"]
"{HERE}.rephrased.fraction" = {{ value = 0.5, when = {{ "{HERE}.rephrased.model" = "m" }} }}
""",
    )
    assert [run.config.augmentation["sst"].rephrased.model for run in runs(spec, "rephrased")] == ["m"]
