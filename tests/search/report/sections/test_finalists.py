"""The section on the finalists: its introduction, figure and tables."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from search.analysis.seed_intervals import Difference
from search.finalists.final_outcome import FinalOutcome
from search.finalists.final_tables import final_frame, final_table
from search.finalists.finalist import Finalist
from search.report.parts import Chart, Fold, Note, ReportSection
from search.report.sections.finalists import finalists_section
from tests.search.planted import BASE

SCORES = ("overall", "sst", "para", "sts")
WINNER = Finalist(
    name="trial 3",
    config=BASE,
    source=3,
    preset="",
    is_default=False,
    runs=(0, 2),
    means=dict.fromkeys(SCORES, 0.75),
    spreads=dict.fromkeys(SCORES, 0.01),
    half_width=0.02,
    apart=(),
    to_default={score: Difference(0.125, 0.03) for score in SCORES},
    to_preset={},
    dropped="",
)
DEFAULT = replace(
    WINNER, name="default", source=0, is_default=True, runs=(1,), means=dict.fromkeys(SCORES, 0.625), to_default={}
)
OUTCOME = FinalOutcome(
    study="mine-finalists",
    of="mine",
    seeds=(11, 12),
    finalists=(WINNER, DEFAULT),
    contenders=("trial 3", "default"),
    failed={},
    barred={},
    best_of_study=3,
    expected=None,
    unknown="their folders are gone",
    examples_unknown="",
)


def section_of(outcome: FinalOutcome | None) -> ReportSection | None:
    context: Any = SimpleNamespace(outcome=outcome)
    return finalists_section(context)


def parts_of(outcome: FinalOutcome, kind: type) -> list[Any]:
    section = section_of(outcome)
    assert section is not None
    return [part for part in section.parts if isinstance(part, kind)]


def test_without_a_final_there_is_no_section() -> None:
    assert section_of(None) is None


def test_the_winner_is_on_top() -> None:
    (chart,) = parts_of(OUTCOME, Chart)
    winner, others = chart.figure.data
    assert (winner.name, list(winner.x), list(winner.y)) == ("winner", [0.75], [2])
    assert (others.name, list(others.x), list(others.y)) == ("others", [0.625], [1])
    assert list(winner.error_x.array) == [0.02]
    assert list(winner.text) == ["trial 3, 2 seeds"]
    assert list(others.text) == ["default, 1 seed"]
    axis = chart.figure.layout.yaxis
    assert dict(zip(axis.ticktext, axis.tickvals, strict=True)) == {"trial 3": 2, "default": 1}


@pytest.mark.parametrize(
    ("seeds", "runs", "unknown", "words", "axis"),
    [
        ((11, 12), (0, 2), "", "2 fresh seeds each. Bars are 95 % intervals for other dev examples and other", True),
        ((11, 12), (0, 2), "no files", "intervals for other seeds only, not for other dev examples: no files", True),
        ((11,), (0,), "", "one fresh seed. Bars are 95 % intervals for other dev examples only", False),
        ((11,), (0,), "no files", "trained again with one fresh seed.", False),
    ],
)
def test_the_introduction_says_what_intervals_are_for(
    seeds: tuple[int, ...], runs: tuple[int, ...], unknown: str, words: str, axis: bool
) -> None:
    finalists = (replace(WINNER, runs=runs), DEFAULT)
    outcome = replace(OUTCOME, seeds=seeds, finalists=finalists, examples_unknown=unknown)
    introduction = parts_of(outcome, Note)[0].text
    assert words in introduction
    assert ("Bars are" in introduction) == (len(runs) > 1 or not unknown)
    (chart,) = parts_of(outcome, Chart)
    assert ("mean over seeds" in chart.figure.layout.xaxis.title.text) == axis


def test_differences_are_folded_where_there_are_any() -> None:
    (fold,) = parts_of(OUTCOME, Fold)
    (table,) = fold.parts
    assert "from the default configuration" in table.caption
    assert [row[0] for row in table.rows] == ["trial 3"]
    without = replace(OUTCOME, finalists=(replace(WINNER, to_default={}), DEFAULT))
    assert parts_of(without, Fold) == []


def test_the_table_and_its_unrounded_numbers() -> None:
    section = section_of(OUTCOME)
    assert section is not None
    assert final_table(OUTCOME) in section.parts
    assert section.frames["finalists.csv"].equals(final_frame(OUTCOME))
