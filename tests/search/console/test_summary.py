"""The summary of a study: counts, the best trial next to the default, and the commands to run next."""

from __future__ import annotations

import sys
from pathlib import Path

import optuna
import pytest
from inline_study import InlineStudy, comparing
from rich.console import Console
from stub_study import SPEC, changed

from search.console.summary import command_line, next_commands, show_summary
from search.recorded.ranking import best_trial
from search.study.spec import StudySpec
from search.trials.record import TrialRecord


def shown(study: optuna.Study, spec: StudySpec, root: Path) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        show_summary(console, study, spec, root, None)
    return captured.get()


def test_the_best_trial_is_compared_with_the_default_configuration(tmp_path: Path) -> None:
    done = InlineStudy(tmp_path, SPEC).run()
    best, default = best_trial(done.study), done.records[0]
    assert best is not None
    winner = TrialRecord.read(best)
    assert winner.result.overall is not None
    assert default.result.overall is not None
    lines = shown(done.study, done.spec, tmp_path).splitlines()
    assert lines[0] == "study stub: 6 finished"
    assert any(line.startswith(f"best: trial {best.number}, by its overall score on dev") for line in lines)
    (overall,) = (line.split() for line in lines if line.startswith("overall "))
    gain = winner.result.overall - default.result.overall
    assert overall[1:4] == [f"{winner.result.overall:.4f}", f"{default.result.overall:.4f}", f"{gain:+.4f}"]
    (files,) = (line for line in lines if line.startswith("files: "))
    assert files.endswith(str(done.folders.path(best.number)))
    assert [line.split("search.")[-1].split()[0] for line in lines[-4:]] == [
        "dashboard",
        "report",
        "finalists",
        "export",
    ]


def test_a_comparison_of_variants_needs_no_finalists(tmp_path: Path) -> None:
    done = InlineStudy(tmp_path, comparing()).run()
    assert "finalists --study" not in shown(done.study, done.spec, tmp_path)


def test_where_every_trial_failed(tmp_path: Path) -> None:
    done = InlineStudy(tmp_path, changed(trials=2), failing=frozenset({0, 1})).run()
    assert shown(done.study, done.spec, tmp_path) == (
        "study stub: 2 failed\nno trial finished; each failed trial's folder has an error.txt\n"
    )


def test_a_command_is_typed_as_the_running_program_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("shutil.which", {"python": "/usr/bin/python", "onebert": "/usr/bin/onebert"}.get)
    monkeypatch.setattr(sys, "argv", ["/x/search/run/__main__.py"])
    monkeypatch.setattr(sys, "executable", "/usr/bin/python")
    assert command_line("report --study a") == "python -m search.report --study a"
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv/bin/python"))
    assert command_line("report") == ".venv/bin/python -m search.report"
    monkeypatch.setattr(sys, "argv", ["/usr/bin/onebert"])
    assert command_line("report") == "onebert report"
    monkeypatch.setattr(sys, "argv", ["/opt/bin/onebert"])  # not the one that a shell finds
    assert command_line("report") == "/opt/bin/onebert report"
    (line,) = next_commands(Path("other"), "sqlite:///x.db", "report")
    assert line == "/opt/bin/onebert report --runs-dir other --storage 'sqlite:///x.db'"
