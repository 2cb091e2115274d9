"""Configure small layers that each task has for itself within a shared encoder."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from core.config.section import ConfigSection

__all__ = ["TaskLayersConfig"]

# What the papers use by default; see TaskLayersConfig.size.
_SIZES = {"none": 0, "pal": 204, "adapter": 64}


class TaskLayersConfig(ConfigSection):
    """Projected attention layers (Stickland & Murray 2019, arXiv:1902.02671) or adapters (Houlsby et al. 2019)."""

    kind: Literal["none", "pal", "adapter"] = Field(
        "none",
        description="pal: attention of low dimension, parallel to every layer; adapter: two bottlenecks in every layer "
        "(arXiv:1902.00751)",
    )
    size: int | None = Field(
        None, ge=1, description="dimension that hidden states are projected to; None: 204 for pal, 64 for adapter"
    )
    heads: int = Field(12, ge=1, description="pal: attention heads; the size is a multiple of their number")
    mode: Literal["paper", "released"] = Field(
        "paper",
        description="pal: as in the paper, or as in the authors' code, with biases and a GELU after the projection "
        "back",
    )
    layer_norms: bool = Field(
        False, description="each task trains its own LayerNorms in every layer too, even if the encoder is frozen"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.kind == "pal" and self.width % self.heads:
            raise ValueError(
                f"task_layers.size must be a multiple of task_layers.heads, got {self.width} and {self.heads}"
            )
        return self

    @property
    def width(self) -> int:
        """Return the dimension that hidden states are projected to; 0 without task layers."""
        return _SIZES[self.kind] if self.size is None else self.size
