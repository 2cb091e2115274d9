"""Names of the columns of the trial table; see :func:`search.recorded.trial_table.trial_table`."""

from __future__ import annotations

__all__ = [
    "COUNTS",
    "FORWARD_EXAMPLES",
    "MEETS_FLOORS",
    "PARAMETERS",
    "PEAK_MEMORY",
    "PRETRAINING_EXAMPLES",
    "SCORE",
    "SETTING",
    "TRAINABLE",
    "TRAINABLE_SHARE",
]

SETTING = "setting "
SCORE = "score "
FORWARD_EXAMPLES, PRETRAINING_EXAMPLES, TRAINABLE, PARAMETERS = COUNTS = (
    "forward_examples",
    "pretraining_examples",
    "trainable_parameters",
    "parameters",
)
TRAINABLE_SHARE = "trainable_share"
PEAK_MEMORY = "peak_memory_mib"
MEETS_FLOORS = "meets_floors"
