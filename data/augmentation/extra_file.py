"""Further examples from a file of the user's, such as extra question pairs: the training file's columns and format."""

from __future__ import annotations

from pathlib import Path

from data.augmentation.additional_examples import AdditionalExamples
from data.delimited import read_delimited
from data.errors import UserError
from data.reading import parse_split, read_bytes
from data.tasks import TaskSpec

__all__ = ["read_extra_file"]


def read_extra_file(spec: TaskSpec, path: Path) -> tuple[AdditionalExamples, list[str]]:
    """The examples of a file with the sentence and label columns of a task's training file.

    Its column of ids may be missing: ids of extra examples are not used. It may be of another delimited format than
    the training file (see :mod:`data.delimited`). Whether examples stand in train, dev or test already is not looked
    at: :func:`data.augmentation.additional_examples.without_known` drops them.

    Returns:
        The examples, and 'file:line: why' for each malformed row that was left out.

    Raises:
        UserError: as :func:`data.reading.read_split`, and for a file that is not there.
    """
    if not path.is_file():
        raise UserError(f"task '{spec.name}': no file of extra examples '{path}'")
    content = read_bytes(path)
    raw = parse_split(_without_missing_id(spec, content, path), "train", content, path)
    assert raw.labels is not None  # a training row without a label is malformed
    return AdditionalExamples.without_sources(raw.sentences, raw.labels), raw.skipped


def _without_missing_id(spec: TaskSpec, content: bytes, path: Path) -> TaskSpec:
    """The task, without its id column where the file has none."""
    if spec.columns.id is None or spec.columns.id in read_delimited(content, str(path)).header:
        return spec
    return spec.model_copy(update={"columns": spec.columns.model_copy(update={"id": None})})
