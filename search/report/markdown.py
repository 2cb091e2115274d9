"""Write a report as Markdown: all text and tables, without the figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from search.display.table import Table
from search.report.parts import MOST_ROWS, Chart, Code, Fold, Heading, Headline, Note, Part, ReportSection, TrialBrowser

__all__ = ["markdown"]


def markdown(title: str, sections: Iterable[ReportSection], origin: str) -> str:
    """Return the whole Markdown file, without sections that contain only figures.

    The last line is ``origin``: the program and study that the report was made from. Nothing in it is HTML: names,
    texts and reasons come from data, study files and libraries.
    """
    blocks = [f"# {_plain(title)}"]
    for section in sections:
        inner = list(_blocks(section.parts, 3))
        blocks += ([f"## {_plain(section.title)}"] if section.title and inner else []) + inner
    return "\n\n".join([*blocks, _plain(origin)]) + "\n"


def _blocks(parts: Iterable[Part], level: int) -> Iterator[str]:
    for part in parts:
        match part:
            case Chart():
                continue
            case Fold():
                inner = list(_blocks(part.parts, level + 1))
                yield from [f"{'#' * level} {_plain(part.title)}", *inner] if inner else []
            case Table():
                yield from _table(part)
            case TrialBrowser():
                yield from _table(part.table)
            case Headline():
                yield _plain(f"{part.label}: **{part.number}** {part.details}")
            case Code():
                yield f"```\n{part.text}\n```"
            case Heading():
                yield f"{'#' * level} {_plain(part.text)}"
            case Note():
                yield f"*{_plain(part.text)}*"
            case str():
                yield _plain(part)


def _table(table: Table) -> Iterator[str]:
    if table.caption:
        yield f"{_plain(table.caption)}:"
    rows = [table.headings, ("---",) * len(table.headings), *table.rows[:MOST_ROWS], *table.footer]
    yield "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)
    more = len(table.rows) - MOST_ROWS
    if more > 0:
        yield f"*{more:,} more rows are not shown.*"


def _plain(text: str) -> str:
    return text.replace("<", "&lt;")


def _cell(text: str) -> str:
    """Return a cell in one line; a class may be named with a bar."""
    return " ".join(_plain(text).replace("|", "\\|").splitlines())
