"""How a trial of a recorded study is named on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

__all__ = ["TrialName"]


@dataclass(frozen=True)
class TrialName:
    """A trial of a study.

    Attributes:
        text: as the user gave it.
        study: name of the study.
        number: of the trial; None for the study's best one.
    """

    text: str
    study: str
    number: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``STUDY:7``, or ``STUDY`` for its best trial; a study's name may contain a colon too."""
        study, _, number = text.rpartition(":")
        return cls(text, study, int(number)) if study and number.isdecimal() else cls(text, text)
