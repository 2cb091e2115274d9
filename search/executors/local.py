"""LocalExecutor: worker processes on this machine, each at the other end of a pipe."""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.config import RunConfig
from data.errors import UserError
from search.executors.base import ExecutorError
from search.executors.messages import (
    Advanced,
    Checked,
    CheckJob,
    Crashed,
    Decision,
    Died,
    Ended,
    Evaluated,
    Failed,
    Interrupt,
    InvalidInput,
    MachineFault,
    Measured,
    MeasureJob,
    Message,
    Order,
    Ready,
    TrialJob,
)
from search.executors.worker import TrainingCode, WorkerSettings, work

if TYPE_CHECKING:
    from core.run.speed import Speed

__all__ = ["LocalExecutor"]

FALSE_STARTS = 3  # workers in a row that fail before they are ready: there is no point in a fourth
KILLED_STARTS = 20  # and that are killed from outside, which says less
GOODBYE_SECONDS = 2.0  # what an idle worker may take to exit
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(eq=False)
class _Place:
    """One worker process and what it is doing."""

    index: int
    process: SpawnProcess
    connection: Connection
    job: TrialJob | MeasureJob | CheckJob | None = None
    ready: bool = False
    moving: bool = False  # its run has taken a step, and so has something to save
    hung_up: bool = False  # its end of the pipe is closed; its exit follows
    crashed: bool = False  # it has said so itself

    @property
    def number(self) -> int | None:
        return self.job.number if isinstance(self.job, TrialJob) else None


