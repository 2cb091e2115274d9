"""Write weights as safetensors, one tensor after the other: the file is never in memory as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import BinaryIO, Final

import torch
from torch import Tensor

__all__ = ["write_weights"]

_TYPES: Final = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.bool: "BOOL",
}
_ALIGNMENT: Final = 8  # of the first tensor, bytes


def write_weights(file: BinaryIO, weights: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write what ``safetensors.torch.save(weights, metadata)`` returns, byte for byte.

    Args:
        file: where to write.
        weights: tensors by name, on any device.
        metadata: further text by name.
    """
    names = sorted(weights, key=lambda name: (-weights[name].element_size(), name))  # as the library orders them
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))} if metadata else {}
    end = 0
    for name in names:
        begin, end = end, end + weights[name].nbytes
        dtype, shape = _TYPES[weights[name].dtype], list(weights[name].shape)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    file.write(len(text).to_bytes(8, "little") + text)
    for name in names:
        flat = weights[name].detach().cpu().contiguous().flatten()
        file.write(flat.view(torch.uint8).numpy().data)
