"""Errors about a study file that name the key of the mistake."""

from __future__ import annotations

import re
from collections.abc import Iterable

from data.errors import UserError, did_you_mean, escaped

__all__ = ["StudyFileError", "name_hint", "spell_key"]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class StudyFileError(UserError):
    """A mistake under ``key`` of a study file; :mod:`search.parsing.toml_lines` adds the file and the line.

    Attributes:
        key: the parts of the key from the top of the file, ``("space", "optim.learning_rate", "low")``.
        what: what is wrong, without the key; control characters of quoted values are escaped.
        others: further mistakes; those of another file have their place in their text, and no key.
    """

    def __init__(self, key: tuple[str, ...], what: str, others: tuple[UserError, ...] = ()) -> None:
        self.key = key
        self.what = escaped(what)
        self.others = others
        own = f"{spell_key(key)}: {self.what}" if key else self.what
        super().__init__("\n".join([own, *map(str, others)]))

    @property
    def every(self) -> tuple[UserError, ...]:
        """This mistake alone, and the others."""
        return StudyFileError(self.key, self.what), *self.others


def spell_key(key: Iterable[str]) -> str:
    """Write the key as TOML does: a part that contains a dot is quoted."""
    return ".".join(part if _BARE_KEY.fullmatch(part) else f'"{escaped(part)}"' for part in key)


def _initials(path: str) -> str:
    """Shorten the last part of a path: ``optim.lr`` for ``optim.learning_rate``; a single word stays as it is."""
    section, dot, name = path.rpartition(".")
    words = name.split("_")
    return section + dot + ("".join(word[:1] for word in words) if len(words) > 1 else name)


def name_hint(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for a name in a study file or an option, or nothing if no known name is near.

    Unlike :func:`data.errors.did_you_mean`, find settings by their initials, and by the last part of their path.
    """
    known = list(known)
    shortened = [name for name in known if word in (_initials(name), _initials(name.rpartition(".")[2]))]
    # A dotted path is most often right in its last part: 'learning_rate' for 'optim.learning_rate'.
    last = word.rpartition(".")[2]
    same_end = [name for name in known if "." in name and name.rpartition(".")[2] == last]
    return did_you_mean(word, shortened[:1] or same_end, cutoff=0.0) or did_you_mean(word, known)
