"""A storage whose answers, or whose calls, get lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from memory_storage import MemoryStorage
from optuna.storages import BaseStorage

from search.storage.errors import StorageAwayError

CALLS = (*vars(BaseStorage), "compare_and_set", "in_transaction", "reopen_trial", "set_trial_params")


def nothing(*_: int) -> str:
    return ""


class FaultyStorage(MemoryStorage):
    """Asks at every call from outside what goes wrong with it: nothing, or "before" or "after" it is done.

    Attributes:
        fault: asked at calls outside transactions, and at transactions as a whole.
        fault_within: asked at each call within a transaction, with its number in this try of the transaction.
    """

    def __init__(self, fault: Callable[[], str] = nothing, fault_within: Callable[[int], str] = nothing) -> None:
        super().__init__()
        self.fault, self.fault_within = fault, fault_within
        self.inside = False
        self.calls: int | None = None  # so far within the transaction

    def heal(self) -> None:
        self.fault = self.fault_within = nothing

    def in_transaction(self, write: Callable[[], Any]) -> Any:
        def from_outside() -> Any:
            self.inside, self.calls, before = False, self.calls or 0, self.calls
            try:
                return write()
            finally:
                self.inside, self.calls = True, before

        return super().in_transaction(from_outside)

    def __getattribute__(self, name: str) -> Any:
        method = super().__getattribute__(name)
        return self._from_outside(method) if name in CALLS and callable(method) else method

    def _from_outside(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if self.inside:
                return method(*args, **kwargs)
            fault, self.inside = self._fault(), True
            try:
                result = None if fault == "before" else method(*args, **kwargs)
            finally:
                self.inside = False
            if fault:
                raise StorageAwayError("memory", f"lost {fault} the call")
            return result

        return call

    def _fault(self) -> str:
        if self.calls is None:
            return self.fault()
        self.calls += 1
        return self.fault_within(self.calls - 1)
