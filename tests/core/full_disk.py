"""A disk that is full for the next file of some name, as /dev/full is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest


class FullDisk:
    """Give the next write of a file what a full disk does; later writes pass. An empty name means no file."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str = "") -> None:
        self.name = name
        self._open = os.open
        monkeypatch.setattr("core.run.atomic_files.os.open", self._opened)

    def _opened(self, path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
        descriptor = self._open(path, flags, mode, **more)
        if self.name and Path(path).name.startswith(f"{self.name}.") and Path(path).suffix == ".tmp":
            os.close(descriptor)
            self.name = ""
            return self._open("/dev/full", os.O_WRONLY)
        return descriptor
