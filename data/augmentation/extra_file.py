"""Read additional examples from a user's file with the training file's columns, such as more question pairs."""

from __future__ import annotations

from pathlib import Path

from data.augmentation.additional_examples import AdditionalExamples
from data.errors import UserError
from data.files import read_bytes
from data.reading import parse_table
from data.tables.read import read_table
from data.tasks import TaskSpec

__all__ = ["read_extra_file"]


def read_extra_file(spec: TaskSpec, path: Path) -> tuple[AdditionalExamples, list[str]]:
    """Read the examples of a file with the sentence and label columns of a task's training file.

    The id column may be missing, because ids of additional examples are not used. The format may differ from the
    training file's (see :mod:`data.tables.read`). Examples that are already in train, dev or test are not dropped
    here; see :func:`data.augmentation.additional_examples.without_known`.

    Returns:
        The examples, and 'file:line: reason' for each malformed row that was left out.

    Raises:
        UserError: see :func:`data.reading.read_split`; also for a missing file.
    """
    if not path.is_file():
        raise UserError(f"task '{spec.name}': no file of extra examples '{path}'")
    table = read_table(read_bytes(path), str(path), spec.quoting)
    if spec.columns.id not in table.header:
        spec = spec.model_copy(update={"columns": spec.columns.model_copy(update={"id": None})})
    raw = parse_table(spec, "train", table, path)
    assert raw.labels is not None  # a training row without a label is malformed
    return AdditionalExamples.without_sources(raw.sentences, raw.labels), raw.skipped
