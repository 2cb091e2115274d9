"""Read the sentences of examples from standard input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from data.errors import UserError
from data.tasks import TaskSpec

__all__ = ["parse_sentences", "utf8_lines"]


def utf8_lines(stream: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines of standard input, without a byte order mark.

    Raises:
        UserError: a line is not UTF-8; it names the line.
    """
    for number, line in enumerate(stream, start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise UserError(f"standard input, line {number}: not UTF-8 ({error.reason})") from None


def parse_sentences(lines: Iterable[str], spec: TaskSpec) -> list[tuple[str, ...]]:
    """Return one example per line, as its sentences; those of a pair are separated by a tab.

    Raises:
        UserError: if a line is empty or has too few or too many sentences; it names the line.
    """
    expected = len(spec.columns.sentences)
    examples = []
    for number, line in enumerate(lines, start=1):
        sentences = tuple(part.strip() for part in line.rstrip("\r\n").split("\t"))
        if len(sentences) != expected or not all(sentences):
            form = "one sentence" if expected == 1 else "two sentences separated by a tab"
            raise UserError(f"standard input, line {number}: task '{spec.name}' reads {form} a line, got {line!r}")
        examples.append(sentences)
    return examples
