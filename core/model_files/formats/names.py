"""Names of the libraries that tasks are written for. It does not import torch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, get_args

from data.errors import UserError, did_you_mean

__all__ = ["FormatName", "parse_formats"]

FormatName = Literal["transformers", "sentence-transformers"]

_NAMES: Final[dict[str, FormatName]] = {name: name for name in get_args(FormatName)}


def parse_formats(words: Iterable[str]) -> list[FormatName]:
    """Return the names, each once, in the given order.

    Raises:
        UserError: if one is unknown.
    """
    names = []
    for word in dict.fromkeys(words):
        if word not in _NAMES:
            hint = did_you_mean(word, _NAMES)
            raise UserError(f"there is no format '{word}'; the formats are {' and '.join(_NAMES)}{hint}")
        names.append(_NAMES[word])
    return names
