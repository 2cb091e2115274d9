"""Comparisons as tables, where rows have different settings, or nothing was recorded."""

from __future__ import annotations

from dataclasses import replace

from rich.console import Console

from search.analysis.comparison_text import comparison_frame, comparison_notes, comparison_table, settings_text
from search.analysis.seed_comparison import Comparison, ComparisonRow
from search.console.summary import show_comparison

ROW = ComparisonRow(
    {"heads.sts.pair": "cross"}, (0, 3), {"sts": 0.51234}, 0.75617, 0.01, None, None, False, 7.25, 1234.5, 0.029, 812.4
)
SIAMESE = replace(
    ROW,
    settings={"heads.sts.pair": "siamese", "heads.sts.combine": "[red]uv"},
    trials=(1,),
    overall=0.7,
    half_width=0.02,
    difference=-0.05617,
    difference_half_width=0.015,
    seconds=1234.5,
)
BOTH = Comparison((ROW, SIAMESE), 0, seeds_known=True, examples_unknown="", unfinished={}, repeats=())


def test_a_setting_that_some_do_not_have_leaves_their_cell_empty() -> None:
    table = comparison_table(BOTH)
    assert table.headings == (
        *("heads.sts.pair", "heads.sts.combine", "runs", "overall", "difference"),
        *("sts", "seconds", "examples/s", "trainable %", "peak MiB"),
    )
    assert table.rows == (
        ("cross", "", "2", "0.7562 ± 0.0100", "reference", "0.512", "7.2", "1234", "2.9", "812"),
        ("siamese", "[red]uv", "1", "0.7000 ± 0.0200", "-0.0562 ± 0.0150", "0.512", "1234", "1234", "2.9", "812"),
    )
    assert comparison_frame(BOTH)["setting heads.sts.combine"].isna().tolist() == [True, False]


def test_lengths_are_shown_where_they_differ() -> None:
    """The count of trainable parameters is in the CSV file, next to their share."""
    rows = (replace(ROW, examples=12_000.0, trainable_parameters=50), replace(SIAMESE, examples=540.0))
    table = comparison_table(replace(BOTH, rows=rows))
    assert table.headings[5:8] == ("sts", "examples", "seconds")
    assert [row[6] for row in table.rows] == ["12,000", "540"]
    alike = tuple(replace(row, examples=540.0) for row in rows)
    assert comparison_table(replace(BOTH, rows=alike)).headings == comparison_table(BOTH).headings
    frame = comparison_frame(replace(BOTH, rows=rows))
    assert frame["examples"].tolist() == [12_000.0, 540.0]
    assert frame["trainable_parameters"].tolist()[0] == 50


def test_values_that_were_not_recorded_have_no_column() -> None:
    old = [replace(row, examples_per_second=None, trainable_share=None, peak_memory_mib=None) for row in BOTH.rows]
    headings = comparison_table(replace(BOTH, rows=tuple(old))).headings
    assert headings[-2:] == ("sts", "seconds")


def test_seeds_of_one_configuration_are_compared_with_nothing() -> None:
    alone = replace(BOTH, rows=(replace(ROW, settings={}),))
    assert settings_text(alone.rows[0]) == "base"
    table = comparison_table(alone)
    assert "difference" not in table.headings
    assert table.rows[0][:3] == ("base", "2", "0.7562 ± 0.0100")
    assert len(comparison_notes(alone)) == 1


def test_a_row_with_an_interval_of_its_own_is_named() -> None:
    assert not any("its own" in note for note in comparison_notes(BOTH))
    apart = replace(BOTH, rows=(replace(ROW, is_apart=True), SIAMESE))
    said = "The runs of heads.sts.pair = cross vary so much that its interval is based on them alone."
    assert said in comparison_notes(apart)


def test_a_terminal_shows_every_number_whole() -> None:
    console = Console(width=80, record=True, force_terminal=False)
    long = replace(BOTH, rows=tuple(replace(row, settings={"a.very.long.path." * 3: 0.5}) for row in BOTH.rows))
    for comparison in (BOTH, long):
        show_comparison(console, comparison)
        shown = console.export_text()
        assert max(map(len, shown[: shown.index("± is half")].splitlines())) <= 80
        for cells in comparison_table(comparison).rows:
            for cell in cells[len(comparison.rows[1].settings) :]:
                assert cell in shown
    show_comparison(console, BOTH)
    assert "[red]uv" in console.export_text()  # as it is, not taken for a colour
