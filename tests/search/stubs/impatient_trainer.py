"""The trainer in a worker that waits no longer than a second for its inputs."""

from core.trainer import train
from search.executors import patience

__all__ = ["train"]

patience.PATIENCE_SECONDS = 1.0
