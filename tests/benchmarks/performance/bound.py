"""Measure the rate at which the machine could train if it computed nothing but the encoder's matrix products."""

from __future__ import annotations

import torch
from transformers import AutoConfig

from tests.benchmarks.performance.setting import Setting
from tests.benchmarks.performance.timed import Timed

__all__ = ["MatrixProducts"]


class MatrixProducts:
    """The products of one training step with weights: of every layer the forward one and both backward ones.

    Attention's own products, which depend on the length of rows, are left out. MiniLM's others are 64 MFLOP a token.

    Args:
        setting: device, precision and encoder.
        tokens: real tokens of a step, N: rows of the left operands.
        frozen: leave out the gradients of the weights, as with LoRA.
    """

    def __init__(self, setting: Setting, tokens: int, frozen: bool = False) -> None:
        config = AutoConfig.from_pretrained(setting.encoder)
        width, inner = config.hidden_size, config.intermediate_size
        shapes = [(width, width)] * 4 + [(width, inner), (inner, width)]
        dtype = torch.bfloat16 if setting.precision == "bfloat16" else torch.float32
        self._setting, self._tokens, self._frozen = setting, tokens, frozen
        # Every layer has weights and activations of its own, so that they come from memory as in a real step.
        self._operands = [
            tuple(torch.randn(size, dtype=dtype, device=setting.device) for size in ((tokens, m), (n, m), (tokens, n)))
            for _ in range(config.num_hidden_layers)
            for m, n in shapes
        ]
        products = 2 if frozen else 3
        self.flop_per_token = sum(2 * products * m * n for m, n in shapes) * config.num_hidden_layers

    def measure(self, steps: int, seed: int) -> Timed:
        """Compute the products of that many steps."""
        del seed
        self._step()
        seconds = self._setting.seconds(lambda: [self._step() for _ in range(steps)])
        return Timed(steps * self._tokens, seconds)

    def _step(self) -> None:
        for inputs, weight, _ in self._operands:
            inputs @ weight.T  # (N, m) (m, n) -> (N, n)
        for inputs, weight, gradient in reversed(self._operands):
            gradient @ weight  # (N, n) (n, m) -> (N, m)
            if not self._frozen:
                gradient.T @ inputs  # (n, N) (N, m) -> (n, m)
