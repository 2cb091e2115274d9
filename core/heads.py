"""The part of the model that belongs to one task."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from core.bert import Bert
from core.config import HeadConfig
from core.pair_features import PAIR_FEATURES
from core.pooling import POOLINGS, EncodedRows

__all__ = ["TaskHead"]


class TaskHead(nn.Module):
    """Pools sentence vectors, combines those of a siamese pair, and maps them to the task's outputs.

    One linear layer, or an MLP with GELU and a dropout after every hidden layer. Weights start as in BERT's own
    classifiers: N(0, std), biases 0.

    Args:
        config: of this head.
        encoder_size: width of the encoder, H.
        outputs: numbers per example, C.
        std: of the initial weights.
        generator: draws the initial weights.
    """

    def __init__(
        self, config: HeadConfig, encoder_size: int, outputs: int, std: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        self._pool = POOLINGS[config.pooling]
        siamese = config.pair == "siamese"
        self._combine = PAIR_FEATURES[config.combine or "uv-absdiff"] if siamese else None
        width = encoder_size * (self._combine.width if self._combine else 1)
        hidden = [config.hidden_size or encoder_size] * (config.layers - 1)
        layers: list[nn.Module] = [nn.Dropout(config.dropout)]
        for fan_in, fan_out in pairwise([width, *hidden]):
            layers += [nn.Linear(fan_in, fan_out), nn.GELU(), nn.Dropout(config.dropout_hidden)]
        layers.append(nn.Linear([width, *hidden][-1], outputs))
        self.layers = nn.Sequential(*layers)
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=std, generator=generator)
                nn.init.zeros_(layer.bias)

    def forward(self, bert: Bert, rows: EncodedRows, pooled: tuple[Tensor, ...]) -> Tensor:
        """Encoded rows (R, T, H) -> outputs (B, C); ``pooled`` names the rows of each sentence vector, (B,) each."""
        vectors = self._pool(bert, rows)  # (R, H)
        sentences = [vectors[numbers] for numbers in pooled]  # (B, H) each
        features = self._combine.function(*sentences) if self._combine else sentences[0]
        outputs: Tensor = self.layers(features)
        return outputs
