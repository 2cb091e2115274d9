"""Compare the data that a study reads with the data that it began with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import optuna

from data.errors import UserError
from search.preflight.data_parts import DataParts, changed_parts, splits_of
from search.storage.damage import reading_record

__all__ = ["check_same_data", "has_other_data", "record_data", "refuse_other_data"]

_DIGEST = "data_digest"
_SPLITS_DIGEST = "splits_digest"
_PARTS = "data_parts"
_WHOLE_FILES = "; the study began with a version to which other line ends and another test file are changes too"


def has_other_data(attrs: Mapping[str, Any], digest: str | None, parts: DataParts | None) -> bool:
    """Return whether a study began with other data.

    Args:
        attrs: the study's user attributes.
        digest: over the bytes of all data that any trial may read; None: unknown. Files with the same bytes have not
            changed, even if a later version reads other rows from them.
        parts: the data as parsed; None: unknown.
    """
    if digest is None or attrs.get(_DIGEST, digest) == digest:
        return False
    recorded = _recorded(attrs)
    return recorded is None or parts is None or bool(changed_parts(recorded, parts))


def refuse_other_data(study: optuna.Study, digest: str | None, parts: DataParts | None, remedy: str) -> None:
    """Refuse to search a study further with other data; see :func:`has_other_data`.

    Raises:
        UserError: it names the parts that have changed, if they are known.
    """
    attrs, since = study.user_attrs, f"since study '{study.study_name}' began"
    if not has_other_data(attrs, digest, parts):
        return
    recorded = _recorded(attrs)
    if recorded is None or parts is None:
        raise UserError(f"the data files, or further examples, have changed {since}; {remedy}{_WHOLE_FILES}")
    raise UserError(f"the data have changed {since}: {', '.join(changed_parts(recorded, parts))}; {remedy}")


def check_same_data(study: optuna.Study, splits_digest: str, parts: DataParts | None = None) -> None:
    """Refuse to use a study's predictions and scores with other training and dev files than the study's.

    Args:
        splits_digest: over the bytes of the tasks' own files as they are now.
        parts: the data as parsed; only splits are compared.

    Raises:
        UserError: it names the splits that have changed, if they are known.
    """
    attrs = study.user_attrs
    if attrs.get(_SPLITS_DIGEST, splits_digest) == splits_digest:
        return
    recorded, which, note = _recorded(attrs), "", _WHOLE_FILES
    if recorded is not None and parts is not None:
        changed = changed_parts(splits_of(recorded), splits_of(parts))
        if not changed:
            return
        which, note = f" ({', '.join(changed)})", ""
    raise UserError(
        f"the data files have changed since study '{study.study_name}' began{which}, so its predictions do not belong "
        f"to them; use --data to name the folder with the original files{note}"
    )


def record_data(study: optuna.Study, digest: str | None, splits_digest: str | None, parts: DataParts | None) -> None:
    """Record what the study reads, as far as it is known and not recorded yet."""
    rows = None if parts is None else json.dumps(parts)
    for name, value in ((_DIGEST, digest), (_SPLITS_DIGEST, splits_digest), (_PARTS, rows)):
        if value is not None and name not in study.user_attrs:
            study.set_user_attr(name, value)


def _recorded(attrs: Mapping[str, Any]) -> DataParts | None:
    """Return the parts that a study began with; None for a study of an earlier version."""
    with reading_record("the data that the study began with"):
        parts: DataParts | None = json.loads(attrs[_PARTS]) if _PARTS in attrs else None
        return parts
