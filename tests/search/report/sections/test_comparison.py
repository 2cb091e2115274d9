"""The section and the figure of a comparison over seeds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from search.analysis.comparison_text import comparison_frame, comparison_notes, comparison_table
from search.analysis.seed_comparison import Comparison, ComparisonRow
from search.display.table import Table
from search.report.context import ReportContext
from search.report.parts import Chart, Note
from search.report.sections.comparison import comparison_figure, comparison_section
from search.trials.folders import TrialFolders
from tests.search.reported import a_study

CROSS = ComparisonRow(
    {"heads.sts.pair": "cross"}, (0, 3), {"sts": 0.5}, 0.75, 0.01, None, None, False, 7.0, 100.0, 0.03, 800.0
)
SIAMESE = replace(
    CROSS, settings={"heads.sts.pair": "siamese", "heads.sts.combine": "uv"}, trials=(1,), overall=0.7, half_width=0.02
)
BOTH = Comparison((CROSS, SIAMESE), 1, seeds_known=True, examples_unknown="", unfinished={}, repeats=())


def test_the_best_is_on_top_and_the_reference_has_a_line() -> None:
    figure = comparison_figure(BOTH)
    configuration, reference = figure.data
    assert (configuration.name, list(configuration.x), list(configuration.y)) == ("configuration", [0.75], [2])
    assert (reference.name, list(reference.x), list(reference.y)) == ("reference", [0.7], [1])
    assert list(reference.error_x.array) == [0.02]
    assert list(figure.layout.yaxis.tickvals) == [2, 1]
    assert list(figure.layout.yaxis.ticktext) == ["cross", "siamese<br>uv"]
    (line,) = figure.layout.shapes
    assert line.x0 == line.x1 == 0.7


def test_a_row_without_settings_is_the_base() -> None:
    alone = replace(BOTH, rows=(replace(CROSS, settings={}),), reference=0)
    figure = comparison_figure(alone)
    assert figure.layout.yaxis.ticktext == ("base",)
    assert len(figure.data[0].x) == 0  # the only row is the reference


def test_an_interval_that_is_not_known_is_not_drawn() -> None:
    figure = comparison_figure(replace(BOTH, rows=(replace(CROSS, half_width=None), SIAMESE)))
    assert list(figure.data[0].error_x.array) == [None]


def test_the_section_has_notes_table_and_figure(tmp_path: Path) -> None:
    context = ReportContext(a_study(0.5, 0.6), TrialFolders(tmp_path))
    assert comparison_section(context) is None
    section = comparison_section(replace(context, comparison=BOTH))
    assert section is not None
    assert [part.text for part in section.parts if isinstance(part, Note)] == comparison_notes(BOTH)
    assert [part for part in section.parts if isinstance(part, Table)] == [comparison_table(BOTH)]
    assert isinstance(section.parts[-1], Chart)
    assert section.frames["comparison.csv"].equals(comparison_frame(BOTH))
