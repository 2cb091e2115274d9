"""Read ``[stop]`` of a study file: when a study ends, besides its number of trials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator

from search.display.values import shown
from search.parsing.errors import StudyFileError
from search.parsing.named_choice import Options
from search.parsing.pydantic_messages import validated

__all__ = ["GainRule", "StopRules", "parse_stop"]

_KEY = ("stop",)


class GainRule(Options):
    """End once further trials are not expected to help; see :mod:`search.driver.gain_rule`."""

    below: float = Field(gt=0.0, lt=1.0, description="gain in the overall score that is not worth doubling the cost")
    min_trials: int = Field(20, ge=2, description="trials that must have ended before the rule applies")


class StopRules(Options):
    """Limits at which no new trial starts; running trials finish. None means no limit."""

    hours: float | None = Field(None, gt=0.0, description="wall-clock hours of the driver, over all its sessions")
    examples: int | None = Field(None, ge=1, description="training examples of all trials together")
    gain: GainRule | None = Field(None, description="when further trials are not expected to help")

    @field_validator("gain", mode="before")
    @classmethod
    def _number_alone(cls, value: object) -> object:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return {"below": value}
        if value is None or isinstance(value, Mapping | GainRule):
            return value
        raise ValueError(f"must be a number, or a table {{ below = 0.002, min_trials = 20 }}, got {value!r}")

    @property
    def is_empty(self) -> bool:
        """Whether there is no limit."""
        return not self.describe()

    def describe(self) -> str:
        """Return ``after 8 h, after 500,000 training examples, or once doubling the cost gains less than 0.002``."""
        rules = []
        if self.hours is not None:
            rules.append(f"after {shown(self.hours)} h")
        if self.examples is not None:
            rules.append(f"after {self.examples:,} training examples")
        if self.gain is not None:
            rules.append(f"once doubling the cost gains less than {shown(self.gain.below)}")
        return ", or ".join([", ".join(rules[:-1]), rules[-1]]) if len(rules) > 1 else "".join(rules)


def parse_stop(raw: Mapping[str, Any] | None, hours: float | None = None, examples: int | None = None) -> StopRules:
    """Read the rules of a study file.

    Args:
        raw: its table ``[stop]``, if it has one.
        hours: replaces the table's.
        examples: replaces the table's.

    Raises:
        StudyFileError: under ``stop``.
    """
    given = {name: value for name, value in (("hours", hours), ("examples", examples)) if value is not None}
    rules = validated(StopRules, {**(raw or {}), **given}, _KEY)
    if raw is not None and rules.is_empty:
        raise StudyFileError(_KEY, "is empty; give hours, examples or gain")
    return rules
