"""Check that the encoder suits what is searched, before the first trial."""

from __future__ import annotations

import json
from typing import Any

from search.executors.base import Executor
from search.space.feasibility import TriedRun, try_space
from search.study.spec import StudySpec

__all__ = ["check_encoder_fits", "encoder_runs"]


def check_encoder_fits(spec: StudySpec, executor: Executor) -> None:
    """Ask a worker, as only a worker can load an encoder, about the base and runs of :func:`try_space`.

    Raises:
        UserError: the base's encoder cannot be had or does not suit it; or an end, a choice or a random draw asks of it
            what it has not, for example to freeze more layers than there are. The latter with the key in the file.
        ExecutorError: nobody could say.
    """
    runs = encoder_runs(spec)
    answer = executor.check([run.config for run in runs])
    if answer.reason:
        raise spec.impossible_run_error(runs[answer.passed], answer.reason)


def encoder_runs(spec: StudySpec) -> list[TriedRun]:
    """Return the base and runs of :func:`try_space`; of runs that are the same to an encoder, only the first.

    These have the same model and heads, apart from rates such as dropout.
    """
    first: dict[str, TriedRun] = {}
    for run in [TriedRun((), spec.base), *try_space(spec.space, spec.base)]:
        tree = run.config.model_dump(mode="json", include={"model", "heads"})
        first.setdefault(json.dumps(_without_rates(tree)), run)
    return list(first.values())


def _without_rates(tree: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_rates(value) if isinstance(value, dict) else value
        for name, value in tree.items()
        if not isinstance(value, float)
    }
