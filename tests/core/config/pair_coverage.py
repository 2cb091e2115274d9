"""Few combinations of switches in which every legal pair of their values occurs."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cache
from itertools import combinations
from typing import TypeAlias

from tests.core.config.drawn_settings import SWITCHES, Settings, made

Value: TypeAlias = tuple[str, int]  # a switch, and which of its values
Pair: TypeAlias = tuple[Value, Value]  # of two switches, in their order

SWITCH_VALUES: list[Value] = [(name, which) for name, values in SWITCHES.items() for which in range(len(values))]


Row: TypeAlias = dict[str, int]  # which value of each switch; one that is left out stays as in BASE


def settings_of(row: Mapping[str, int]) -> Settings:
    return {path: value for name, which in row.items() for path, value in SWITCHES[name][which].items()}


def pairs_of(row: Mapping[str, int]) -> set[Pair]:
    return {
        (first, second) for first, second in combinations(((name, row[name]) for name in SWITCHES if name in row), 2)
    }


@cache
def legal_pairs() -> dict[Pair, Row]:
    """Return the pairs that are allowed, alone or with one value of a third switch, and what they need."""
    found = {}
    for first, second in combinations(SWITCH_VALUES, 2):
        if first[0] == second[0]:
            continue
        pair = dict((first, second))
        companions = (pair, *({**dict([other]), **pair} for other in SWITCH_VALUES))
        row = next((row for row in companions if made(settings_of(row)) is not None), None)
        if row is not None:
            found[first, second] = row
    return found


@cache
def covering_rows() -> list[Row]:
    """Return combinations in which every legal pair occurs; always the same ones."""
    draw = random.Random(0)
    legal = legal_pairs()
    left = dict.fromkeys(draw.sample(sorted(legal), len(legal)))
    rows = []
    while left:
        row = dict(legal[next(iter(left))])
        for name in draw.sample(sorted(set(SWITCHES) - set(row)), len(SWITCHES) - len(row)):
            candidates = [{**row, name: which} for which in range(len(SWITCHES[name]))]
            draw.shuffle(candidates)
            candidates.sort(key=lambda candidate: sum(pair in left for pair in pairs_of(candidate)), reverse=True)
            row = next((candidate for candidate in candidates if made(settings_of(candidate)) is not None), row)
        for pair in pairs_of(row):
            left.pop(pair, None)
        rows.append(row)
    return rows
