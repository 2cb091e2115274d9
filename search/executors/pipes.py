"""What executors have in common whose workers are connected to the driver: jobs, messages, and their order."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Generic, TypeVar

from core.config import RunConfig
from data.errors import UserError
from search.display.notices import notice
from search.executors import messages
from search.executors.base import ExecutorError

if TYPE_CHECKING:
    from core.run.precision_choice import PrecisionChoice
    from core.run.speed import Speed

__all__ = ["PipeExecutor", "Slot", "send", "worker_variables"]

LOADING_DEATHS = 2  # of workers that load or measure before the first trial; a third would die too
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
# Weights, gradients and moments are read once a step, from memory, and looking up pages of 4 KiB takes longer than
# reading them. The GNU C library then asks Linux for pages of 2 MiB, and keeps what a step frees for the next one.
# Its caches for each thread (tcache) are off: the small blocks that they hold back lie among a step's activations, and
# break the free memory between steps into pieces too small for longer rows. That saves 60 to 150 MiB with MiniLM, and
# is as fast.
# Other systems ignore this.
MEMORY_VARIABLES = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.tcache_count=0"
    f":glibc.malloc.mmap_threshold={32 << 20}:glibc.malloc.trim_threshold={512 << 20}"
}


@dataclass(eq=False, kw_only=True)
class Slot:
    """One worker and its job."""

    index: int
    connection: Connection | None = None  # None: the worker is still on its way
    job: messages.Job | None = None
    ready: bool = False
    has_stepped: bool = False  # its run has taken a step, and so has something to save
    closed: bool = False  # its end of the pipe; its exit follows
    crashed: bool = False  # as it has reported itself

    @property
    def number(self) -> int | None:
        """The trial that it runs."""
        return self.job.number if isinstance(self.job, messages.TrialJob) else None


S = TypeVar("S", bound=Slot)


class PipeExecutor(ABC, Generic[S]):
    """An executor that gives its workers jobs through pipes; it is not finished: see :mod:`search.executors.local`.

    Args:
        workers: at least 1.
    """

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers}")
        self.workers = workers
        self._slots: list[S] = []
        self._stopping = False
        self._warnings: set[str] = set()  # that have been shown
        self._wake_receiver, self._wake_sender = multiprocessing.Pipe(duplex=False)  # from wake() to events()
        os.set_blocking(self._wake_sender.fileno(), False)

    @property
    def idle(self) -> int:
        """Number of workers without a job, including those that still load their code: a job waits in the pipe."""
        return sum(slot.job is None and self._is_usable(slot) for slot in self._slots)

    def _is_usable(self, slot: S) -> bool:
        return slot.connection is not None

    @abstractmethod
    def device(self, worker: int) -> str:
        """See :meth:`search.executors.base.Executor.device`."""

    @abstractmethod
    def start(self) -> None:
        """See :meth:`search.executors.base.Executor.start`."""

    @abstractmethod
    def events(self, timeout: float | None) -> Sequence[messages.Message]:
        """See :meth:`search.executors.base.Executor.events`."""

    @abstractmethod
    def stop(self) -> None:
        """See :meth:`search.executors.base.Executor.stop`."""

    @abstractmethod
    def _kill(self, slot: S) -> None:
        """End a worker at once; :meth:`events` reports it."""

    @abstractmethod
    def _device_fault(self, slot: S, fault: messages.DeviceFault) -> messages.DeviceLost:
        """Take the device of a worker, which ends, out of use."""

    def measure(self, config: RunConfig) -> Speed:
        """See :meth:`search.executors.base.Executor.measure`."""
        answer = self._ask(messages.MeasureJob(config), "measuring the speed")
        assert isinstance(answer, messages.Measured)
        return answer.speed

    def choose_precision(self, config: RunConfig) -> PrecisionChoice:
        """See :meth:`search.executors.base.Executor.choose_precision`."""
        answer = self._ask(messages.PrecisionJob(config), "choosing the precision")
        assert isinstance(answer, messages.PrecisionChosen)
        return answer.choice

    def check(self, configs: Sequence[RunConfig]) -> messages.Checked:
        """See :meth:`search.executors.base.Executor.check`."""
        answer = self._ask(messages.CheckJob(tuple(configs)), "loading the encoder")
        assert isinstance(answer, messages.Checked)
        return answer

    def _ask(
        self, job: messages.MeasureJob | messages.PrecisionJob | messages.CheckJob, doing: str
    ) -> messages.Measured | messages.PrecisionChosen | messages.Checked:
        """Return the answer to a job that is not a trial, while no trial runs; repeat it if its worker dies."""
        self.start()
        self._submit_when_possible(job)
        deaths = 0
        while True:
            for message in self.events(None):
                match message:
                    case messages.Measured() | messages.PrecisionChosen() | messages.Checked():
                        return message
                    case messages.InvalidInput(reason=reason):
                        raise UserError(reason)
                    case messages.Failed(reason=reason):
                        raise ExecutorError(f"{doing} failed: {reason}")
                    case messages.DeviceLost(device, _, reason, left):
                        if not left:
                            raise ExecutorError(f"{doing} failed: {device}: {reason}")
                        notice(f"{device} is used no longer: {reason}")
                        self._submit_when_possible(job)
                    case messages.Died(exit_code=code) if not any(slot.job for slot in self._slots):
                        deaths += 1
                        how = "" if code is None else f" (exit code {code})"
                        if deaths > LOADING_DEATHS:
                            raise ExecutorError(f"{doing} failed: its worker died{how}")
                        notice(f"a worker died{how} while {doing}; trying again")
                        self._submit_when_possible(job)

    def _submit_when_possible(self, job: messages.Job) -> None:
        while not self.idle:
            self.events(None)
        self.submit(job)

    def submit(self, job: messages.Job) -> int:
        """Give the job to the first idle worker."""
        slot = next((slot for slot in self._slots if slot.job is None and self._is_usable(slot)), None)
        if slot is None:
            raise ExecutorError(f"all {self.workers} workers are busy")
        slot.job, slot.has_stepped = job, False
        send(slot, job)
        return slot.index

    def decide(self, number: int, go_on: bool) -> None:
        """Answer the trial's evaluation; :meth:`events` reports a worker that died in the meantime."""
        for slot in self._slots:
            if slot.number == number:
                send(slot, messages.Decision(go_on))

    def interrupt(self) -> None:
        """Ask every running trial to write a checkpoint and end; a worker that is still loading one is killed."""
        self._stopping = True
        for slot in self._slots:
            if slot.has_stepped:
                send(slot, messages.Interrupt())
            elif slot.job is not None:
                self._kill(slot)

    def wake(self) -> None:
        """Make :meth:`events` return if it waits."""
        with contextlib.suppress(BlockingIOError):  # full of wake-ups already
            self._wake_sender.send_bytes(b"!")

    def _receive(self, slot: S) -> Iterator[messages.Message]:
        try:
            while slot.connection is not None and not slot.closed and slot.connection.poll():
                message: messages.Message = slot.connection.recv()
                match message:
                    case messages.Ready():
                        slot.ready = True
                        self._has_started()
                    case messages.Advanced() | messages.Evaluated():
                        slot.has_stepped = True
                    case messages.Warned(text):
                        self._show_once(text)
                    case messages.Away():  # it goes on by itself
                        pass
                    case messages.Crashed():  # busy until it is replaced; a broken device must not delay its exit
                        slot.crashed = True
                        self._kill(slot)
                    case messages.DeviceFault():
                        slot.crashed = True
                        message = self._device_fault(slot, message)
                    case _:  # the end of its job
                        slot.job = None
                yield message
        except (EOFError, OSError):  # OSError: killed in the middle of a message
            slot.closed = True

    @abstractmethod
    def _has_started(self) -> None:
        """Note that a worker has loaded its code."""

    def _show_once(self, warning: str) -> None:
        if warning not in self._warnings:
            self._warnings.add(warning)
            notice(warning)


def send(slot: Slot, order: messages.Order) -> None:
    """Send an order to a worker; if it is dead, :meth:`PipeExecutor.events` will report that."""
    assert slot.connection is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError, OSError):
        slot.connection.send(order)


def worker_variables(threads: int) -> dict[str, str]:
    """Return the variables that a worker's libraries read when they are loaded."""
    variables = dict.fromkeys(THREAD_VARIABLES, str(threads))
    return variables | {name: value for name, value in MEMORY_VARIABLES.items() if name not in os.environ}
