"""Trials that a study begins with."""

from __future__ import annotations

from pathlib import Path

from tests.search.study.comparison_texts import SEARCH, load


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
    assert without.notes[1] == "no trial of 'mine': budget.epochs = 9 is not searched; it is 8 in all trials"
