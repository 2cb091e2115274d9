"""Dev examples of which two runs say different things."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from data.metrics.classes import predicted_classes
from data.reading import RawSplit
from data.tasks import TaskSpec

__all__ = ["ChangedExample", "TaskChanges", "task_changes"]


@dataclass(frozen=True)
class ChangedExample:
    """An example and what the two runs say of it, A and B.

    Attributes:
        id: in the dev file.
        sentences: one or two.
        gold: the class's name, or the score.
        a: what A predicts, likewise.
        b: what B predicts.
        gain: how much nearer B is: in probability of the gold class, or in distance from the gold score.
    """

    id: str
    sentences: tuple[str, ...]
    gold: str
    a: str
    b: str
    gain: float


@dataclass(frozen=True)
class TaskChanges:
    """The changes in a task.

    Attributes:
        examples: those with another predicted class or score, the largest gain or loss first.
        total: dev examples.
        won: how many A has wrong and B has right; of scores, how many B is nearer to.
        lost: the other way round.
        p_value: of McNemar's exact test, that won and lost are equally likely; of scores, None.
    """

    examples: tuple[ChangedExample, ...]
    total: int
    won: int
    lost: int
    p_value: float | None


def task_changes(spec: TaskSpec, dev: RawSplit, a: np.ndarray, b: np.ndarray) -> TaskChanges:
    """Find the examples whose predictions change from A to B.

    Args:
        spec: the task.
        dev: its N dev examples, with labels.
        a: predictions of A: class probabilities (N, K) or scores (N,).
        b: those of B.
    """
    assert dev.labels is not None, "dev files without labels are refused when read"
    gold, rows = dev.labels, np.arange(len(dev))
    if spec.kind.is_score:
        gain, changed = np.abs(a - gold) - np.abs(b - gold), a != b
        won, lost = int((gain > 0).sum()), int((gain < 0).sum())
        gold_names, a_names, b_names = ([f"{value:.2f}" for value in values.tolist()] for values in (gold, a, b))
        p_value = None
    else:
        classes_a, classes_b = predicted_classes(a), predicted_classes(b)
        gain, changed = b[rows, gold] - a[rows, gold], classes_a != classes_b
        won = int(((classes_b == gold) & (classes_a != gold)).sum())
        lost = int(((classes_a == gold) & (classes_b != gold)).sum())
        gold_names, a_names, b_names = (
            [spec.classes[index] for index in indices.tolist()] for indices in (gold, classes_a, classes_b)
        )
        p_value = _mcnemar(won, lost)
    order = np.flatnonzero(changed)
    order = order[np.argsort(-np.abs(gain[order]), kind="stable")]
    examples = tuple(
        ChangedExample(dev.ids[row], dev.sentences[row], gold_names[row], a_names[row], b_names[row], float(gain[row]))
        for row in order.tolist()
    )
    return TaskChanges(examples, len(dev), won, lost, p_value)


def _mcnemar(won: int, lost: int) -> float:
    """Compute the exact two-sided p-value (McNemar 1947) for examples that exactly one of the two gets right."""
    return float(stats.binomtest(won, won + lost).pvalue) if won + lost else 1.0
