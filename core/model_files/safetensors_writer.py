"""Write safetensors files tensor by tensor, without a copy of them in memory."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO, Final

import torch
from torch import Tensor

__all__ = ["write_safetensors"]

_DTYPES: Final = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
_ALIGNMENT: Final = 8  # bytes, of the first tensor


def write_safetensors(file: BinaryIO, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write what ``safetensors.torch.save`` returns, which takes twice the size of the tensors in memory.

    The library's ``save_file`` takes no such copy, but it writes to a path: it does not flush the file to disk, leaves
    a temporary file under a name of its own when it is killed, and its errors have no ``errno``.

    Args:
        file: where to write.
        tensors: tensors on any device, by name.
        metadata: text for the file's header.
    """
    # Large items first, so that each tensor begins at a multiple of its items' size.
    order = sorted(tensors, key=lambda name: (-tensors[name].element_size(), _DTYPES[tensors[name].dtype], name))
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    end = 0
    for name in order:
        tensor = tensors[name]
        begin, end = end, end + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": _DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    file.write(struct.pack("<Q", len(text)) + text)
    for name in order:
        flat = tensors[name].detach().cpu().contiguous().reshape(-1)
        file.write(flat.view(torch.uint8).numpy().data)
