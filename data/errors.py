"""Errors that are the user's to mend."""

from __future__ import annotations

__all__ = ["MachineError", "UserError"]


class UserError(ValueError):
    """Bad input: what was wrong, where, and what to do, in one line. Programs end with exit code 2 on it."""


class MachineError(UserError):
    """A fault of the machine, such as a full disk: nothing is wrong with what was under way, which can go on later."""
