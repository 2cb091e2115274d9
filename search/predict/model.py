"""A trained model that predicts for new text: one model, or an ensemble of several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np

from core.ensembles import average
from core.inputs.resources import pick_device
from core.model_files.calibration_file import load_calibration
from core.model_files.ensemble_folder import load_shares
from core.model_files.model_folder import load_run_config
from core.statistics import Thresholds, at_temperature
from data.errors import UserError, did_you_mean, quoted
from data.tasks import TaskSpec
from search.predict.members import Precision, load_member
from search.predict.predictions import TaskPredictions
from search.predict.texts import Text, form_of, sentences_of

__all__ = ["Model", "ModelSource", "find_tasks", "find_thresholds"]

_Names = list[str] | tuple[str, ...]  # not any sequence, which a single name is too


class Model:
    """A model that ``onebert export`` wrote, ready to predict; made by :func:`search.load_model`.

    Several threads may use one model at the same time.

    Args:
        folder: the ``model`` folder of an export.
        device: 'auto', 'cpu', 'cuda' or 'mps'.
        calibrated: scale class probabilities with the temperatures of the export.
        precision: of matrix products; None: that of the run. 'int8' is for a single model that was exported with
            ``--format onnx-int8``, and for the CPU.

    Raises:
        UserError: if the folder was not exported or is damaged, or the machine lacks the device, or the device or the
            model the precision.
    """

    def __init__(
        self, folder: Path, device: str = "auto", calibrated: bool = True, precision: Precision | None = None
    ) -> None:
        self._folder, self._calibrated = folder, calibrated
        self._shares = load_shares(folder)
        self._calibrations = load_calibration(folder)
        places = dict.fromkeys(place for of_task in self._shares.values() for place in of_task)
        if precision == "int8":
            device = _device_for_int8(device)
            if folder not in places:
                raise UserError(f"{folder}: an ensemble has no int8 form; use another precision")
        chosen = pick_device(device)
        self._members = {place: load_member(place, chosen, precision) for place in places}
        self._specs = {
            task: self._members[next(iter(of_task))].config.tasks[task].spec for task, of_task in self._shares.items()
        }

    @property
    def tasks(self) -> tuple[str, ...]:
        """Return the names of the tasks."""
        return tuple(self._specs)

    def describe(self, task: str) -> TaskSpec:
        """Return the description of a task: its kind, classes or range of scores, and column names.

        Raises:
            UserError: if the model has no such task.
        """
        if task not in self._specs:
            raise UserError(_unknown_task(task, self.tasks))
        return self._specs[task]

    def temperature(self, task: str) -> float:
        """Return what logits of a task are divided by, above 0; 1 for scores, without a calibration, or uncalibrated.

        Raises:
            UserError: if the model has no such task.
        """
        self.describe(task)
        return self._calibrations[task].temperature if self._calibrated and task in self._calibrations else 1.0

    def thresholds(self, task: str, precision: float) -> Thresholds:
        """Find from which probability on each class should be predicted, for its predictions to reach a precision.

        The thresholds were found on dev, with probabilities that were calibrated on other dev examples; pass them to
        :meth:`search.predict.predictions.TaskPredictions.abstain`. See :meth:`core.statistics.ConfidenceCurve.first`.

        Args:
            task: name of a task of classes.
            precision: share of the predictions of a class that should be right, above 0 and below 1.

        Raises:
            UserError: if the model has no such task, predicts scores, is loaded uncalibrated or was exported without a
                calibration; or the precision is not between 0 and 1.
        """
        spec = self.describe(task)
        if not self._calibrated:
            raise UserError("thresholds are of calibrated probabilities; load the model with calibrated=True")
        return find_thresholds(self._folder, spec, precision)

    @overload
    def predict(self, texts: Iterable[Text], task: str) -> TaskPredictions: ...

    @overload
    def predict(self, texts: Iterable[Text], task: _Names | None = None) -> dict[str, TaskPredictions]: ...

    def predict(
        self, texts: Iterable[Text], task: str | _Names | None = None
    ) -> TaskPredictions | dict[str, TaskPredictions]:
        """Predict one task, or several at once.

        The encoder runs once for all tasks that share it and read rows of the same form: single sentences,
        cross-encoded pairs, or siamese pairs. Tasks with an encoder, top layers or small layers of their own, and pairs
        that are encoded in different ways, take a pass each; so does every member of an ensemble.

        Predictions are those of the run, computed in its precision if none was given: a text is cut at its
        ``max_length``, and an empty text is predicted from ``[CLS] [SEP]``. For one task and one model they are those
        of :func:`core.scoring.predict` bit for bit where the temperature is 1, as it is for scores, except in int8; any
        other temperature changes probabilities, but never the predicted class. In float32, the other texts of a call,
        and other tasks, change probabilities and scores relative to their range by less than 1e-5 times 1 / T. In int8,
        the other texts change probabilities in the second or third digit, as activations are rounded together.

        Args:
            texts: strings, or (first, second) tuples for tasks on pairs; may be empty. They are sorted by length
                inside, so one call with many texts is faster than many calls.
            task: name of a task; names of several; or None for all tasks that read such texts, single or in pairs.

        Returns:
            The predictions of the task; for several tasks or None, by task.

        Raises:
            UserError: if there is no such task, it reads texts of the other kind, or a text is not a string.
        """
        examples = sentences_of(texts)
        names = self._chosen(task, examples)
        outputs = self._outputs(names, examples)
        found = {name: self._named(name, outputs[name]) for name in names}
        return found[task] if isinstance(task, str) else found

    def _named(self, task: str, outputs: np.ndarray) -> TaskPredictions:
        if (temperature := self.temperature(task)) != 1.0:
            outputs = at_temperature(outputs, temperature)
        return TaskPredictions.of(self._specs[task], outputs)

    def _chosen(self, task: str | Iterable[str] | None, examples: Sequence[tuple[str, ...]]) -> list[str]:
        size = len(examples[0]) if examples else None
        if task is None:
            fitting = [name for name, spec in self._specs.items() if size in (None, len(spec.columns.sentences))]
            if not fitting:
                raise UserError(
                    f"no task of the model reads {form_of(size or 1)}; its tasks are {', '.join(self.tasks)}"
                )
            return fitting
        names = [task] if isinstance(task, str) else list(dict.fromkeys(task))
        for name in names:
            expected = len(self.describe(name).columns.sentences)
            if size not in (None, expected):
                raise UserError(f"task '{name}' reads {form_of(expected)}; got {form_of(size or 1)}")
        return names

    def _outputs(self, tasks: Sequence[str], examples: list[tuple[str, ...]]) -> dict[str, np.ndarray]:
        if not examples:
            return {task: np.zeros(_shape_of_none(self._specs[task]), dtype=np.float32) for task in tasks}
        of_members: dict[str, list[np.ndarray]] = {task: [] for task in tasks}
        for place, member in self._members.items():
            asked = [task for task in tasks if place in self._shares[task]]
            # Tasks on single sentences and on pairs are only asked together if there are no texts.
            for task, outputs in member.predict(asked, examples).items() if asked else ():
                of_members[task].append(outputs)
        return {task: self._averaged(task, outputs) for task, outputs in of_members.items()}

    def _averaged(self, task: str, outputs: list[np.ndarray]) -> np.ndarray:
        """Average over the members that have a share in the task, which are in the order of all members."""
        if len(outputs) == 1:
            return outputs[0]
        shares = self._shares[task]
        return average(outputs, [shares[place] for place in self._members if place in shares])


def find_tasks(folder: Path, names: Sequence[str]) -> dict[str, TaskSpec]:
    """Return tasks of an exported model by name, without loading its weights.

    Args:
        folder: the ``model`` folder of an export.
        names: of the tasks; may be empty if there is only one.

    Raises:
        UserError: if the folder was not exported, the model has no such task, or several tasks and none is named.
    """
    shares = load_shares(folder)
    if not names and len(shares) > 1:
        raise UserError(f"which task? give --task NAME; the model has the tasks {', '.join(shares)}")
    for name in names:
        if name not in shares:
            raise UserError(f"--task: {_unknown_task(name, shares)}")
    return {name: load_run_config(next(iter(shares[name]))).tasks[name].spec for name in names or shares}


def find_thresholds(folder: Path, spec: TaskSpec, precision: float) -> Thresholds:
    """Find thresholds as :meth:`Model.thresholds` does, without loading the model's weights.

    Raises:
        UserError: as there.
    """
    if spec.kind.is_score:
        raise UserError(f"task {quoted(spec.name)} predicts scores: there are thresholds for classes only")
    if not 0 < precision < 1:
        raise UserError(f"precision must be above 0 and below 1, got {precision:g}")
    calibrations = load_calibration(folder)
    if spec.name not in calibrations:
        raise UserError(
            f"{folder}: no calibration of task {quoted(spec.name)}, which thresholds are found from; export the model "
            "again"
        )
    return calibrations[spec.name].thresholds(precision)


@dataclass(frozen=True)
class ModelSource:
    """What a model is loaded from, and how it computes; see :class:`Model`. Processes can send it to each other."""

    folder: Path
    device: str = "auto"
    precision: Precision | None = None

    def load(self) -> Model:
        """Load the model; errors are those of :class:`Model`."""
        return Model(self.folder, self.device, precision=self.precision)


def _device_for_int8(device: str) -> str:
    if device not in ("auto", "cpu"):
        raise UserError(f"precision 'int8' is for the CPU, not for '{device}'")
    return "cpu"


def _shape_of_none(spec: TaskSpec) -> tuple[int, ...]:
    return (0,) if spec.kind.is_score else (0, len(spec.classes))


def _unknown_task(name: str, tasks: Iterable[str]) -> str:
    known = list(tasks)
    return f"no task {quoted(name)}: the model has the tasks {', '.join(known)}{did_you_mean(name, known)}"
