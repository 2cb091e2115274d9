"""Find files of ended trials that are no longer needed: checkpoints, all models except the best, half-written files."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from itertools import chain
from pathlib import Path

import optuna

from search.clean.found_files import FilesBelow, Finding, FoundFile
from search.recorded.ranking import ranked_trials
from search.trials.folders import TrialFolders

__all__ = ["has_trials", "stray_trial_files", "trial_files"]

_FOLDER = re.compile(r"trial-(\d{4,})")


def trial_files(study: optuna.Study, folder: Path, keep: int, below: FilesBelow) -> list[Finding]:
    """Return what can be freed of a study's ended trials, except for the models of the ``keep`` best ones."""
    trials = study.get_trials(deepcopy=False)
    ended = {trial.number for trial in trials if trial.state.is_finished()}
    best = {trial.number for trial in ranked_trials(study)[:keep]}
    others = f"all models except the best {keep}" if keep else "models"
    return _findings(folder, below, ended, others, ended - best)


def stray_trial_files(study: optuna.Study | None, folder: Path, below: FilesBelow) -> list[Finding]:
    """Return what can be freed of trials that are not in the storage; of all trials if the study is not either."""
    known = set() if study is None else {trial.number for trial in study.get_trials(deepcopy=False)}
    strays = _numbers(folder, below) - known
    return _findings(folder, below, strays, "models of unknown trials", strays)


def has_trials(folder: Path, below: FilesBelow) -> bool:
    """Return whether a folder contains trials, and so is the folder of a study."""
    return bool(_numbers(folder, below))


def _findings(folder: Path, below: FilesBelow, ended: Set[int], models: str, without_model: Set[int]) -> list[Finding]:
    found: dict[str, list[list[FoundFile]]] = {"checkpoints of ended trials": [], "half-written files": [], models: []}
    for number in sorted(ended & _numbers(folder, below)):
        run = TrialFolders(folder).run(number)
        runs = (run, *run.folds)
        of_runs = ((one.path, one.best_model.parent, one.best_encoder, one.predictions("x", 0).parent) for one in runs)
        places = chain.from_iterable(of_runs)
        halves = [file for place in places for file in below.files(place) if is_half_written(file.path)]
        wanted: dict[str, Sequence[FoundFile | None]] = {
            "checkpoints of ended trials": [below.find(file) for file in run.checkpoints],
            "half-written files": halves,
            models: [below.find(file) for file in run.model_files] if number in without_model else [],
        }
        for what, files in wanted.items():
            found[what].append([file for file in files if file is not None])
    return [
        Finding(what, folder, sum(map(bool, trials)), tuple(file for files in trials for file in files))
        for what, trials in found.items()
        if any(trials)
    ]


def is_half_written(path: Path) -> bool:
    """Return whether a file was to replace another one, but has not been finished."""
    return path.name.endswith(".tmp") or ".tmp." in path.name


def _numbers(folder: Path, below: FilesBelow) -> set[int]:
    matches = (_FOLDER.fullmatch(path.name) for path in below.folders(folder))
    numbers = {int(match[1]) for match in matches if match}
    return {number for number in numbers if TrialFolders(folder).path(number).is_dir()}
