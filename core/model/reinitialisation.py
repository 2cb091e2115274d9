"""Topmost layers that start anew (Zhang et al. 2021, arXiv:2006.05987, section 5)."""

from __future__ import annotations

from core.model.bert import Bert
from core.model.randomness import named_generator

__all__ = ["reinitialise"]


def reinitialise(bert: Bert, layers: int, seed: int) -> None:
    """Draw the pooler and the topmost layers as BERT draws fresh ones; lower layers keep their weights.

    Matrices are N(0, initializer_range), biases zero, LayerNorm scales one. A layer starts the same whatever number of
    them does.

    Args:
        bert: changed in place.
        layers: how many, up to all of the encoder's; with 0 the pooler keeps its weights too.
        seed: of the run.
    """
    if not layers:
        return
    numbers = range(len(bert.layers) - layers, len(bert.layers))
    for part in ("pooler", *(f"encoder.layer.{number}" for number in numbers)):
        names = {f"{part}.{name}" for name, _ in bert.get_submodule(part).named_parameters()}
        bert.draw(names, named_generator(seed, f"{part}.reinitialised"))
