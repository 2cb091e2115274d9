"""Damaged and foreign files in a trial's folder: every command that reads them refuses, in one line that names them."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from core.run.run_folder import RunFolder
from search import run
from search.compare.__main__ import main as compare
from search.ensemble.__main__ import main as ensemble
from search.export.__main__ import main as export
from search.pareto.__main__ import main as pareto
from search.recorded.ranking import best_trial, open_study
from search.report.__main__ import main as report
from search.trials.folder_owner import OWNER
from search.trials.folders import TrialFolders
from search.trials.record import TrialRecord

Refused = Callable[..., str]
COPY = "restore it from a copy, or"


@pytest.fixture
def runs(finished_study: Any, tmp_path: Path) -> Path:
    """The tiny study in a folder of its own."""
    return Path(shutil.copytree(finished_study.runs, tmp_path / "runs"))


@pytest.fixture
def best(runs: Path) -> tuple[RunFolder, int]:
    """The folder of the study's best trial, and its best rung."""
    trial = best_trial(open_study("tiny", None, runs))
    assert trial is not None
    rung = TrialRecord.read(trial).result.best_rung
    assert rung is not None
    return TrialFolders(runs / "tiny").run(trial.number), rung


@pytest.fixture
def refused(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a command, which must end with exit code 2, one line, and nothing written; returns the line."""

    def run(command: Callable[..., None], **options: Any) -> str:
        with pytest.raises(typer.Exit) as ended:
            command(
                **({} if command is compare else {"study": "tiny", "out": tmp_path / "out"}), runs_dir=runs, **options
            )
        assert ended.value.exit_code == 2
        assert not (tmp_path / "out").exists()
        printed = capsys.readouterr()
        assert printed.err.startswith("error: ")
        assert printed.err.count("\n") == 1
        return printed.err

    return run


def flip_signs(path: Path, count: int, seed: int = 0) -> None:
    """Flip the sign bits of so many float32 numbers at the end of a file."""
    content = np.frombuffer(path.read_bytes(), dtype=np.uint8).copy()
    numbers = content[len(content) % 4 + 256 :]
    places = np.random.default_rng(seed).choice(len(numbers) // 4, count, replace=False)
    numbers[4 * places + 3] ^= 0x80
    path.write_bytes(content.tobytes())


def damaged(path: Path) -> str:
    return f"{path}: the file is damaged or was changed, its checksum is not that in checksums.json; {COPY}"


def test_a_damaged_model_is_not_exported(refused: Refused, best: tuple[RunFolder, int]) -> None:
    folder, _ = best
    flip_signs(folder.best_model, 300)
    assert damaged(folder.best_model) + " choose another trial" in refused(export)
    assert damaged(folder.best_model) in refused(ensemble, soup="greedy")


@pytest.mark.parametrize("name", ["encoder/config.json", "encoder/tokenizer.json", "evaluation.json"])
def test_what_belongs_to_a_model_is_checked_with_it(refused: Refused, best: tuple[RunFolder, int], name: str) -> None:
    path = best[0].path / "best" / name
    path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))
    assert damaged(path) in refused(export)


def test_damaged_predictions_are_used_by_no_command(
    refused: Refused, best: tuple[RunFolder, int], runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, rung = best
    path = folder.predictions("sst", rung)
    flip_signs(path, 60)
    assert damaged(path) + " delete it to continue without these predictions" in refused(
        ensemble, greedy=3, dev_only=True
    )
    assert damaged(path) in refused(compare, a="tiny:0", b="tiny")
    pareto(study="tiny", out=tmp_path / "out", runs_dir=runs)
    assert "cannot be estimated: " + damaged(path) in capsys.readouterr().out


def test_damaged_checksums_are_no_reason_to_check_nothing(
    refused: Refused, best: tuple[RunFolder, int], runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = best[0].checksums.path
    path.write_bytes(path.read_bytes()[:-9])
    message = f"{path}: the file is damaged, so the files that it has checksums of cannot be checked; {COPY} delete it"
    assert message in refused(export)
    assert message in refused(ensemble, greedy=3, dev_only=True)
    assert message in refused(compare, a="tiny:0", b="tiny")
    assert message in refused(report)
    path.unlink()
    compare(a="tiny:0", b="tiny", runs_dir=runs)
    assert "without checksums: they cannot be checked for damage" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:.* without checksums")
def test_stored_predictions_without_checksums_must_give_the_recorded_scores(
    refused: Refused, best: tuple[RunFolder, int]
) -> None:
    """As in studies of earlier versions."""
    folder, rung = best
    folder.checksums.path.unlink()
    values = np.load(folder.predictions("sst", rung))
    np.save(folder.predictions("sst", rung), values[:, ::-1])
    number = int(folder.path.name.removeprefix("trial-"))
    assert (
        f"the dev file of sst or trial {number}'s stored predictions have changed; they no longer give its accuracy of"
        in refused(ensemble, greedy=3, dev_only=True)
    )


def test_a_score_that_changed_in_the_storage(
    refused: Refused, best: tuple[RunFolder, int], runs: Path, finished_study: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is chosen by it; a report says so in its first section."""
    number = int(best[0].path.name.removeprefix("trial-"))
    with sqlite3.connect(runs / "studies.db") as database:
        of_best = "WHERE trial_id = (SELECT trial_id FROM trials WHERE number = ?)"
        database.execute(f"UPDATE trial_values SET value = value + 0.1 {of_best}", (number,))
    message = f"trial {number}: the overall score is "
    for command, options in (
        (export, {}),
        (ensemble, {"greedy": 3}),
        (pareto, {}),
        (compare, {"a": "tiny", "b": "tiny:0"}),
    ):
        assert message in refused(command, **options)
    with pytest.raises(typer.Exit) as ended:
        run.main(study=str(finished_study.file), runs_dir=runs, trials=5, quiet=True)
    assert ended.value.exit_code == 2
    assert message in capsys.readouterr().err
    report(study="tiny", out=runs / "report", runs_dir=runs)
    written = (runs / "report" / "report.md").read_text()
    assert written.index("## Damaged records") < written.index(message.capitalize()) < written.index("## Answer")


def test_the_configuration_of_another_trial_is_refused(refused: Refused, best: tuple[RunFolder, int]) -> None:
    folder, _ = best
    stored = json.loads(folder.config.read_text())
    folder.config.write_text(json.dumps(stored | {"seed": stored["seed"] + 1}))
    both = f"seed is {stored['seed']} in the storage and {stored['seed'] + 1} in '{folder.config}'; the storage "
    assert both in refused(export)


def test_a_trial_of_another_study_is_refused(refused: Refused, best: tuple[RunFolder, int], runs: Path) -> None:
    folder, _ = best
    (folder.path / OWNER).write_text('{"id": "another"}\n')
    message = f"{folder.path}: this trial belongs to another study than the folder that it is in; move it back"
    assert message in refused(export)
    assert message in refused(ensemble, greedy=3, dev_only=True)
    (runs / "tiny" / OWNER).write_text('{"id": "another"}\n')
    for command, options in ((export, {}), (ensemble, {"greedy": 3}), (pareto, {})):
        assert f"'{runs / 'tiny'}' belongs to another study 'tiny'" in refused(command, **options)
