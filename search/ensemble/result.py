"""An ensemble with everything that is written and shown of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.model_files.formats.names import FormatName
from core.model_files.formats.registry import built_formats, plan_formats
from core.model_files.formats.written import check_free
from core.model_files.model_folder import TrainedModel, check_replaceable, remove_model, save_model_folder
from core.scoring import DevScores
from core.statistics import TaskCalibration, calibrate_tasks
from data.errors import UserError
from data.examples import Examples
from data.gold import Labels
from data.tasks import SplitName, TaskSpec
from search.analysis.model_card import write_model_card
from search.display.table import Table
from search.ensemble.members import Member
from search.ensemble.selection import Shares
from search.trials.prediction_files import (
    ENSEMBLE,
    check_replaceable_predictions,
    is_recorded,
    remove_predictions,
    write_provenance,
    write_split,
)

__all__ = ["Ensemble", "Method", "Output", "ensemble_record", "ensemble_table", "write_ensemble"]

Method = Literal["averaged predictions", "uniform soup", "greedy soup"]


@dataclass(frozen=True)
class Output:
    """What the ensemble predicts for a split.

    Attributes:
        ids: of the examples, N.
        labels: class indices or scores, (N,); None for a test split without them.
        predictions: class probabilities (N, K) or scores (N,).
    """

    spec: TaskSpec
    split: SplitName
    ids: Sequence[str]
    labels: Labels | None
    predictions: np.ndarray


@dataclass(frozen=True)
class Ensemble:
    """One result out of several trials.

    Attributes:
        method: how they became one.
        members: those that are in it, by number.
        shares: of each member in every task.
        scores: on the dev examples that trials are scored on.
        outputs: the predictions to be written.
        model: of a soup.
        dev_examples: all of dev by task, tokenised for this model.
    """

    method: Method
    members: list[Member]
    shares: Shares
    scores: DevScores
    outputs: list[Output]
    model: TrainedModel | None = None
    dev_examples: Mapping[str, Examples] = field(default_factory=dict)

    @property
    def best(self) -> Member:
        """The member with the highest overall score; ties go to the earliest."""
        return max(self.members, key=lambda member: member.overall)

    @property
    def gain(self) -> float:
        """Gain in overall score over the best member, on the dev examples that trials are scored on."""
        return self.scores.overall - self.best.overall

    @cached_property
    def whole_dev(self) -> DevScores | None:
        """On all of dev, where trials are scored on a part of it only (``dev_limit``) and all is predicted for."""
        dev = {output.spec.name: output for output in self.outputs if output.split == "dev"}
        if all(len(output.predictions) == len(self.scores.predictions[task]) for task, output in dev.items()):
            return None
        predictions = {task: output.predictions for task, output in dev.items()}
        gold = {task: np.asarray(output.labels) for task, output in dev.items()}
        return DevScores(self.members[0].config, predictions, gold)

    @cached_property
    def calibrations(self) -> dict[str, TaskCalibration]:
        """Calibration of each task of classes, on all dev examples that are predicted for."""
        dev = [output for output in self.outputs if output.split == "dev"]
        predictions = {output.spec.name: output.predictions for output in dev}
        gold = {output.spec.name: np.asarray(output.labels) for output in dev}
        return calibrate_tasks([output.spec for output in dev], predictions, gold)

    def write_predictions(self, out: Path) -> None:
        """Write the files of all outputs into ``predictions/`` below ``out``; probabilities in them are calibrated."""
        for output in self.outputs:
            found = self.calibrations.get(output.spec.name)
            temperature = 1.0 if found is None else found.temperature
            write_split(out, output.spec, output.split, output.ids, output.predictions, temperature)


def ensemble_table(study: str, ensemble: Ensemble) -> Table:
    """Make a table of the members' dev scores and shares, the ensemble's scores and its gain over the best member."""
    specs = {task: settings.spec for task, settings in ensemble.members[0].config.tasks.items()}
    trials = f"{len(ensemble.members)} trial{'s' if len(ensemble.members) > 1 else ''}"
    rows = (
        (
            f"trial {member.number}",
            *_cells(member.result.scores, member.overall, specs),
            _share_text(ensemble.shares, member.number),
        )
        for member in ensemble.members
    )
    together, best = ensemble.scores, ensemble.best
    gains = {t: spec.metric.gain(together.scores[t], best.result.scores[t]) for t, spec in specs.items()}
    method = "ensemble" if ensemble.model is None else "soup"
    return Table(
        f"Study {study}, {ensemble.method} of {trials}: dev scores",
        ("", *(f"{task} {spec.metric}" for task, spec in specs.items()), "overall", "share"),
        tuple(rows),
        footer=(
            (method, *_cells(together.scores, together.overall, specs), ""),
            (f"gain over trial {best.number}", *_cells(gains, ensemble.gain, specs, "+.4f"), ""),
        ),
    )


def _share_text(shares: Shares, number: int) -> str:
    """``0.50`` where the member has it in every task, else a line for each task that it has a share in."""
    of_member = {task: of_task[number] for task, of_task in shares.items() if number in of_task}
    if len(of_member) == len(shares) and len(set(of_member.values())) == 1:
        return f"{next(iter(of_member.values())):.2f}"
    return "\n".join(f"{task} {share:.2f}" for task, share in of_member.items())


def _cells(scores: Mapping[str, float], overall: float, tasks: Mapping[str, TaskSpec], form: str = ".4f") -> list[str]:
    return [f"{value:{form}}" for value in (*(scores[task] for task in tasks), overall)]


def write_ensemble(
    out: Path, ensemble: Ensemble, origin: dict[str, Any], formats: Sequence[FormatName] = ()
) -> dict[str, Any]:
    """Write ``predictions/``, ``ensemble.json`` and, for a soup, ``model/``; returns what ``ensemble.json`` says.

    Args:
        out: made if missing; what an earlier ensemble or export left there is deleted, so that no file is of another
            one.
        origin: the study, how the members were chosen, the data and the code.
        formats: in which the model of a soup is also written, as far as they can hold it.

    Raises:
        UserError: there are files that would be lost.
    """
    written = datetime.now(UTC).isoformat(timespec="seconds")
    provenance = {**origin, "written": written, **ensemble_record(ensemble)}
    check_replaceable_predictions(out, ensemble.shares)
    if ensemble.model is None:
        _write_predictions(out, ensemble)
    else:
        provenance |= _write_soup(out, ensemble.model, ensemble, provenance, formats)
    write_provenance(out / ENSEMBLE, provenance)
    return provenance


def _write_predictions(out: Path, ensemble: Ensemble) -> None:
    if is_recorded(out):
        with suppress(UserError):  # a model that is not one of ours
            remove_model(out / "model")
    remove_predictions(out, ensemble.shares)
    ensemble.write_predictions(out)


def _write_soup(
    out: Path, trained: TrainedModel, ensemble: Ensemble, provenance: dict[str, Any], formats: Sequence[FormatName]
) -> dict[str, Any]:
    """Write predictions and the model of a soup, and return what there is to be recorded about its other forms."""
    folder, soup = out / "model", replace(trained, model=trained.model.cpu())
    check_replaceable(folder)
    plan = plan_formats(soup, formats)
    check_free(folder, plan.formats)
    about: dict[str, Any] = {"written": plan.formats, "refused": plan.refusals}
    record = {"formats": about} if formats else {}
    temperatures = {task: found.temperature for task, found in ensemble.calibrations.items()}
    with built_formats(folder, soup, plan, temperatures) as put_formats_in:
        _write_predictions(out, ensemble)
        save_model_folder(folder, soup, {**provenance, **record}, ensemble.calibrations)
        put_formats_in()
    if "onnx-int8" in plan.formats:
        from search.analysis.int8_cost import int8_sentences

        outputs = {output.spec.name: output.predictions for output in ensemble.outputs if output.split == "dev"}
        dev = {task: (examples, outputs[task]) for task, examples in ensemble.dev_examples.items()}
        about["int8"] = int8_sentences(folder / "onnx-int8", soup.config, soup.layout, dev, temperatures)
    write_model_card(folder, {**provenance, **record}, soup.config, ensemble.calibrations)
    return record


def ensemble_record(ensemble: Ensemble) -> dict[str, Any]:
    """Return the ensemble's members and scores as JSON data."""
    scores, whole = ensemble.scores, ensemble.whole_dev
    return {
        "method": ensemble.method,
        "members": [_member(ensemble, member) for member in ensemble.members],
        "dev": _overall_and_scores(scores),
        "dev_examples": {task: len(predictions) for task, predictions in scores.predictions.items()},
        "best_member": ensemble.best.number,
        "gain": ensemble.gain,
        "dev_metrics": scores.metrics,
        "dev_confusion": scores.confusion,
        **({} if whole is None else {"whole_dev": _overall_and_scores(whole)}),
    }


def _member(ensemble: Ensemble, member: Member) -> dict[str, Any]:
    return {
        "trial": member.number,
        "shares": {task: shares.get(member.number, 0.0) for task, shares in ensemble.shares.items()},
        "rung": member.result.best_rung,
        "dev": {"overall": member.overall, **member.result.scores},
        "params": member.params,
        "seed": member.config.seed,
        "config_sha256": member.config.digest,
        "encoder": member.folder.read_encoder(),
    }


def _overall_and_scores(scores: DevScores) -> dict[str, float]:
    return {"overall": scores.overall, **scores.scores}
