"""Check before a study that the part of dev that early rungs score can rank trials."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

from core.inputs.fixed_subset import stratified_part
from data.errors import UserError
from data.gold import Labels
from data.tasks import TaskSpec
from search.display.values import shown

__all__ = ["check_early_part"]

_FEWEST = 10  # examples; a correlation or an accuracy of fewer ranks nothing
_OF_A_CLASS = 2


class _Group(NamedTuple):
    """Examples, all or those of a class; a part must contain some of them."""

    name: str
    size: int
    left: int
    fewest: int


def check_early_part(spec: TaskSpec, dev: Labels, share: float) -> None:
    """Refuse a share of dev that leaves too few examples: fewer than ten, or than two of a class that has two.

    Args:
        spec: the task.
        dev: labels of the dev examples that the last rung scores, (N,).
        share: of them that earlier rungs score (``eval.early_share``).

    Raises:
        UserError: it names the smallest share, in hundredths, from which on no class has too few.
    """
    short = _too_few(spec, dev, share)
    if short is None:
        return
    shares = (percent / 100 for percent in range(100, 0, -1))
    enough = min(takewhile(lambda larger: _too_few(spec, dev, larger) is None, shares))  # and any larger one is, too
    raise UserError(
        f"eval.early_share = {shown(share)} leaves {short.left:,} of {short.size:,} dev examples{short.name} of "
        f"{spec.name} for early rungs, which need {short.fewest}; {shown(enough)} is enough for this task"
    )


def _too_few(spec: TaskSpec, dev: Labels, share: float) -> _Group | None:
    return next((group for group in _groups(spec, dev, share) if group.left < group.fewest), None)


def _groups(spec: TaskSpec, dev: Labels, share: float) -> Iterator[_Group]:
    part = dev[stratified_part(dev, share, spec.name)]
    yield _Group("", len(dev), len(part), min(_FEWEST, len(dev)))
    if not spec.kind.is_score:
        for index, name in enumerate(spec.classes):
            count, left = int((dev == index).sum()), int((part == index).sum())
            if count >= _OF_A_CLASS:
                yield _Group(f" of class '{name}'", count, left, _OF_A_CLASS)
