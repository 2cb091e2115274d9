"""Configure how the gradients of several tasks are combined."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from core.config.section import ConfigSection
from data.tasks import TaskName

__all__ = ["GradientsConfig"]


class GradientsConfig(ConfigSection):
    """How the tasks' gradients of the shared encoder are combined."""

    rule: Literal["sum", "pcgrad", "anchored"] = Field(
        "sum",
        description="sum; sum without conflicts between tasks (PCGrad, Yu et al. 2020); or sum without conflicts "
        "with the last gradient of the anchor task",
    )
    anchor: TaskName | None = Field(
        None, description="task whose gradient is never changed; only used by rule 'anchored'"
    )
