"""Create a study in a storage, or load it if it is still the same study."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.study import StudyDirection

from core.model_files.encoder_content import EncoderContent
from data.errors import UserError
from search.preflight.study_inputs import UNKNOWN_INPUTS, StudyInputs
from search.pruners.registry import make_pruner
from search.recorded.data_files import has_other_data, record_data, refuse_other_data
from search.recorded.encoders import (
    ENCODERS,
    by_recorded_name,
    changed_encoders,
    encoder_record,
    moved_encoders,
    with_recorded_names,
)
from search.recorded.provenance import code_version
from search.recorded.study_folder import announce_restart, check_folder, claim_folder
from search.storage.damage import reading_record
from search.study.encoder_names import recorded_names, with_moved_encoders, with_recorded_choices
from search.study.spec import StudySpec
from search.trials.folders import TrialFolders
from search.trials.record import ROLE

__all__ = [
    "FORK",
    "IDENTITY",
    "RESTART",
    "changed_settings",
    "create_or_load",
    "has_changed",
    "has_scores",
    "named_as_recorded",
    "recorded_attrs",
    "recorded_identity",
    "refuse_changes",
    "refuse_foreign",
]

IDENTITY = "identity"
CODE_VERSION = "code_version"
FORK = "start a new study with --name NEW, or undo the change"
RESTART = (
    "run with --restart, which moves the recorded study aside, start a new study with --name NEW, or undo the change"
)
SHOWN_CHANGES = 5


def create_or_load(
    spec: StudySpec,
    storage: BaseStorage,
    inputs: StudyInputs = UNKNOWN_INPUTS,
    take: Callable[[optuna.Study], None] = lambda _: None,
    folders: TrialFolders | None = None,
) -> optuna.Study:
    """Create the study, or load it, and put its first trials into the queue.

    Args:
        spec: what to search.
        storage: where to record it.
        inputs: what it trains from.
        take: called before anything is written into the study; it may raise an error.
        folders: of its trials; they are made this study's, or refused if they are another's. None: left alone.

    Raises:
        UserError: the storage's study of this name has scores, and a different space, base, seed, sampler, pruner,
            data or encoder; or the folder holds trials that the storage does not have.
    """
    if folders is not None:
        check_folder(spec.name, _load(spec.name, storage), folders)  # before the study is created
    study = _open(spec, storage)
    refuse_foreign(spec, study)
    take(study)
    if not has_scores(study) and has_changed(spec, study, inputs):
        # A mistake that was fixed before any trial had a score, such as a misspelt encoder, is no reason to refuse.
        if folders is not None:
            announce_restart(study, folders)
        optuna.delete_study(study_name=spec.name, storage=storage)
        study = _open(spec, storage)
        take(study)
    if folders is not None:
        claim_folder(study, folders)
    attrs = study.user_attrs
    if IDENTITY in attrs:
        refuse_changes(spec, study, inputs)
    _record_encoders(study, _as_recorded(study, inputs.encoders))
    for name, value in spec.origin.items():
        if attrs.get(name) != value:
            study.set_user_attr(name, value)  # before the trials that result from it
    record_data(study, inputs)
    if IDENTITY not in attrs:
        study.set_user_attr(CODE_VERSION, code_version())
        study.set_user_attr(IDENTITY, json.dumps(spec.identity()))
    _enqueue_first(spec, study)
    return study


def _record_encoders(study: optuna.Study, encoders: Mapping[str, EncoderContent]) -> None:
    attrs = study.user_attrs
    if encoders and ENCODERS not in attrs and has_scores(study):
        warnings.warn(
            f"study '{study.study_name}' began before the content of encoders was recorded: whether "
            f"{', '.join(repr(name) for name in encoders)} changed before now cannot be checked",
            stacklevel=2,
        )
    if (record := encoder_record(attrs, encoders)) != attrs.get(ENCODERS, {}):
        study.set_user_attr(ENCODERS, record)


def refuse_foreign(spec: StudySpec, study: optuna.Study) -> None:
    """Refuse a study that another program has recorded."""
    # In this order: a driver writes the identity before it queues trials.
    is_used = bool(study.get_trials(deepcopy=False))
    if IDENTITY not in study.user_attrs and (is_used or study.direction != StudyDirection.MAXIMIZE):
        raise UserError(f"the storage contains a study '{spec.name}' of another program; choose another --name")


def _enqueue_first(spec: StudySpec, study: optuna.Study) -> None:
    """Queue the first trials that are not in the study yet; a driver may have been killed while it queued them."""
    there = {trial.user_attrs.get(ROLE) for trial in study.get_trials(deepcopy=False)}
    for first in spec.first_trials[: spec.trials]:
        if first.role not in there:
            study.enqueue_trial(first.params, user_attrs={ROLE: first.role})


def recorded_attrs(name: str, storage: BaseStorage) -> dict[str, Any]:
    """Return the user attributes of the study of this name, its :attr:`~search.study.spec.StudySpec.origin` included.

    They are empty if there is no such study.
    """
    study = _load(name, storage)
    return {} if study is None else study.user_attrs


def _load(name: str, storage: BaseStorage) -> optuna.Study | None:
    if name not in optuna.get_all_study_names(storage):
        return None
    return optuna.load_study(study_name=name, storage=storage)


def _open(spec: StudySpec, storage: BaseStorage) -> optuna.Study:
    return optuna.create_study(
        storage=storage,
        study_name=spec.name,
        direction="maximize",
        pruner=make_pruner(spec.pruner, spec.base.rungs, spec.own_rungs),
        load_if_exists=True,
    )


def has_scores(study: optuna.Study) -> bool:
    """Return whether any trial has a score, or ended without one."""
    return any(t.state.is_finished() or t.intermediate_values for t in study.get_trials(deepcopy=False))


def changed_settings(spec: StudySpec, study: optuna.Study, inputs: StudyInputs = UNKNOWN_INPUTS) -> list[str]:
    """Return how the spec's settings differ from those that the study was recorded with.

    An encoder in another folder is the same one if its content is.
    """
    if IDENTITY not in study.user_attrs:
        return []
    identity, moved = recorded_identity(study), _moved_encoders(study, inputs)
    return _named_as_recorded(spec, identity, moved).difference(with_moved_encoders(identity, moved))


def named_as_recorded(spec: StudySpec, storage: BaseStorage, inputs: StudyInputs = UNKNOWN_INPUTS) -> StudySpec:
    """Return a study with the names that its encoders were recorded with.

    These are the names of :func:`with_recorded_names`, and of :func:`with_recorded_choices` for encoders whose folders
    have moved.

    Args:
        spec: the study.
        storage: where it is recorded, if it is.
        inputs: what it trains from; only encoders count.

    Raises:
        StorageError: the recorded settings cannot be read.
    """
    study = _load(spec.name, storage)
    if study is None or IDENTITY not in study.user_attrs:
        return spec
    return _named_as_recorded(spec, recorded_identity(study), _moved_encoders(study, inputs))


def _named_as_recorded(spec: StudySpec, identity: Mapping[str, Any], moved: Mapping[str, str]) -> StudySpec:
    return with_recorded_choices(with_recorded_names(spec, identity), identity, moved)


def _moved_encoders(study: optuna.Study, inputs: StudyInputs) -> dict[str, str]:
    return moved_encoders(study.user_attrs, _as_recorded(study, inputs.encoders))


def recorded_identity(study: optuna.Study) -> dict[str, Any]:
    """Return the settings that a study was recorded with; see :meth:`~search.study.spec.StudySpec.identity`.

    Raises:
        StorageError: they cannot be read.
    """
    with reading_record(f"the settings of study '{study.study_name}'"):
        identity: dict[str, Any] = json.loads(study.user_attrs[IDENTITY])
        return identity


def has_changed(spec: StudySpec, study: optuna.Study, inputs: StudyInputs = UNKNOWN_INPUTS) -> bool:
    """Return whether the study was recorded with other settings, data or encoders."""
    return bool(
        changed_settings(spec, study, inputs)
        or changed_encoders(study.user_attrs, _as_recorded(study, inputs.encoders))
        or has_other_data(study.user_attrs, inputs)
    )


def refuse_changes(
    spec: StudySpec, study: optuna.Study, inputs: StudyInputs = UNKNOWN_INPUTS, remedy: str = FORK
) -> None:
    """Refuse to continue a study with other settings, data or encoders.

    Args:
        spec: the study as it would be continued.
        study: the recorded study.
        inputs: what it would train from.
        remedy: what to do.

    Raises:
        UserError: it names the differences, and the remedy.
    """
    if changes := changed_settings(spec, study, inputs):
        shown = "; ".join(changes[:SHOWN_CHANGES])
        more = f"; and {len(changes) - SHOWN_CHANGES} more" if len(changes) > SHOWN_CHANGES else ""
        raise UserError(
            f"study '{spec.name}' was started with other settings: {shown}{more}{_gone(study, inputs)}. To search "
            f"these, {remedy}"
        )
    if encoder_changes := changed_encoders(study.user_attrs, _as_recorded(study, inputs.encoders)):
        raise UserError(f"{encoder_changes[0]} since study '{spec.name}' began; {remedy}")
    refuse_other_data(study, inputs, remedy)


def _gone(study: optuna.Study, inputs: StudyInputs) -> str:
    """Return what to do about encoders whose folders are not there any more; empty if all are."""
    moved = _moved_encoders(study, inputs)
    names = (name for name in recorded_names(recorded_identity(study)) if name not in moved)
    gone = [name for name in names if Path(name).is_absolute() and not Path(name).is_dir()]
    return f"; encoder '{gone[0]}' is no longer there: if it has moved, name its new folder instead" if gone else ""


def _as_recorded(study: optuna.Study, encoders: Mapping[str, EncoderContent]) -> Mapping[str, EncoderContent]:
    """Return the content of encoders by the names that the study was recorded with, if it was."""
    if not encoders or IDENTITY not in study.user_attrs:
        return encoders
    return by_recorded_name(encoders, recorded_identity(study))
