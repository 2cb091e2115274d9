"""Train trials in worker processes on this machine, each connected by a pipe."""

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
from typing import Any

from core.run.gpus import VISIBLE, Device
from search.executors import messages
from search.executors.base import ExecutorError
from search.executors.pipes import PipeExecutor, Slot, worker_variables
from search.executors.worker import TrainingCode, work

__all__ = ["LocalExecutor"]

FALSE_STARTS = 3  # workers in a row that fail before they are ready; a fourth would fail too
KILLED_STARTS = 20  # workers in a row that are killed from outside, which says less
EXIT_SECONDS = 2.0  # that an idle worker may take to exit


@dataclass(eq=False, kw_only=True)
class _Slot(Slot):
    """One worker process."""

    connection: Connection
    process: SpawnProcess
    device: Device | None = None  # that it is pinned to


class LocalExecutor(PipeExecutor[_Slot]):
    """Keep long-lived ``spawn``-ed processes; a dead one is noticed at once and replaced.

    Args:
        workers: processes, at least 1.
        cache_dir: where the workers cache tokenised data.
        threads: CPU threads of each worker's numeric libraries, at least 1.
        code: the functions that the workers call.
        devices: that the workers are pinned to, in turn; a device that fails is used no longer, nor are its workers.
            Empty: workers see all devices of the machine, and are not pinned.
    """

    def __init__(
        self,
        workers: int,
        cache_dir: Path,
        *,
        threads: int = 1,
        code: TrainingCode | None = None,
        devices: Sequence[Device] = (),
    ) -> None:
        super().__init__(workers)
        self._devices = tuple(devices)
        self._lost: set[str] = set()  # names of devices
        self._threads = threads
        self._cache_dir = cache_dir
        self._code = code or TrainingCode()
        self._context = multiprocessing.get_context("spawn")
        self._false_starts = self._killed_starts = 0  # in a row

    def _is_usable(self, slot: _Slot) -> bool:
        return slot.device is None or slot.device.name not in self._lost

    def device(self, worker: int) -> str:
        """Return the name of the device that a worker is pinned to; empty if it is not."""
        return self._devices[worker % len(self._devices)].name if self._devices else ""

    def start(self) -> None:
        """Start the processes; returns before they have loaded their code."""
        if not self._slots:
            self._slots = [self._open(index) for index in range(self.workers)]
            # Runs before multiprocessing's own exit handler, which waits for processes that wait for this one.
            atexit.register(self.stop)

    def _open(self, index: int) -> _Slot:
        for _ in range(KILLED_STARTS):
            ours, theirs = self._context.Pipe()
            device = self._devices[index % len(self._devices)] if self._devices else None
            arguments = theirs, self._cache_dir, self._code, device is not None
            process = self._context.Process(target=work, args=arguments, name=f"worker-{index}")
            try:
                with _variables(self._threads, device), _signals_held(), _main_module_hidden():
                    process.start()
            except BrokenPipeError:  # it was killed before it had read its arguments
                ours.close()
                continue
            except OSError as error:
                raise ExecutorError(f"a worker process cannot be started: {error.strerror or error}") from error
            finally:
                theirs.close()  # otherwise the worker's death would not close the pipe
            return _Slot(index=index, process=process, connection=ours, device=device)
        raise ExecutorError(f"{KILLED_STARTS} worker processes in a row were killed while they were started")

    def _kill(self, slot: _Slot) -> None:
        slot.process.kill()

    def events(self, timeout: float | None) -> Sequence[messages.Message]:
        """Wait for messages and process exits together, without polling."""
        pipes = {slot.connection: slot for slot in self._slots if not slot.closed}
        exits = {slot.process.sentinel: slot for slot in self._slots}
        received: list[messages.Message] = []
        ready = wait([*pipes, *exits, self._wake_receiver], timeout)
        for source in ready:
            if isinstance(source, Connection):
                if source is self._wake_receiver:
                    self._wake_receiver.recv_bytes()
                else:
                    received += self._receive(pipes[source])
        for source in ready:
            if isinstance(source, int):
                received += self._replace(exits[source])
        return received

    def _has_started(self) -> None:
        self._false_starts = self._killed_starts = 0

    def _device_fault(self, slot: _Slot, fault: messages.DeviceFault) -> messages.DeviceLost:
        """Use the device of a worker no longer; its other workers end with their trials, or now if they have none."""
        slot.process.kill()
        assert slot.device is not None, "only a pinned worker reports its device"
        name = slot.device.name
        self._lost.add(name)
        for other in self._slots:
            if other.device == slot.device and other.job is None:
                other.process.kill()
        left = sum(other.device is None or other.device.name not in self._lost for other in self._slots)
        return messages.DeviceLost(name, fault.number, fault.reason, left)

    def _replace(self, slot: _Slot) -> Iterator[messages.Message]:
        yield from self._receive(slot)  # messages that it sent before it died
        slot.process.join()
        slot.connection.close()
        code = slot.process.exitcode
        if not slot.ready and not self._stopping:
            self._count_false_start(code)
        position = self._slots.index(slot)
        is_lost = slot.device is not None and slot.device.name in self._lost
        self._slots[position : position + 1] = [] if self._stopping or is_lost else [self._open(slot.index)]
        if not slot.crashed and not (is_lost and slot.job is None):
            yield messages.Died(slot.index, slot.number, code)

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
        """Kill workers that still train, and let idle ones exit."""
        atexit.unregister(self.stop)
        for slot in self._slots:
            if slot.job is not None or not slot.ready:
                slot.process.kill()
            slot.connection.close()
        for slot in self._slots:
            slot.process.join(EXIT_SECONDS)
            if slot.process.is_alive():
                slot.process.kill()
                slot.process.join()
            slot.process.close()
        self._slots = []


@contextlib.contextmanager
def _variables(threads: int, device: Device | None) -> Iterator[None]:
    """Set the variables that libraries read when they are loaded, before a worker runs any code of ours."""
    variables = worker_variables(threads)
    if device is not None:
        variables[VISIBLE] = device.visible
    before = {name: os.environ[name] for name in variables if name in os.environ}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]
        os.environ.update(before)


@contextlib.contextmanager
def _main_module_hidden() -> Iterator[None]:
    """Keep children from importing this process's main module, and with it the whole driver, which they do not need."""
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
    """Block signals, which the child inherits: neither Ctrl-C nor a closed terminal kills it before it ignores them."""
    if os.name != "posix":
        yield
        return
    resource_tracker.ensure_running()  # its first start would unblock the signals again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
