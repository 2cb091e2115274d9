"""Read labels of test examples, from a task's test file with its label column, or from a file of two columns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from data.errors import UserError, quoted
from data.files import read_bytes
from data.gold import Labels, label_array, label_parser
from data.reading import parse_table
from data.tables.columns import DEFAULT_ID, id_index
from data.tables.read import read_table
from data.tables.swallowed_rows import RowLike, swallowed_rows
from data.tables.table import Record, Table
from data.tasks import TaskSpec

__all__ = ["check_numbered", "find_labels", "label_file_names", "read_labels", "read_texts"]


def find_labels(spec: TaskSpec, folder: Path) -> tuple[Path, Table] | None:
    """Return the first file of :func:`label_file_names` that has labels; None if there is none.

    Raises:
        UserError: if a file is empty, or not a table; see :func:`data.tables.read.read_table`.
    """
    for name in label_file_names(spec):
        path = folder / name
        if path.is_file():
            table = read_table(read_bytes(path), str(path), spec.quoting)
            if "test" in spec.taken and name == spec.files.test:
                table = _test_rows(spec, table, path)
            # A test file of id and sentence has two columns too.
            two = len(table.header) == 2 and not {*spec.columns.sentences} & {*table.header}
            if two or spec.columns.label in table.header:
                return path, table
    return None


def _test_rows(spec: TaskSpec, table: Table, path: Path) -> Table:
    """Return the rows that were taken out of the training file for test."""
    test, place = {*parse_table(spec, "test", table, path).ids}, id_index(table.header, spec.columns.id, path)
    names = [str(one.number) if place is None or one.fault else one.cells[place].strip() for one in table.records]
    return replace(table, records=[one for one, name in zip(table.records, names, strict=True) if name in test])


def label_file_names(spec: TaskSpec) -> list[str]:
    """Return the names that a file with a task's labels may have."""
    test = [] if spec.files.test is None else [spec.files.test]
    return [*test, *(f"{spec.name}{end}.csv" for end in ("-test-labels", "-labels", "-test", ""))]


def read_labels(spec: TaskSpec, path: Path, table: Table) -> tuple[list[str], Labels]:
    """Read ids and labels, in the order of the file; rows with an empty label are left out.

    A file with the task's label column also has its id column; if the task has none, or the default one is missing
    next to the sentences, ids are row numbers from 0. Any other file has two columns, the id and the label; delimited
    text needs no header.

    Raises:
        UserError: if a column or all labels are missing, a row cannot be read, or an id occurs twice.
    """
    records, id_column, label_column = _layout(spec, path, table)
    parse = label_parser(spec)
    found: dict[str, float] = {}
    for record in records:
        fault = record.fault
        if table.delimiter is not None and record.lines > 1:
            like = RowLike(record.cells, table.delimiter, id_column, label_column, parse)
            fault = fault or swallowed_rows(record, table.delimiter, like)
        if label_column in record.nested or id_column in record.nested:
            fault = "id or label is a list or an object"
        if fault:
            raise UserError(f"{path}:{record.line}: {fault}")
        text = record.cells[label_column]
        if not text.strip():
            continue
        example = str(record.number) if id_column is None else record.cells[id_column].strip()
        if example in found:
            raise UserError(f"{path}:{record.line}: the id {quoted(example)} occurs twice")
        try:
            found[example] = parse(text)
        except ValueError as error:
            raise UserError(f"{path}:{record.line}: {error}") from None
    if not found:
        raise UserError(f"{path}: contains no labels")
    return list(found), label_array(spec, list(found.values()))


def check_numbered(spec: TaskSpec, path: Path, table: Table, predicted: list[str]) -> None:
    """Make sure that row numbers, which stand for the ids of a file without them, are the ids of the predictions too.

    Raises:
        UserError: if the predictions have other ids.
    """
    if spec.columns.id is None or _layout(spec, path, table)[1] is not None:
        return
    if {*predicted} != {str(record.number) for record in table.records}:
        raise UserError(
            f"{path}: no column '{spec.columns.id}', and the ids of the predictions are not the row numbers from 0; "
            "add the column to the labels"
        )


def read_texts(spec: TaskSpec, table: Table) -> list[tuple[str, list[str]]] | None:
    """Read the id and the sentences of each row; None if the table does not have all of these columns."""
    columns, header = spec.columns, table.header
    if not {*columns.sentences, *([] if columns.id in (None, DEFAULT_ID) else [columns.id])} <= {*header}:
        return None
    places = [header.index(name) for name in columns.sentences]
    numbered = columns.id not in header
    names = [
        str(record.number) if numbered else record.cells[header.index(str(columns.id))].strip()
        for record in table.records
    ]
    return [(name, [r.cells[place] for place in places]) for name, r in zip(names, table.records, strict=True)]


def _layout(spec: TaskSpec, path: Path, table: Table) -> tuple[list[Record], int | None, int]:
    """Return the records, and the indices of their id and label columns."""
    columns, header = spec.columns, table.header
    may_lack_id = columns.id is None or (columns.id == DEFAULT_ID and {*columns.sentences} <= {*header})
    if columns.label in header and (may_lack_id or columns.id in header):
        return table.records, id_index(header, columns.id, path), header.index(columns.label)
    if len(header) != 2:
        raise UserError(f"{path}: no column '{columns.id}'; the header has {', '.join(map(quoted, header))}")
    first = []
    try:
        label_parser(spec)(header[1])
        first = [Record(1, 1, header)] if table.delimiter is not None else []  # no header: it is an example itself
    except ValueError:
        pass
    return [*first, *table.records], 0, 1
