"""Map weights from a safetensors file: the processes that use a file share one copy of it, in the system's cache."""

from __future__ import annotations

import json
import mmap
from pathlib import Path
from typing import Any, Final
from weakref import WeakSet

import torch
from torch import Tensor

__all__ = ["map_weights", "release_pages"]

_TYPES: Final = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
_mappings: Final[WeakSet[mmap.mmap]] = WeakSet()  # whose tensors are still in use


def map_weights(path: Path) -> dict[str, Tensor]:
    """Map the tensors of a file that safetensors has checked; nobody may write to them.

    Left out are integers and what is empty or, as in old files, not aligned.
    """
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header: dict[str, dict[str, Any]] = json.loads(file.read(size))
        mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)  # torch warns of memory that is read-only
    _mappings.add(mapping)
    mapped = {}
    for name, entry in header.items():
        dtype = _TYPES.get(entry.get("dtype", ""))
        if dtype is None:
            continue
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        if begin < end and begin % dtype.itemsize == 0:
            flat = torch.frombuffer(mapping, dtype=dtype, count=(end - begin) // dtype.itemsize, offset=begin)
            mapped[name] = flat.reshape(entry["shape"])
    return mapped


def release_pages() -> None:
    """Take mapped weights out of the process's memory, where the system can; what is used again is read again.

    It usually stays in the system's cache, so that this costs no access to the disk.
    """
    for mapping in list(_mappings):
        if hasattr(mmap, "MADV_DONTNEED"):
            mapping.madvise(mmap.MADV_DONTNEED)
