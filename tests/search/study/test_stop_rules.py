"""The table [stop] of study files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data.errors import UserError
from search.console.plan import budget_line
from search.study.file import load_study
from search.study.spec import StudySpec
from search.study.stop_rules import GainRule, StopRules

STUDY = """\
tasks = ["sst"]
base.budget.examples = 6000
pruner = "none"
[space]
"heads.sst.layers" = [1, 2]
[stop]
hours = 8
examples = 500_000
gain = 0.002
"""


def load(folder: Path, text: str = STUDY, **options: Any) -> StudySpec:
    (folder / "study.toml").write_text(text)
    return load_study(folder / "study.toml", **options)


def test_stop_of_a_study_file(tmp_path: Path) -> None:
    spec = load(tmp_path)
    assert spec.trials is None
    assert spec.stop == StopRules(hours=8.0, examples=500_000, gain=GainRule(below=0.002, min_trials=20))
    line = budget_line(spec)
    assert "budget: any number of trials of up to 6,000 training examples" in line
    limits = "after 8 h, after 500,000 training examples, or once doubling the cost gains less than 0.002"
    assert line.endswith(f"; no new trial {limits}")
    table = load(tmp_path, STUDY.replace("gain = 0.002", "gain = { below = 0.01, min_trials = 30 }"))
    assert table.stop.gain == GainRule(below=0.01, min_trials=30)
    none = load(tmp_path, STUDY[: STUDY.index("[stop]")])
    assert (none.trials, none.stop.is_empty) == (20, True)
    assert none.identity() == spec.identity()  # limits may change under a study
    assert load(tmp_path, "trials = 5\n" + STUDY).trials == 5


def test_options_go_before_the_file(tmp_path: Path) -> None:
    spec = load(tmp_path, hours=1.5, examples=10, trials=3)
    assert (spec.stop.hours, spec.stop.examples, spec.trials) == (1.5, 10, 3)
    assert load(tmp_path, STUDY[: STUDY.index("[stop]")], hours=2.0).trials is None
    for options, said in (({"hours": 0.0}, "hours must be above 0, got 0.0"), ({"examples": 0}, "at least 1, got 0")):
        with pytest.raises(UserError, match=said):
            load(tmp_path, **options)


def test_a_grid_and_a_comparison_have_their_own_end(tmp_path: Path) -> None:
    grid = load(tmp_path, 'sampler = "grid"\n' + STUDY)
    assert grid.trials == 3  # two points, and the base
    variants = STUDY.replace('[space]\n"heads.sst.layers" = [1, 2]', "[variants]\na = {}\nb = { heads.sst.layers = 2 }")
    assert load(tmp_path, variants.replace("gain = 0.002\n", "")).trials == 2
    with pytest.raises(UserError, match=r"study.toml:10: stop.gain: cannot be combined with \[variants\]"):
        load(tmp_path, variants)


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ("", "study.toml:6: stop: is empty; give hours, examples or gain"),
        ("hours = 0", "study.toml:7: stop.hours: must be above 0, got 0"),
        ('hours = "8"', "study.toml:7: stop.hours: must be a number, got '8'"),
        ("examples = 1.5", "study.toml:7: stop.examples: must be a whole number, got 1.5"),
        ("gain = -1", "study.toml:7: stop.gain.below: must be above 0, got -1"),
        ("gain = { min_trials = 3 }", "study.toml:7: stop.gain.below: is missing"),
        (
            "gain = true",
            "study.toml:7: stop.gain: must be a number, or a table { below = 0.002, min_trials = 20 }, got True",
        ),
        ("hour = 8", "study.toml:7: stop.hour: unknown key; did you mean 'hours'?"),
    ],
)
def test_mistakes_are_reported_with_their_line(tmp_path: Path, lines: str, error: str) -> None:
    with pytest.raises(UserError) as raised:
        load(tmp_path, STUDY[: STUDY.index("hours")] + lines + "\n")
    assert str(raised.value) == f"{tmp_path}/{error}"
