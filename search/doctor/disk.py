"""Check the runs folder: whether it is writable, has enough space, and has the right time."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.frozen_features import FEATURES, CacheLimit
from core.run_size import RunSize
from search.display.values import file_size
from search.doctor.check import Check, ok, warning, wrong
from search.study.spec import StudySpec
from search.trials.folders import TrialFolders

__all__ = ["DiskNeed", "check_folder", "check_room", "nearest_folder"]

_MIB, _GIB = 2**20, 2**30
_LITTLE = 5 * _GIB  # for a study whose need is not known
_CLOCK_SECONDS = 5.0


@dataclass(frozen=True)
class DiskNeed:
    """The disk space that a study needs at most, without predictions and metrics.

    Every worker has a checkpoint and the best model of its trial, and writes the next checkpoint before it deletes the
    old one; the best models of ended trials are kept, and the checkpoints and models of pruned ones that may continue.

    Attributes:
        workers: number of workers of the study.
        keep_models: number of models that the study keeps.
        size: size of the largest run that it may try.
        revivable: number of pruned trials that may continue.
        folds: models of each trial, one for each fold; 1 without folds.
    """

    workers: int
    keep_models: int
    size: RunSize
    revivable: int = 0
    folds: int = 1

    @property
    def bytes(self) -> int:
        """Bytes in total."""
        models = self.folds * self.size.model
        of_workers = self.workers * (2 * self.size.checkpoint + models)
        of_pruned = self.revivable * (self.size.checkpoint + models)
        return of_workers + self.keep_models * models + of_pruned

    def __str__(self) -> str:
        """Describe the need: ``4.1 GiB: 1 worker x (2 checkpoints of 1,253 MiB + a model of 418 MiB) + 3 models``."""
        of_pruned = f" + {self.revivable} checkpoints and models of pruned trials that may continue"
        one = "a model" if self.folds == 1 else f"{self.folds} models of folds"
        of_folds = "" if self.folds == 1 else f" x {self.folds}"
        return (
            f"{file_size(self.bytes)}: {self.workers} worker{'s' * (self.workers > 1)} x (2 checkpoints of "
            f"{_mib(self.size.checkpoint)} + {one} of {_mib(self.size.model)}) + {self.keep_models}{of_folds} models"
            f"{of_pruned if self.revivable else ''}"
        )


def check_folder(runs_dir: Path, study: str | None = None) -> Iterator[Check]:
    """Write a file into the runs folder, or where it would be created, and compare its time with the clock.

    Args:
        runs_dir: the folder of all studies' results; need not exist.
        study: name of the study whose folder is checked too; None: no study's.
    """
    below = [runs_dir / name for name in ("cache", "answers", *(() if study is None else (study,)))]
    ahead = 0.0
    for path in (runs_dir, *below):
        if (obstacle := _obstacle(path)) is not None:
            what = f"'{obstacle}' is a file where a folder is needed"
            yield wrong("folder", what, "move it away, or pass another --runs-dir")
            return
        folder = nearest_folder(path)
        try:
            with tempfile.NamedTemporaryFile(prefix=".onebert-doctor-", dir=folder) as file:
                file.write(b"x")
                file.flush()
                ahead = Path(file.name).stat().st_mtime - time.time()
        except OSError as error:
            what = f"cannot write to {folder}: {error.strerror or error}"
            yield wrong("folder", what, "make it writable, or pass another --runs-dir")
            return
    folder = nearest_folder(runs_dir)
    there = "" if folder == runs_dir.absolute() else f", where {runs_dir} will be created"
    yield ok("folder", f"{folder} is writable{there}")
    if abs(ahead) > _CLOCK_SECONDS:
        yield warning(
            "clock",
            f"files in {folder} are dated {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} this machine",
            "synchronise the clocks of this machine and its file server (NTP)",
        )
    elif (newest := _newest_source()) > time.time() + 86400:
        yield warning(
            "clock",
            f"this machine's clock is {(newest - time.time()) / 86400:.0f} days behind this program's files",
            "set the clock: downloads over https and the dates of results depend on it",
        )
    else:
        yield ok("clock", time.strftime("%Y-%m-%d %H:%M:%S %Z"))


def check_room(
    runs_dir: Path, spec: StudySpec | None, size: RunSize | None, keeps_features: bool = False
) -> Iterator[Check]:
    """Compare the free disk space with what the study may still need.

    Args:
        runs_dir: the folder of all studies' results; need not exist.
        spec: the study; None: no study's need is known.
        size: size of the largest run that it may try; None if not known.
        keeps_features: whether a run may keep the outputs of frozen layers.
    """
    folder = nearest_folder(runs_dir)
    free = shutil.disk_usage(folder).free
    found = f"{file_size(free)} free in {folder}"
    if spec is None or size is None:
        if free < _LITTLE:
            yield warning(
                "disk", found, "a study of bert-base needs about 4 GiB: free some space, or pass another --runs-dir"
            )
        else:
            yield ok("disk", found)
        return
    need = DiskNeed(spec.workers, spec.keep_models, size, spec.pruner.revivable, spec.base.models)
    missing = need.bytes - _already_there(TrialFolders(runs_dir / spec.name).root)
    found += f"; the study needs at most {need}"
    if keeps_features:
        room = CacheLimit(runs_dir / "cache" / FEATURES).room
        missing += room
        found += f", and up to {file_size(room)} more for outputs of frozen layers"
    advice = "run python -m search.clean to free some space, or pass another --runs-dir"
    if free < missing:
        yield wrong("disk", found, advice)
    elif free < 2 * missing:
        yield warning("disk", found, advice)
    else:
        yield ok("disk", found)


def nearest_folder(path: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    path = path.absolute()
    return next((folder for folder in (path, *path.parents) if folder.is_dir()), Path(path.anchor))


def _obstacle(path: Path) -> Path | None:
    """Return what is in the place of a folder, or of one above it; None if nothing is."""
    there = next((one for one in (path, *path.parents) if os.path.lexists(one)), None)
    return None if there is None or there.is_dir() else there


def _already_there(folder: Path) -> int:
    runs = ("trial-*", "trial-*/fold-*")
    files = [
        file
        for run in runs
        for name in ("checkpoint.pt", "best/model.safetensors")
        for file in folder.glob(f"{run}/{name}")
    ]
    return sum(file.stat().st_size for file in files if file.is_file())


def _newest_source() -> float:
    return max(file.stat().st_mtime for file in Path(__file__).parents[1].rglob("*.py"))


def _mib(number: int) -> str:
    return f"{number / _MIB:,.0f} MiB" if number >= 10 * _MIB else f"{number / _MIB:.2f} MiB"
