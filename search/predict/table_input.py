"""Read rows of texts from a file as a stream: delimited text, JSON or Parquet; only a JSON array is read whole."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Any, BinaryIO, Protocol

from data.errors import UserError, quoted
from data.tables.columns import column_index
from data.tables.delimited import Quoting
from data.tables.json_rows import array_elements, is_json
from data.tables.parquet import load_pyarrow
from data.tables.table import unreadable
from data.tables.text_files import decode_text, refuse_other_text

__all__ = ["InputTable", "format_of", "open_table"]

Cells = tuple[object, ...]

_GZIP = b"\x1f\x8b"
_MARKS = {b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_DECODER = json.JSONDecoder()
_SAMPLE = 4096  # bytes that show another format
_PARQUET_ROWS = 1024  # decoded at a time

_WRITTEN = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
_READ = {**_WRITTEN, ".json": "jsonl"}  # an array or lines, as the content says


class InputTable(Protocol):
    """A file of rows with named columns, which is read once, from its beginning.

    Attributes:
        header: names of the columns; of JSON lines, the keys of the first row.
    """

    header: list[str]

    def rows(self, columns: Sequence[str]) -> Iterator[Cells]:
        """Yield the cells of these columns, row by row.

        Raises:
            UserError: a row is damaged; it names the line, or in Parquet the row.
        """

    def whole_numbers(self, column: str) -> bool:
        """Return whether the file says that all values of a column are whole numbers."""

    @property
    def share(self) -> float:
        """Return how much of the file has been read, 0 to 1."""


def format_of(path: Path, option: str) -> tuple[str, bool]:
    """Return the format that a file's name ends in, and whether it is compressed with gzip.

    Args:
        path: the file.
        option: ``--input``, or ``--output``, which is never a JSON array.

    Raises:
        UserError: the name ends in no format that is known.
    """
    formats = _READ if option == "--input" else _WRITTEN
    compressed = path.suffix == ".gz"
    name = formats.get(Path(path.stem).suffix if compressed else path.suffix)
    if name is None or (compressed and name == "parquet"):
        raise UserError(
            f"{option} {path}: the name must end in {', '.join(formats)}; all but .parquet may be followed by .gz"
        )
    return name, compressed


@contextmanager
def open_table(path: Path, quoting: Quoting = "minimal") -> Iterator[InputTable]:
    """Open a file whose format its name says; text may be compressed whatever its name.

    Args:
        path: the file.
        quoting: whether cells of delimited text may be quoted.

    Raises:
        UserError: the file cannot be read, is damaged, has another format, or is empty.
    """
    name, _ = format_of(path, "--input")
    with _one_line(path), path.open("rb") as file:
        if name == "parquet":
            yield _ParquetTable(path, file)
            return
        if name == "jsonl":
            yield _JsonTable(path, file, _decoded(path, file, newline="\n"))
        else:
            # Any line end is kept as it is, because texts may contain some.
            yield _DelimitedTable(path, file, _decoded(path, file, newline=""), quoting)


@contextmanager
def _one_line(path: Path) -> Iterator[None]:
    """Turn whatever reading raises into one line that names the file."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path}: the gzip file is damaged or incomplete: {error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: the file is not valid {error.encoding.upper()}; save it as UTF-8") from error


def _guarded(path: Path, rows: Iterator[Cells]) -> Iterator[Cells]:
    with _one_line(path):
        try:
            yield from rows
        except OSError as error:
            if isinstance(error, gzip.BadGzipFile):
                raise
            raise UserError(f"{path}: cannot read the file: {error.strerror or error}") from error


class _Position:
    """How much of a file has been read."""

    def __init__(self, file: BinaryIO, text: IO[str]) -> None:
        self._file, self._text = file, text  # which would close the file when it is forgotten
        start = file.tell()
        self._size = file.seek(0, io.SEEK_END)
        file.seek(start)

    @property
    def share(self) -> float:
        return self._file.tell() / self._size if self._size else 1.0


def _decoded(path: Path, file: BinaryIO, newline: str) -> IO[str]:
    """Return the text of a file, with bytes that are not UTF-8 as lone surrogates.

    Raises:
        UserError: it is no text, or empty.
    """
    start = file.read(4)
    file.seek(0)
    content: Any = gzip.GzipFile(fileobj=file) if start.startswith(_GZIP) else file
    sample = content.read(_SAMPLE)
    content.seek(0)
    encoding = next((name for mark, name in _MARKS.items() if sample.startswith(mark)), None)
    if encoding is None:
        shown = decode_text(sample, str(path))
        if not shown.strip() and len(sample) < _SAMPLE:
            raise UserError(f"{path}: the file is empty")
    errors = "surrogateescape" if encoding is None else "strict"
    return io.TextIOWrapper(content, encoding=encoding or "utf-8-sig", errors=errors, newline=newline)


