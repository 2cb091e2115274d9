"""Read sentences from standard input, one per line, or two separated by a tab."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from data.errors import UserError
from data.tables.text_files import NOT_UTF8, decode_text, not_utf8
from data.tasks import TaskSpec
from search.predict.texts import Text

__all__ = ["parse_sentences", "read_lines", "refuse_table"]


def read_lines(content: bytes) -> list[str]:
    """Return the lines of standard input, which may be compressed or in UTF-16 as data files may.

    Raises:
        UserError: a line is not UTF-8; it names the line.
    """
    text = decode_text(content, "standard input")
    lines = text.removesuffix("\n").split("\n") if text else []
    for number, line in enumerate(lines, start=1):
        if (found := NOT_UTF8.search(line)) is not None:
            raise UserError(f"standard input, line {number}: {not_utf8(found[0])}")
    return lines


def refuse_table(lines: Sequence[str], spec: TaskSpec) -> None:
    """Refuse lines that begin with the header of a table: its cells would be predicted for as sentences.

    Raises:
        UserError: it says how to predict for a table.
    """
    names = spec.columns.sentences
    for delimiter in ("\t", ",", ";"):
        cells = [cell.strip().strip('"') for cell in lines[0].split(delimiter)] if lines else []
        if {*names} <= {*cells} and len(lines) > 1:
            raise UserError(
                f"standard input, line 1: {', '.join(map(repr, cells))} are columns of task '{spec.name}', but only "
                "sentences are read from standard input, without a header; for a table, give --input TABLE and "
                "--output PREDICTIONS instead"
            )


def parse_sentences(lines: Iterable[str], spec: TaskSpec) -> list[Text]:
    """Return one text per line; the sentences of a pair are separated by a tab.

    An empty line is an empty text. The sentences of a pair may be empty too, but the line has its tab.

    Raises:
        UserError: if a line has too few or too many sentences; it names the line.
    """
    expected = len(spec.columns.sentences)
    texts: list[Text] = []
    for number, line in enumerate(lines, start=1):
        sentences = tuple(part.strip() for part in line.rstrip("\r\n").split("\t"))
        if len(sentences) != expected:
            form = "one sentence" if expected == 1 else "two sentences separated by a tab"
            raise UserError(f"standard input, line {number}: task '{spec.name}' reads {form} a line, got {line!r}")
        texts.append(sentences[0] if expected == 1 else (sentences[0], sentences[1]))
    return texts
