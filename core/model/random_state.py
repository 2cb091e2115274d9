"""The generators behind dropout, saved and put back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

__all__ = ["random_state", "random_state_kept", "restore_random_state"]


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
def random_state_kept(device: torch.device) -> Iterator[None]:
    """Put the generators back as they were, whatever is drawn inside."""
    state = random_state(device)
    try:
        yield
    finally:
        restore_random_state(state, device)