class _DelimitedTable:
    def __init__(self, path: Path, file: BinaryIO, text: IO[str], quoting: Quoting) -> None:
        self._path, self._position = path, _Position(file, text)
        skipped = 0
        first = text.readline()
        while first and not first.strip():
            skipped, first = skipped + 1, text.readline()
        if not first:
            raise UserError(f"{path}: the file is empty")
        refuse_other_text(first, str(path))
        if is_json(first, str(path)):
            raise UserError(f"{path}: the file is JSON; if it has one object per line, name it .jsonl")
        self._reader = csv.reader(
            chain([first], text),
            delimiter="\t" if "\t" in first else max(",;", key=first.count),
            quoting=csv.QUOTE_NONE if quoting == "none" else csv.QUOTE_MINIMAL,
            strict=True,  # otherwise an unclosed quote would silently swallow the rest
        )
        self._skipped = skipped  # lines before the header
        _, self.header = self._next_row() or (0, [])

    @property
    def share(self) -> float:
        return self._position.share

    def whole_numbers(self, column: str) -> bool:  # noqa: ARG002
        return False

    def rows(self, columns: Sequence[str]) -> Iterator[Cells]:
        return _guarded(self._path, self._rows([column_index(self.header, name, self._path) for name in columns]))

    def _rows(self, places: Sequence[int]) -> Iterator[Cells]:
        while (found := self._next_row()) is not None:
            line, cells = found
            if len(cells) != len(self.header):
                number = f"{len(cells)} cell{'s' if len(cells) != 1 else ''}"
                raise UserError(f"{self._path}:{line}: {number}, but the header has {len(self.header)}")
            yield tuple(cells[place] for place in places)

    def _next_row(self) -> tuple[int, list[str]] | None:
        """Return the first line and the cells of the next row; empty lines are no rows."""
        while True:
            line = self._skipped + self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return None
            except csv.Error as error:
                raise UserError(f"{self._path}:{line}: {_explained(error)}") from error
            if fault := unreadable(cells):
                raise UserError(f"{self._path}:{line}: {fault}")
            if cells:
                return line, cells


def _explained(error: csv.Error) -> str:
    return "unclosed quote" if "end of data" in str(error) else str(error)


class _JsonTable:
    def __init__(self, path: Path, file: BinaryIO, text: IO[str]) -> None:
        self._path, self._position = path, _Position(file, text)
        self._text = text
        self._objects = self._read()
        self._first = next(self._objects, None)
        if self._first is None:
            raise UserError(f"{path}: the file is empty")
        self.header = list(self._first[1])

    @property
    def share(self) -> float:
        return self._position.share

    def whole_numbers(self, column: str) -> bool:  # noqa: ARG002
        return False

    def rows(self, columns: Sequence[str]) -> Iterator[Cells]:
        for name in columns:
            column_index(self.header, name, self._path)
        return _guarded(self._path, self._rows(columns))

    def _rows(self, columns: Sequence[str]) -> Iterator[Cells]:
        assert self._first is not None
        for line, row in chain([self._first], self._objects):
            if (missing := next((name for name in columns if name not in row), None)) is not None:
                raise UserError(f"{self._path}:{line}: no key {quoted(missing)}")
            yield tuple(row[name] for name in columns)

    def _read(self) -> Iterator[tuple[int, dict[str, object]]]:
        for line, value in self._values():
            if not isinstance(value, dict):
                shown = quoted(json.dumps(value, ensure_ascii=False))
                raise UserError(f"{self._path}:{line}: expected a JSON object, got {shown}")
            yield line, value

    def _values(self) -> Iterator[tuple[int, Any]]:
        """Yield the value in each line, or each element of the array that the file consists of."""
        lines = enumerate(self._text, start=1)
        line, first = next(((line, text) for line, text in lines if text.strip()), (1, ""))
        if first.lstrip().startswith("["):
            content = self._readable(line, [first, *self._text])
            yield from array_elements("\n" * (line - 1) + content, str(self._path), _DECODER)
            return
        for number, text in chain([(line, first)], lines):
            if text.strip():
                yield number, self._decoded(number, text)

    def _decoded(self, line: int, text: str) -> Any:
        try:
            return _DECODER.decode(self._readable(line, [text]).strip())
        except (ValueError, RecursionError) as error:
            raise UserError(f"{self._path}:{line}: not JSON: {' '.join(str(error).split())}") from error

    def _readable(self, first: int, lines: list[str]) -> str:
        for line, text in enumerate(lines, start=first):
            if fault := unreadable([text]):
                raise UserError(f"{self._path}:{line}: {fault}")
        return "".join(lines)


class _ParquetTable:
    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._arrow = load_pyarrow(f"{path}: Parquet")
        try:
            self._file = self._arrow.parquet.ParquetFile(file)
        except self._arrow.ArrowException as error:
            raise UserError(f"{path}: not a Parquet file, or damaged: {' '.join(str(error).split())}") from error
        self.header = list(self._file.schema_arrow.names)
        self._read = 0

    @property
    def share(self) -> float:
        return float(self._read / (self._file.metadata.num_rows or 1))

    def whole_numbers(self, column: str) -> bool:
        return bool(self._arrow.types.is_integer(self._file.schema_arrow.field(column).type))

    def rows(self, columns: Sequence[str]) -> Iterator[Cells]:
        for name in columns:
            column_index(self.header, name, self._path)
        return _guarded(self._path, self._rows(columns))

    def _rows(self, columns: Sequence[str]) -> Iterator[Cells]:
        try:
            for batch in self._file.iter_batches(batch_size=_PARQUET_ROWS, columns=list(dict.fromkeys(columns))):
                found = [batch.column(name).to_pylist() for name in columns]
                yield from zip(*found, strict=True) if found else ((),) * batch.num_rows
                self._read += batch.num_rows
        except self._arrow.ArrowException as error:
            raise UserError(f"{self._path}: damaged: {' '.join(str(error).split())}") from error
