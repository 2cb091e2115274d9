"""Check before a study that the part of dev that early rungs score can rank trials."""

from __future__ import annotations

import math

from core.inputs.fixed_subset import stratified_part
from data.errors import UserError
from data.gold import Labels
from data.tasks import TaskSpec
from search.display.values import shown

__all__ = ["check_early_part"]

_FEWEST = 10  # examples; a correlation or an accuracy of fewer ranks nothing
_OF_A_CLASS = 2


def check_early_part(spec: TaskSpec, dev: Labels, share: float) -> None:
    """Refuse a share of dev that leaves too few examples: fewer than ten, or than two of a class that has two.

    Args:
        spec: the task.
        dev: labels of the dev examples that the last rung scores, (N,).
        share: of them that earlier rungs score (``eval.early_share``).

    Raises:
        UserError: it names a share that is large enough.
    """
    if share == 1.0:
        return
    part = dev[stratified_part(dev, share, spec.name)]
    groups = [("", len(dev), len(part), min(_FEWEST, len(dev)))]  # examples of dev, of the part, and the fewest
    if not spec.kind.is_score:
        for index, name in enumerate(spec.classes):
            count, left = int((dev == index).sum()), int((part == index).sum())
            groups += [(f" of class '{name}'", count, left, _OF_A_CLASS)] if count >= _OF_A_CLASS else []
    enough = max(fewest / count for _, count, _, fewest in groups)
    for what, count, left, fewest in groups:
        if left < fewest:
            raise UserError(
                f"eval.early_share = {shown(share)} leaves {left:,} of {count:,} dev examples{what} of {spec.name} for "
                f"early rungs, which need {fewest}; {shown(math.ceil(enough * 100) / 100)} is enough for this task"
            )
