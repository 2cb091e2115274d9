"""Further pretraining of the encoder before the tasks: stages, each with its own data, length and rate."""

from core.pretraining.observer import PretrainingInterruptedError, StageObserver, UnattendedStages
from core.pretraining.pretrained import pretrained_weights

__all__ = ["PretrainingInterruptedError", "StageObserver", "UnattendedStages", "pretrained_weights"]
