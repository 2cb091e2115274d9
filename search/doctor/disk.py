"""The runs folder: can it be written to, is there room, does its clock go right?"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.run_size import RunSize
from search.doctor.check import Check, ok, warning, wrong
from search.doctor.file_system import nearest_folder
from search.study.spec import StudySpec
from search.trials.folders import TrialFolders

__all__ = ["DiskNeed", "check_folder", "check_room"]

_MIB, _GIB = 2**20, 2**30
_LITTLE = 5 * _GIB  # where the study's need is not known
_CLOCK_SECONDS = 5.0


@dataclass(frozen=True)
class DiskNeed:
    """The most that a study has on disk at a time, predictions and metrics left out.

    Every worker has a checkpoint and the best model of its trial, and writes the next checkpoint beside the old one;
    the best models of ended trials stay.

    Attributes:
        workers: of the study.
        keep_models: of the study.
        size: of the largest run that it may try.
    """

    workers: int
    keep_models: int
    size: RunSize

    @property
    def bytes(self) -> int:
        """In all."""
        return self.workers * (2 * self.size.checkpoint + self.size.model) + self.keep_models * self.size.model

    def __str__(self) -> str:
        """``4.1 GiB: 1 worker x (2 checkpoints of 1,253 MiB + a model of 418 MiB) + 3 models``."""
        return (
            f"{_size(self.bytes)}: {self.workers} worker{'s' * (self.workers > 1)} x (2 checkpoints of "
            f"{_mib(self.size.checkpoint)} + a model of {_mib(self.size.model)}) + {self.keep_models} models"
        )


def check_folder(runs_dir: Path) -> Iterator[Check]:
    """Write a file into it, or into the folder that it would be made in, and look at its time."""
    folder = nearest_folder(runs_dir)
    try:
        with tempfile.NamedTemporaryFile(prefix=".onebert-doctor-", dir=folder) as file:
            file.write(b"x")
            file.flush()
            ahead = Path(file.name).stat().st_mtime - time.time()
    except OSError as error:
        yield wrong("folder", f"cannot write to {folder}: {error.strerror or error}", "give another --runs-dir")
        return
    there = "" if folder == runs_dir.absolute() else f", where {runs_dir} will be made"
    yield ok("folder", f"{folder} can be written to{there}")
    if abs(ahead) > _CLOCK_SECONDS:
        yield warning(
            "clock",
            f"files in {folder} are dated {abs(ahead):.0f} s {'ahead' if ahead > 0 else 'behind'} of this machine",
            "set the clocks of this machine and of its file server by NTP",
        )
    elif (newest := _newest_source()) > time.time() + 86400:
        yield warning(
            "clock",
            f"this machine's clock is {(newest - time.time()) / 86400:.0f} days behind this program's files",
            "set it: downloads over https and dates of results depend on it",
        )
    else:
        yield ok("clock", time.strftime("%Y-%m-%d %H:%M:%S %Z"))


def check_room(runs_dir: Path, spec: StudySpec | None, size: RunSize | None) -> Iterator[Check]:
    """Free room on the disk, against what the study may still need."""
    folder = nearest_folder(runs_dir)
    free = shutil.disk_usage(folder).free
    found = f"{_size(free)} free in {folder}"
    if spec is None or size is None:
        if free < _LITTLE:
            yield warning(
                "disk", found, "a study of bert-base needs about 4 GiB: free some, or give another --runs-dir"
            )
        else:
            yield ok("disk", found)
        return
    need = DiskNeed(spec.workers, spec.keep_models, size)
    missing = need.bytes - _already_there(TrialFolders(runs_dir / spec.name).root)
    found += f"; the study needs at most {need}"
    advice = "python -m search.clean shows what can be freed; or give another --runs-dir"
    if free < missing:
        yield wrong("disk", found, advice)
    elif free < 2 * missing:
        yield warning("disk", found, advice)
    else:
        yield ok("disk", found)


def _already_there(folder: Path) -> int:
    files = [*folder.glob("trial-*/checkpoint.pt"), *folder.glob("trial-*/best/model.safetensors")]
    return sum(file.stat().st_size for file in files if file.is_file())


def _newest_source() -> float:
    return max(file.stat().st_mtime for file in Path(__file__).parents[1].rglob("*.py"))


def _size(number: int) -> str:
    return f"{number / _GIB:,.1f} GiB" if number >= _GIB else _mib(number)


def _mib(number: int) -> str:
    return f"{number / _MIB:,.0f} MiB" if number >= 10 * _MIB else f"{number / _MIB:.2f} MiB"
