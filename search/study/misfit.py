"""A run of a study that cannot be, told with the place in the study file that makes it."""

from __future__ import annotations

from data.errors import UserError
from search.space.feasibility import TriedRun
from search.study.file import in_study
from search.study.spec import StudySpec

__all__ = ["misfit"]


def misfit(spec: StudySpec, run: TriedRun, reason: str) -> UserError:
    """What to raise where something beyond the study file finds a run impossible.

    Args:
        spec: the study.
        run: one of :func:`search.space.feasibility.try_space`, or the base, which has no key.
        reason: why, with the setting.
    """
    if not run.key:
        return UserError(reason)
    return in_study(run.refuse(reason), spec)
