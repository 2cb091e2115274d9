"""The section about how the gradients of several tasks become one."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from core.config.section import ConfigSection
from data.tasks import TaskName

__all__ = ["GradientsConfig"]


class GradientsConfig(ConfigSection):
    """How the tasks' gradients of the shared encoder become one."""

    rule: Literal["sum", "pcgrad", "anchored"] = Field(
        "sum",
        description="added up; added up without what conflicts (PCGrad, Yu et al. 2020); or without what conflicts "
        "with the last gradient of the anchor task",
    )
    anchor: TaskName | None = Field(
        None, description="the task whose gradient is left as it is; only rule 'anchored' reads it"
    )
