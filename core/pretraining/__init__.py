"""Further pretraining of the encoder before the tasks: stages, each with its own data, length and rate."""

from core.pretraining.observer import NullStageObserver, PretrainingInterruptedError, StageObserver
from core.pretraining.pretrained import pretrained_weights

__all__ = ["NullStageObserver", "PretrainingInterruptedError", "StageObserver", "pretrained_weights"]
