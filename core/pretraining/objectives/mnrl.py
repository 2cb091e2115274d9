"""Train multiple negatives ranking (Henderson et al. 2017, arXiv:1705.00652, section 4.4) on positive pairs."""

from __future__ import annotations

import numpy as np

from core.config.pretraining import MnrlConfig
from core.pretraining.objectives.contrast import SentenceContrast
from core.pretraining.objectives.task_pairs import pair_labels
from core.pretraining.sources import Sources
from core.pretraining.stage import Stage
from core.pretraining.stage_data import Ints, StageData, distinct_sentences
from data.errors import UserError

__all__ = ["mnrl_stage", "positive_pairs"]


def mnrl_stage(config: MnrlConfig, sources: Sources) -> Stage:
    """Build the stage over the positive pairs of the tasks."""
    tasks = sources.tasks(config.tasks, pairs=True)

    def make_data() -> StageData:
        parts = [sources.train(task) for task in tasks]
        pool, numbers = distinct_sentences(parts, sources.layout.max_length)
        labels = np.concatenate([pair_labels(part, config.positive_from, -np.inf) for part in parts])
        table = positive_pairs(np.concatenate(numbers), labels)
        if not len(table):
            raise UserError(
                f"pretraining.mnrl: no training pair of {', '.join(tasks)} is positive; lower positive_from"
            )
        return StageData(pool, table, None, sources.layout)

    return Stage(
        name="mnrl",
        config=config,
        sources=sources.train_facts(tasks),
        make_data=make_data,
        make_objective=lambda shape, generator: SentenceContrast(
            shape, config.pooling, config.scale, projection=False, generator=generator
        ),
        in_batch_negatives=True,
    )


def positive_pairs(pairs: Ints, labels: Ints) -> Ints:
    """Return each positive pair once, without pairs of two equal sentences.

    Args:
        pairs: numbers of both sentences, (n, 2).
        labels: 1 for positives, (n,).

    Returns:
        (m, 2).
    """
    positive = pairs[(labels == 1) & (pairs[:, 0] != pairs[:, 1])]
    return np.unique(positive, axis=0)
