"""Compare the data that a study reads with the data that it began with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import optuna

from data.errors import UserError
from search.preflight.data_parts import DataParts, changed_parts, is_setting, splits_of
from search.preflight.study_inputs import StudyInputs
from search.storage.damage import reading_record

__all__ = ["check_same_data", "check_same_training_data", "has_other_data", "record_data", "refuse_other_data"]

_DIGEST = "data_digest"
_SPLITS_DIGEST = "splits_digest"
_PARTS = "data_parts"
_FILES = "data_files"
_WHOLE_FILES = "; the study began with a version to which other line ends and another test file are changes too"


def has_other_data(attrs: Mapping[str, Any], inputs: StudyInputs) -> bool:
    """Return whether a study began with other data.

    Files with the same bytes have not changed, even if a later version reads other rows from them.

    Args:
        attrs: the study's user attributes.
        inputs: what it would train from now; if further examples are not known yet, the tasks' own splits are compared.
    """
    changed = _changes(attrs, inputs)
    return changed is None or bool(changed)


def refuse_other_data(study: optuna.Study, inputs: StudyInputs, remedy: str) -> None:
    """Refuse to search a study further with other data; see :func:`has_other_data`.

    Raises:
        UserError: it names the parts that have changed, if they are known.
    """
    changed, since = _changes(study.user_attrs, inputs), f"since study '{study.study_name}' began"
    if changed is None:
        raise UserError(f"the data files, or further examples, have changed {since}; {remedy}{_WHOLE_FILES}")
    if changed:
        raise UserError(f"the data have changed {since}: {', '.join(changed)}; {remedy}")


def check_same_data(study: optuna.Study, inputs: StudyInputs) -> None:
    """Refuse to use a study's predictions and scores with other training and dev files than the study's.

    Args:
        study: the study.
        inputs: what the files are now; of the data, only the tasks' own splits are compared.

    Raises:
        UserError: it names the splits that have changed, if they are known.
    """
    changed = _changed_splits(study.user_attrs, inputs)
    if changed is not None and not changed:
        return
    which, note = ("", _WHOLE_FILES) if changed is None else (f" ({', '.join(changed)})", "")
    raise UserError(
        f"the data files have changed since study '{study.study_name}' began{which}, so its predictions do not belong "
        f"to them; use --data to name the folder with the original files{note}"
    )


def check_same_training_data(study: optuna.Study, inputs: StudyInputs) -> None:
    """Refuse to train a study's configurations again with other data; see :func:`check_same_data`.

    Files of NLI pairs are compared too, and those of further examples unless they give the same ones.

    Args:
        study: the study.
        inputs: what the new runs would train from.

    Raises:
        UserError: it names what has changed, if it is known.
    """
    check_same_data(study, inputs)
    recorded = _recorded(study.user_attrs) or {}
    for owner, files in (inputs.data_parts or {}).items():
        for path, digest in files.items():
            if is_setting(owner) and recorded.get(owner, {}).get(path, digest) != digest:
                raise UserError(
                    f"the file {path} of {owner} has changed since study '{study.study_name}' began, so new runs could "
                    "not be compared with its trials; put the original file back"
                )
    _refuse_other_examples(study, inputs, recorded)


def _refuse_other_examples(study: optuna.Study, inputs: StudyInputs, recorded: DataParts) -> None:
    """Compare the bytes of files: how many of its examples are used depends on the configuration."""
    tasks = {task: parts for task, parts in (inputs.data_parts or {}).items() if not is_setting(task)}
    if all(recorded.get(task, {}).get(what) == one for task, parts in tasks.items() for what, one in parts.items()):
        return
    pairs = {path for owner, files in recorded.items() if is_setting(owner) for path in files}
    with reading_record("the files that the study began with"):
        files: Mapping[str, str] = json.loads(study.user_attrs.get(_FILES, "{}"))
    for path in files.keys() & inputs.files.keys() - pairs:
        if files[path] != inputs.files[path]:
            raise UserError(
                f"the file {path} of further examples has changed since study '{study.study_name}' began, so new runs "
                "could not be compared with its trials; put the original file back"
            )


def _changes(attrs: Mapping[str, Any], inputs: StudyInputs) -> list[str] | None:
    """Return the parts of a study's data that have changed; None if it is not known which."""
    digest, parts = inputs.data_digest, inputs.data_parts
    if digest is None:
        return _changed_splits(attrs, inputs)
    if attrs.get(_DIGEST, digest) == digest:
        return []
    recorded = _recorded(attrs)
    return None if recorded is None or parts is None else changed_parts(recorded, parts)


def _changed_splits(attrs: Mapping[str, Any], inputs: StudyInputs) -> list[str] | None:
    """Like :func:`_changes`, for the tasks' own splits."""
    digest, parts = inputs.splits_digest, inputs.data_parts
    if digest is None or attrs.get(_SPLITS_DIGEST, digest) == digest:
        return []
    recorded = _recorded(attrs)
    return None if recorded is None or parts is None else changed_parts(splits_of(recorded), splits_of(parts))


def record_data(study: optuna.Study, inputs: StudyInputs) -> None:
    """Record what data the study reads, as far as they are known and not recorded yet."""
    rows = None if inputs.data_parts is None else json.dumps(inputs.data_parts)
    files = json.dumps(inputs.files) if inputs.files else None
    known = {_DIGEST: inputs.data_digest, _SPLITS_DIGEST: inputs.splits_digest, _PARTS: rows, _FILES: files}
    for name, value in known.items():
        if value is not None and name not in study.user_attrs:
            study.set_user_attr(name, value)


def _recorded(attrs: Mapping[str, Any]) -> DataParts | None:
    """Return the parts that a study began with; None for a study of an earlier version."""
    with reading_record("the data that the study began with"):
        parts: DataParts | None = json.loads(attrs[_PARTS]) if _PARTS in attrs else None
        return parts
