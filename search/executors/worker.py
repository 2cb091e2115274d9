"""The process that trains: it takes jobs from a pipe, runs them one after the other and reports on them.

It is long-lived, so that torch, the encoder and the tokenised data are loaded once. It exits by itself when its driver
is gone: at once while idle or loading, otherwise after the current step, whose checkpoint it still writes. It also
exits after a run has crashed, so that the next one starts in a healthy process.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import socket
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from filelock import FileLock, Timeout

from core.config import RunConfig
from core.run.atomic_files import write_atomically, writing
from core.run.errors import DivergedError
from core.run.evaluation import Evaluation
from core.run.gpus import device_fault
from data.errors import MachineError, UserError
from search.display.fault_text import one_line
from search.executors import messages
from search.executors.distant_run import DistantRun
from search.executors.patience import Patience, machine_fault
from search.trials.folders import ERROR, WORKER_LOCK

__all__ = ["TrainingCode", "work"]

SCRATCH = ".scratch"  # next to the caches: folders of runs that are saved at a URL

ADVANCE_SECONDS = 1.0  # between two Advanced messages
ORPHAN_SECONDS = 60.0  # that a run may still take to finish its step after the driver is gone


@dataclass(frozen=True)
class TrainingCode:
    """The functions that a worker calls, as ``module:name``; only workers load them: the driver needs no torch."""

    train: str = "core.trainer:train"
    measure: str = "core.speed_probe:measure_speed"
    resources: str = "core.inputs.resources:Resources"
    choose_precision: str = "core.precision_probe:choose_precision"


class _DriverGoneError(BaseException):
    """Raised when the driver is gone; not an Exception, so that no handler for failed runs catches it."""


class _InterruptedError(BaseException):
    """Raised when the run is asked to stop at a rung, whose checkpoint is already written."""


def work(connection: Connection, cache_dir: Path, code: TrainingCode, is_pinned: bool = False) -> None:
    """Run a worker process, which may be pinned to one of several devices; returns when the driver is gone."""
    # Ctrl-C in a terminal, a batch system's SIGTERM and the SIGHUP of a terminal that is closed reach every process of
    # the group: the driver decides.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    warnings.showwarning = _WarningSender(connection)
    try:
        worker = _Worker(connection, cache_dir, code, is_pinned)
        connection.send(messages.Ready())
        worker.run_jobs()
    except (_DriverGoneError, BrokenPipeError, ConnectionResetError):
        return


class _WarningSender:
    """Send the text of a warning to the driver, which shows each once, however many workers warn of it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __call__(self, message: Warning | str, *_place: object, **_more: object) -> None:
        if threading.current_thread() is threading.main_thread():  # only one thread may write to the pipe
            with suppress(BrokenPipeError, ConnectionResetError):
                self._connection.send(messages.Warned(" ".join(str(message).split())))


