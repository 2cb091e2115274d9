"""The best trial's metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.config import LossConfig
from core.run.evaluation import Evaluation
from data.metrics import all_metrics
from data.tasks import TaskSpec
from search.display.table import Table
from search.report.context import ReportContext
from search.report.parts import Fold, Heading, Note, Part, ReportSection

__all__ = ["best_trial_section", "loss_weight_sentence", "task_parts"]

_GAP = "train_dev_gap"
_NAMES = {
    "precision": "macro precision",
    "recall": "macro recall",
    "mse": "MSE",
    "msle": "MSLE",
    "r2": "R²",
    _GAP: "train-dev gap",
    "top_2_accuracy": "top-2 accuracy",
    "off_by_one_accuracy": "off-by-one accuracy",
    "false_positive_rate": "false-positive rate",
    "false_negative_rate": "false-negative rate",
}
_CLASS_NAMES = {"precision": "precision", "recall": "recall", "f1": "F1"}


def best_trial_section(context: ReportContext) -> ReportSection | None:
    """Make the section: metrics at the best rung for each task; None if no trial has finished or its folder is gone."""
    if context.best is None or context.best_evaluation is None:
        return None
    config, evaluation = context.best.config, context.best_evaluation
    note = (
        "Dev metrics at the best rung. Macro averages give every class the same weight. A growing gap between train "
        "and dev indicates overfitting."
    )
    parts: list[Part] = [Note(note), *filter(None, [loss_weight_sentence(evaluation, config.loss)])]
    for task, metrics in evaluation.metrics.items():
        parts += task_parts(metrics, config.tasks[task].spec)
    return ReportSection("best-trial", "Metrics of the best trial", tuple(parts))


def loss_weight_sentence(evaluation: Evaluation, loss: LossConfig) -> str:
    """Give the loss weights at the evaluation if they changed in training; empty if a setting fixes them."""
    learned = loss.weighting != "fixed"
    weights = evaluation.loss_weights
    if not weights or not (learned or any(taper != "constant" for taper in loss.taper.values())):
        return ""
    values = ", ".join(f"{task} {weight:.3g}" for task, weight in weights.items())
    return f"Loss weights at the best rung ({'learned' if learned else 'tapered'}): {values}."


def task_parts(metrics: Mapping[str, float], spec: TaskSpec) -> list[Part]:
    """Show a task's metrics, for classes also those of each class, and how far dev is below training examples."""
    rows = tuple((_label(name), f"{value:.4f}") for name, value in metrics.items() if "/" not in name)
    tables = (Table("Metrics", ("metric", "value"), rows), *_by_class(metrics, spec.classes))
    gap = _gap(metrics, spec.metric.name)
    return [Heading(spec.name), *filter(None, [gap]), Fold(f"All metrics of {spec.name}", tables)]


def _gap(metrics: Mapping[str, float], own: str) -> str:
    if _GAP not in metrics:
        return ""
    return (
        f"{_label(own)}: {metrics[own]:.3f} on dev, {metrics['train_' + own]:.3f} on training examples "
        f"(gap {metrics[_GAP]:+.3f})"
    )


def _by_class(metrics: Mapping[str, float], classes: Sequence[str]) -> list[Table]:
    names = list(dict.fromkeys(name.partition("/")[0] for name in metrics if "/" in name))
    if not names:
        return []
    rows = tuple((label, *(f"{metrics[f'{name}/{label}']:.3f}" for name in names)) for label in classes)
    return [
        Table("Metrics of each class", ("class", *(_CLASS_NAMES.get(name) or _label(name) for name in names)), rows)
    ]


def _label(name: str) -> str:
    labels = {metric.name: metric.label for metric in all_metrics()}
    if (own := name.removeprefix("train_")) != name and own in labels:
        return f"{labels[own]} on training examples"
    return labels.get(name) or _NAMES.get(name, name.replace("_", " "))
