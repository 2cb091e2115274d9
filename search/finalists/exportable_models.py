"""Choose the trained model to use after a final: the best settings need not have produced the best weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import optuna

from core.statistics import Expectations
from search.analysis.expected_score import estimate_best
from search.analysis.expected_text import expectation_text
from search.trials.folders import TrialFolders

__all__ = ["ExportableModel", "exportable_models", "model_sentences"]


@dataclass(frozen=True)
class ExportableModel:
    """A model that ``search.export`` can write.

    Attributes:
        study: name of the study that trained it, and whose export writes it.
        name: text that says where it comes from.
        expected: its expected scores on new data.
        is_of_search: whether it is the search's best trial instead of a run of the final.
    """

    study: str
    name: str
    expected: Expectations
    is_of_search: bool


def exportable_models(
    search: tuple[optuna.Study, TrialFolders], final: tuple[optuna.Study, TrialFolders], data: Path | None = None
) -> list[ExportableModel]:
    """Return the search's best trial and the best run of the final's winner, the higher expected score first.

    A final shows which settings are best when they are trained again. A run of the search with a lucky seed may still
    have the better weights: luck with the seed stays in the weights, while the estimate removes luck with the dev
    examples. A model without an estimate is left out.

    Args:
        search: a study and its folders.
        final: the study of its finalists, which has a winner, and its folders.
    """
    found = []
    for of in (search, final):
        estimate, _ = estimate_best(*of, data)
        if estimate is not None:
            study, is_of_search = of[0].study_name, of is search
            # A number alone would be taken for that of a finalist, which is a trial of the search.
            run = f"the winner's best run in the final ({study}:{estimate.trial})"
            name = f"trial {estimate.trial} of the search" if is_of_search else run
            found.append(ExportableModel(study, name, estimate.scores, is_of_search))
    return sorted(found, key=lambda one: -one.expected.overall.expected)


def model_sentences(models: list[ExportableModel]) -> list[str]:
    """Say which model to use now, and why it may not be one of the winner's; empty if fewer than two are known."""
    if len(models) < 2:
        return []
    first, second = models
    text = (
        f"Model to use now: {first.name}. Expected score on new data: {expectation_text(first.expected.overall)}, "
        f"compared with {expectation_text(second.expected.overall)} for {second.name}. Export it with search.export "
        f"--study {first.study}."
    )
    if first.is_of_search:
        text += (
            " Its lucky seed stays in its weights; to train a new model, the winner's settings are the better choice."
        )
    return [text]
