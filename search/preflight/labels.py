"""Check before a study that the labels can teach something, and that dev can rank trials."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping

import numpy as np

from core.config import TaskConfig
from core.inputs.fixed_subset import fixed_subset
from data.errors import UserError
from data.gold import Labels
from data.reading import RawSplit
from data.tasks import SplitName, TaskSpec
from search.preflight.early_part import check_early_part

__all__ = ["check_labels"]


def check_labels(
    name: str, task: TaskConfig, splits: Mapping[SplitName, RawSplit], early_share: float = 1.0
) -> list[str]:
    """Return one line for each doubt about the labels of a task's training and dev examples.

    Args:
        name: of the task.
        task: its limits say which examples are used.
        splits: with labels in train and dev.
        early_share: share of the dev examples that early rungs score.

    Raises:
        UserError: if dev gives all trials the same score: all its examples are of one class, or all gold scores are
            equal and the metric is a correlation; or if so few are left at early rungs that a score says nothing.
    """
    limits: tuple[tuple[SplitName, int | None], ...] = (("train", task.train_limit), ("dev", task.dev_limit))
    used = {split: _used(splits[split], limit, name) for split, limit in limits}
    check_early_part(task.spec, used["dev"], early_share)
    return list(_doubts(name, task, splits, used))


def _doubts(
    name: str, task: TaskConfig, splits: Mapping[SplitName, RawSplit], used: Mapping[SplitName, Labels]
) -> Iterator[str]:
    yield from _fold_doubts(name, task.spec, splits["dev"])
    for split, labels in used.items():
        if _is_constant(labels):
            is_part = len(labels) < len(splits[split])
            which = f"{split} examples" + (f" that {split}_limit selects" if is_part else "")
            all_equal = f"all {len(labels):,} {which} {_have(task.spec, labels)}"
            if split == "dev" and not _can_rank(task.spec, labels):
                raise UserError(
                    f"{splits[split].path}: {all_equal}, so that {task.spec.metric} cannot rank trials; "
                    "use a dev file with different labels"
                )
            yield f"{name}: {all_equal}"
    if not task.spec.kind.is_score:
        missing = np.setdiff1d(used["dev"], used["train"])
        if len(missing) and not _is_constant(used["train"]):
            classes = ", ".join(f"'{task.spec.classes[int(index)]}'" for index in missing)
            yield f"{name}: dev has examples of {classes}, and train has none"


def _fold_doubts(name: str, spec: TaskSpec, dev: RawSplit) -> Iterator[str]:
    """Say which classes are missing in some folds, and which folds cannot rank trials."""
    if dev.folds is None or dev.labels is None or spec.folds is None:
        return
    parts = [dev.labels[dev.folds == fold] for fold in range(spec.folds)]
    if not spec.kind.is_score:
        for index, class_name in enumerate(spec.classes):
            count, having = int((dev.labels == index).sum()), sum(bool((part == index).any()) for part in parts)
            if 0 < having < spec.folds:
                yield (
                    f"{name}: {spec.folds - having} of {spec.folds} folds have no example of '{class_name}', which has "
                    f"{count:,} in all; fewer folds may rank trials better"
                )
    useless = [part for part in parts if _is_constant(part) and not _can_rank(spec, part)]
    if useless and not _is_constant(dev.labels):
        yield (
            f"{name}: {len(useless)} of {spec.folds} folds have a single label, so that {spec.metric} cannot rank "
            "trials on them; use fewer folds"
        )


def _used(raw: RawSplit, limit: int | None, name: str) -> Labels:
    assert raw.labels is not None, "train and dev without labels are refused"
    return raw.labels[fixed_subset(len(raw), limit, name)]


def _is_constant(labels: Labels) -> bool:
    return len(np.unique(labels)) == 1


def _have(spec: TaskSpec, labels: Labels) -> str:
    value = labels[0]
    return f"have the score {value:g}" if spec.kind.is_score else f"are of the class '{spec.classes[int(value)]}'"


def _can_rank(spec: TaskSpec, gold: Labels) -> bool:
    """Return whether the metric tells right from wrong predictions although all gold labels are equal."""
    if spec.score_range is None:
        return False
    low, high = spec.score_range
    right = np.asarray(gold, dtype=np.float64)
    wrong = np.full(len(gold), low if right[0] > (low + high) / 2 else high)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return spec.metric.score(spec, right, gold) != spec.metric.score(spec, wrong, gold)
