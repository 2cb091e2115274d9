"""Tasks of every kind, and settings of siamese heads."""

from __future__ import annotations

from data.task_files import builtin_tasks
from data.tasks import Kind, TaskSpec

_SPECS = builtin_tasks()
SPECS: dict[str, TaskSpec] = {
    "sst": _SPECS["sst"],
    "para": _SPECS["para"],
    "sts": _SPECS["sts"],
    "three": _SPECS["para"].model_copy(update={"name": "three", "classes": ("no", "maybe", "yes")}),
    "uneven": _SPECS["sts"].model_copy(update={"name": "uneven", "score_range": (0.0, 2.5)}),
    "mood": _SPECS["sts"].model_copy(
        update={
            "name": "mood",
            "kind": Kind.SCORE,
            "score_range": (-1.0, 1.0),
            "columns": _SPECS["sst"].columns,
        }
    ),
}
COS = {"pair": "siamese", "combine": "cos"}
