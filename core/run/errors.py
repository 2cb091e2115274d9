"""Errors that end a training run."""

from __future__ import annotations

__all__ = ["CheckpointError", "DivergedError"]


class DivergedError(RuntimeError):
    """A loss, prediction or weight became NaN or infinite; the message names task, step and value."""


class CheckpointError(RuntimeError):
    """A checkpoint cannot be trusted: its checksum is wrong, or it belongs to another configuration."""
