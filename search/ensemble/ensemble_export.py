"""``python -m search.export --ensemble N``: a selected ensemble with its models, ready to predict for new text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna

from core.inputs.best_model import load_best_model, model_runs
from core.inputs.dev_gold import dev_examples
from core.inputs.resources import Resources
from core.model_files.ensemble_folder import save_ensemble_folder
from core.model_files.model_folder import TrainedModel, check_replaceable
from data.errors import UserError
from search.analysis.model_card import write_model_card
from search.ensemble.averaging import average_predictions
from search.ensemble.member_check import check_stored
from search.ensemble.members import CandidateTrials, Member
from search.ensemble.result import Ensemble, ensemble_record
from search.ensemble.selection import GreedyOptions, select_members
from search.ensemble.selection_estimate import estimate_selection, selection_sentence
from search.preflight.study_inputs import StudyInputs
from search.recorded.data_files import check_same_data
from search.recorded.provenance import described, made_from
from search.trials.folders import TrialFolders
from search.trials.prediction_files import PROVENANCE, remove_predictions, write_provenance

__all__ = ["BAGS", "export_ensemble"]

BAGS = 20  # from there on more bring next to nothing (docs/ensembles.md has the measurements)


def export_ensemble(
    study: optuna.Study,
    folders: TrialFolders,
    most: int,
    out: Path,
    resources: Resources,
    *,
    data: Path | None = None,
    device: str | None = None,
) -> tuple[Ensemble, list[str]]:
    """Write ``predictions/`` and ``model/`` below ``out``; returns the ensemble, and what is to be said of it.

    Args:
        most: members, each counted once.
        out: made if missing.

    Raises:
        UserError: if fewer than two trials have their models, the data have changed, or there are files below ``out``
            that would be lost.
    """
    check_replaceable(out / "model")
    library = CandidateTrials(study, folders, data, device, needs_models=True)
    try:
        pool = library.members(library.candidates())
    except UserError as error:
        raise UserError(f"{error}; without --ensemble the best trial is exported") from error
    config, options = pool[0].config, GreedyOptions(most, bags=BAGS)
    origin = made_from(config)
    check_same_data(study, StudyInputs(splits_digest=origin["data_sha256"], data_parts=origin["data_rows_sha256"]))
    dev = {task: dev_examples(config, task) for task in config.tasks}
    check_stored(pool, dev)
    ensemble = average_predictions(pool, select_members(pool, dev, options), dev, resources, dev_only=False)
    expected, lines = estimate_selection(options, library.contenders, pool, folders, ensemble.shares)
    provenance = {
        "study": study.study_name,
        "candidates": len(pool),
        "scored_trials": len(library.scored),
        "bags": options.bags,
        "tasks": described(config),
        **({"expected": expected} if expected else {}),
        **ensemble_record(ensemble),
        **origin,
        "exported": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    _write(out, ensemble, resources, provenance)
    return ensemble, [selection_sentence(False, len(pool), len(library.scored)), *lines]


def _write(out: Path, ensemble: Ensemble, resources: Resources, provenance: dict[str, Any]) -> None:
    remove_predictions(out, ensemble.shares)
    ensemble.write_predictions(out)
    names = {member.number: _names(member) for member in ensemble.members}
    shares = {
        task: {name: share / len(names[number]) for number, share in of_task.items() for name in names[number]}
        for task, of_task in ensemble.shares.items()
    }
    models = _models(ensemble, resources, provenance)
    save_ensemble_folder(out / "model", models, shares, provenance, ensemble.calibrations)
    write_model_card(out / "model", provenance, ensemble.members[0].config, ensemble.calibrations)
    write_provenance(out / "predictions" / PROVENANCE, provenance)


def _models(
    ensemble: Ensemble, resources: Resources, provenance: dict[str, Any]
) -> Iterator[tuple[str, TrainedModel, dict[str, Any]]]:
    common = {key: provenance[key] for key in ("study", "tasks", "data_sha256", "code", "versions", "exported")}
    for member, record in zip(ensemble.members, provenance["members"], strict=True):
        for name, (run, own) in zip(_names(member), model_runs(member.folder, member.config), strict=True):
            trained = load_best_model(run, own, resources)
            yield name, replace(trained, model=trained.model.cpu()), {**common, **record}


def _names(member: Member) -> list[str]:
    """Return the names of a member's models: ``trial-0007``, or with folds ``trial-0007-fold-0`` and so on."""
    name, count = member.folder.path.name, member.config.models
    return [name] if count == 1 else [f"{name}-fold-{fold}" for fold in range(count)]
