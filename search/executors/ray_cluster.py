"""Train trials on a Ray cluster: its actors are our workers, each connected to the driver by a socket.

Ray finds room for the workers, starts them on its nodes, and says when one is gone. All the rest is as on one machine:
an actor runs :func:`search.executors.worker.work` for its whole life. Until the cluster has room for a worker, and when
its node has left, its place is vacant, so that clusters may grow and shrink while a study runs.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from queue import Empty, SimpleQueue
from types import ModuleType
from typing import Any

from core.run.gpus import VISIBLE
from data.errors import UserError
from search.display.fault_text import one_line
from search.display.notices import notice
from search.executors import messages
from search.executors.base import ExecutorError
from search.executors.listener import Listener, call_driver, new_key
from search.executors.pipes import PipeExecutor, Slot, worker_variables
from search.executors.worker import TrainingCode, work
from search.storage.runs_url import copy_of, url_of
from search.trials.url_store import UrlStore

__all__ = ["RayExecutor", "RayRequest"]

MARK_SECONDS = 86_400.0  # after which a driver's mark is old
ANSWER_SECONDS = 10.0  # that the head of a cluster may take to answer
NOTICE_SECONDS = 20.0  # without any worker, before the user is told
FALSE_STARTS = 3  # workers in a row that raise an error before they are ready
RESTART_SECONDS = 5.0  # before a worker is asked for again that failed while it started
LOST_STARTS = 20  # in a row that are lost with their machines or killed, which says less


@dataclass(frozen=True)
class RayRequest:
    """Where a Ray cluster is, and what each worker needs of it.

    Attributes:
        address: of the cluster's head, such as ``10.0.0.1:6379``; None: RAY_ADDRESS, or the cluster of this machine.
        gpus: GPUs of each worker, a fraction if workers share one; None: 1 if the cluster has GPUs and the study's runs
            may use them, else 0.
        memory_gib: memory that is reserved for each worker, in GiB; None: Ray counts no memory.
    """

    address: str | None = None
    gpus: float | None = None
    memory_gib: float | None = None


@dataclass(eq=False, kw_only=True)
class _Slot(Slot):
    """One worker: an actor that may still wait for room in the cluster."""

    key: bytes
    actor: Any
    gone: BaseException | None = None  # why its actor has ended
    has_broken_gpu: bool = False  # its actor and connection stay, so that Ray gives the GPU to no other one

    @property
    def is_over(self) -> bool:
        return self.closed or self.gone is not None


class RayExecutor(PipeExecutor[_Slot]):
    """Keep up to ``workers`` actors in a Ray cluster; one that ends is replaced as soon as the cluster has room.

    The folders of trials and caches must be the same on all nodes, a shared file system, unless the runs are at a URL:
    then each node has caches of its own.

    Args:
        workers: most trials at the same time.
        cache_dir: where the workers cache tokenised data.
        request: the cluster, and what each worker needs.
        threads: CPU threads of each worker, for which as many CPUs are reserved.
        uses_gpu: whether the study's runs use a GPU if they find one.
        code: the functions that the workers call.
    """

    def __init__(
        self,
        workers: int,
        cache_dir: Path,
        request: RayRequest,
        *,
        threads: int = 1,
        uses_gpu: bool = True,
        code: TrainingCode | None = None,
    ) -> None:
        super().__init__(workers)
        self._url = url_of(cache_dir.parent)
        self._mark = cache_dir.resolve() / f"driver-{secrets.token_hex(8)}"  # workers must see it
        self._request = request
        self._threads = threads
        self._uses_gpu = uses_gpu
        self._code = code or TrainingCode()
        self._ray: Any = None
        self._listener: Listener | None = None
        self._gone: SimpleQueue[tuple[_Slot, BaseException | None]] = SimpleQueue()
        self._false_starts = self._lost_starts = 0  # in a row
        self._vacant_since = 0.0
        self._has_noticed = False
        self._needs: dict[str, Any] = {}  # of an actor, as Ray's options
        self._due: list[tuple[float, int]] = []  # when to ask for a worker again, and its index
        self._broken: list[_Slot] = []

    def device(self, worker: int) -> str:  # noqa: ARG002
        """Return no name: Ray chooses a worker's node and GPU."""
        return ""

    def start(self) -> None:
        """Connect to the cluster and ask it for workers; returns before there is room for any.

        Raises:
            UserError: Ray is not installed, or no cluster answers.
        """
        if self._slots:
            return
        self._ray = _connect(self._request.address)
        self._leave_mark()
        self._needs = self._find_needs()
        self._listener = Listener(self._ray.util.get_node_ip_address(), self.wake)
        self._vacant_since = time.monotonic()
        for index in range(self.workers):
            self._slots.append(self._open(index))

    def _leave_mark(self) -> None:
        folder = self._mark.parent
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("driver-*"):  # of drivers that were killed
            with suppress(OSError):
                if time.time() - old.stat().st_mtime > MARK_SECONDS:
                    old.unlink()
        self._mark.touch()

    def _open(self, index: int) -> _Slot:
        assert self._listener is not None
        actor = self._ray.remote(_Actor).options(**self._needs).remote()
        slot = _Slot(index=index, key=new_key(), actor=actor)
        self._listener.expect(slot.key)
        has_gpu = self._needs["num_gpus"] > 0
        place = Path.cwd(), self._mark if self._url is None else self._url
        end = actor.work.remote(self._listener.address, slot.key, place, self._code, has_gpu).future()
        end.add_done_callback(lambda done: self._note_end(slot, done.exception()))
        return slot

    def _note_end(self, slot: _Slot, error: BaseException | None) -> None:
        """Called from a thread of Ray."""
        self._gone.put((slot, error))
        with suppress(OSError):  # the executor has been stopped
            self.wake()

    def _find_needs(self) -> dict[str, Any]:
        """Return what each actor asks Ray for."""
        gpus = self._request.gpus
        if gpus is None:
            gpus = 1.0 if self._uses_gpu and self._ray.cluster_resources().get("GPU", 0) else 0.0
        needs: dict[str, Any] = {"num_cpus": self._threads, "num_gpus": gpus, "max_restarts": 0}
        if self._request.memory_gib is not None:
            needs["memory"] = int(self._request.memory_gib * 2**30)
        variables = worker_variables(self._threads)
        if not gpus:
            variables[VISIBLE] = ""  # Ray would leave all GPUs of the machine visible
        return needs | {"runtime_env": {"env_vars": variables}}

    def events(self, timeout: float | None) -> Sequence[messages.Message]:
        """Wait for messages, new workers and the end of workers."""
        assert self._listener is not None
        pipes = {slot.connection: slot for slot in self._slots if slot.connection is not None and not slot.closed}
        received: list[messages.Message] = []
        for source in wait([*pipes, self._wake_receiver], self._patience(timeout, bool(pipes))):
            if source is self._wake_receiver:
                self._wake_receiver.recv_bytes()
            elif isinstance(source, Connection):
                received += self._receive(pipes[source])
        self._admit()
        self._note_ends()
        for slot in [slot for slot in self._slots if slot.is_over]:
            received += self._replace(slot)
        self._open_due()
        return received

    def _open_due(self) -> None:
        now = time.monotonic()
        due, self._due = [one for one in self._due if one[0] <= now], [one for one in self._due if one[0] > now]
        for _, index in [] if self._stopping else due:
            self._slots.append(self._open(index))

    def _patience(self, timeout: float | None, has_workers: bool) -> float | None:
        """Return how long to wait; tells the user once when the cluster has had no room for a while."""
        if self._due:
            next_due = max(min(self._due)[0] - time.monotonic(), 0.0)
            timeout = next_due if timeout is None else min(timeout, next_due)
        if has_workers or self._has_noticed:
            self._vacant_since = time.monotonic()
            return timeout
        left = self._vacant_since + NOTICE_SECONDS - time.monotonic()
        if left <= 0:
            self._has_noticed = True
            needs = self._needs
            amounts = [f"{needs['num_cpus']} CPU(s)", f"{needs['num_gpus']:g} GPU(s)"]
            amounts += [f"{self._request.memory_gib:g} GiB"] if self._request.memory_gib is not None else []
            notice(f"the Ray cluster has no room for a worker, which needs {', '.join(amounts)}; waiting for it")
            return timeout
        return left if timeout is None else min(left, timeout)

    def _admit(self) -> None:
        """Give connections to the workers that have called."""
        assert self._listener is not None
        for key, connection in self._listener.arrivals():
            slot = next((slot for slot in self._slots if slot.key == key), None)
            if slot is None:
                connection.close()
            else:
                slot.connection, self._has_noticed = connection, False

    def _note_ends(self) -> None:
        with suppress(Empty):
            while True:
                slot, error = self._gone.get_nowait()
                slot.gone = error or EOFError()

    def _replace(self, slot: _Slot) -> Iterator[messages.Message]:
        yield from self._receive(slot)  # messages that it sent before it ended
        was_there = slot.connection is not None
        if not slot.has_broken_gpu:
            self._kill(slot)
            self._dismiss(slot)
        self._slots.remove(slot)
        if not self._stopping and slot.ready:
            self._slots.append(self._open(slot.index))
        elif not self._stopping:
            self._count_false_start(slot)
            self._due.append((time.monotonic() + RESTART_SECONDS, slot.index))
        if was_there and not slot.crashed:
            yield messages.Died(slot.index, slot.number, None)

    def _count_false_start(self, slot: _Slot) -> None:
        errors = self._ray.exceptions.RayTaskError | self._ray.exceptions.RuntimeEnvSetupError
        if isinstance(slot.gone, errors):
            self._false_starts += 1
        else:
            self._lost_starts += 1
        is_useless = not any(other.ready for other in self._slots)  # else it may be one machine that is at fault
        if is_useless and (self._false_starts >= FALSE_STARTS or self._lost_starts >= LOST_STARTS):
            said = str(getattr(slot.gone, "cause", slot.gone or "")).strip()
            last = said.splitlines()[-1] if said else "it ended without an error"
            count = self._false_starts + self._lost_starts
            raise ExecutorError(f"{count} workers in a row failed while starting in the cluster ({last})")

    def _has_started(self) -> None:
        self._false_starts = self._lost_starts = 0

    def _device_fault(self, slot: _Slot, fault: messages.DeviceFault) -> messages.DeviceLost:
        """Use the GPU of a worker no longer: its actor keeps it."""
        slot.has_broken_gpu = True
        self._broken.append(slot)
        left = sum(other.connection is not None and other is not slot for other in self._slots)
        return messages.DeviceLost(f"the GPU of worker {slot.index}", fault.number, fault.reason, left)

    def _kill(self, slot: _Slot) -> None:
        with suppress(Exception):  # it is gone already, and so may be the cluster
            self._ray.kill(slot.actor)

    def _dismiss(self, slot: _Slot) -> None:
        assert self._listener is not None
        self._listener.forget(slot.key)
        if slot.connection is not None:
            slot.connection.close()

    def stop(self) -> None:
        """Kill all workers; the connection to the cluster stays, as other executors of this process may use it."""
        slots, self._slots, self._broken, self._due = [*self._slots, *self._broken], [], [], []
        for slot in slots:
            self._kill(slot)
            self._dismiss(slot)
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            with suppress(OSError):  # a file that nobody misses
                self._mark.unlink()


