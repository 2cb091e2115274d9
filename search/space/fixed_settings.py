"""Settings that cannot differ between the trials of a study."""

from __future__ import annotations

__all__ = ["why_fixed"]

_FIXED = {
    "data.": "it names the user's files",
    "compute.": "it says where a run is computed",
    "eval.": "all trials are scored at the same positions",
    "budget.examples": "all trials are scored at the same positions",
}
_FIXED_IN_TASKS = {"score_weight", "dev_limit"}


def why_fixed(path: str) -> str | None:
    """Return why all trials of a study must have the same value of a setting; None if they need not."""
    if path.startswith("tasks.") and path.rpartition(".")[2] in _FIXED_IN_TASKS:
        return "it changes what the score means"
    return next((reason for prefix, reason in _FIXED.items() if path.startswith(prefix)), None)
