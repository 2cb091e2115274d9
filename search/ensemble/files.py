"""Write an ensemble's predictions, its record, and a soup's model."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.model_files.model_folder import remove_model, save_model_folder
from core.scoring import DevScores
from search.ensemble.members import Member
from search.ensemble.result import Ensemble
from search.trials.prediction_files import ENSEMBLE, is_recorded, remove_predictions, write_provenance, write_split

__all__ = ["ensemble_record", "write_ensemble"]


def write_ensemble(out: Path, ensemble: Ensemble, origin: dict[str, Any]) -> None:
    """Write ``predictions/``, ``ensemble.json`` and, for a soup, ``model/``.

    Args:
        out: made if missing; what an earlier ensemble or export left there is deleted, so that no file is of another
            one.
        ensemble: all of it.
        origin: the study, how the members were chosen, the data and the code.
    """
    if is_recorded(out):  # else a model there is not one of ours
        remove_model(out / "model")
    remove_predictions(out, ensemble.shares)
    for output in ensemble.outputs:
        write_split(out, output.examples.spec, output.split, output.examples.ids, output.predictions)
    written = datetime.now(UTC).isoformat(timespec="seconds")
    provenance = {**origin, "written": written, **ensemble_record(ensemble)}
    if ensemble.model is not None:
        save_model_folder(out / "model", replace(ensemble.model, model=ensemble.model.model.cpu()), provenance)
    write_provenance(out / ENSEMBLE, provenance)


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
    }


def _overall_and_scores(scores: DevScores) -> dict[str, float]:
    return {"overall": scores.overall, **scores.scores}
