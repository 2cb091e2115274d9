"""Who drives a study: a process, told apart from all others, and whether it still lives."""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Self

from data.errors import UserError

__all__ = ["LeaseHolder", "taken_error"]


@dataclass(frozen=True)
class LeaseHolder:
    """A driver as others see it.

    Attributes:
        id: of this lease; a process has a new one each time it drives.
        host: its machine's name.
        pid: process id.
        since: when it began, ISO 8601, for people to read; never compared, clocks differ.
        place: where the process id means this process: a boot of one machine, and a container in it.
        started: when the process started, in the machine's own count; empty where it does not say.
        beats: signs of life so far.
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
        """A new lease of this process."""
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
        """The inverse of :meth:`stored`; what another version added is left out."""
        return cls(**{field.name: stored[field.name] for field in fields(cls) if field.name in stored})

    def stored(self) -> dict[str, Any]:
        """As JSON data."""
        return asdict(self)

    def beaten(self) -> Self:
        """With one more sign of life."""
        return replace(self, beats=self.beats + 1)

    def describe(self) -> str:
        """For people to read: process, host and since when."""
        return f"process {self.pid} on {self.host} since {self.since}"

    def lives(self) -> bool | None:
        """Whether the process runs; None where that cannot be seen from here.

        A lease that this very process took earlier and never gave back counts as dead: nobody is left to give it back.
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
    """What a second driver of a study is told."""
    return UserError(
        f"study '{study}' is already being run by {holder}; stop that one first, or start another study with --name NEW"
    )


@cache
def _place() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # no Linux
        return f"{socket.gethostname()} {uuid.getnode():x}"


def _started(pid: int) -> str:
    """Of a process: clock ticks from the machine's start to its own, so that a process id used again is noticed.

    "dead" for a process that has ended and waits to be noticed by its parent.
    """
    try:
        # pid (name) state ppid ...: the name may hold anything; the start is the 22nd field.
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "dead" if state in "ZX" else rest[18]
