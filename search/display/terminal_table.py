"""Print a :class:`~search.display.table.Table` in a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table as RichTable
from rich.text import Text

from search.display.table import Table

__all__ = ["print_result", "print_table"]

# A number with what goes with it: a sign, a unit, an interval.
_NUMBER = re.compile(r"(?=\D*\d)(?:[\d\s.,:%±()+\u2013\u2212-]|e(?=[-+\d])|\bto\b)+")
_NARROWEST = 8  # of a column of text
_GAP = 2  # between columns: a cell of the padding and one of the box


def print_table(console: Console, table: Table) -> None:
    """Print a table, followed by an empty line.

    Columns of numbers are aligned to the right. Where the terminal is too narrow, long headings are broken, then text
    is folded; numbers are never cut: half a number would be a wrong one. Nothing in the table is read as markup.
    """
    columns = [_Column(*cells) for cells in zip(table.headings, *table.rows, *table.footer, strict=True)]
    _fit(columns, console.width - _GAP * (len(columns) - 1))
    shown = RichTable(
        box=box.SIMPLE, show_edge=False, pad_edge=False, padding=(0, _GAP - 1, 0, 0), show_footer=bool(table.footer)
    )
    for index, column in enumerate(columns):
        shown.add_column(
            Text(column.heading),
            Text("\n".join(row[index] for row in table.footer)),
            justify="right" if column.is_number else "left",
            overflow="fold",
            width=column.width,
        )
    for row in table.rows:
        shown.add_row(*map(Text, row))
    if table.caption:  # not as the title of the shown table, which would fold it to the table's width
        console.print(Text(table.caption, style="italic"), soft_wrap=True)
    console.print(_Uncut(shown, _total(columns) + _GAP * (len(columns) - 1)), "", crop=False)


def print_result(console: Console, tables: Iterable[Table], lines: Iterable[str]) -> None:
    """Print an empty line, tables, and lines that are not read as markup."""
    console.print()
    for table in tables:
        print_table(console, table)
    for line in lines:
        console.print(line, soft_wrap=True)


class _Uncut:
    """A table that keeps its width in a narrower terminal, which wraps its lines."""

    def __init__(self, table: RichTable, width: int) -> None:
        self.table = table
        self.width = width

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from console.render(self.table, options.update(width=max(self.width, options.max_width)))


class _Column:
    """Cells below each other, with the width that they get."""

    def __init__(self, heading: str, *cells: str) -> None:
        self.heading = heading
        self.cells = _width(*cells)
        known = [cell for cell in cells if cell]
        # Single words among the numbers, such as "reference", do not make a column one of text.
        numbers = [cell for cell in known if _is_number(cell)]
        others = [cell for cell in known if not _is_number(cell)]
        self.is_number = bool(numbers) and len(numbers) >= len(others) and not any(" " in cell for cell in others)
        self.width = max(self.cells, _width(heading))

    def break_heading(self) -> None:
        """Make the column as narrow as its cells, or as the longest word of its heading."""
        words = re.findall(r"\s|[^\s./_]*[./_]?", self.heading)
        room = max(self.cells, *map(cell_len, words))
        lines = [""]
        for word in words:
            if cell_len(lines[-1] + word.rstrip()) > room:
                lines.append("")
            lines[-1] += word if lines[-1] else word.lstrip()
        self.heading = "\n".join(line.rstrip() for line in lines)
        self.width = max(self.cells, _width(self.heading))


def _fit(columns: Sequence[_Column], room: int) -> None:
    """Narrow the columns until they fit, as far as that goes.

    Columns of text other than the longest get an even share of the room at most, and the longest what remains: a
    sentence needs it more than its number or name.
    """
    if _total(columns) <= room:
        return
    for column in columns:
        column.break_heading()
    texts = sorted((column for column in columns if not column.is_number), key=lambda column: column.width)
    share = max(room // len(columns), _NARROWEST)
    for column in texts[:-1]:
        if _total(columns) > room:
            column.width = min(column.width, share)
    if texts and _total(columns) > room:
        longest = texts[-1]
        longest.width = min(longest.width, max(room - _total(columns) + longest.width, _NARROWEST))


def _total(columns: Sequence[_Column]) -> int:
    return sum(column.width for column in columns)


def _width(*texts: str) -> int:
    return max((cell_len(line) for text in texts for line in text.splitlines()), default=0)


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None
