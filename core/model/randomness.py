"""Control random numbers: a generator for each part of the initial weights, and the global ones behind dropout."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

__all__ = ["named_generator", "preserved_random_state", "random_state", "restore_random_state"]


def named_generator(seed: int, name: str) -> torch.Generator:
    """Return a CPU generator that depends only on seed and name, so that initial weights do not depend on other parts.

    Args:
        seed: seed of the run, 0 to 2^32 - 1.
        name: name of the part: a task, or a dotted path within the encoder; task names have no dots.
    """
    # torch's CPU generator uses only the low 32 bits of a seed, so both must be in these.
    return torch.Generator().manual_seed(zlib.crc32(f"{seed} {name}".encode()))


def random_state(device: torch.device) -> dict[str, Any]:
    """Return the state of torch's CPU generator and of the device's own."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        state["mps"] = torch.mps.get_rng_state()
    return state


def restore_random_state(state: dict[str, Any], device: torch.device) -> None:
    """Restore what :func:`random_state` returned."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)
    elif device.type == "mps":
        torch.mps.set_rng_state(state["mps"])


@contextmanager
def preserved_random_state(device: torch.device) -> Iterator[None]:
    """Restore the generators at the end, whatever is drawn inside."""
    state = random_state(device)
    try:
        yield
    finally:
        restore_random_state(state, device)
