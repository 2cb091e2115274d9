"""Choose a form for every task that one of the libraries asked for can hold, or for the whole model, and write them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from core.model_files.formats import onnx_model, sentence_encoder, sequence_classifier
from core.model_files.formats.names import FormatName
from core.model_files.formats.task_model import TaskModel
from core.model_files.formats.written import check_free, record_formats
from core.model_files.model_folder import TrainedModel

__all__ = ["FormatPlan", "built_formats", "plan_formats", "write_formats"]


class _Format(NamedTuple):
    why_not: Callable[[TaskModel], str | None]
    write: Callable[[Path, TaskModel], None]


_OURS: Final = "onebert predict and search.load_model"

_FORMATS: Final[dict[str, _Format]] = {
    "transformers": _Format(sequence_classifier.why_not, sequence_classifier.write),
    "sentence-transformers": _Format(sentence_encoder.why_not, sentence_encoder.write),
}


class _WholeFormat(NamedTuple):
    """A form of the whole model, in a folder with the name of the format."""

    why_not: Callable[[TrainedModel], str | None]
    write: Callable[[Path, TrainedModel, Mapping[str, float]], None]


_WHOLE: Final[dict[str, _WholeFormat]] = {
    "onnx": _WholeFormat(onnx_model.why_not, onnx_model.write),
    "onnx-int8": _WholeFormat(onnx_model.why_not, onnx_model.write_int8),
}


@dataclass(frozen=True)
class FormatPlan:
    """What is written for other libraries.

    Attributes:
        formats: folder -> format. The folder of a task has its name, and the first format asked for that holds it;
            that of the whole model has the name of its format.
        refusals: a sentence for each task, and each form of the whole model, that is not written.
    """

    formats: Mapping[str, str]
    refusals: Sequence[str]


def plan_formats(trained: TrainedModel, asked: Sequence[FormatName]) -> FormatPlan:
    """Return what :func:`write_formats` would write for these libraries; nothing if none is asked for."""
    formats: dict[str, str] = {}
    refusals = []
    of_tasks = [name for name in asked if name in _FORMATS]
    for task in trained.config.tasks if of_tasks else ():
        reasons = {name: _FORMATS[name].why_not(TaskModel(trained, task)) for name in of_tasks}
        held = next((name for name, reason in reasons.items() if reason is None), None)
        if held is None:
            refusals.append(_refusal(task, {name: str(reason) for name, reason in reasons.items()}))
        else:
            formats[task] = held
    for name in asked:
        if name in _WHOLE and (reason := _WHOLE[name].why_not(trained)) is None:
            formats[name] = name
        elif name in _WHOLE:
            refusals.append(f"The model is not written as {name}: {reason}. {_OURS} predict it.")
    return FormatPlan(formats, refusals)


def write_formats(
    folder: Path, trained: TrainedModel, plan: FormatPlan, temperatures: Mapping[str, float] | None = None
) -> None:
    """Write the planned folders into a model folder that :func:`save_model_folder` has written.

    See :func:`built_formats`.
    """
    with built_formats(folder, trained, plan, temperatures) as put_in:
        put_in()


@contextmanager
def built_formats(
    folder: Path, trained: TrainedModel, plan: FormatPlan, temperatures: Mapping[str, float] | None = None
) -> Iterator[Callable[[], None]]:
    """Build the planned folders, and yield a function that puts them into a model folder.

    So what cannot be built is known before an earlier model is removed.

    Args:
        folder: the model folder; it may be written within the ``with`` block.
        trained: the model.
        plan: from :func:`plan_formats`.
        temperatures: what calibrates the probabilities of a task: task -> temperature, 1 for those that it lacks.

    Raises:
        UserError: if one of the folders has files that were not exported, or a form of the model cannot be built.
    """
    place = folder.with_name(f".{folder.name}-formats")

    def put_in() -> None:
        if plan.formats:
            check_free(folder, plan.formats)
            record_formats(folder, plan.formats)
        for own in plan.formats:
            with suppress(FileNotFoundError):
                (folder / own).rmdir()  # it is empty
            (place / own).rename(folder / own)

    shutil.rmtree(place, ignore_errors=True)  # of an export that was killed
    try:
        for own, name in plan.formats.items():
            if name in _WHOLE:
                _WHOLE[name].write(place / own, trained, temperatures or {})
            else:
                _FORMATS[name].write(place / own, TaskModel(trained, own, (temperatures or {}).get(own, 1.0)))
        yield put_in
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _refusal(task: str, reasons: Mapping[str, str]) -> str:
    """Say why a task has no folder; a reason that several libraries share is given once."""
    libraries: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        libraries.setdefault(reason, []).append(name)
    why = "; ".join(f"{' and '.join(names)}: {reason}" for reason, names in libraries.items())
    return f"Task {task} is not written for other libraries. {why}. {_OURS} predict it."