class _Inbox(threading.Thread):
    """Read the pipe in a thread, so that an interrupt or a dead driver is noticed during a step, at no cost to it."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(daemon=True)
        self._connection = connection
        self.jobs: SimpleQueue[messages.Job | None] = SimpleQueue()
        self.decisions: SimpleQueue[bool | None] = SimpleQueue()
        self.stop = threading.Event()
        self.stepping = False  # whether the current run has taken a step, and so has something to save

    def run(self) -> None:
        try:
            while True:
                order: messages.Order = self._connection.recv()
                match order:
                    case messages.Decision(go_on):
                        self.decisions.put(go_on)
                    case messages.Interrupt():
                        self.stop.set()
                    case _:
                        self.jobs.put(order)
        except (EOFError, OSError):
            self._give_up()

    def _give_up(self) -> None:
        self.stop.set()
        self.jobs.put(None)
        self.decisions.put(None)
        if self.stepping:
            time.sleep(ORPHAN_SECONDS)  # the thread dies with the process if the run ends earlier
        os._exit(1)


class _Reporter:
    """The run's observer: report progress, and wait for the driver's decision at every rung.

    Args:
        job: the run.
        connection: to the driver.
        inbox: of the worker.
        save: saves the run's files where the driver finds them.
    """

    def __init__(
        self, job: messages.TrialJob, connection: Connection, inbox: _Inbox, save: Callable[[], None] = lambda: None
    ) -> None:
        self._save = save
        self._number = job.number
        self._last_rung = job.config.rungs[-1]
        self._connection = connection
        self._inbox = inbox
        self._reported = -float("inf")
        self.patience = Patience(inbox.stop, self._away)

    def advanced(self, stage: str, examples: int) -> bool:  # noqa: ARG002
        return self.stepped(0)  # of the run itself

    def waiting(self, stage: str) -> bool:  # noqa: ARG002
        return self.stepped(0)

    def _away(self, reason: str) -> None:
        self._inbox.stepping = False
        self._try_to_send(messages.Away(self._number, reason))

    def stepped(self, examples: int) -> bool:
        self._inbox.stepping = True
        self.patience.progressed()
        now = time.monotonic()
        if now - self._reported >= ADVANCE_SECONDS:
            self._reported = now
            self._try_to_send(messages.Advanced(self._number, examples))
        return not self._inbox.stop.is_set()

    def evaluated(self, evaluation: Evaluation) -> bool:
        self._inbox.stepping = True
        self._save()
        self.patience.progressed()
        self._try_to_send(messages.Evaluated(self._number, evaluation))
        go_on = self._inbox.decisions.get()
        if go_on is None:
            raise _DriverGoneError
        if go_on and self._inbox.stop.is_set() and evaluation.rung < self._last_rung:
            raise _InterruptedError
        return go_on

    def _try_to_send(self, message: messages.Message) -> None:
        try:
            self._connection.send(message)
        except (BrokenPipeError, ConnectionResetError):
            self._inbox.stop.set()  # the inbox sees the end of the pipe too, but perhaps later


class _Worker:
    """Run jobs one after the other; what is loaded stays loaded between them."""

    def __init__(self, connection: Connection, cache_dir: Path, code: TrainingCode, is_pinned: bool) -> None:
        self._connection = connection
        self._scratch = cache_dir.parent / SCRATCH
        self._is_pinned = is_pinned
        self._train = _load(code.train)
        self._measure = _load(code.measure)
        self._code = code
        self._resources = _load(code.resources)(cache_dir)
        self._inbox = _Inbox(connection)
        self._inbox.start()

    def run_jobs(self) -> None:
        while (job := self._inbox.jobs.get()) is not None:
            answer = self._answer(job)
            self._inbox.stepping = False
            self._connection.send(answer)
            if isinstance(answer, messages.Crashed | messages.DeviceFault):
                return
            gc.collect()  # reference cycles of a traceback keep a failed run's model alive

    def _answer(self, job: messages.Job) -> messages.Message:
        if isinstance(job, messages.TrialJob):
            return self._run_trial(job)
        try:
            if isinstance(job, messages.CheckJob):
                return self._check(job.configs)
            _use_threads(job.config)
            if isinstance(job, messages.PrecisionJob):
                return messages.PrecisionChosen(_load(self._code.choose_precision)(job.config, self._resources))
            return messages.Measured(self._measure(job.config, self._resources))
        except Exception as error:  # the driver reports whatever loading and the training code raise
            if (fault := self._device_fault(error)) is not None:
                return messages.DeviceFault(None, fault)
            refusal = error if isinstance(error, UserError) else machine_fault(error)
            if refusal is not None:
                return messages.InvalidInput(None, one_line(refusal))
            return messages.Failed(None, f"{type(error).__name__}: {one_line(error)}")

    def _check(self, configs: tuple[RunConfig, ...]) -> messages.Checked:
        for passed, config in enumerate(configs):
            try:
                self._resources.encoder(config)
            except UserError as error:
                return messages.Checked(passed, one_line(error))
        return messages.Checked(len(configs))

    def _run_trial(self, job: messages.TrialJob) -> messages.Message:
        if job.url is None:
            return self._run_in(job, job.folder, _SharedFolder())
        try:
            run = DistantRun(job.url, job.number, self._scratch)
        except (UserError, OSError) as error:  # of this machine, not of the trial
            return messages.MachineFault(job.number, f"{socket.gethostname()}: {one_line(error)}")
        try:
            return self._run_in(job, run.folder, run)
        finally:
            run.close()

    def _run_in(self, job: messages.TrialJob, folder: Path, files: _SharedFolder | DistantRun) -> messages.Message:
        _use_threads(job.config)
        reporter = _Reporter(job, self._connection, self._inbox, files.save)

        def run() -> messages.OutcomeName:
            files.begin()
            outcome = self._train(job.config, folder, self._resources, reporter)
            files.save()
            name: messages.OutcomeName = outcome.name.lower()
            return name

        try:
            with _locked(folder):
                outcome = reporter.patience.call(run, _InterruptedError)
            return messages.Ended(job.number, outcome)
        except _InterruptedError:
            return messages.Ended(job.number, "interrupted")
        except MachineError as error:
            if (fault := self._device_fault(error)) is not None:
                return messages.DeviceFault(job.number, fault)
            return messages.MachineFault(job.number, one_line(error))
        except UserError as error:
            return messages.InvalidInput(job.number, one_line(error))
        except DivergedError as error:
            return messages.Failed(job.number, one_line(error))
        except Timeout:
            return messages.Crashed(job.number, f"another process is still training in {folder}")
        except Exception as error:  # the driver decides what to do
            if (fault := self._device_fault(error)) is not None:
                return messages.DeviceFault(job.number, fault)
            with suppress(Exception):  # memory may be what the run was short of
                write_atomically(folder / ERROR, traceback.format_exc().encode())
                files.save()
            return messages.Crashed(job.number, f"{type(error).__name__}: {one_line(error)}")

    def _device_fault(self, error: Exception) -> str | None:
        """Return why the device that this worker is pinned to has failed; None if it has not."""
        return device_fault(error) if self._is_pinned else None


class _SharedFolder:
    """A folder that the driver sees: nothing has to be copied."""

    def begin(self) -> None:
        pass

    def save(self) -> None:
        pass


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock a trial's folder: a worker of a killed driver may still be finishing its last step there.

    Raises:
        Timeout: another process keeps the lock.
        MachineError: the folder cannot be written to.
    """
    lock = FileLock(folder / WORKER_LOCK, timeout=ORPHAN_SECONDS + 5)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        acquired = lock.acquire()
    except Timeout:
        raise
    except OSError as error:
        raise MachineError(f"cannot write to '{folder}': {error.strerror or error}") from error
    with acquired:
        yield


def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def _use_threads(config: RunConfig) -> None:
    # Float sums depend on the number of threads, so it is part of the configuration. Stub training has no torch.
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(config.compute.threads)
