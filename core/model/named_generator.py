"""Generators of initial weights, one for each part of a model."""

from __future__ import annotations

import zlib

import torch

__all__ = ["named_generator"]


def named_generator(seed: int, name: str) -> torch.Generator:
    """A CPU generator that depends on seed and name alone, so that a part starts the same whatever others there are.

    Args:
        seed: of the run, 0 to 2^32 - 1.
        name: of the part: a task's, or a dotted path within the encoder; no task's name has a dot.
    """
    # torch's CPU generator looks at the low 32 bits of a seed only, so both have to be in these.
    return torch.Generator().manual_seed(zlib.crc32(f"{seed} {name}".encode()))
