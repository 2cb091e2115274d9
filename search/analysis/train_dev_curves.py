"""Follow a run's scores on training and dev examples over passes through the training sets, and say where they part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.batch_orders.seen_examples import seen_examples
from core.config import RunConfig
from core.inputs.training_sizes import training_sizes
from core.run.evaluation import Evaluation
from core.statistics import Interval
from data.errors import UserError
from data.metrics import Metric
from data.tasks import TaskSpec
from search.analysis.dev_bootstrap import task_replicates
from search.trials.artifacts import check_predictions, load_predictions
from search.trials.folders import TrialFolders

__all__ = ["TrainDevCurve", "counted_passes", "fall_of_dev", "gap_sentences", "train_dev_curve", "train_score"]


@dataclass(frozen=True)
class TrainDevCurve:
    """A task's scores at the rungs of a run.

    Attributes:
        rungs: in training examples of all tasks, ascending.
        passes: through the task's training set; None: not known.
        train: the task's own metric on some of its training examples.
        dev: on dev.
        metric: the task's own.
        early_share: share of the examples that all rungs but the last scored.
    """

    rungs: tuple[int, ...]
    passes: tuple[float, ...] | None
    train: tuple[float, ...]
    dev: tuple[float, ...]
    metric: Metric
    early_share: float = 1.0

    @property
    def gaps(self) -> list[float]:
        """How much worse dev is than train at each rung, in the metric's unit."""
        return [self.metric.gain(train, dev) for train, dev in zip(self.train, self.dev, strict=True)]

    @property
    def best(self) -> int:
        """The index of the rung with the best dev score, the first of equal ones."""
        gains = [self.metric.gain(score, self.dev[0]) for score in self.dev]
        return gains.index(max(gains))

    @property
    def overfits(self) -> bool:
        """Return whether dev got worse from its best rung to the end while train improved."""
        return self._gained(self.dev) < 0 < self._gained(self.train)

    def _gained(self, scores: Sequence[float]) -> float:
        return self.metric.gain(scores[-1], scores[self.best])

    def place(self, which: int) -> str:
        """Name a rung: ``2.1 passes``, or ``4,000 training examples``."""
        if self.passes is None:
            return f"{self.rungs[which]:,} training examples"
        return "1 pass" if self.passes[which] == 1 else f"{self.passes[which]:.3g} passes"


def train_score(point: Evaluation, spec: TaskSpec) -> float | None:
    """Return a task's own metric on training examples; None if they were not scored."""
    return point.metrics.get(spec.name, {}).get(f"train_{spec.metric.name}")


def train_dev_curve(
    curve: Sequence[Evaluation], spec: TaskSpec, passes: Mapping[int, Mapping[str, float]] | None
) -> TrainDevCurve | None:
    """Return a task's curve; None if training examples were not scored at every rung, or there is no rung.

    Args:
        curve: of a run.
        spec: the task.
        passes: see :func:`counted_passes`; None: not known.
    """
    train = [score for point in curve if (score := train_score(point, spec)) is not None]
    if not curve or len(train) < len(curve):
        return None
    rungs = tuple(point.rung for point in curve)
    known = None if passes is None else tuple(passes[rung][spec.name] for rung in rungs)
    dev = tuple(point.scores[spec.name] for point in curve)
    return TrainDevCurve(rungs, known, tuple(train), dev, spec.metric, min(point.dev_share for point in curve))


def counted_passes(config: RunConfig, curve: Sequence[Evaluation], answers_dir: Path) -> dict[int, dict[str, float]]:
    """Count the passes through each task's training set until each rung, by rung and task.

    Runs do not record how many examples of each task they have seen, but the batch order gives the same turns again.

    Args:
        config: the run, with the folder where its data are now; of a run over folds, one of its models is counted.
        curve: its evaluations.
        answers_dir: folder of a language model's answers.

    Raises:
        UserError: if the training files are missing or have changed, or examples would have to be made by EDA.
    """
    config = config.single
    if any("eda" in augmentation.sources for augmentation in config.augmentation.values()):
        raise UserError("some training examples are made by EDA, and are not made again to be counted")
    sizes = training_sizes(config, answers_dir)
    seen = seen_examples(config, sizes)
    if any(sum(seen[point.rung].values()) != point.examples for point in curve if point.rung in seen) or not all(
        point.rung in seen for point in curve
    ):
        raise UserError("the run has seen other numbers of examples than its settings and training files give")
    return {rung: {task: count / sizes[task] for task, count in of.items()} for rung, of in seen.items()}


