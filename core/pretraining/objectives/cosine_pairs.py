"""Train with the cosine embedding loss on the tasks' pairs: positive pairs together, negative pairs apart."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from core.config.pretraining import CosinePairsConfig
from core.losses import CosineEmbedding
from core.model.pair_features import cosine
from core.model.pooling import POOLINGS
from core.pretraining.objectives.objective import StageEncoder, StageObjective
from core.pretraining.objectives.task_pairs import pair_labels
from core.pretraining.sources import Sources
from core.pretraining.stage import Stage
from core.pretraining.stage_data import StageData, distinct_sentences
from data.batching import Batch
from data.errors import UserError

__all__ = ["CosinePairs", "cosine_pairs_stage"]


class CosinePairs(StageObjective):
    """The objective :class:`core.losses.CosineEmbedding` of two sentence vectors, without layers of its own.

    Args:
        pooling: how a row becomes a vector.
        margin: negatives with a cosine below it cost nothing, -1 <= margin < 1.
    """

    def __init__(self, pooling: str, margin: float) -> None:
        super().__init__()
        self._pool = POOLINGS[pooling]
        self._loss = CosineEmbedding(margin, threshold=0.5)  # nothing is predicted

    def loss(self, encoder: StageEncoder, batch: Batch, rng: np.random.Generator) -> Tensor:  # noqa: ARG002
        """Return the mean loss over the batch's pairs."""
        assert batch.labels is not None, "a pair without a label is neither positive nor negative"
        vectors = self._pool(encoder.bert, encoder(batch))  # (2 B, H)
        cosines = cosine(vectors[: len(batch)], vectors[len(batch) :])  # (B, 1)
        return self._loss.loss(cosines, batch.labels.to(encoder.device))


def cosine_pairs_stage(config: CosinePairsConfig, sources: Sources) -> Stage:
    """Build the stage over the pairs that are clearly positive or clearly negative."""
    tasks = sources.tasks(config.tasks, pairs=True)

    def make_data() -> StageData:
        parts = [sources.train(task) for task in tasks]
        pool, numbers = distinct_sentences(parts, sources.layout.max_length)
        labels = np.concatenate([pair_labels(part, config.positive_from, config.negative_below) for part in parts])
        table = np.concatenate(numbers)
        if not (labels >= 0).any():
            raise UserError(
                f"pretraining.cosine_pairs: no training pair of {', '.join(tasks)} is positive or negative; "
                "change positive_from or negative_below"
            )
        return StageData(pool, table[labels >= 0], labels[labels >= 0], sources.layout)

    return Stage(
        name="cosine_pairs",
        config=config,
        sources=sources.train_facts(tasks),
        make_data=make_data,
        make_objective=lambda shape, generator: CosinePairs(config.pooling, config.margin),  # noqa: ARG005
    )
