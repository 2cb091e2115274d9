"""Check that a study's folder holds this study's trials, and not those of another study of the same name.

Another storage may have a study of this name, and a deleted study leaves its folder. Each study therefore has a random
id, in its attributes and in its folder. Copies of the storage have the same id.
"""

from __future__ import annotations

import re
import uuid
import warnings
from pathlib import Path

import optuna

from core.config import RunConfig
from core.config.run import stored_digest
from data.errors import UserError
from search.trials.folder_owner import FolderOwner, read_owner, write_owner
from search.trials.folders import TrialFolders
from search.trials.record import CONFIG
from search.trials.remote_study import study_folder

__all__ = ["STUDY_ID", "announce_restart", "check_folder", "claim_folder", "is_own_folder", "open_folders"]

STUDY_ID = "study_id"  # user attribute of the study
_FOLDER = re.compile(r"trial-(\d{4,})")
_SHOWN = 3  # trials listed by number


def open_folders(study: optuna.Study, runs_dir: Path) -> TrialFolders:
    """Return the folders of a recorded study's trials, to read them.

    Raises:
        UserError: if the folder belongs to another study.
    """
    folders = TrialFolders(study_folder(runs_dir, study.study_name))
    if not is_own_folder(study, folders):
        raise _foreign_error(study.study_name, folders)
    if STUDY_ID not in study.user_attrs and study.get_trials(deepcopy=False):
        warnings.warn(
            f"study '{study.study_name}' was recorded by an earlier version, without an id and checksums: whether the "
            f"files in '{folders.root}' belong to it and are undamaged cannot be checked",
            stacklevel=2,
        )
    return folders


def is_own_folder(study: optuna.Study, folders: TrialFolders) -> bool:
    """Return whether nothing says that the folder belongs to another study.

    Raises:
        UserError: if the folder's record is damaged.
    """
    owner = read_owner(folders.root)  # first: a driver stores the id in the study before it writes this
    return owner is None or owner.is_restarting or owner.id == study.user_attrs.get(STUDY_ID)


def check_folder(name: str, study: optuna.Study | None, folders: TrialFolders) -> None:
    """Refuse a folder that holds results of trials that the study does not know.

    A driver would delete them, or take them for its own.

    Args:
        name: of the study.
        study: None if the storage does not have it yet.

    Raises:
        UserError: it names the folder, and what to do.
    """
    numbers, owner = _numbers(folders), read_owner(folders.root)
    if not numbers or (owner is not None and owner.is_restarting):
        return
    if owner is not None and (study is None or owner.id != study.user_attrs.get(STUDY_ID)):
        if not any(map(folders.has_work, numbers)):
            return  # left by a driver that was killed
        raise _foreign_error(name, folders)
    trials = [] if study is None else study.get_trials(deepcopy=False)
    configs = {trial.number: trial.user_attrs.get(CONFIG) for trial in trials}
    # With the study's id in the folder, all trials that it has started are its own.
    is_known = _has_config if owner is None else _has_started
    others = (number for number in numbers if not is_known(folders, number, configs.get(number)))
    unknown = [number for number in others if folders.has_work(number)]
    if unknown:
        listed = ", ".join(f"trial-{number:04d}" for number in unknown[:_SHOWN])
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        raise UserError(
            f"'{folders.root}' has results of trials that the storage does not have ({listed}{more}): they belong to "
            f"another study '{name}', or to a newer copy of the storage; {_way_out(name)}"
        )


def claim_folder(study: optuna.Study, folders: TrialFolders) -> str:
    """Make the folder this study's; returns the study's id, and creates it if there is none.

    The driver calls it while it holds the study's leases. It may be killed at any moment and the call repeated.

    Raises:
        UserError: like :func:`check_folder`.
        MachineError: the folder cannot be written to.
    """
    check_folder(study.study_name, study, folders)
    owner, own = read_owner(folders.root), study.user_attrs.get(STUDY_ID)
    is_restarting = owner is not None and owner.is_restarting
    if own is None:
        own = owner.id if owner is not None and is_restarting else uuid.uuid4().hex
        study.set_user_attr(STUDY_ID, own)  # first: a folder with an id that no study has would be refused
    if is_restarting:
        for number in _numbers(folders):
            folders.delete(number)
    if owner != FolderOwner(own):
        _write_owner(folders, FolderOwner(own))
    return str(own)


def announce_restart(study: optuna.Study, folders: TrialFolders) -> None:
    """Note in the folder that the study is about to be deleted and created again; its trials have no results.

    Raises:
        MachineError: the folder cannot be written to.
    """
    _write_owner(folders, FolderOwner(claim_folder(study, folders), is_restarting=True))


def _write_owner(folders: TrialFolders, owner: FolderOwner) -> None:
    write_owner(folders.root, owner)
    if folders.remote is not None:
        folders.remote.push()


def _foreign_error(name: str, folders: TrialFolders) -> UserError:
    return UserError(
        f"'{folders.root}' belongs to another study '{name}', of another storage or deleted since; {_way_out(name)}"
    )


def _way_out(name: str) -> str:
    return f"use that study's --storage, another --runs-dir, or another --name, or move the folder '{name}' away"


def _numbers(folders: TrialFolders) -> list[int]:
    """Return the numbers of the trials that have a folder, in ascending order."""
    matches = (_FOLDER.fullmatch(path.name) for path in (folders.root.iterdir() if folders.root.is_dir() else ()))
    found = (int(match[1]) for match in matches if match)
    return sorted(number for number in found if folders.path(number).is_dir())


def _has_started(_folders: TrialFolders, _number: int, recorded: str | None) -> bool:
    return recorded is not None


def _has_config(folders: TrialFolders, number: int, recorded: str | None) -> bool:
    """Return whether the configuration in the trial's folder is the recorded one."""
    if recorded is None:
        return False
    try:
        stored = folders.run(number).config.read_text(encoding="utf-8")
        if stored_digest(stored) == stored_digest(recorded):
            return True
        # Versions add settings, and the folder's file may have been written by a later one.
        return RunConfig.model_validate_json(stored).is_same_run(RunConfig.model_validate_json(recorded))
    except (OSError, ValueError, KeyError, TypeError):
        return True  # nothing says that it is another study's
