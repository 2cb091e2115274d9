"""What ended trials leave that nobody needs: checkpoints, models beyond the best, halves of files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import optuna

from search.clean.finding import Finding
from search.clean.found_files import FilesBelow, FoundFile
from search.recorded.ranking import ranked_trials
from search.trials.folders import TrialFolders

__all__ = ["has_trials", "stray_trial_files", "trial_files"]

_FOLDER = re.compile(r"trial-(\d{4,})")


def trial_files(study: optuna.Study, folder: Path, keep: int, below: FilesBelow) -> list[Finding]:
    """Of a study's ended trials; those that are running or waiting are left alone.

    Args:
        study: as it is recorded.
        folder: its own.
        keep: so many of the best models stay.
        below: looks for files.
    """
    trials = study.get_trials(deepcopy=False)
    ended = {trial.number for trial in trials if trial.state.is_finished()}
    best = {trial.number for trial in ranked_trials(study)[:keep]}
    others = f"models beyond the best {keep}" if keep else "models"
    return _findings(folder, others, below, ended, lambda number: number not in best)


def stray_trial_files(study: optuna.Study | None, folder: Path, below: FilesBelow) -> list[Finding]:
    """Of trials that the storage does not know; all of them if it does not know the study either."""
    known = set() if study is None else {trial.number for trial in study.get_trials(deepcopy=False)}
    strays = {number for number in _numbers(folder, below) if number not in known}
    return _findings(folder, "models of unknown trials", below, strays, lambda _: True)


def has_trials(folder: Path, below: FilesBelow) -> bool:
    """Whether it is the folder of a study."""
    return bool(_numbers(folder, below))


def _findings(
    folder: Path, models: str, below: FilesBelow, numbers: Iterable[int], frees_model: Callable[[int], bool]
) -> list[Finding]:
    found: dict[str, list[list[FoundFile]]] = {"checkpoints of ended trials": [], "halves of files": [], models: []}
    there = _numbers(folder, below)
    for number in sorted(set(numbers) & there):
        run = TrialFolders(folder).run(number)
        places = (run.path, run.best_model.parent, run.predictions("x", 0).parent)
        halves = [file for place in places for file in below.files(place) if is_half_written(file.path)]
        wanted: dict[str, Sequence[FoundFile | None]] = {
            "checkpoints of ended trials": [below.find(run.checkpoint)],
            "halves of files": halves,
            models: [below.find(run.best_model)] if frees_model(number) else [],
        }
        for what, files in wanted.items():
            found[what].append([file for file in files if file is not None])
    return [
        Finding(what, folder, sum(map(bool, trials)), tuple(file for files in trials for file in files))
        for what, trials in found.items()
        if any(trials)
    ]


def is_half_written(path: Path) -> bool:
    """Whether it is a file that was to take another one's place."""
    return path.name.endswith(".tmp") or ".tmp." in path.name


def _numbers(folder: Path, below: FilesBelow) -> set[int]:
    matches = (_FOLDER.fullmatch(path.name) for path in below.folders(folder))
    numbers = {int(match[1]) for match in matches if match}
    return {number for number in numbers if TrialFolders(folder).path(number).is_dir()}
