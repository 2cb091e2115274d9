"""Train natural language inference with a cross-encoder of three classes, as is usual with MNLI."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.config import HeadConfig
from core.config.pretraining import NliConfig
from core.model.bert import BertConfig
from core.model.heads import TaskHead
from core.pretraining.objectives.objective import StageEncoder, StageObjective
from core.pretraining.sources import Sources
from core.pretraining.stage import Stage
from core.pretraining.stage_data import StageData
from data.batching import Batch
from data.errors import UserError

__all__ = ["NliClassification", "nli_stage"]

_CLASSES = 3


class NliClassification(StageObjective):
    """Classification with a linear head on the vector of the row ``[CLS] premise [SEP] hypothesis [SEP]``.

    Args:
        shape: architecture of the encoder; its dropout is also used in the head.
        config: how the row becomes a vector.
        generator: draws the head.

    Raises:
        UserError: if the encoder has only one segment.
    """

    def __init__(self, shape: BertConfig, config: NliConfig, generator: torch.Generator) -> None:
        super().__init__()
        if shape.type_vocab_size < 2:
            raise UserError(
                "pretraining.nli: pairs need two segments, but the encoder has one (type_vocab_size = 1); "
                "remove the stage or choose another encoder"
            )
        head = HeadConfig(pooling=config.pooling, dropout=shape.hidden_dropout_prob)
        self.head = TaskHead(head, shape.hidden_size, _CLASSES, shape.initializer_range, generator)

    def loss(self, encoder: StageEncoder, batch: Batch, rng: np.random.Generator) -> Tensor:  # noqa: ARG002
        """Return the mean cross-entropy over the batch."""
        assert batch.labels is not None, "NLI pairs have labels"
        pooled = tuple(rows.to(encoder.device) for rows in batch.pooled)
        logits = self.head(encoder.bert, encoder(batch), pooled)  # (B, 3)
        return F.cross_entropy(logits, batch.labels.to(encoder.device))


def nli_stage(config: NliConfig, sources: Sources) -> Stage:
    """Build the stage over the pairs of the run's NLI file."""

    def make_data() -> StageData:
        pairs = sources.nli_pairs()
        return StageData(pairs, np.arange(len(pairs))[:, None], pairs.labels, sources.layout)

    return Stage(
        name="nli",
        config=config,
        sources=sources.nli_facts(),
        make_data=make_data,
        make_objective=lambda shape, generator: NliClassification(shape, config, generator),
    )
