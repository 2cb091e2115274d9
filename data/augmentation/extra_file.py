"""Read additional examples from a user's file with the training file's columns, such as more question pairs."""

from __future__ import annotations

from pathlib import Path

from data.augmentation.additional_examples import AdditionalExamples
from data.errors import UserError
from data.files import read_bytes
from data.reading import parse_split
from data.tables.delimited import read_delimited
from data.tasks import TaskSpec

__all__ = ["read_extra_file"]


def read_extra_file(spec: TaskSpec, path: Path) -> tuple[AdditionalExamples, list[str]]:
    """Read the examples of a file with the sentence and label columns of a task's training file.

    The id column may be missing, because ids of additional examples are not used. The delimiter may differ from the
    training file's (see :mod:`data.tables.delimited`). Examples that are already in train, dev or test are not dropped
    here; see :func:`data.augmentation.additional_examples.without_known`.

    Returns:
        The examples, and 'file:line: reason' for each malformed row that was left out.

    Raises:
        UserError: see :func:`data.reading.read_split`; also for a missing file.
    """
    if not path.is_file():
        raise UserError(f"task '{spec.name}': no file of extra examples '{path}'")
    content = read_bytes(path)
    raw = parse_split(_without_missing_id(spec, content, path), "train", content, path)
    assert raw.labels is not None  # a training row without a label is malformed
    return AdditionalExamples.without_sources(raw.sentences, raw.labels), raw.skipped


def _without_missing_id(spec: TaskSpec, content: bytes, path: Path) -> TaskSpec:
    """Return the task, without its id column if the file has none."""
    if spec.columns.id is None or spec.columns.id in read_delimited(content, str(path), spec.quoting).header:
        return spec
    return spec.model_copy(update={"columns": spec.columns.model_copy(update={"id": None})})
