"""What is printed and written of two trials, and trials that cannot be compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from inline_study import InlineStudy
from stub_study import changed

from data.errors import UserError
from search.analysis.trial_difference import Change, ChangedExample, ScoreDifference, TaskChanges, TrialDifference
from search.compare import terminal
from search.compare.terminal import difference_file, find_trial, show_difference

CLASSES = TaskChanges(
    (
        ChangedExample("7", ("is it good ?", "is it =fine ?"), "duplicate", "not duplicate", "duplicate", 0.8),
        ChangedExample("9", ("=1+1",), "duplicate", "duplicate", "not duplicate", -0.5),
    ),
    40,
    12,
    3,
    0.0352,
)
SCORES = (ChangedExample("3", ("one", "two"), "4.0", "1.0", "3.5", 2.5),)
FOUND = TrialDifference(
    "a:1",
    "b:2",
    (ScoreDifference("para", "accuracy", 0.75, 0.775, -0.01, 0.06), ScoreDifference("overall", "", 0.5, 0.4, -0.2, 0)),
    (Change("optim.learning_rate", 1e-5, 2e-5),),
    {"para": CLASSES, "sts": TaskChanges(SCORES, 30, 1, 0, None)},
)


def printed(found: TrialDifference, examples: int, capsys: pytest.CaptureFixture[str]) -> list[str]:
    show_difference(found, examples)
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(FOUND, 1, capsys)
    assert lines[0] == "A = a:1, B = b:2"
    assert "para accuracy 0.7500 0.7750 +0.0250 -0.0100 to +0.0600" in lines
    assert "overall 0.5000 0.4000 -0.1000 -0.2000 to +0.0000" in lines
    assert "optim.learning_rate 1e-05 2e-05" in lines
    assert (
        "para: 2 of 40 dev examples are predicted differently; B wins 12 and loses 3 (McNemar's exact test: p = 0.035)"
        in lines
    )
    assert "sts: 1 of 30 dev examples are predicted differently; B is closer to the gold score in 1, A in 0" in lines
    assert any(line.startswith("7 duplicate not duplicate duplicate +0.80") for line in lines)
    assert not any(line.startswith("9 ") for line in lines), "one example of each task is asked for"


def test_equal_settings_are_mentioned(capsys: pytest.CaptureFixture[str]) -> None:
    same = TrialDifference("a:1", "a:2", FOUND.scores, (), {"sst": TaskChanges((), 30, 0, 0, 1.0)})
    lines = printed(same, 3, capsys)
    assert "All settings are the same." in lines
    assert "sst: all 30 dev examples are predicted alike" in lines


def test_a_csv_file_has_all_changed_examples() -> None:
    assert difference_file(FOUND, ".csv").splitlines() == [
        "task,id,sentences,gold,a,b,gain",
        "para,7,is it good ? | is it =fine ?,duplicate,not duplicate,duplicate,0.8",
        "para,9,'=1+1,duplicate,duplicate,not duplicate,-0.5",  # no formula for a spreadsheet
        "sts,3,one | two,4.0,1.0,3.5,2.5",
    ]
    nothing = TrialDifference("a", "b", (), (), {})
    assert difference_file(nothing, ".csv") == "task,id,sentences,gold,a,b,gain\n"


def test_a_json_file_has_everything() -> None:
    found = json.loads(difference_file(FOUND, ".json"))
    assert (found["a"], found["b"]) == ("a:1", "b:2")
    assert found["scores"][0]["low"] == -0.01
    assert found["settings"] == [{"path": "optim.learning_rate", "a": 1e-5, "b": 2e-5}]
    assert found["changes"]["para"]["examples"][1]["sentences"] == ["=1+1"]


def test_a_trial_without_a_score_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = InlineStudy(tmp_path, changed(trials=2), failing=frozenset({1})).run()
    monkeypatch.setattr(terminal, "open_study", lambda *_: done.study)
    found = find_trial("stub", None, None, tmp_path)
    assert (found.label, found.record.number, found.folders.root) == ("stub:0", 0, tmp_path / "stub")
    done.study.ask()
    with pytest.raises(UserError, match=r"^trial stub:2 has no score to compare: it is running$"):
        find_trial("stub", 2, None, tmp_path)
    with pytest.raises(UserError, match="no trial 5: study 'stub' has trials 0 to 2"):
        find_trial("stub", 5, None, tmp_path)
