"""A mistake in a study file, told with the key it stands under."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from data.errors import UserError

__all__ = ["StudyFileError", "did_you_mean", "spell_key"]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class StudyFileError(UserError):
    """Bad input under ``key``; whoever knows the file adds its name and the line.

    Attributes:
        key: the parts of the key from the top of the file, ``("space", "optim.learning_rate", "low")``.
        what: what is wrong, without the key.
    """

    def __init__(self, key: tuple[str, ...], what: str) -> None:
        super().__init__(f"{spell_key(key)}: {what}" if key else what)
        self.key = key
        self.what = what


def spell_key(key: Iterable[str]) -> str:
    """The key as TOML writes it: a part that holds a dot is quoted."""
    return ".".join(part if _BARE_KEY.fullmatch(part) else f'"{part}"' for part in key)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` for the known word nearest to ``word``, or nothing where none is near."""
    known = list(known)
    # A dotted path is most often right in its last part: 'learning_rate' for 'optim.learning_rate'.
    last = word.rpartition(".")[2]
    same_end = [name for name in known if "." in name and name.rpartition(".")[2] == last]
    near = get_close_matches(word, same_end, n=1, cutoff=0.0) or get_close_matches(word, known, n=1)
    return f"; did you mean '{near[0]}'?" if near else ""
