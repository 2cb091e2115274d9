"""A model whose losses have given gradients, and what the optimiser receives in a real run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from core.gradients import GradientRule
from core.run.progress import Progress
from core.trainer import TrainingRun

Vector = npt.NDArray[np.float64]
TASKS = ("sst", "para", "sts")


class Encoder(nn.Module):
    """Stands for an encoder: parameters of the given sizes, all zeros."""

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.parts = nn.ParameterList(torch.zeros(size) for size in sizes)


class Model(nn.Module):
    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.encoders = Encoder(sizes)

    def loss(self, gradient: Sequence[Sequence[float] | None]) -> Tensor:
        """Return a loss with this gradient, in which a parameter of gradient None is not used."""
        parts = zip(self.encoders.parts, gradient, strict=True)
        return torch.stack([(p * torch.tensor(g)).sum() for p, g in parts if g is not None]).sum()

    @property
    def grads(self) -> list[list[float] | None]:
        return [None if p.grad is None else p.grad.tolist() for p in self.encoders.parts]

    def drop(self) -> None:
        """Drop the gradients, as the optimiser does after an update."""
        for p in self.encoders.parts:
            p.grad = None


def update(model: Model, rule: GradientRule, gradients: Mapping[str, Sequence[float]], step: int = 0) -> Vector:
    """Return the combined gradient of one update over a single parameter."""
    model.drop()
    for task, gradient in gradients.items():
        rule.add(task, model.loss([gradient]))
    rule.combine(step)
    (combined,) = model.grads
    return np.array(combined)


small = st.integers(-5, 5).map(float)
PCGRAD: dict[str, Any] = {"gradients": {"rule": "pcgrad"}, "sampler": {"order": "together"}}
NO_DROPOUT: dict[str, Any] = {
    "model": {
        "encoder": "scratch",
        "scratch": {"vocab_size": 400, "hidden_size": 16, "intermediate_size": 32},
        "dropout": 0.0,
        "attention_dropout": 0.0,
    },
    "heads": {
        "sst": {"dropout": 0.0, "pooling": "pooler"},  # the pooler has no gradient from the others
        "para": {"dropout": 0.0, "pair": "siamese", "pooling": "mean"},
        "sts": {"dropout": 0.0, "pair": "siamese", "pooling": "mean"},
    },
}


def gradients_of_a_step(run: TrainingRun) -> dict[str, Tensor]:
    """Return the gradients that the optimiser gets, after everything else in the step."""
    seen: dict[str, Tensor] = {}
    update = run.optimiser.step

    def step(progress: Progress, examples: int) -> None:
        seen.update({name: p.grad.to_dense().clone() for name, p in run.model.named_parameters() if p.grad is not None})
        update(progress, examples)

    run.optimiser.step = step  # type: ignore[method-assign]
    run.step()
    return seen
