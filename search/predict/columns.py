"""Find the columns of a file that tasks read, and take texts out of them in chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.errors import UserError, did_you_mean
from data.tables.columns import column_index
from data.tables.table import unreadable
from data.tasks import TaskSpec
from search.predict.table_input import InputTable
from search.predict.texts import Text

__all__ = ["Chunk", "FileColumns", "parse_names"]

_ID = "id"
_MOST_ROWS, _MOST_CHARACTERS = 2048, 2**21  # of a chunk: enough to sort by length, and little memory


def parse_names(pairs: Sequence[str], specs: Mapping[str, TaskSpec]) -> dict[str, str]:
    """Return what ``--columns text=body`` says: the file's name of each column that has another one in the task.

    Raises:
        UserError: it is not of this form, or the tasks read no such column.
    """
    known = dict.fromkeys([_ID, *(name for spec in specs.values() for name in spec.columns.sentences)])
    found: dict[str, str] = {}
    for pair in pairs:
        name, sign, given = pair.partition("=")
        if not sign or not name or not given:
            raise UserError(f"--columns {pair}: write the task's column, =, and the file's column, like text=body")
        if name not in known:
            read = ", ".join(known)
            raise UserError(f"--columns {pair}: the columns are {read}, not '{name}'{did_you_mean(name, known)}")
        found[name] = given
    return found


@dataclass(frozen=True)
class Chunk:
    """Some consecutive rows of a file.

    Attributes:
        ids: text, or whole numbers; one per row.
        columns: the texts of each column, one list per column.
    """

    ids: list[str | int]
    columns: list[list[str]]


@dataclass(frozen=True)
class FileColumns:
    """Which columns of a file are read, and by which tasks.

    Attributes:
        texts: names of columns of texts, each once.
        groups: by the places of one or two of these columns, the tasks that read them.
        id: name of the column of ids; None for the row number, from 0.
        counts: whether ids are whole numbers.
    """

    texts: tuple[str, ...]
    groups: dict[tuple[int, ...], list[str]]
    id: str | None
    counts: bool

    @classmethod
    def of(cls, path: Path, table: InputTable, specs: Mapping[str, TaskSpec], names: Mapping[str, str]) -> FileColumns:
        """Find the columns.

        Args:
            path: the file, for messages.
            table: its content.
            specs: the tasks that will be predicted.
            names: the file's names of columns that have others in the tasks; see :func:`parse_names`.

        Raises:
            UserError: a column is missing.
        """
        header = list(table.header)
        read = {task: [names.get(one, one) for one in spec.columns.sentences] for task, spec in specs.items()}
        for spec in specs.values():
            for name in spec.columns.sentences:
                _check_column(header, name, names, path)
        texts = list(dict.fromkeys(name for of_task in read.values() for name in of_task))
        groups: dict[tuple[int, ...], list[str]] = {}
        for task, of_task in read.items():
            groups.setdefault(tuple(texts.index(name) for name in of_task), []).append(task)
        found = _id_column(header, specs, names, path)
        return cls(tuple(texts), groups, found, found is None or table.whole_numbers(found))

    def chunks(self, path: Path, table: InputTable) -> Iterator[Chunk]:
        """Yield all rows, a limited number and length at a time.

        Raises:
            UserError: a row is damaged, or a cell is neither text nor a number.
        """
        columns = [*self.texts, *([self.id] if self.id is not None else [])]
        ids: list[str | int] = []
        texts: list[list[str]] = [[] for _ in self.texts]
        length = 0
        for number, row in enumerate(table.rows(columns)):
            for name, cell, column in zip(self.texts, row, texts, strict=False):
                column.append(text := _as_text(cell, path, number, name))
                length += len(text)
            ids.append(number if self.id is None else _as_id(row[-1], path, number, self.id))
            if len(ids) == _MOST_ROWS or length >= _MOST_CHARACTERS:
                yield Chunk(ids, texts)
                ids, texts, length = [], [[] for _ in self.texts], 0
        if ids:
            yield Chunk(ids, texts)


def texts_of(chunk: Chunk, places: tuple[int, ...]) -> Iterable[Text]:
    """Return the texts in one column, or the pairs in two."""
    if len(places) == 1:
        return chunk.columns[places[0]]
    return zip(chunk.columns[places[0]], chunk.columns[places[1]], strict=True)


def _check_column(header: list[str], name: str, names: Mapping[str, str], path: Path) -> None:
    try:
        column_index(header, names.get(name, name), path)
    except UserError as error:
        hint = "" if name in names else f"; if it has another name, give --columns {name}=NAME"
        raise UserError(f"{error}{hint}") from None


def _id_column(header: list[str], specs: Mapping[str, TaskSpec], names: Mapping[str, str], path: Path) -> str | None:
    """Return the column that was named, or else the first one that a task calls its id, or else ``id``."""
    if _ID in names:
        column_index(header, names[_ID], path)
        return names[_ID]
    candidates = [*(spec.columns.id for spec in specs.values() if spec.columns.id is not None), _ID]
    found = next((name for name in candidates if name in header), None)
    if found is not None:
        column_index(header, found, path)  # not twice
    return found


def _as_text(cell: object, path: Path, number: int, name: str) -> str:
    """Return a cell as text; null and NaN are empty texts, as in the data of a task."""
    if isinstance(cell, str):
        if not cell.isascii() and (fault := unreadable([cell])):  # in JSON, written as an escape
            raise UserError(f"{path}: row {number}: column '{name}' {fault}")
        return cell
    if cell is None or cell != cell:  # NaN
        return ""
    if isinstance(cell, int | float):
        return str(cell)
    raise UserError(f"{path}: row {number}: column '{name}' has a {type(cell).__name__}, not a text")


def _as_id(cell: object, path: Path, number: int, name: str) -> str | int:
    return cell if isinstance(cell, int) and not isinstance(cell, bool) else _as_text(cell, path, number, name)
