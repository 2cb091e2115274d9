"""The section on cost and failures."""

from __future__ import annotations

from pathlib import Path

from search.display.table import Table
from search.report.context import ReportContext
from search.report.sections.cost import cost_section, failures
from search.trials.folders import TrialFolders
from tests.search.reported import a_study, table_of


def test_where_the_time_went_and_who_broke_off(tmp_path: Path) -> None:
    section = cost_section(ReportContext(a_study(0.5, 0.7, 0.6), TrialFolders(tmp_path)))
    table = section.parts[0]
    assert isinstance(table, Table)
    assert table.rows == (("trained to the end", "3", "3 s", "100 %", "300"),)
    assert "1 trial was interrupted, by a crash or with the search, and resumed from a checkpoint: 2." in section.parts


def test_failures_that_differ_in_numbers_only_are_one() -> None:
    found = failures(
        table_of(
            (0, "failed", None, None, 0, 1.0, 0, "the loss is not finite at step 17"),
            (1, "failed", None, None, 0, 1.0, 0, "CUDA out of memory. Tried to allocate 20.00 MiB"),
            (2, "failed", None, None, 0, 1.0, 0, "CUDA out of memory. Tried to allocate 1.5 GiB\nmore"),
            (3, "failed", None, None, 0, 1.0, 0, "CUDA out of memory. Tried to allocate 30.00 MiB"),
            (4, "complete", None, 0.5, 10, 1.0, 0, ""),
            (5, "failed", None, None, 0, 1.0, 0, ""),
        )
    )
    assert [one.trials for one in found] == [(1, 3), (0,), (2,), (5,)]
    assert "batch_size" in found[0].hint
    assert "learning rate" in found[1].hint
    assert (found[3].reason, found[3].hint) == ("no reason recorded", "")


def test_a_missing_number_differs_from_names_with_the_same_letters() -> None:
    reasons = ("overall is NaN", "resonance.local: connection lost", "fernando's worker was killed")
    rows = ((number, "failed", None, None, 0, 1.0, 0, reason) for number, reason in enumerate(reasons))
    assert [bool(one.hint) for one in failures(table_of(*rows))] == [True, False, False]
