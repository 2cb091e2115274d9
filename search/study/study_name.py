"""Check the name of a study, which is also the name of its folder."""

from __future__ import annotations

import re

from data.errors import UserError

__all__ = ["check_study_name", "is_study_name"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def is_study_name(name: str) -> bool:
    """Return whether the name is of letters, digits, ``_``, ``-`` and ``.`` only, a letter or a digit first."""
    return _NAME.fullmatch(name) is not None


def check_study_name(name: str, option: str = "--name") -> None:
    """Refuse a name that no study can have.

    Args:
        name: as the user gave it.
        option: the option that it was given to.

    Raises:
        UserError: if :func:`is_study_name` is false.
    """
    if not is_study_name(name):
        raise UserError(
            f"{option} {name}: a study has a folder of its name; use letters, digits, '_', '-' and '.' only, "
            "a letter or a digit first"
        )