class _Actor:
    """What Ray runs: a worker, which calls its driver back."""

    def work(
        self, address: tuple[str, int], key: bytes, place: tuple[Path, Path | str], code: TrainingCode, has_gpu: bool
    ) -> None:
        """Work until the driver is gone.

        Args:
            address: of the driver's listener.
            key: which the listener expects.
            place: the folder that the driver works in, to which paths are relative; and a file of the driver in its
                cache folder, or the URL of the runs, if the machines need not share a folder.
            code: the functions that the worker calls.
            has_gpu: whether Ray has reserved a GPU for it.

        Raises:
            UserError: this machine does not have the driver's folders.
        """
        folder, shared = place
        if isinstance(shared, str):
            cache_dir = copy_of(shared) / "cache"
            UrlStore(shared)  # this machine may not have the package for it
        else:
            cache_dir = shared.parent
            _require(folder)
            _require(shared)
        if folder.is_dir():
            os.chdir(folder)
        work(call_driver(address, key), cache_dir, code, has_gpu)


def _require(path: Path) -> None:
    if not path.exists():
        raise UserError(
            f"{socket.gethostname()} does not see '{path}' of the driver's machine: all machines need a shared file "
            "system, with the same paths, or give a URL as --runs-dir"
        )


def _connect(address: str | None) -> ModuleType:
    """Import Ray, and connect to a cluster that is there; this process starts none.

    Raises:
        UserError: Ray is not installed, or no cluster answers.
    """
    try:
        with _signals_kept():
            import ray
    except ImportError:
        raise UserError("--executor ray needs the package ray: pip install -c constraints.txt -e '.[ray]'") from None
    # Ray prints the end of any worker to standard output, which belongs to --json. We report it ourselves.
    ray._private.worker.print_to_stdstream = lambda *_, **__: None
    if ray.is_initialized():
        return ray
    address = address or os.environ.get("RAY_ADDRESS", "auto")
    where = "on this machine, and RAY_ADDRESS names none" if address == "auto" else f"at {address}"
    try:
        _check_answers(address)
        with _signals_kept():
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, configure_logging=False)
    except (OSError, RuntimeError, ValueError) as error:
        is_none = address == "auto" and isinstance(error, ConnectionError)
        why = "" if is_none else f" ({one_line(error)})"
        raise UserError(f"no Ray cluster answers {where}{why}; start one with: ray start --head") from None
    return ray


def _check_answers(address: str) -> None:
    """Raise an OSError or ValueError if nobody listens at an address, for which Ray itself would wait for minutes."""
    if address.startswith("ray://"):
        raise ValueError("run the command on a machine of the cluster, with HOST:PORT of its head")
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal()):
        raise ValueError("an address is HOST:PORT")
    socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_SECONDS).close()


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Keep the driver's handlers of signals, which Ray replaces."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)
