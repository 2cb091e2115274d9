"""Reinitialise the topmost layers of an encoder (Zhang et al. 2021, arXiv:2006.05987, section 5)."""

from __future__ import annotations

from core.model.bert import Bert
from core.model.randomness import named_generator

__all__ = ["reinitialise"]


def reinitialise(bert: Bert, layers: int, seed: int) -> None:
    """Reinitialise the pooler and the topmost layers; lower layers keep their weights.

    Matrices become N(0, initializer_range), biases zero, LayerNorm scales one. A layer's new weights do not depend on
    how many layers are reinitialised.

    Args:
        bert: changed in place.
        layers: number of layers, up to all of the encoder's; with 0, the pooler keeps its weights too.
        seed: seed of the run.
    """
    if not layers:
        return
    numbers = range(len(bert.layers) - layers, len(bert.layers))
    for part in ("pooler", *(f"encoder.layer.{number}" for number in numbers)):
        names = {f"{part}.{name}" for name, _ in bert.get_submodule(part).named_parameters()}
        bert.draw(names, named_generator(seed, f"{part}.reinitialised"))
