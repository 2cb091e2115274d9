"""Predict for the rows of a file, and write a file of predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from core.run.atomic_files import replace_file
from data.errors import UserError
from data.tables.delimited import Quoting
from data.tables.parquet import load_pyarrow
from data.tasks import TaskSpec
from search.predict.abstaining import Abstaining
from search.predict.chunk_predictions import predict_chunks
from search.predict.columns import FileColumns, parse_names
from search.predict.model import ModelSource
from search.predict.table_input import format_of, open_table
from search.predict.table_output import new_table

__all__ = ["FileJob"]


@dataclass(frozen=True)
class FileJob:
    """What to predict, and where.

    Attributes:
        source: the model, and how it computes.
        specs: the tasks to predict.
        input: a file of rows; its columns have the names of the tasks' own, or those in ``columns``.
        output: the file to write; replaced if it exists.
        columns: ``NAME=COLUMN`` for columns that have another name in the file than in the tasks.
        workers: number of processes on the CPU.
        abstaining: takes predictions away that are not sure enough.
    """

    source: ModelSource
    specs: Mapping[str, TaskSpec]
    input: Path
    output: Path
    columns: Sequence[str]
    workers: int
    abstaining: Abstaining = field(default_factory=lambda: Abstaining({}))

    def run(self, console: Console) -> int:
        """Predict all rows in little memory, and return their number.

        The output appears when it is complete: whatever ends this early leaves none, and an earlier one stays.

        Args:
            console: shows the progress, if it is a terminal.

        Raises:
            UserError: the input cannot be read, or lacks a column; a row is damaged (it names the line).
            MachineError: the output cannot be written.
        """
        self._check()
        rows = 0

        def write(file: BinaryIO) -> None:
            nonlocal rows
            rows = self._write(file, console)

        replace_file(self.output, write)
        return rows

    def _check(self) -> None:
        """Refuse what can be known to fail before anything is written."""
        if not self.input.is_file():
            raise UserError(f"--input {self.input}: no such file")
        if self.output.is_dir():
            raise UserError(f"--output {self.output}: a folder; give the name of a file in it")
        if self.output.exists() and self.output.samefile(self.input):
            raise UserError(f"--output {self.output}: would replace the input; give another name")
        if format_of(self.output, "--output")[0] == "parquet":
            load_pyarrow(f"{self.output}: Parquet")
        names = parse_names(self.columns, self.specs)
        with open_table(self.input, self._quoting) as table:
            FileColumns.of(self.input, table, self.specs, names)

    def _write(self, file: BinaryIO, console: Console) -> int:
        rows = 0
        self.abstaining.restart()
        with open_table(self.input, self._quoting) as table, _progress(console) as show:
            columns = FileColumns.of(self.input, table, self.specs, parse_names(self.columns, self.specs))
            chunks = columns.chunks(self.input, table)
            predicted = predict_chunks(self.source, columns, list(self.specs), chunks, self.workers)
            with new_table(self.output, file, self.specs, columns.counts) as output, closing(predicted):
                for chunk, predictions in predicted:
                    output.append(chunk.ids, self.abstaining.apply(predictions))
                    rows += len(chunk.ids)
                    show(rows, table.share)
        return rows

    @property
    def _quoting(self) -> Quoting:
        return next(iter(self.specs.values())).quoting


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[int, float], None]]:
    """Show rows and the share of the file that has been read, on a terminal."""
    parts = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*parts, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("loading the model", total=1.0)
        yield lambda rows, share: progress.update(task, description=f"{rows:,} rows", completed=share)
