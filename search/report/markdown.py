"""Write a report as Markdown: all text and tables, without the figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from search.display.table import Table
from search.report.parts import MOST_ROWS, Chart, Code, Fold, Heading, Headline, Note, Part, ReportSection, TrialBrowser

__all__ = ["markdown"]


def markdown(title: str, sections: Iterable[ReportSection], origin: str) -> str:
    """Return the whole Markdown file, without sections that contain only figures.

    The last line is ``origin``: the program and study that the report was made from.
    """
    blocks = [f"# {title}"]
    for section in sections:
        inner = list(_blocks(section.parts, 3))
        blocks += ([f"## {section.title}"] if section.title and inner else []) + inner
    return "\n\n".join([*blocks, origin]) + "\n"


def _blocks(parts: Iterable[Part], level: int) -> Iterator[str]:
    for part in parts:
        match part:
            case Chart():
                continue
            case Fold():
                inner = list(_blocks(part.parts, level + 1))
                yield from [f"{'#' * level} {part.title}", *inner] if inner else []
            case Table():
                yield from _table(part)
            case TrialBrowser():
                yield from _table(part.table)
            case Headline():
                yield f"{part.label}: **{part.number}** {part.details}"
            case Code():
                yield f"```\n{part.text}\n```"
            case Heading():
                yield f"{'#' * level} {part.text}"
            case Note():
                yield f"*{part.text}*"
            case str():
                yield part


def _table(table: Table) -> Iterator[str]:
    if table.caption:
        yield f"{table.caption}:"
    rows = [table.headings, ("---",) * len(table.headings), *table.rows[:MOST_ROWS], *table.footer]
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in rows)  # a class may be named with a bar
    yield "\n".join(f"| {' | '.join(row)} |" for row in escaped)
    more = len(table.rows) - MOST_ROWS
    if more > 0:
        yield f"*{more:,} more rows are not shown.*"
