"""How values are written."""

from __future__ import annotations

from search.display.values import duration


def test_durations_have_the_unit_that_reads_best() -> None:
    assert [duration(s) for s in (3, 89, 600, 5400, 36_000)] == ["3 s", "89 s", "10 min", "1.5 h", "10.0 h"]
