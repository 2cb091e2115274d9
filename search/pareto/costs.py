"""The costs of a trial that its score can be compared with."""

from __future__ import annotations

from search.recorded.trial_columns import FORWARD_EXAMPLES, PARAMETERS, PEAK_MEMORY, PRETRAINING_EXAMPLES, TRAINABLE

__all__ = ["COSTS"]

COSTS: dict[str, str] = {
    "seconds": "seconds of training and scoring",
    "examples": "training examples",
    FORWARD_EXAMPLES: "forward examples, including regularisers' passes",
    PRETRAINING_EXAMPLES: "examples of further pretraining",
    TRAINABLE: "trainable parameters",
    PARAMETERS: "parameters",
    PEAK_MEMORY: "peak memory (MiB)",
}
"""Descriptions of columns of the trial table, by column name."""
