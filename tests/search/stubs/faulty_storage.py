"""A storage whose answers, or whose calls, get lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from optuna.storages import BaseStorage, InMemoryStorage

from search.storage.errors import StorageAwayError


class FaultyStorage(InMemoryStorage):
    """Asks ``fault`` at every call from outside what goes wrong with it: nothing, or "before" or "after" it is done."""

    def __init__(self, fault: Callable[[], str] = lambda: "") -> None:
        super().__init__()
        self.fault = fault
        self.inside = False

    def __getattribute__(self, name: str) -> Any:
        method = super().__getattribute__(name)
        return self._from_outside(method) if name in vars(BaseStorage) and callable(method) else method

    def _from_outside(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if self.inside:
                return method(*args, **kwargs)
            fault, self.inside = self.fault(), True
            try:
                result = None if fault == "before" else method(*args, **kwargs)
            finally:
                self.inside = False
            if fault:
                raise StorageAwayError("memory", f"lost {fault} the call")
            return result

        return call
