"""Map encoded rows to the outputs of one task."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from core.config import HeadConfig
from core.model.bert import Bert
from core.model.pair_features import PAIR_FEATURES
from core.model.pooling import FIRST_TOKEN_POOLINGS, POOLINGS, EncodedRows

__all__ = ["TaskHead"]


class TaskHead(nn.Module):
    """A head that pools sentence vectors, combines those of a siamese pair, and maps them to the task's outputs.

    Sentence vectors of a pair may first go through side layers, which both sentences share. Then comes one linear
    layer, an MLP with GELU and a dropout after every hidden layer, or nothing if the pair's cosine is the output.
    Weights are initialised as in BERT's own classifiers: N(0, std), biases 0.

    Args:
        config: settings of the head.
        encoder_size: width of the encoder, H.
        outputs: numbers per example, C; 1 if the cosine is the output.
        std: standard deviation of the initial weights.
        generator: draws the initial weights.

    Attributes:
        reads_first_only: whether the head reads nothing but the rows' first tokens.
    """

    def __init__(
        self, config: HeadConfig, encoder_size: int, outputs: int, std: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        self._pool = POOLINGS[config.pooling]
        self.reads_first_only = config.pooling in FIRST_TOKEN_POOLINGS
        siamese = config.pair == "siamese"
        self._combine = PAIR_FEATURES[config.combine or "uv-absdiff"] if siamese else None
        hidden_size = config.hidden_size or encoder_size
        ends_in_cosine = self._combine is not None and self._combine.is_output
        dropout = config.dropout

        self.sides = nn.Sequential()
        widths = [encoder_size] + [hidden_size] * config.side_layers
        if config.side_layers or ends_in_cosine:
            self.sides = _mlp(widths, [dropout] + [config.dropout_hidden] * (config.side_layers - 1))
            dropout = 0.0  # already applied to the input

        self.layers = nn.Sequential()
        if not ends_in_cosine:
            features = self._combine.width(widths[-1]) if self._combine else widths[-1]
            dropouts = [dropout] + [config.dropout_hidden] * (config.layers - 1)
            if config.layers > 1 and config.dropout_last is not None:
                dropouts[-1] = config.dropout_last
            self.layers = _mlp([features] + [hidden_size] * (config.layers - 1) + [outputs], dropouts)

        for layer in (*self.sides, *self.layers):
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=std, generator=generator)
                nn.init.zeros_(layer.bias)

    def forward(self, bert: Bert, rows: EncodedRows, pooled: tuple[Tensor, ...]) -> Tensor:
        """Compute the outputs (B, C) from encoded rows (R, T, H).

        The head is computed in float32 regardless of the encoder's precision: it costs next to nothing, and in bfloat16
        its outputs would have three digits, too few to rank scores.

        Args:
            bert: the encoder, for its pooler.
            rows: the encoded rows.
            pooled: the rows of each sentence vector, (B,) each.
        """
        vectors = self._pool(bert, rows)  # (R, H)
        with torch.autocast(vectors.device.type, enabled=False):
            vectors = self.sides(vectors.to(torch.promote_types(vectors.dtype, torch.float32)))  # (R, S)
            sentences = [vectors[numbers] for numbers in pooled]  # (B, S) each
            features = self._combine.function(*sentences) if self._combine else sentences[0]
            outputs: Tensor = self.layers(features)
        return outputs


def _mlp(widths: Sequence[int], dropouts: Sequence[float]) -> nn.Sequential:
    """Build linear layers from each width to the next, with GELU between and a dropout before each.

    With a single width there is no layer, only the first dropout.
    """
    layers: list[nn.Module] = [nn.Dropout(dropouts[0])]
    for number, (fan_in, fan_out) in enumerate(pairwise(widths)):
        if number > 0:
            layers += [nn.GELU(), nn.Dropout(dropouts[number])]
        layers.append(nn.Linear(fan_in, fan_out))
    return nn.Sequential(*layers)
