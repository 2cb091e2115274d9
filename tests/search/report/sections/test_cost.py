"""The section on cost and failures."""

from __future__ import annotations

from pathlib import Path

from search.display.table import Table
from search.report.context import ReportContext
from search.report.sections.cost import cost_section
from search.trials.folders import TrialFolders
from tests.search.reported import a_study


def test_where_the_time_went_and_who_broke_off(tmp_path: Path) -> None:
    section = cost_section(ReportContext(a_study(0.5, 0.7, 0.6), TrialFolders(tmp_path)))
    table = section.parts[0]
    assert isinstance(table, Table)
    assert table.rows == (("trained to the end", "3", "3 s", "100 %", "300"),)
    assert "1 trial was interrupted, by a crash or with the search, and resumed from a checkpoint: 2." in section.parts
