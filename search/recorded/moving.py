"""Move a recorded study aside, so that another can begin under its name; nothing of it is deleted.

The study gets another name in its storage, and its folder the same one. A process that is killed between the two leaves
a note in the study, and the next start moves the folder.
"""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import optuna

from core.run.atomic_files import flush_folder
from data.errors import MachineError
from search.storage.file_lease import HOLDER, file_lease
from search.storage.optuna_internals import study_id
from search.storage.rdb import DatabaseStorage
from search.storage.retrying_storage import RetryingStorage
from search.storage.storage_lease import StorageLease
from search.trials.remote_study import remote_study

__all__ = ["finish_moves", "move_aside"]

_MOVING_FROM = "onebert:moving_from"


def move_aside(name: str, storage: DatabaseStorage, runs_dir: Path) -> str | None:
    """Rename a study and its folder to ``NAME-2026-11-29T12-30-00``, the present time.

    Args:
        storage: where it is recorded.
        runs_dir: contains its folder, if it has one.

    Returns:
        Its new name; None if there is no such study.

    Raises:
        UserError: a driver runs it.
        MachineError: the folder cannot be renamed; the study has its new name, and the next start tries again.
    """
    finish_moves(name, storage, runs_dir)
    if name not in optuna.get_all_study_names(storage):
        return None
    study = optuna.load_study(study_name=name, storage=storage)
    target = _free_name(name, storage, runs_dir)
    with file_lease(runs_dir / name, name), StorageLease(name, RetryingStorage(storage)) as lease:
        lease.take(study)

        def rename() -> None:
            storage.set_study_system_attr(study_id(study), _MOVING_FROM, name)
            lease.drop()
            storage.rename_study(study_id(study), target)

        storage.in_transaction(rename)
        _move_folder(runs_dir / name, runs_dir / target)
    _forget(storage, study_id(study))
    return target


def finish_moves(name: str, storage: DatabaseStorage, runs_dir: Path) -> None:
    """Move the folders of studies that are called ``name`` or were, if processes that moved them aside were killed.

    Raises:
        UserError: a driver uses the folder.
        MachineError: a folder cannot be renamed.
    """
    for other in optuna.get_all_study_names(storage):
        if other != name and not other.startswith(f"{name}-"):
            continue
        number = storage.get_study_id_from_name(other)
        old = storage.get_study_system_attrs(number).get(_MOVING_FROM)
        if old is None or name not in (old, other):
            continue
        is_remote = remote_study(runs_dir / old) is not None  # then this machine may have none, or both
        if is_remote or ((runs_dir / old).is_dir() and not (runs_dir / other).exists()):
            with file_lease(runs_dir / old, old):
                _move_folder(runs_dir / old, runs_dir / other)
        _forget(storage, number)


def _free_name(name: str, storage: DatabaseStorage, runs_dir: Path) -> str:
    stem = f"{name}-{datetime.now():%Y-%m-%dT%H-%M-%S}"
    taken = set(optuna.get_all_study_names(storage))
    number, target = 1, stem
    while target in taken or (runs_dir / target).exists():
        number += 1
        target = f"{stem}-{number}"
    return target


def _move_folder(source: Path, target: Path) -> None:
    """Rename a folder whose lock this process holds; what says who holds it does not move along."""
    (source / HOLDER).unlink(missing_ok=True)
    if (remote := remote_study(source)) is not None:
        remote.move(target.name)
        shutil.rmtree(target, ignore_errors=True)  # a copy, made by a command that has looked at the study meanwhile
    try:
        source.rename(target)
        flush_folder(target.parent)  # before the note is deleted
    except OSError as error:
        raise MachineError(
            f"cannot rename '{source}' to '{target}': {error.strerror or error}; fix this, then run the same command "
            "again to resume"
        ) from None


def _forget(storage: DatabaseStorage, number: int) -> None:
    storage.set_study_system_attr(number, _MOVING_FROM, None)
