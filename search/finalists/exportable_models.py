"""Which trained model to use, once there is a final: the best settings and the best weights are two questions."""

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
    """A model that ``search.export`` writes.

    Attributes:
        study: that trained it, whose export it is.
        name: in words, where it comes from.
        expected: its scores on new data.
        is_of_search: whether it is the search's best trial, and no run of the final.
    """

    study: str
    name: str
    expected: Expectations
    is_of_search: bool


def exportable_models(
    search: tuple[optuna.Study, TrialFolders], final: tuple[optuna.Study, TrialFolders], data: Path | None = None
) -> list[ExportableModel]:
    """The search's best trial and the best run of the final's winner, the one that is expected to score higher first.

    A final says which settings are best when they are trained anew. A run of the search whose seed was a lucky one may
    have the better weights all the same: its luck with the seed stays in them, and what is luck with the dev examples
    the estimate takes out. One of which nothing is known is left out.

    Args:
        search: a study and its folders.
        final: of its finalists, which have a winner.
        data: the folder with the tasks' files, if it has moved.
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
    """Which model to use now, and why it may not be one of the winner's; nothing where less than two are known."""
    if len(models) < 2:
        return []
    first, second = models
    words = (
        f"The model to use now is that of {first.name}: it is expected to score "
        f"{expectation_text(first.expected.overall)} on new data, that of {second.name} "
        f"{expectation_text(second.expected.overall)}. search.export --study {first.study} writes it."
    )
    if first.is_of_search:
        words += " A lucky seed stays in a model's weights; to train anew, the winner's settings are the better bet."
    return [words]
