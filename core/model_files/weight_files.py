"""Read weights by name from a folder in the Hugging Face layout."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError, safe_open
from torch import Tensor, load

from data.errors import UserError

__all__ = ["WEIGHTS", "StoredWeight", "check_shapes", "read_json", "read_weights"]

WEIGHTS: Final = "model.safetensors"
_SHARD_INDEX: Final = "model.safetensors.index.json"
_PICKLED_WEIGHTS: Final = "pytorch_model.bin"
_LFS_POINTER: Final = b"version https://git-lfs"
_RENAMED: Final = {"gamma": ".LayerNorm.weight", "beta": ".LayerNorm.bias"}


@dataclass(frozen=True)
class StoredWeight:
    """A weight as float32 on the CPU, and its key in the file."""

    key: str
    tensor: Tensor


def read_weights(folder: Path, wanted: Collection[str]) -> dict[str, StoredWeight]:
    """Read the wanted weights from ``model.safetensors``, its shards, or else ``pytorch_model.bin``.

    Wanted weights that are not in the files are left out. Keys may start with ``bert.``, as in a checkpoint of BERT
    with a head, and LayerNorms may have the old names ``gamma`` and ``beta``. Floating-point weights of any precision
    are returned as float32.

    Args:
        folder: folder of the files.
        wanted: current names, without ``bert.``.

    Raises:
        UserError: if there are no weights, they cannot be read, or one occurs twice.
    """
    found: dict[str, StoredWeight] = {}
    for path in _weight_files(folder, wanted):
        for key, tensor in _read_file(path, wanted).items():
            name = _current_name(key)
            if name in found:
                raise UserError(f"{path}: '{found[name].key}' and '{key}' are both '{name}'; remove one of them")
            if not tensor.is_floating_point():
                raise UserError(f"{path}: '{key}' is {tensor.dtype}; only floating-point weights are supported")
            found[name] = StoredWeight(key, tensor.float())
    return found


def check_shapes(folder: Path, weights: Mapping[str, StoredWeight], expected: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse weights that are incomplete or have the wrong shapes.

    Raises:
        UserError: naming the first missing weight, or the misshapen one with both shapes.
    """
    missing = [name for name in expected if name not in weights]
    if missing:
        others = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise UserError(f"{folder}: weight '{missing[0]}' of shape {expected[missing[0]]} is missing{others}")
    for name, shape in expected.items():
        has = tuple(weights[name].tensor.shape)
        if has != shape:
            raise UserError(f"{folder}: weight '{weights[name].key}' has shape {has}, but config.json asks for {shape}")


def read_json(path: Path) -> dict[str, Any]:
    """Read the object in a JSON file.

    Raises:
        UserError: if the file cannot be read or does not contain a JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot read the file: {error.strerror}") from error
    except ValueError as error:  # neither UTF-8 nor JSON
        raise UserError(f"{path}: not valid JSON: {_first_line(error)}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: must contain a JSON object, got {type(content).__name__}")
    return content


def _current_name(key: str) -> str:
    name = key.removeprefix("bert.")
    return re.sub(r"\.LayerNorm\.(gamma|beta)$", lambda old: _RENAMED[old[1]], name)


def _weight_files(folder: Path, wanted: Collection[str]) -> list[Path]:
    """Return the files to read, without shards that contain nothing wanted."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / _SHARD_INDEX).is_file():
        return _shards(folder / _SHARD_INDEX, wanted)
    if (folder / _PICKLED_WEIGHTS).is_file():
        return [folder / _PICKLED_WEIGHTS]
    raise UserError(f"{folder}: no weights: expected {WEIGHTS}, {_SHARD_INDEX} or {_PICKLED_WEIGHTS}")


def _shards(index: Path, wanted: Collection[str]) -> list[Path]:
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict):
        raise UserError(f"{index}: no 'weight_map' of keys to file names")
    names = sorted({str(name) for key, name in weight_map.items() if _current_name(key) in wanted})
    for name in names:
        if Path(name).name != name:
            raise UserError(f"{index}: shard '{name}' is not a plain file name")
        if not (index.parent / name).is_file():
            raise UserError(f"{index.parent / name}: no such file; it is a shard listed in {index.name}")
    return [index.parent / name for name in names]


def _read_file(path: Path, wanted: Collection[str]) -> dict[str, Tensor]:
    """Read the wanted tensors of a file, under the file's keys."""
    try:
        if path.name == _PICKLED_WEIGHTS:
            return _read_pickled(path, wanted)
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys() if _current_name(key) in wanted}  # noqa: SIM118
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        with path.open("rb") as file:
            if file.read(len(_LFS_POINTER)) == _LFS_POINTER:
                raise UserError(f"{path}: a Git LFS pointer, not the weights; run 'git lfs pull'") from error
        raise UserError(f"{path}: cannot read the weights: {_first_line(error)}") from error


def _read_pickled(path: Path, wanted: Collection[str]) -> dict[str, Tensor]:
    # weights_only: a pickle can run any code, and this one may come from anywhere.
    content = load(path, map_location="cpu", weights_only=True)
    if not isinstance(content, Mapping):
        raise UserError(f"{path}: must contain weights by name, got {type(content).__name__}")
    return {key: value for key, value in content.items() if isinstance(value, Tensor) and _current_name(key) in wanted}


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
