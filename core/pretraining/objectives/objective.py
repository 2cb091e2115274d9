"""Define the interface of a stage's training objective."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor, nn

from core.config import ComputeConfig
from core.model.bert import Bert
from core.model.pooling import EncodedRows
from core.run.precision import autocast
from data.batching import Batch

__all__ = ["StageEncoder", "StageObjective"]


class StageEncoder:
    """The encoder as an objective sees it: each call is one forward pass.

    Args:
        bert: in train mode, on the device.
        compute: gives the precision of the pass.
        device: where it runs.
    """

    def __init__(self, bert: Bert, compute: ComputeConfig, device: torch.device) -> None:
        self.bert = bert
        self.device = device
        self._compute = compute

    def __call__(self, batch: Batch) -> EncodedRows:
        """Return the last hidden states of the batch's rows, (R, T, H), float32 even if the pass is not."""
        rows = batch.to(self.device).padded()
        with autocast(self._compute, self.device):
            hidden = self.bert(rows.input_ids, rows.attention_mask, rows.token_type_ids)
        return EncodedRows(hidden.to(torch.promote_types(hidden.dtype, torch.float32)), rows.attention_mask)


class StageObjective(nn.Module, ABC):
    """A loss, and the layers of its stage, which are trained with the encoder and then dropped."""

    @abstractmethod
    def loss(self, encoder: StageEncoder, batch: Batch, rng: np.random.Generator) -> Tensor:
        """Return the mean loss over the batch, ().

        Args:
            encoder: encodes rows.
            batch: a batch of the stage's data, on the CPU.
            rng: draws the random parts of the loss, a new one every step; dropout uses torch's own generators.
        """
