"""Models and batches under SMART, and a record of how it changes the embeddings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor

from core.config import SmartConfig
from core.model.forward_pass import ForwardPass
from core.model.multitask import MultitaskBert
from core.techniques.smoothness import Smoothness
from data.batching import Batch, PaddedRows

SHAPES = {
    "single": ("sst", "cross"),
    "cross pair": ("para", "cross"),
    "siamese pair": ("para", "siamese"),
    "cross scores": ("sts", "cross"),
    "siamese scores": ("sts", "siamese"),
}

every_shape = pytest.mark.parametrize("shape", list(SHAPES))
every_mode = pytest.mark.parametrize("mode", ["paper", "released"])


@dataclass
class Case:
    model: MultitaskBert
    batch: Batch

    def penalty(self, seed: int = 5, weight: float = 1.0, **numbers: Any) -> tuple[Tensor, Recorder]:
        """Return the penalty under the seed's masks and noise, and the forward passes that it made."""
        torch.manual_seed(seed)
        forward = Recorder(self.model, self.batch)
        config = SmartConfig(weight={self.batch.task: weight}, **numbers)
        penalty = Smoothness(config).penalty(forward)
        assert penalty is not None
        return penalty, forward

    def divergence(self, outputs: Tensor, others: Tensor) -> Tensor:
        return self.model.losses[self.batch.task].divergence(outputs, others)


class Recorder(ForwardPass):
    """Keeps the change of the embeddings in every pass, (R, T, H), against the rows of the table itself."""

    def __init__(self, model: MultitaskBert, batch: Batch) -> None:
        self.changes: list[Tensor] = []
        self.moved: list[Tensor] = []
        super().__init__(model, batch)

    def repeat(self, word_embeddings: Tensor | None = None, parameters: Any = None) -> Tensor:
        outputs = super().repeat(word_embeddings, parameters)
        if word_embeddings is not None:
            table = self.model.encoder("sst").embeddings.word_embeddings.weight
            self.changes.append((word_embeddings - table[self.batch.padded().input_ids]).detach())
            self.moved.append(outputs)
        return outputs

    def gradient(self, change: Tensor) -> Tensor:
        """Return the gradient of the sum of divergences from the clean outputs, at a change."""
        change = change.clone().requires_grad_()
        moved = super().repeat(word_embeddings=self.model.embed_words(self.batch).detach() + change)
        away = self.model.losses[self.batch.task].divergence(moved, self.outputs.detach()) * len(self.batch)
        return torch.autograd.grad(away, change)[0]


@dataclass(frozen=True)
class WiderBatch(Batch):
    """Rows padded further than they need to be."""

    extra: int = field(default=0, kw_only=True)

    def padded(self) -> PaddedRows:
        rows, wide = super().padded(), torch.nn.functional.pad
        return PaddedRows(
            wide(rows.input_ids, (0, self.extra), value=self.pad_id),
            wide(rows.attention_mask, (0, self.extra), value=False),
            wide(rows.token_type_ids, (0, self.extra)),
        )


def cosine(a: Tensor, b: Tensor) -> float:
    return torch.nn.functional.cosine_similarity(a.flatten(), b.flatten(), dim=0).item()


def vars_of(batch: Batch) -> dict[str, Any]:
    return {name: getattr(batch, name) for name in Batch.__dataclass_fields__}


def twice(batch: Batch) -> Batch:
    """Return the batch with every example a second time."""
    rows = len(batch.lengths)
    assert batch.labels is not None
    return Batch(
        batch.task,
        batch.input_ids.repeat(2),
        batch.token_type_ids.repeat(2),
        torch.cat([batch.offsets, batch.offsets[1:] + batch.offsets[-1]]),
        tuple(torch.cat([numbers, numbers + rows]) for numbers in batch.pooled),
        batch.labels.repeat(2),
        batch.positions.repeat(2),
        batch.pad_id,
    )