def fall_of_dev(
    curve: TrainDevCurve, folders: TrialFolders, number: int, spec: TaskSpec, gold: np.ndarray
) -> Interval | None:
    """Return by how much dev is worse at the end than at its best rung, with its 95 % interval over dev examples.

    The ends are percentiles over 1,000 resamples of the examples, the same ones for both rungs. None if predictions are
    gone, or early rungs scored only a part of dev.

    Args:
        curve: of a trial.
        folders: where it left its predictions.
        number: the trial.
        spec: the task.
        gold: labels of the dev examples that it was scored on, (N,).
    """
    if curve.early_share < 1.0:
        return None  # the rungs scored other examples
    found = []
    try:
        for place in (curve.best, -1):
            stored = load_predictions(folders.run(number), number, spec.name, curve.rungs[place])
            check_predictions(stored, gold, curve.dev[place], spec, number)
            found.append(stored)
    except UserError:
        return None
    replicates = task_replicates(spec, found, gold)
    low, high = np.quantile(curve.metric.gain(replicates[:, 0], replicates[:, 1]), [0.025, 0.975]).tolist()
    return Interval(curve.metric.gain(curve.dev[curve.best], curve.dev[-1]), low, high)


def gap_sentences(task: str, curve: TrainDevCurve, fall: Interval | None = None) -> list[str]:
    """Name the largest and the final gap, and say whether dev fell while train rose.

    Args:
        task: its name.
        curve: its scores.
        fall: see :func:`fall_of_dev`.
    """
    gaps, label = curve.gaps, curve.metric.label
    widest, last = int(np.argmax(gaps)), len(gaps) - 1
    end = f"{gaps[last]:+.3f} at the end ({curve.train[last]:.3f} on train, {curve.dev[last]:.3f} on dev)"
    if last == 0:
        return [f"{task}, {label}: the gap is {end}. There is only one rung, so there is no curve."]
    if curve.early_share < 1.0:
        gap = f"{task}, {label}: the gap is {end}. Earlier rungs scored {curve.early_share:.3g} of these examples"
        return [f"{gap} (eval.early_share), too few to say whether and when the run began to overfit."]
    if widest == last:
        gap = f"{task}, {label}: the gap is largest at the end, after {curve.place(last)}: {gaps[last]:+.3f} "
        gap += f"({curve.train[last]:.3f} on train, {curve.dev[last]:.3f} on dev)."
    else:
        gap = f"{task}, {label}: the gap is largest after {curve.place(widest)} ({gaps[widest]:+.3f}) and {end}."
    return [gap, _verdict(curve, fall)]


def _verdict(curve: TrainDevCurve, fall: Interval | None) -> str:
    best, last, word = curve.best, len(curve.dev) - 1, "fell" if curve.metric.larger_is_better else "got worse"
    if best == last:
        return "Dev was best at the end: there is no sign of overfitting."
    dev = f"from {curve.dev[best]:.3f} to {curve.dev[last]:.3f}"
    train = f"from {curve.train[best]:.3f} to {curve.train[last]:.3f}"
    if curve.dev[best] == curve.dev[last]:
        return f"Dev was no better at the end than after {curve.place(best)}: there is no sign of overfitting."
    if not curve.overfits:
        return f"After {curve.place(best)}, dev {word} ({dev}), but train did not improve ({train}): not overfitting."
    start = f"After {curve.place(best)}, dev {word} ({dev}) while train improved ({train})"
    since = "from about " + (curve.place(best) if curve.passes is None else f"pass {curve.passes[best]:.3g}")
    if fall is None:
        return f"{start}: overfitting {since}, if it is not chance."
    interval = f"95 % interval of the difference on dev {fall.low:+.3f} to {fall.high:+.3f}"
    if fall.holds_zero:
        return f"{start}: this may be overfitting {since}, or chance ({interval})."
    return f"{start}: overfitting {since} ({interval})."
