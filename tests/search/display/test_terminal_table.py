"""Tables as a terminal shows them."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from search.display.table import Table
from search.display.terminal_table import print_table

_RESULTS = Table(
    "configurations",
    ("variant", "runs", "optim.learning_rate", "overall", "difference"),
    (
        ("mean", "3", "1e-05", "0.6978 ± 0.0132", "reference"),
        ("a very long name of several words", "12", "3e-05", "0.7012 ± 0.0011", "+0.0034 ± 0.0142"),
    ),
)


def _printed(table: Table, width: int = 100) -> list[str]:
    out = StringIO()
    print_table(Console(file=out, width=width), table)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_that_text_is_aligned_to_the_left_and_numbers_to_the_right() -> None:
    title, headings, _, first, second, end = _printed(_RESULTS)
    assert title == "configurations"
    assert headings == "variant                            runs  optim.learning_rate          overall        difference"
    assert first == "mean                                  3                1e-05  0.6978 ± 0.0132         reference"
    assert second == "a very long name of several words    12                3e-05  0.7012 ± 0.0011  +0.0034 ± 0.0142"
    assert end == ""


def test_that_headings_and_text_give_way_in_a_narrow_terminal_and_no_number_is_cut() -> None:
    lines = _printed(_RESULTS, width=72)
    assert max(map(len, lines)) <= 72
    assert [line[-50:].strip() for line in lines if "±" in line] == [
        "3      1e-05  0.6978 ± 0.0132         reference",
        "12      3e-05  0.7012 ± 0.0011  +0.0034 ± 0.0142",
    ]
    assert [line[:10].strip() for line in lines if line.startswith(("a ", "long", "name", "words", "several"))]


def test_that_numbers_stay_whole_where_not_even_they_fit() -> None:
    assert any("0.6978 ± 0.0132         reference" in line for line in _printed(_RESULTS, width=30))


def test_that_nothing_in_a_table_is_markup() -> None:
    lines = _printed(Table("runs/[red]", ("[b]",), (("[/nothing]",),)))
    assert lines == ["runs/[red]", "[b]", "──────────", "[/nothing]", ""]


def test_that_rows_of_the_footer_are_set_apart() -> None:
    lines = _printed(Table("", ("what", "MiB"), (("models", "1,203.0"),), footer=(("together", "1,203.0"), ("x", ""))))
    assert lines == [
        "what          MiB",
        "─────────────────",
        "models    1,203.0",
        "─────────────────",
        "together  1,203.0",
        "x",
        "",
    ]


def test_that_the_longest_text_gets_the_room() -> None:
    sentence = "The rain has stopped and the streets are dry again, so everybody walks home without an umbrella."
    table = Table("", ("id", "gold", "example"), (("336a51f7f9d2bb2bd1b6d3b4b-and-more", "0", sentence),))
    lines = _printed(table, width=60)
    assert max(map(len, lines)) <= 60
    assert len([line for line in lines if line]) == 6  # the heading, the rule, and four lines
