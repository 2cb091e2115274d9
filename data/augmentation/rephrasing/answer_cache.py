"""Cache a language model's answers on disk, one JSON line each, safely even if a process is killed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from threading import Lock

from filelock import FileLock, Timeout

from data.augmentation.rephrasing.chat_request import Answer, ChatRequest
from data.errors import MachineError, UnavailableError, UserError

__all__ = ["AnswerCache"]


class AnswerCache:
    """The answers in a folder, read by any number of processes and written by one, from any of its threads.

    A line is on disk before :meth:`put` returns. Lines are only appended, so a killed process leaves at worst an
    incomplete line, which readers ignore and the next writer removes. Lines that are damaged otherwise are skipped, and
    their requests are sent again. Of two answers to one request, the first counts.

    Attributes:
        path: the file.

    Raises:
        UnavailableError: if the file exists but cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "answers.jsonl"
        self._answers: dict[str, Answer] = _read(self.path)
        self._file: FileIO | None = None
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, request: ChatRequest) -> Answer | None:
        """Return the answer to a request, or None."""
        return self._answers.get(request.key)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Lock the file for writing during the ``with`` block.

        The operating system releases the lock of a process that dies.

        Raises:
            UserError: if another process is writing.
            MachineError: if the folder cannot be written to.
        """
        lock = FileLock(self.path.with_suffix(".lock"), blocking=False)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            raise UserError(
                f"another process is writing to '{self.path}'; wait for it or stop it, then run this again"
            ) from None
        except OSError as error:
            raise self._not_written(error) from error
        try:
            with self._opened() as self._file:
                self._answers = _read(self.path)  # another process may have added some
                yield
        finally:
            self._file = None
            lock.release()

    def put(self, request: ChatRequest, answer: Answer) -> None:
        """Add an answer; only allowed inside :meth:`writing`.

        Raises:
            MachineError: if the disk refuses the write; the file is then unchanged.
        """
        line = {
            "key": request.key,
            "model": request.model,
            "prompt": request.prompt.name,
            "sentence": request.sentence,
            "temperature": request.temperature,
            "seed": request.seed,
            "answer": answer.text,
            "finish": answer.finish,
        }
        with self._lock:
            assert self._file is not None, "put is for within writing"
            try:
                _append(self._file, json.dumps(line).encode() + b"\n")
            except OSError as error:
                raise self._not_written(error) from error
            self._answers.setdefault(request.key, answer)

    def _opened(self) -> FileIO:
        """Open the file for appending."""
        try:
            file = self.path.open("ab", buffering=0)
            _cut_off_half_a_line(self.path, file)
        except OSError as error:
            raise self._not_written(error) from error
        return file

    def _not_written(self, error: OSError) -> MachineError:
        return MachineError(f"cannot write answers to '{self.path}': {error.strerror}")


def _read(path: Path) -> dict[str, Answer]:
    """Read the answers by key, ignoring an incomplete last line, which may still be being written."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UnavailableError(f"cannot read the answers in '{path}': {error.strerror}") from error
    answers: dict[str, Answer] = {}
    for line in content.split(b"\n")[:-1]:
        try:
            fields = json.loads(line)
            key, text, finish = fields["key"], fields["answer"], fields["finish"]
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if isinstance(key, str) and isinstance(text, str) and isinstance(finish, str):
            answers.setdefault(key, Answer(text, finish))
    return answers


def _cut_off_half_a_line(path: Path, file: FileIO) -> None:
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        file.truncate(whole)


def _append(file: FileIO, line: bytes) -> None:
    before = os.fstat(file.fileno()).st_size
    try:
        while line:
            line = line[file.write(line) :]  # a full disk may accept a part first
        os.fsync(file.fileno())  # an answer costs money; a few milliseconds are negligible compared with a request
    except OSError:  # an incomplete line would corrupt the next one
        file.truncate(before)
        raise
