"""The kinds of values that a study file can search, by the key that tells them apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.config import RunConfig
from search.space.choices import Choices, OneValue
from search.space.distribution import Distribution
from search.space.entry import SpaceEntry
from search.space.ranges import FloatRange
from search.space.simplex import SIMPLEX_PATH, Simplex
from search.space.variants import Variants

__all__ = ["KINDS", "kind_of", "parse_distribution"]

KINDS: list[type[Distribution]] = [Simplex, Choices, OneValue, Variants, FloatRange]
"""A new kind needs a line here. The first whose key is in a table reads it; the last reads ranges of whole numbers."""


def kind_of(path: str, table: Mapping[str, Any]) -> type[Distribution]:
    """Return the kind of values that a table of a study file, or of a recorded study, is about."""
    if path == SIMPLEX_PATH:
        return Simplex
    return next((kind for kind in KINDS if kind.keys[0] in table), FloatRange)


def parse_distribution(
    path: str, table: Mapping[str, Any], base: RunConfig, *, is_conditional: bool = False
) -> Distribution:
    """Read the values of one searched setting from its table without ``needs`` and ``when``.

    Raises:
        StudyFileError: under the setting and what follows it.
    """
    known = (*(key for kind in KINDS for key in kind.keys), "when")
    return kind_of(path, table).parse(SpaceEntry(path, table, base, known, is_conditional))
