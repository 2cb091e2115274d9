"""Errors of an open storage, with messages for people."""

from __future__ import annotations

from data.errors import UserError

__all__ = ["StorageAwayError", "StorageError", "StorageFullError"]


class StorageError(UserError):
    """The storage of studies cannot be used now; the trial in progress is not at fault."""


class StorageAwayError(StorageError):
    """The storage does not answer, although the call may have arrived.

    Args:
        storage: its name, for messages.
        reason: the message of the storage or its driver.
    """

    def __init__(self, storage: str, reason: str) -> None:
        super().__init__(f"storage {storage} does not answer: {reason}")
        self.reason = reason


class StorageFullError(StorageError):
    """The storage's disk is full; the call did not arrive.

    Args:
        storage: its name, for messages.
    """

    def __init__(self, storage: str) -> None:
        super().__init__(
            f"storage {storage}: its disk is full; nothing is lost: free some space, then run the same command "
            "again to resume"
        )
