"""What can go wrong with a storage that was opened, as errors for people."""

from __future__ import annotations

from data.errors import UserError

__all__ = ["StorageAwayError", "StorageError", "StorageFullError"]


class StorageError(UserError):
    """The storage of studies cannot be used now; nothing is wrong with the trial that was under way."""


class StorageAwayError(StorageError):
    """The storage does not answer. The call may have arrived nevertheless.

    Args:
        storage: its name, for people to read.
        reason: what the storage, or whoever looked for it, said.
    """

    def __init__(self, storage: str, reason: str) -> None:
        super().__init__(f"storage {storage} does not answer: {reason}")
        self.reason = reason


class StorageFullError(StorageError):
    """The storage's disk is full; the call did not arrive.

    Args:
        storage: its name, for people to read.
    """

    def __init__(self, storage: str) -> None:
        super().__init__(
            f"storage {storage}: its disk is full; nothing is lost: free some space, and the same command goes on"
        )