class LocalExecutor:
    """Long-lived ``spawn``-ed processes; a dead one is noticed at once and replaced.

    Args:
        workers: processes, at least 1.
        cache_dir: where the workers cache tokenised data.
        threads: CPU threads of each worker's numeric libraries, at least 1.
        code: what the workers run.
    """

    def __init__(self, workers: int, cache_dir: Path, *, threads: int = 1, code: TrainingCode | None = None) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers}")
        self._count = workers
        self._threads = threads
        self._settings = WorkerSettings(cache_dir, code or TrainingCode())
        self._context = multiprocessing.get_context("spawn")
        self._places: list[_Place] = []
        self._false_starts = self._killed_starts = 0  # in a row
        self._leaving = False
        self._ears, self._mouth = self._context.Pipe(duplex=False)  # wake() speaks to events()
        os.set_blocking(self._mouth.fileno(), False)

    @property
    def workers(self) -> int:
        """Number of worker processes."""
        return self._count

    @property
    def idle(self) -> int:
        """Workers without a job; one that still loads its code counts, its job waits in the pipe."""
        return sum(place.job is None for place in self._places)

    def start(self) -> None:
        """Start the processes; returns before they have loaded their code."""
        if not self._places:
            self._places = [self._open(index) for index in range(self._count)]
            # Before multiprocessing's own exit handler, which waits for processes that wait for us.
            atexit.register(self.stop)

    def _open(self, index: int) -> _Place:
        for _ in range(KILLED_STARTS):
            ours, theirs = self._context.Pipe()
            process = self._context.Process(target=work, args=(theirs, self._settings), name=f"worker-{index}")
            try:
                with _thread_variables(self._threads), _signals_held(), _main_module_hidden():
                    process.start()
            except BrokenPipeError:  # somebody killed it before it had read what to do
                ours.close()
                continue
            except OSError as error:
                raise ExecutorError(f"a worker process cannot be started: {error.strerror or error}") from error
            finally:
                theirs.close()  # or the worker's death would not end the pipe
            return _Place(index, process, ours)
        raise ExecutorError(f"{KILLED_STARTS} worker processes in a row were killed while they were started")

    def measure(self, config: RunConfig) -> Speed:
        """See :meth:`search.executors.base.Executor.measure`."""
        answer = self._ask(MeasureJob(config), "measuring the speed")
        if isinstance(answer, InvalidInput):
            raise UserError(answer.reason)
        assert isinstance(answer, Measured)
        return answer.speed

    def check(self, configs: Sequence[RunConfig]) -> Checked:
        """See :meth:`search.executors.base.Executor.check`."""
        answer = self._ask(CheckJob(tuple(configs)), "loading the encoder")
        assert isinstance(answer, Checked)
        return answer

    def _ask(self, job: MeasureJob | CheckJob, doing: str) -> Measured | Checked | InvalidInput:
        """The answer to a job that is no trial, while there is no other."""
        self.start()
        self._give(job)
        while True:
            for message in self.events(None):
                match message:
                    case Measured() | Checked() | InvalidInput():
                        return message
                    case Failed(reason=reason):
                        raise ExecutorError(f"{doing} failed: {reason}")
                    case Died(exit_code=code) if not any(place.job for place in self._places):
                        raise ExecutorError(f"{doing} ended its worker (exit code {code})")

    def submit(self, job: TrialJob) -> int:
        """Give the trial to the first idle worker."""
        return self._give(job)

    def _give(self, job: TrialJob | MeasureJob | CheckJob) -> int:
        place = next((place for place in self._places if place.job is None), None)
        if place is None:
            raise ExecutorError(f"all {self._count} workers are busy")
        place.job, place.moving = job, False
        _send(place, job)
        return place.index

    def decide(self, number: int, go_on: bool) -> None:
        """Answer the trial's evaluation; a worker that died meanwhile is reported by :meth:`events`."""
        for place in self._places:
            if place.number == number:
                _send(place, Decision(go_on))

    def interrupt(self) -> None:
        """Ask every running trial to save itself and end; one that is still loading has nothing to save."""
        self._leaving = True
        for place in self._places:
            if place.moving:
                _send(place, Interrupt())
            elif place.job is not None:
                place.process.kill()

    def wake(self) -> None:
        """Make :meth:`events` return."""
        with contextlib.suppress(BlockingIOError):  # full of wake-ups already
            self._mouth.send_bytes(b"!")

    def events(self, timeout: float | None) -> Sequence[Message]:
        """Wait for pipes and process exits together; nothing is polled."""
        pipes = {place.connection: place for place in self._places if not place.hung_up}
        exits = {place.process.sentinel: place for place in self._places}
        messages: list[Message] = []
        ready = wait([*pipes, *exits, self._ears], timeout)
        for source in ready:
            if isinstance(source, Connection):
                if source is self._ears:
                    self._ears.recv_bytes()
                else:
                    messages += self._receive(pipes[source])
        for source in ready:
            if isinstance(source, int):
                messages += self._replace(exits[source])
        return messages

    def _receive(self, place: _Place) -> Iterator[Message]:
        try:
            while not place.hung_up and place.connection.poll():
                message: Message = place.connection.recv()
                match message:
                    case Ready():
                        place.ready = True
                        self._false_starts = self._killed_starts = 0
                    case Advanced() | Evaluated():
                        place.moving = True
                    case Crashed():  # no longer busy once it is replaced; a broken device must not make it linger
                        place.crashed = True
                        place.process.kill()
                    case Ended() | MachineFault() | Failed() | InvalidInput() | Measured() | Checked():
                        place.job = None
                yield message
        except (EOFError, OSError):  # the latter: killed in the middle of a message
            place.hung_up = True

    def _replace(self, place: _Place) -> Iterator[Message]:
        yield from self._receive(place)  # what it said before it died still counts
        place.process.join()
        place.connection.close()
        code = place.process.exitcode
        if not place.ready and not self._leaving:
            self._count_false_start(code)
        position = self._places.index(place)
        self._places[position : position + 1] = [] if self._leaving else [self._open(place.index)]
        if not place.crashed:
            yield Died(place.index, place.number, code)

    def _count_false_start(self, code: int | None) -> None:
        if code is not None and code < 0:
            self._killed_starts += 1
        else:
            self._false_starts += 1
        if self._false_starts >= FALSE_STARTS or self._killed_starts >= KILLED_STARTS:
            raise ExecutorError(
                f"{max(self._false_starts, self._killed_starts)} worker processes in a row died while starting "
                f"(the last with exit code {code}); their error is printed above"
            )

    def stop(self) -> None:
        """Kill what still trains, let the idle ones exit."""
        atexit.unregister(self.stop)
        for place in self._places:
            if place.job is not None or not place.ready:
                place.process.kill()
            place.connection.close()
        for place in self._places:
            place.process.join(GOODBYE_SECONDS)
            if place.process.is_alive():
                place.process.kill()
                place.process.join()
            place.process.close()
        self._places = []


def _send(place: _Place, order: Order) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it is dead: events() will say so
        place.connection.send(order)


@contextlib.contextmanager
def _thread_variables(threads: int) -> Iterator[None]:
    """Numeric libraries read these once, when they are first imported: before any code of ours runs in the worker."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _main_module_hidden() -> Iterator[None]:
    """A child would import our main module again, and with it all of the driver, though it needs nothing of it."""
    main = sys.modules["__main__"]
    before: dict[str, Any] = {name: main.__dict__[name] for name in ("__spec__", "__file__") if name in main.__dict__}
    main.__spec__ = None
    main.__dict__.pop("__file__", None)
    try:
        yield
    finally:
        main.__dict__.update(before)


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """The child inherits blocked signals, so that a Ctrl-C cannot kill it before it has said that it ignores them."""
    if os.name != "posix":
        yield
        return
    resource_tracker.ensure_running()  # its first start would unblock the signals again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
