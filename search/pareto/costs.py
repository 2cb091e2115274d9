"""The costs of a trial that a score can be set against."""

from __future__ import annotations

from search.recorded.trial_columns import FORWARD_EXAMPLES, PARAMETERS, PEAK_MEMORY, PRETRAINING_EXAMPLES, TRAINABLE

__all__ = ["COSTS"]

COSTS: dict[str, str] = {
    "seconds": "seconds of training and scoring",
    "examples": "training examples",
    FORWARD_EXAMPLES: "examples through the model, regularisers' passes counted",
    PRETRAINING_EXAMPLES: "examples of further pretraining",
    TRAINABLE: "trainable parameters",
    PARAMETERS: "parameters",
    PEAK_MEMORY: "peak memory, MiB",
}
"""Descriptions of columns of the trial table, by column name."""
