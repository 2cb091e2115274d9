"""Define the base class and number types of all sections of a RunConfig."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ConfigSection", "NonNegative", "Probability", "added"]

Probability = Annotated[float, Field(ge=0.0, lt=1.0)]
NonNegative = Annotated[float, Field(ge=0.0)]


class ConfigSection(BaseModel):
    """A section that is frozen and refuses unknown keys, infinities and NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def added(default: Any, description: str, **constraints: Any) -> Any:
    """Define a setting that was added after studies had been recorded.

    It is left out of the JSON at its default, so that the digests of earlier configs stay as they are.
    """
    return Field(default, description=description, exclude_if=lambda value: value == default, **constraints)
