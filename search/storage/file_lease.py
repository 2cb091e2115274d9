"""A lock on a study's folder, and the process that has it or another lease of the study.

The lock shows drivers with the same runs folder on one machine to each other at once.
:mod:`search.storage.storage_lease` sees drivers from anywhere, but needs the storage and may have to watch for a while.
"""

from __future__ import annotations

import json
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from core.run.atomic_files import write_atomically, writing
from data.errors import MachineError, UserError

__all__ = ["HOLDER", "LOCK", "LeaseHolder", "check_not_locked", "file_lease", "taken_error"]

LOCK = "driver.lock"
HOLDER = "driver.json"


@dataclass(frozen=True)
class LeaseHolder:
    """The driver of a study, as other processes see it.

    Attributes:
        id: of this lease; a process gets a new one each time it becomes a driver.
        host: its machine's name.
        pid: process id.
        since: when it became the driver, ISO 8601, for messages; never compared, because clocks differ.
        place: where the process id is valid: one boot of one machine, and a container on it.
        started: when the process started, in the machine's own count; empty if the machine does not say.
        beats: number of heartbeats so far.
    """

    id: str
    host: str
    pid: int
    since: str
    place: str = ""
    started: str = ""
    beats: int = 0

    @classmethod
    def this_process(cls) -> Self:
        """Create the holder of a new lease for this process."""
        return cls(
            id=uuid.uuid4().hex,
            host=socket.gethostname(),
            pid=os.getpid(),
            since=datetime.now().astimezone().isoformat(timespec="seconds"),
            place=_place(),
            started=_started(os.getpid()),
        )

    @classmethod
    def read(cls, stored: dict[str, Any]) -> Self:
        """Read what :meth:`stored` returned; ignore fields that another version added."""
        return cls(**{field.name: stored[field.name] for field in fields(cls) if field.name in stored})

    def stored(self) -> dict[str, Any]:
        """Return the holder as JSON data."""
        return asdict(self)

    def beaten(self) -> Self:
        """Return the holder with one more heartbeat."""
        return replace(self, beats=self.beats + 1)

    def describe(self) -> str:
        """Name process, host and start, for messages."""
        return f"process {self.pid} on {self.host} since {self.since}"

    def lives(self) -> bool | None:
        """Return whether the process is alive; None if that cannot be seen from here.

        A lease that this very process took earlier and never released counts as dead: nobody is left to release it.
        """
        if os.name != "posix" or not self.place or self.place != _place():
            return None
        try:
            os.kill(self.pid, 0)  # signal 0 is never delivered
        except ProcessLookupError:
            return False
        except PermissionError:
            pass  # it runs under another user
        now = _started(self.pid)
        if not now or not self.started:
            return None
        return now == self.started and self.pid != os.getpid()


def taken_error(study: str, holder: str) -> UserError:
    """Return the error for a second driver of a study."""
    return UserError(
        f"study '{study}' is already being run by {holder}; stop that one first, or start another study with --name NEW"
    )


@contextmanager
def file_lease(folder: Path, study: str, *, to_write: bool = True) -> Iterator[None]:
    """Lock a study's folder for the duration of a ``with`` block.

    The operating system releases the lock when its holder dies, so a dead driver never blocks others. ``driver.json``
    next to ``driver.lock`` says who holds it.

    Args:
        folder: the study's; created if it is missing.
        study: its name, for messages.
        to_write: whether the folder must take new files; False also locks one on a full disk.

    Raises:
        UserError: another driver is alive; the message says on which host, with which process id, and since when.
        MachineError: the folder cannot be locked or written to.
    """
    holder, mine = folder / HOLDER, LeaseHolder.this_process()
    lock = FileLock(folder / LOCK, blocking=False)
    with writing(folder / LOCK):
        folder.mkdir(parents=True, exist_ok=True)
        is_free = _acquired(lock)
    if not is_free:
        raise taken_error(study, _describe_holder(holder))
    try:
        try:
            name = {"host": mine.host, "pid": mine.pid, "since": mine.since}
            write_atomically(holder, json.dumps(name).encode() + b"\n")
        except MachineError:
            if to_write:
                raise
        yield
    finally:
        with suppress(OSError):  # what is left names a process that has ended
            holder.unlink(missing_ok=True)
        lock.release()


def _acquired(lock: FileLock) -> bool:
    try:
        lock.acquire()
    except Timeout:  # an OSError too
        return False
    return True


def check_not_locked(folder: Path, study: str, *, to_write: bool = True) -> None:
    """Refuse a study whose folder another driver has locked; creates nothing.

    Args:
        folder: the study's; need not exist.
        study: its name, for messages.
        to_write: as for :func:`file_lease`.

    Raises:
        UserError, MachineError: as :func:`file_lease`.
    """
    if (folder / LOCK).is_file():
        with file_lease(folder, study, to_write=to_write):
            pass


def _describe_holder(file: Path) -> str:
    try:
        return LeaseHolder.read({"id": "", **json.loads(file.read_text(encoding="utf-8"))}).describe()
    except (OSError, ValueError):  # it took the lock a moment ago
        return "another process"


@cache
def _place() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # no Linux
        return f"{socket.gethostname()} {uuid.getnode():x}"


def _started(pid: int) -> str:
    """Return the clock ticks between the start of the machine and of a process, which tell reused process ids apart.

    Return "dead" for a process that has ended and waits for its parent to notice (a zombie).
    """
    try:
        # pid (name) state ppid ...: the name may contain any character; the start is the 22nd field.
        state, *rest = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return "dead" if state in "ZX" else rest[18]
