"""Messages between the driver and its workers.

Each is a small frozen dataclass that can be pickled, so that they fit a pipe as well as a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from core.config import RunConfig
from core.run.evaluation import Evaluation

if TYPE_CHECKING:
    from core.run.precision_choice import PrecisionChoice
    from core.run.speed import Speed  # only its name: importing it would load torch into the driver

__all__ = [
    "Advanced",
    "Away",
    "CheckJob",
    "Checked",
    "Crashed",
    "Decision",
    "DeviceFault",
    "DeviceLost",
    "Died",
    "Ended",
    "Evaluated",
    "Failed",
    "Interrupt",
    "InvalidInput",
    "Job",
    "MachineFault",
    "MeasureJob",
    "Measured",
    "Message",
    "Order",
    "OutcomeName",
    "PrecisionChosen",
    "PrecisionJob",
    "Ready",
    "TrialJob",
    "Warned",
]

OutcomeName = Literal["finished", "pruned", "interrupted"]


@dataclass(frozen=True)
class TrialJob:
    """Train a configuration in a folder, from its checkpoint if there is one.

    Attributes:
        number: of the trial.
        folder: that driver and worker see.
        url: of the study, if they share no folder: the worker trains in one of its own, and saves its files there.
    """

    number: int
    config: RunConfig
    folder: Path
    url: str | None = None


@dataclass(frozen=True)
class MeasureJob:
    """Take a few real training steps and measure how fast they are."""

    config: RunConfig


@dataclass(frozen=True)
class PrecisionJob:
    """Choose the precision for a study with this base, or check that the one it has is supported here."""

    config: RunConfig


@dataclass(frozen=True)
class CheckJob:
    """Load the encoders of these configurations, and check that they suit them."""

    configs: tuple[RunConfig, ...]


@dataclass(frozen=True)
class Decision:
    """The answer to :class:`Evaluated`: continue, or stop as pruned."""

    go_on: bool


@dataclass(frozen=True)
class Interrupt:
    """Write a checkpoint after the current step and end the run."""


@dataclass(frozen=True)
class Ready:
    """The worker has loaded its code and waits for its first job."""


@dataclass(frozen=True)
class Advanced:
    """A run has seen this many training examples; sent about once a second."""

    number: int
    examples: int


@dataclass(frozen=True)
class Away:
    """A run cannot read an input, for a ``reason`` of one line, and tries again; sent at every try that fails."""

    number: int
    reason: str


@dataclass(frozen=True)
class Warned:
    """The worker's code has warned of something; ``text`` is one line."""

    text: str


@dataclass(frozen=True)
class Evaluated:
    """A run passed a rung, and waits for a :class:`Decision`."""

    number: int
    evaluation: Evaluation


@dataclass(frozen=True)
class Ended:
    """A run finished, was pruned, or stopped on :class:`Interrupt`."""

    number: int
    outcome: OutcomeName


@dataclass(frozen=True)
class Crashed:
    """A run raised an exception that may not come again; ``reason`` is one line. It is the worker's last message.

    The worker's process exits, with its memory and whatever the error broke, and is replaced; no :class:`Died` follows.
    """

    number: int
    reason: str


@dataclass(frozen=True)
class DeviceFault:
    """The device of a run, or of a measurement (``number`` None), has failed. It is the worker's last message."""

    number: int | None
    reason: str


@dataclass(frozen=True)
class DeviceLost:
    """A device has failed, reported by the executor, which uses it no longer.

    Attributes:
        device: such as ``cuda:1``.
        number: the trial whose run it failed in; None for a measurement.
        workers: those that are left.
    """

    device: str
    number: int | None
    reason: str
    workers: int


@dataclass(frozen=True)
class MachineFault:
    """A run stopped on a :class:`data.errors.MachineError`, such as a full disk; it can be resumed later."""

    number: int
    reason: str


@dataclass(frozen=True)
class Failed:
    """A run failed in a way that would happen again (its loss is NaN); ``reason`` is one line.

    ``number`` is None for a measurement or check, which fail at once whatever they raise.
    """

    number: int | None
    reason: str


@dataclass(frozen=True)
class InvalidInput:
    """A run raised a :class:`data.errors.UserError`: its input is unusable. ``number`` is None for a measurement."""

    number: int | None
    reason: str


@dataclass(frozen=True)
class Measured:
    """The answer to :class:`MeasureJob`."""

    speed: Speed


@dataclass(frozen=True)
class PrecisionChosen:
    """The answer to :class:`PrecisionJob`."""

    choice: PrecisionChoice


@dataclass(frozen=True)
class Checked:
    """The answer to :class:`CheckJob`: how many configurations passed, in order, and why the next one did not.

    ``reason`` is one line, empty if all of them passed.
    """

    passed: int
    reason: str = ""


@dataclass(frozen=True)
class Died:
    """A worker process died, reported by the executor. ``number``: the trial it was running, if any."""

    worker: int
    number: int | None
    exit_code: int | None


Job = TrialJob | MeasureJob | PrecisionJob | CheckJob
Order = Job | Decision | Interrupt
Message = (
    Ready
    | Advanced
    | Away
    | Warned
    | Evaluated
    | Ended
    | Crashed
    | DeviceFault
    | DeviceLost
    | MachineFault
    | Failed
    | InvalidInput
    | Measured
    | PrecisionChosen
    | Checked
    | Died
)
