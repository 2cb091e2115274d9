"""Help and simple mistakes are answered before anything slow is imported; a scenario of all commands."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from fresh_process import run_modules

from search.console.commands import COMMANDS

SLOW = {"torch", "sklearn", "scipy", "pandas", "plotly", "optuna", "optuna_dashboard", "sqlalchemy", "transformers"}

READERS = ("report", "export", "finalists", "ablate", "ensemble", "pareto")  # of a recorded study

MISSPELT = dict.fromkeys(("run", *READERS, "clean", "doctor", "augment", "audit"), ("--study", "quikstart"))
MISSPELT["compare"] = ("quikstart:0", "quikstart")
MISSPELT["score"] = ("--study", "quikstart", "--labels", ".")

MISSING = dict.fromkeys(READERS, ("--study", "x", "--runs-dir", "nowhere"))
MISSING["run"] = MISSING["augment"] = MISSING["audit"] = ("--study", "starter", "--data", "nowhere")
MISSING["compare"] = ("x:0", "x:1", "--runs-dir", "nowhere")
MISSING["dashboard"] = ("--runs-dir", "nowhere")
MISSING["predict"] = ("--model-dir", "nowhere", "--task", "sst")
MISSING["push"] = ("--model-dir", "nowhere", "--to", "me/mood")
MISSING["init"] = ("nowhere.csv",)
MISSING["score"] = ("--predictions", "nowhere", "--labels", ".")


def test_every_command_that_takes_a_study_or_folder_is_covered() -> None:
    # The dashboard, init and push take no study; the doctor examines the machine, whatever is missing; clean has
    # nothing to free where there is no folder.
    assert set(COMMANDS) - set(MISSPELT) == {"init", "predict", "push", "dashboard"}
    assert set(COMMANDS) - set(MISSING) == {"doctor", "clean"}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_and_simple_mistakes_import_nothing_slow(name: str, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    with sqlite3.connect(tmp_path / "runs" / "studies.db") as connection:
        connection.execute("CREATE TABLE studies (study_id INTEGER, study_name VARCHAR)")
        connection.execute("INSERT INTO studies VALUES (1, 'quickstart')")
    mistakes = [table[name] for table in (MISSPELT, MISSING) if name in table]
    module = f"search.{name}"
    (helped, *refused), modules = run_modules(
        (module, "--help"), *((module, *one) for one in mistakes), folder=tmp_path
    )
    assert helped.code == 0
    for ended in refused:
        assert ended.code == 2
        assert ended.out == ""
        assert ended.err.startswith("error: ")
        assert ended.err.count("\n") == 1
    if name in MISSPELT and name != "score":
        assert "quickstart" in refused[0].err
    assert not modules & SLOW
    assert not (tmp_path / "nowhere").exists()


def test_clean_without_a_runs_folder(tmp_path: Path) -> None:
    (ended,), modules = run_modules(("search.clean", "--runs-dir", "nowhere"), folder=tmp_path)
    assert (ended.code, ended.out) == (
        0,
        f"nothing to free: no study here: there is no 'nowhere/studies.db'; you are in '{tmp_path}'; "
        "run python -m search.run --study NAME\n",
    )
    assert not modules & SLOW


def test_a_wrong_setting_is_reported_without_torch(tmp_path: Path) -> None:
    text = 'tasks = ["sst"]\ntrials = 1\n[space]\n"optim.lerning_rate" = [1e-3]\n'
    (tmp_path / "mine.toml").write_text(text)
    (tmp_path / "data").mkdir()
    (wrong,), modules = run_modules(("search.run", "--study", "mine.toml"), folder=tmp_path)
    assert wrong.code == 2
    assert wrong.err.startswith("error: mine.toml:4: space")
    assert not modules & {"torch", "sklearn", "scipy", "pandas", "plotly", "optuna_dashboard"}


def test_a_missing_data_folder_of_the_study_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('tasks = ["sst"]\n[base]\ndata = { directory = "nowhere" }\n')
    lines = [("search.run", "--study", study) for study in ("starter", "mine.toml")]
    refused, modules = run_modules(*lines, folder=tmp_path)
    for ended, folder in zip(refused, ("data", "nowhere"), strict=True):
        assert ended.code == 2
        where = f"--data names the folder with the tasks' files; you are in '{tmp_path}'"
        assert ended.err == f"error: no data folder '{folder}'; {where}\n"
    assert not modules & SLOW


def test_listing_the_commands_imports_none(tmp_path: Path) -> None:
    _, modules = run_modules(("search",), ("search", "--help"), ("search", "--version"), folder=tmp_path)
    assert not modules & (SLOW | {"numpy"})


def test_the_process_of_a_study_needs_no_torch(tiny_study: str, tmp_path: Path) -> None:
    """It takes 180 MiB and more than a second; workers need it, and end with their own."""
    (tmp_path / "tiny.toml").write_text(tiny_study)
    (ended,), modules = run_modules(("search.run", "--study", "tiny.toml", "--trials", "1"), folder=tmp_path)
    assert ended.code == 0, ended.err
    assert (tmp_path / "runs" / "tiny" / "trial-0000").is_dir()
    assert "torch" not in modules
