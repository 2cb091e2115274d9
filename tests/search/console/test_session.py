"""A start that is refused is refused before data are read: the data folder of these tests has no files."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState, create_trial
from typer.testing import CliRunner

from search import run
from search.console.cli import make_app
from search.recorded.study import create_or_load
from search.storage.file_lease import file_lease
from search.storage.open import open_storage
from search.study.file import load_study

STUDY = """\
tasks = ["sst"]
[base.model]
encoder = "scratch"
scratch = { layers = 1 }
[space]
"optim.learning_rate" = { low = 1e-5, high = 1e-3, log = true }
"""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> optuna.Study:
    """Return a recorded study whose file has another space now."""
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    Path("mine.toml").write_text(STUDY)
    recorded = create_or_load(load_study("mine.toml"), open_storage(None, Path("runs")))
    Path("mine.toml").write_text(STUDY.replace("1e-3", "1e-2"))
    return recorded


def refusal(*options: str) -> str:
    done = CliRunner().invoke(make_app(run.main), ["--study", "mine.toml", "--quiet", *options])
    assert done.exit_code == 2, done.output
    return done.stderr


def test_other_settings(study: optuna.Study) -> None:
    study.add_trial(create_trial(value=0.5))
    assert refusal().startswith(
        "error: study 'mine' was started with other settings: space: optim.learning_rate: high "
    )
    assert "no train file" in refusal("--name", "new")


def test_a_study_that_is_running(study: optuna.Study) -> None:
    study.add_trial(create_trial(value=0.5))
    with file_lease(Path("runs/mine"), "mine"):
        for options in ((), ("--restart",)):
            assert refusal(*options).startswith("error: study 'mine' is already being run by process ")


@pytest.mark.parametrize(("state", "options"), [(TrialState.FAIL, ()), (TrialState.COMPLETE, ("--restart",))])
def test_bad_data_move_nothing_aside(study: optuna.Study, state: TrialState, options: tuple[str, ...]) -> None:
    """A restart, or a change without finished trials, waits until the data can be used."""
    study.add_trial(create_trial(state=state, value=0.5 if state == TrialState.COMPLETE else None))
    assert "no train file" in refusal(*options)
    assert optuna.get_all_study_names(open_storage(None, Path("runs"))) == ["mine"]
