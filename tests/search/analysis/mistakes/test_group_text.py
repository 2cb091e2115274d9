"""Tables and sentences of scores by group."""

from __future__ import annotations

import numpy as np

from core.statistics import Interval
from data.metrics import find_metric
from search.analysis.mistakes.group_scores import GroupScore
from search.analysis.mistakes.group_text import group_frame, group_sentences, group_table
from search.analysis.mistakes.groups import Group
from tests.data.metrics.metric_cases import score_task

ACCURACY = find_metric("accuracy")
RMSE = score_task("rmse").metric


def row(name: str, score: float | None, gap: Interval | None, note: str = "", joined: int = 1) -> GroupScore:
    ends = (None, None) if score is None else (score - 0.1, score + 0.1)
    rest = None if score is None or gap is None else score - gap.value
    return GroupScore(
        Group(name, np.arange(1200), joined), score, *ends, rest, gap, note, 0.0 if gap is None else gap.value
    )


def test_the_worst_group_is_named_and_whether_it_is_clearly_worse() -> None:
    rows = [
        row("news", 0.8, Interval(0.2, 0.1, 0.3)),
        row("forum", 0.5, Interval(-0.2, -0.3, -0.1)),
        row("web", 0.6, Interval(-0.1, -0.15, -0.05)),
        row("tv", 0.7, Interval(0.0, -0.1, 0.1)),
    ]
    assert group_sentences(rows, "source", ACCURACY) == [
        "Lowest accuracy by source: 0.500 for 'forum' (1,200 examples), 0.200 below the rest (0.700); it is clearly "
        "worse (95 % interval of the difference -0.300 to -0.100 for all 4 groups together).",
        "Clearly worse than the rest as well: 'web'.",
    ]
    assert group_sentences([rows[0], rows[3]], "source", ACCURACY)[0].endswith(
        "0.000 above the rest (0.700); this may be chance (95 % interval of the difference -0.100 to +0.100)."
    )


def test_the_largest_error_is_the_worst() -> None:
    rows = [
        GroupScore(row("a", 1.0, None).group, 1.0, 0.9, 1.1, 0.5, Interval(0.5, 0.4, 0.6), "", -0.5),
        GroupScore(row("b", 0.5, None).group, 0.5, 0.4, 0.6, 1.0, Interval(-0.5, -0.6, -0.4), "", 0.5),
    ]
    assert group_sentences(rows, "source", RMSE)[0].startswith(
        "Highest RMSE by source: 1.000 for 'a' (1,200 examples), 0.500 above the rest (0.500); it is clearly worse ("
    )
    assert [cells[-1] for cells in group_table(rows, "source", RMSE).rows] == ["clearly worse", "clearly better"]


def test_what_cannot_be_compared_says_why() -> None:
    rows = [
        row("a", 0.5, None, "undefined for the rest: all gold scores are equal"),
        row("b", None, None, "undefined: all gold scores are equal"),
        row("other", 0.9, None, "fewer than 20 examples", joined=3),
    ]
    (line,) = group_sentences(rows, "source", ACCURACY)
    assert line == (
        "Lowest accuracy by source: 0.500 for 'a' (1,200 examples), not compared with the rest: undefined for the "
        "rest: all gold scores are equal."
    )
    table = group_table(rows, "source", ACCURACY)
    assert table.caption == "Accuracy by source"
    assert table.headings == ("source", "examples", "accuracy", "difference to the rest", "verdict")
    assert table.rows == (
        ("a", "1,200", "0.500 [0.400, 0.600]", "", "undefined for the rest: all gold scores are equal"),
        ("b", "1,200", "undefined: all gold scores are equal", "", ""),
        ("other (3 groups of fewer than 20)", "1,200", "0.900 [0.800, 1.000]", "", "fewer than 20 examples"),
    )
    assert group_sentences([rows[1], rows[1]], "source", ACCURACY) == ["Accuracy is undefined in every group."]
    assert group_sentences([rows[0]], "source", ACCURACY) == [
        "All examples are in one group ('a'), so there is nothing to compare."
    ]


def test_long_names_are_cut_in_the_table_and_whole_in_the_file() -> None:
    name = "two\nlines and a great many words " * 5
    shown = group_table([row(name, 0.5, None)], name, ACCURACY)
    assert len(shown.rows[0][0]) <= 60
    assert "\n" not in shown.rows[0][0] + shown.headings[0] + shown.caption
    frame = group_frame([row(name, 0.5, None, "why")], name, ACCURACY)
    assert frame.loc[0, ["column", "group", "values", "metric", "score", "note"]].tolist() == [
        name, name, 1, "accuracy", 0.5, "why",
    ]  # fmt: skip
    assert frame.loc[0, ["rest", "difference", "difference_low"]].isna().all()


def test_two_of_three_groups_are_compared_together() -> None:
    gap = Interval(-0.1, -0.2, 0.1)
    rows = [row("a", 0.7, gap), row("b", 0.8, gap), row("c", 0.9, None, "fewer than 20 examples")]
    assert group_sentences(rows, "source", ACCURACY)[0].endswith("-0.200 to +0.100 for both groups together).")
