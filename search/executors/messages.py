"""What the driver and its workers say to each other.

Everything is a small frozen dataclass that can be pickled, so that the same words do for a pipe and for a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from core.config import RunConfig
from core.run.evaluation import Evaluation

if TYPE_CHECKING:
    from core.run.speed import Speed  # only its name: importing it would load torch into the driver

__all__ = [
    "Advanced",
    "CheckJob",
    "Checked",
    "Crashed",
    "Decision",
    "Died",
    "Ended",
    "Evaluated",
    "Failed",
    "Interrupt",
    "InvalidInput",
    "MachineFault",
    "MeasureJob",
    "Measured",
    "Message",
    "Order",
    "OutcomeName",
    "Ready",
    "TrialJob",
]

OutcomeName = Literal["finished", "pruned", "interrupted"]


@dataclass(frozen=True)
class TrialJob:
    """Train this configuration in this folder, from its checkpoint if it has one."""

    number: int
    config: RunConfig
    folder: Path


@dataclass(frozen=True)
class MeasureJob:
    """Take a few real steps and say how fast they went."""

    config: RunConfig


@dataclass(frozen=True)
class CheckJob:
    """Load the encoders of these configurations, and say whether they suit them."""

    configs: tuple[RunConfig, ...]


@dataclass(frozen=True)
class Decision:
    """The answer to :class:`Evaluated`: train on, or stop as pruned."""

    go_on: bool


@dataclass(frozen=True)
class Interrupt:
    """Write a checkpoint after the present step and end the run."""


@dataclass(frozen=True)
class Ready:
    """The worker has loaded its code and waits for its first job."""


@dataclass(frozen=True)
class Advanced:
    """A run has seen this many training examples; sent about once a second."""

    number: int
    examples: int


@dataclass(frozen=True)
class Evaluated:
    """A run passed a rung, and waits for a :class:`Decision`."""

    number: int
    evaluation: Evaluation


@dataclass(frozen=True)
class Ended:
    """A run came to its end, was pruned, or stopped on :class:`Interrupt`."""

    number: int
    outcome: OutcomeName


@dataclass(frozen=True)
class Crashed:
    """A run raised what another start may not raise; ``reason`` is one line. The worker's last words.

    Its process leaves, with all memory and whatever the error broke, and is replaced; no :class:`Died` follows.
    """

    number: int
    reason: str


@dataclass(frozen=True)
class MachineFault:
    """A run cannot go on for a :class:`data.errors.MachineError`, such as a full disk; it can be resumed later."""

    number: int
    reason: str


@dataclass(frozen=True)
class Failed:
    """A run failed as it would again (its loss is NaN); ``reason`` is one line. ``number`` is None for a measurement
    or check, which fail at once whatever they raise.
    """

    number: int | None
    reason: str


@dataclass(frozen=True)
class InvalidInput:
    """A run found its input unusable (a :class:`data.errors.UserError`). ``number`` is None for a measurement."""

    number: int | None
    reason: str


@dataclass(frozen=True)
class Measured:
    """The answer to :class:`MeasureJob`."""

    speed: Speed


@dataclass(frozen=True)
class Checked:
    """The answer to :class:`CheckJob`: how many configurations passed, in their order, and what is wrong with the next.

    ``reason`` is one line, empty where all of them passed.
    """

    passed: int
    reason: str = ""


@dataclass(frozen=True)
class Died:
    """A worker is gone; said by the executor. ``number``: the trial it was running, if any."""

    worker: int
    number: int | None
    exit_code: int | None


Order = TrialJob | MeasureJob | CheckJob | Decision | Interrupt
Message = (
    Ready | Advanced | Evaluated | Ended | Crashed | MachineFault | Failed | InvalidInput | Measured | Checked | Died
)
