"""Hash bytes on their way into a file."""

from __future__ import annotations

import hashlib
import io
from typing import Any, BinaryIO

__all__ = ["HashingWriter"]


class HashingWriter(io.RawIOBase):
    """Pass bytes on to a file and hash them on the way, so that they are read only once.

    Args:
        file: None only hashes.

    Attributes:
        sha256: of the bytes so far.
        refusal: why the disk refused a write.
    """

    def __init__(self, file: BinaryIO | None = None) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.refusal: OSError | None = None

    def writable(self) -> bool:
        """Return that it can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Hash and write."""
        self.sha256.update(data)
        if self._file is None:
            return memoryview(data).nbytes
        try:
            return self._file.write(data)
        except OSError as error:
            self.refusal = error
            raise
