"""Errors that the user can fix."""

from __future__ import annotations

__all__ = ["MachineError", "UnavailableError", "UserError"]


class UserError(ValueError):
    """Invalid input; the message says in one line what was wrong, where, and what to do. Programs exit with code 2."""


class MachineError(UserError):
    """A fault of the machine, such as a full disk; what was in progress is valid and can be resumed later."""


class UnavailableError(MachineError):
    """An input cannot be read now, such as a file of a disk that is not mounted; it may be back in a moment."""
