"""Join the evaluations of the models of several folds into one: means of their scores, sums of their costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from core.run.cost import Cost
from core.run.evaluation import Evaluation

__all__ = ["joined_evaluation", "mean_curve"]


def joined_evaluation(finished: Sequence[Evaluation], current: Evaluation, rung: int, share: float) -> Evaluation:
    """Return the evaluation of a run over folds at one of its rungs.

    Scores and metrics, the overall score too, are means over the folds, each counting once whatever its size: what
    :func:`sklearn.model_selection.cross_val_score` gives. The predictions of the folds come from different models,
    whose scores need not be on one scale, so that a correlation over all of them would be of the models too.

    Args:
        finished: the last evaluations of the folds before, whose models are trained to the end.
        current: of the fold that is being trained.
        rung: of the run over all folds, in training examples.
        share: of the folds whose models are trained to the end, with this evaluation; see
            :meth:`core.config.RunConfig.dev_share`.
    """
    every = [*finished, current]
    return replace(
        current,
        rung=rung,
        examples=sum(one.examples for one in every),
        step=sum(one.step for one in every),
        overall=fmean(one.overall for one in every),
        scores=_means([one.scores for one in every]),
        metrics={task: _means([one.metrics[task] for one in every]) for task in current.metrics},
        seconds=sum(one.seconds for one in every),
        confusion={task: _sum([one.confusion[task] for one in every]) for task in current.confusion},
        cost=_cost([one.cost for one in every if one.cost is not None]),
        dev_share=share,
    )


def mean_curve(curves: Sequence[Sequence[Evaluation]]) -> list[Evaluation]:
    """Return the means over folds at each rung of a model, with the costs and losses of the last fold.

    Args:
        curves: the evaluations of each fold, all of the same rungs.
    """
    found = []
    for column in zip(*curves, strict=True):
        last = column[-1]
        mean = joined_evaluation(column[:-1], last, last.rung, 1.0)
        found.append(replace(mean, examples=last.examples, step=last.step, seconds=last.seconds, cost=last.cost))
    return found


def _means(tables: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: fmean(table[name] for table in tables) for name in tables[-1]}


def _sum(matrices: Sequence[Sequence[Sequence[int]]]) -> list[list[int]]:
    return [[sum(cells) for cells in zip(*rows, strict=True)] for rows in zip(*matrices, strict=True)]


def _cost(costs: Iterable[Cost]) -> Cost | None:
    """Add up what was trained; the models follow one another, so that memory is that of the largest."""
    found = list(costs)
    if not found:
        return None
    return replace(
        found[-1],
        forward_examples=sum(cost.forward_examples for cost in found),
        pretraining_examples=sum(cost.pretraining_examples for cost in found),
        peak_memory_mib=max(cost.peak_memory_mib for cost in found),
    )
