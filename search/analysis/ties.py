"""Find trials that score the same on dev: none of them leads, and often each predicts a single class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from core.run.evaluation import Evaluation
from data.tasks import TaskSpec
from search.analysis.checkpoints import Checkpoint

__all__ = ["Ties", "ties_sentences"]


@dataclass(frozen=True)
class Ties:
    """Ties between trials at their best rungs.

    Attributes:
        others: number of other trials with the winner's overall score.
        trials: number of trials, the winner counted in.
        one_class: classes by task, for tasks in which no trial predicts more than one class on dev.
    """

    others: int = 0
    trials: int = 1
    one_class: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_of_all(self) -> bool:
        """Whether all trials, more than one, have the same overall score."""
        return 0 < self.others == self.trials - 1

    @classmethod
    def of(cls, winner: int, checkpoints: Sequence[Checkpoint], specs: Mapping[str, TaskSpec]) -> Self:
        """Find the ties among the trials that the winner was selected from, itself counted in."""
        best: dict[int, Evaluation] = {}
        for one in checkpoints:
            if one.trial not in best or one.evaluation.overall > best[one.trial].overall:
                best[one.trial] = one.evaluation
        top = best[winner].overall
        predicted = {task: [_predicted(one, spec) for one in best.values()] for task, spec in specs.items()}
        return cls(
            others=sum(one.overall == top for trial, one in best.items() if trial != winner),
            trials=len(best),
            one_class={
                task: tuple(sorted(set().union(*classes)))
                for task, classes in predicted.items()
                if all(len(one) == 1 for one in classes)
            },
        )


def _predicted(evaluation: Evaluation, spec: TaskSpec) -> set[str]:
    """Return the classes that are predicted for any dev example; empty where that is not recorded."""
    confusion = evaluation.confusion.get(spec.name, [])
    return {name for name, counts in zip(spec.classes, zip(*confusion, strict=True), strict=False) if any(counts)}


def ties_sentences(ties: Ties) -> list[str]:
    """Say which trials score alike, and that single classes are predicted; empty if there is nothing to say."""
    lines = []
    if ties.is_of_all:
        lines.append(f"All {ties.trials} trials have the same overall dev score: none of them is better.")
    elif ties.others:
        have = "trials have" if ties.others > 1 else "trial has"
        lines.append(f"{ties.others} other {have} the same overall dev score as the best one.")
    who = "All trials predict" if ties.trials > 1 else "The trial predicts"
    for task, classes in ties.one_class.items():
        what = f"only the class '{classes[0]}'" if len(classes) == 1 else "a single class each"
        lines.append(f"{who} {what} for {task} on dev, whatever the example.")
    return lines
