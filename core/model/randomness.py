"""Random number generators: one for each part of the initial weights, and the global ones behind dropout."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

__all__ = ["named_generator", "preserved_random_state", "random_state", "restore_random_state"]


def named_generator(seed: int, name: str) -> torch.Generator:
    """A CPU generator that depends on seed and name alone, so that a part starts the same whatever others there are.

    Args:
        seed: of the run, 0 to 2^32 - 1.
        name: of the part: a task's, or a dotted path within the encoder; no task's name has a dot.
    """
    # torch's CPU generator looks at the low 32 bits of a seed only, so both have to be in these.
    return torch.Generator().manual_seed(zlib.crc32(f"{seed} {name}".encode()))


def random_state(device: torch.device) -> dict[str, Any]:
    """State of torch's CPU generator and of the device's own."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        state["mps"] = torch.mps.get_rng_state()
    return state


def restore_random_state(state: dict[str, Any], device: torch.device) -> None:
    """The inverse of :func:`random_state`."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)
    elif device.type == "mps":
        torch.mps.set_rng_state(state["mps"])


@contextmanager
def preserved_random_state(device: torch.device) -> Iterator[None]:
    """Put the generators back as they were, whatever is drawn inside."""
    state = random_state(device)
    try:
        yield
    finally:
        restore_random_state(state, device)
