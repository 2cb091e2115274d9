"""Pretrain the encoder further before the tasks, in stages with their own data, length and learning rate.

``stage*`` plan, train and store a stage; ``objectives`` define what it trains for. May import ``core.inputs`` and what
that may import.
"""

from core.pretraining.observer import NullStageObserver, PretrainingInterruptedError, StageObserver
from core.pretraining.pretrained import encoder_weights, pretrained_weights
from core.pretraining.registry import in_examples

__all__ = [
    "NullStageObserver",
    "PretrainingInterruptedError",
    "StageObserver",
    "encoder_weights",
    "in_examples",
    "pretrained_weights",
]
