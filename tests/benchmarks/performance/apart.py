"""Measure in processes of their own: ours with the memory settings of a worker, other libraries without them."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection

import torch

from search.executors.pipes import MEMORY_VARIABLES
from tests.benchmarks.performance.timed import Measured, Timed

__all__ = ["Apart", "apart", "restart_like_a_worker"]


def restart_like_a_worker() -> None:
    """Start this program again with the memory settings that workers have, unless it has some."""
    if not MEMORY_VARIABLES.keys() <= os.environ.keys():
        os.execve(sys.executable, sys.orig_argv, MEMORY_VARIABLES | dict(os.environ))


class Apart:
    """A measurement in a process that does nothing else.

    Args:
        make: called there, so it must be picklable.
        like_a_worker: give the process the memory settings of a worker; otherwise it has the system's own.
    """

    def __init__(self, make: Callable[[], Measured], like_a_worker: bool) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(make, theirs, torch.get_num_threads()), daemon=True)
        before = dict(os.environ)
        for name, value in MEMORY_VARIABLES.items():
            os.environ.pop(name, None)
            if like_a_worker:
                os.environ[name] = value
        try:
            self._process.start()
        finally:
            os.environ.update(before)
        theirs.close()

    def wait(self) -> None:
        """Wait until the process can measure."""
        self._connection.recv()

    def measure(self, steps: int, seed: int) -> Timed:
        """Time that many steps."""
        self._connection.send((steps, seed))
        timed: Timed = self._connection.recv()
        return timed

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join()


@contextlib.contextmanager
def apart(makes: Mapping[str, Callable[[], Measured]], like_workers: frozenset[str]) -> Iterator[dict[str, Apart]]:
    """Return each measurement in a process of its own, those named with the memory settings of a worker."""
    measured = {name: Apart(make, name in like_workers) for name, make in makes.items()}
    try:
        for one in measured.values():
            one.wait()
        yield measured
    finally:
        for one in measured.values():
            one.close()


def _serve(make: Callable[[], Measured], orders: Connection, threads: int) -> None:
    from tests.benchmarks.performance.training_step import quieten

    torch.set_num_threads(threads)
    quieten()
    measured = make()
    orders.send("ready")
    with contextlib.suppress(EOFError):
        while True:
            orders.send(measured.measure(*orders.recv()))
