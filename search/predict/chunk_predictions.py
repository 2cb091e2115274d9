"""Predict chunks of a file, here or in several processes; predictions come in the order of the chunks."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import torch

from core.run.cores import usable_cores
from data.errors import MachineError, UserError
from search.predict.columns import Chunk, FileColumns, texts_of
from search.predict.model import Model, ModelSource
from search.predict.predictions import TaskPredictions

__all__ = ["predict_chunks"]

_Groups = dict[tuple[int, ...], list[str]]
_Predicted = tuple[Chunk, dict[str, TaskPredictions]]


def predict_chunks(
    source: ModelSource, columns: FileColumns, tasks: Sequence[str], chunks: Iterator[Chunk], workers: int
) -> Generator[_Predicted]:
    """Yield every chunk with its predictions by task, in the order of the tasks; close it to end the workers.

    Args:
        source: the model; with several workers, it predicts on the CPU.
        columns: which columns the tasks read.
        tasks: names of the tasks.
        chunks: of the file; as many as there are workers are in memory.
        workers: number of processes, which share the cores; 1 predicts in this process.

    Raises:
        UserError: the model cannot be loaded, or the chunks raise it.
        MachineError: a worker ended before its time.
    """
    if workers == 1:
        model = source.load()
        for chunk in chunks:
            yield chunk, _ordered(_predict(model, columns.groups, chunk), tasks)
        return
    threads = max(1, usable_cores() // workers)
    with closing(_Workers(replace(source, device="cpu"), columns.groups, threads, workers)) as pool:
        for chunk, found in pool.predict(chunks):
            yield chunk, _ordered(found, tasks)


def _predict(model: Model, groups: _Groups, chunk: Chunk) -> dict[str, TaskPredictions]:
    found: dict[str, TaskPredictions] = {}
    for places, tasks in groups.items():
        found |= model.predict(texts_of(chunk, places), tasks)
    return found


def _ordered(found: dict[str, TaskPredictions], tasks: Sequence[str]) -> dict[str, TaskPredictions]:
    return {task: found[task] for task in tasks}


@dataclass(frozen=True)
class _Worker:
    process: BaseProcess
    connection: Connection

    def answer(self) -> dict[str, TaskPredictions]:
        try:
            found = self.connection.recv()
        except (EOFError, ConnectionError):
            self.process.join()
            raise MachineError(
                f"a worker ended with exit code {self.process.exitcode}; if the memory was full, give fewer --workers"
            ) from None
        if isinstance(found, UserError):
            raise found
        assert isinstance(found, dict)
        return found


class _Workers:
    """Processes that take turns, one chunk each."""

    def __init__(self, source: ModelSource, groups: _Groups, threads: int, count: int) -> None:
        context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
        self._workers: list[_Worker] = []
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, source, groups, threads), daemon=True)
            process.start()
            theirs.close()  # so that its end is noticed here
            self._workers.append(_Worker(process, ours))

    def predict(self, chunks: Iterator[Chunk]) -> Iterator[_Predicted]:
        """Yield the chunks with their predictions, in their order.

        A worker gets a chunk only after its last answer was read: otherwise both might wait for the other to read.
        """
        free, busy = deque(self._workers), deque[tuple[_Worker, Chunk]]()
        for chunk in chunks:
            if not free:
                worker, done = busy.popleft()
                found = worker.answer()
                self._send(worker, chunk)
                busy.append((worker, chunk))
                yield done, found
                continue
            worker = free.popleft()
            self._send(worker, chunk)
            busy.append((worker, chunk))
        for worker, done in busy:
            yield done, worker.answer()

    def _send(self, worker: _Worker, chunk: Chunk) -> None:
        try:
            worker.connection.send(chunk)
        except (BrokenPipeError, ConnectionError):
            worker.answer()  # says why it ended
            raise

    def close(self) -> None:
        """End all processes."""
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join()
            worker.connection.close()


def _work(connection: Connection, source: ModelSource, groups: _Groups, threads: int) -> None:
    """Predict chunks until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent ends the others
    torch.set_num_threads(threads)
    try:
        model = source.load()
        while True:
            connection.send(_predict(model, groups, connection.recv()))
    except UserError as error:
        connection.send(error)
    except (EOFError, ConnectionError):
        return
