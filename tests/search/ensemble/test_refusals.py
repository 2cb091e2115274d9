"""What the command does not do: one line that says why and what to do instead."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "which trials? --trials 3,7,9, --of TASK=3,7, --greedy N to select them, or --soup greedy"),
        ({"trials": "0,x"}, "--trials 0,x: write numbers of trials with commas between, such as 3,7,9"),
        ({"trials": "-1"}, "--trials -1: write numbers of trials"),
        ({"trials": ""}, "--trials : write numbers of trials"),
        ({"trials": "9"}, "no trial 9: study 'tiny' has trials 0 to 3"),
        ({"of": ["sst"]}, "--of sst: write a task and its trials, such as --of para=3,7"),
        ({"of": ["sst=1;2"]}, "--of sst 1;2: write numbers of trials"),
        ({"of": ["stst=1"]}, "--of stst=1: the study has the tasks para, sst, sts; did you mean 'sts'?"),
        ({"of": ["sst=0", "sst=1"]}, "--of sst=1: task 'sst' is named twice; write all its trials in one --of"),
        ({"greedy": 3, "of": ["sst=0"]}, "--greedy selects the members, --of names them: give one of the two"),
        ({"greedy": 3, "trials": "1,1"}, "--trials 1,1: name at least two trials to select from, each once"),
        ({"soup": "greedy", "trials": "1"}, "--trials 1: name at least two trials"),
        ({"trials": "0", "each_task": True}, "need --greedy N"),
        ({"trials": "0", "bags": 2}, "need --greedy N"),
        ({"soup": "uniform", "of": ["sst=0"]}, "--of is for averaged predictions"),
        ({"soup": "greedy", "greedy": 2}, "--greedy is for averaged predictions"),
        ({"soup": "greedy", "dev_only": True}, "needs the trials' models, so --dev-only does not go with it"),
        ({"trials": "0", "study": "tny"}, "no such study"),
        ({"trials": "0", "data": Path("/nowhere")}, "no data folder '/nowhere'"),
    ],
)
def test_options_that_make_no_ensemble(refused: Any, options: dict[str, Any], message: str) -> None:
    assert message in refused(**options)


def test_a_soup_of_a_trial_without_its_model(refused: Any, trials: Any) -> None:
    message = refused(soup="uniform", trials=f"{trials.with_model[0]},{trials.without_model}")
    assert "the model is gone; studies keep the models of their best trials only (keep_models)" in message


@pytest.fixture
def copied(trials: Any, tmp_path: Path) -> Any:
    """Return the tiny study in a folder of its own."""
    shutil.copytree(trials.runs, tmp_path / "runs")
    return type(trials)(tmp_path / "runs")


def test_too_few_models_to_select_from(refused: Any, copied: Any, make: Any) -> None:
    for number in copied.with_model[1:]:
        copied.folder(number).best_model.unlink()
    message = refused(greedy=2, runs_dir=copied.runs)
    assert "study 'tiny' has 4 scored trial(s), 1 of them still have a model (keep_models" in message
    assert make(greedy=2, dev_only=True, runs_dir=copied.runs).record["candidates"] == 4


def test_data_that_has_changed(refused: Any, copied: Any, make: Any, tmp_path: Path) -> None:
    """Stored predictions would be scored by the labels of other sentences."""
    data = tmp_path / "data"
    shutil.copytree(copied.runs / "tiny" / "corpus", data)
    assert make(trials="0", dev_only=True, data=data).record["dev"]["overall"] == copied.overall(0)
    dev = data / "ids-sst-dev.csv"
    header, first, *rest = dev.read_text().splitlines()
    dev.write_text("\n".join([header, *rest, first]) + "\n")
    assert "the data files have changed since study 'tiny' began" in refused(trials="0", dev_only=True, data=data)


@pytest.mark.filterwarnings("ignore:.* without checksums")
def test_folders_and_files_that_are_missing(refused: Any, copied: Any) -> None:
    best, second = copied.with_model[:2]
    rung = copied.record(best).result.best_rung
    copied.folder(best).predictions("sts", rung).write_bytes(b"\x93NUMPY")
    assert "the file is damaged or was changed" in refused(trials=str(best), runs_dir=copied.runs)
    copied.folder(best).checksums.path.unlink()
    message = refused(trials=str(best), runs_dir=copied.runs)
    assert f"sts-dev-{rung}.npy' with trial {best}'s dev predictions cannot be read" in message
    shutil.rmtree(copied.folder(second).path)
    for dev_only in (False, True):
        message = refused(trials=str(second), dev_only=dev_only, runs_dir=copied.runs)
        assert "the trial's folder is not there; --runs-dir says where to look" in message


def test_from_the_command_line(
    trials: Any, run_command: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    where = ("--study", "tiny", "--runs-dir", trials.runs, "--out", tmp_path / "out")
    done = run_command("search.ensemble", *where, "--trials", "7")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: no trial 7: study 'tiny' has trials 0 to 3\n"
    assert not (tmp_path / "out").exists()
