"""An ensemble with everything that is written and shown of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from core.model_files.model_folder import TrainedModel
from core.scoring import DevScores
from data.examples import Examples
from data.tasks import SplitName
from search.ensemble.members import Member
from search.ensemble.named_trials import Shares

__all__ = ["Ensemble", "Method", "Output"]

Method = Literal["averaged predictions", "uniform soup", "greedy soup"]


@dataclass(frozen=True)
class Output:
    """What the ensemble predicts for a split: class probabilities (N, K) or scores (N,) of the examples."""

    examples: Examples
    split: SplitName
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
    """

    method: Method
    members: list[Member]
    shares: Shares
    scores: DevScores
    outputs: list[Output]
    model: TrainedModel | None = None

    @property
    def best(self) -> Member:
        """The member with the highest overall score, the earliest of equals."""
        return max(self.members, key=lambda member: member.overall)

    @property
    def gain(self) -> float:
        """Gain in overall score over the best member, on the dev examples that trials are scored on."""
        return self.scores.overall - self.best.overall

    @cached_property
    def whole_dev(self) -> DevScores | None:
        """On all of dev, where trials are scored on a part of it only (``dev_limit``) and all is predicted for."""
        dev = {output.examples.spec.name: output for output in self.outputs if output.split == "dev"}
        if all(len(output.predictions) == len(self.scores.predictions[task]) for task, output in dev.items()):
            return None
        predictions = {task: output.predictions for task, output in dev.items()}
        gold = {task: np.asarray(output.examples.labels) for task, output in dev.items()}
        return DevScores(self.members[0].config, predictions, gold)
