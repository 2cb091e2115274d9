"""BERT checkpoints in the Hugging Face layout: ``config.json`` beside the weights."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from core.atomic_files import write_atomically
from core.bert import Bert, BertConfig
from data.errors import UserError

__all__ = ["load_bert_config", "load_bert_weights", "remove_bert", "save_bert"]

_CONFIG: Final = "config.json"
_WEIGHTS: Final = "model.safetensors"
_SHARD_INDEX: Final = "model.safetensors.index.json"
_PICKLED_WEIGHTS: Final = "pytorch_model.bin"
_LFS_POINTER: Final = b"version https://git-lfs"


def load_bert_config(folder: Path) -> BertConfig:
    """Read ``config.json``.

    Raises:
        UserError: if it is missing, is not JSON, describes a model that is not a BERT encoder (the message names its
            model type), or holds a value out of range.
    """
    path = folder / _CONFIG
    entries = _read_json(path)
    try:
        return BertConfig.from_dict(entries)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error


def load_bert_weights(folder: Path, config: BertConfig) -> dict[str, Tensor]:
    """Read a BERT's weights from ``model.safetensors``, its shards, or else ``pytorch_model.bin``.

    Keys may start with ``bert.``, as in a checkpoint of BERT with a head, and LayerNorms may have the old names
    ``gamma`` and ``beta``. Whatever else is in the files (heads, ``position_ids``, layers beyond the config's) is
    left alone. Floating-point weights of any precision come as float32.

    Returns:
        Every parameter of ``Bert(config)`` by name, on the CPU. Only the pooler's are absent, if the checkpoint has
        none of them, as is common; ``Bert(config, weights)`` draws what is absent.

    Raises:
        UserError: if there are no weights, they cannot be read, or one is missing or has a wrong shape (the message
            names its key and both shapes).
    """
    expected = _parameter_shapes(config)
    weights: dict[str, Tensor] = {}
    keys: dict[str, str] = {}  # parameter -> what the file calls it
    for path in _weight_files(folder, expected):
        for key, tensor in _read_weights(path, expected).items():
            name = _parameter_name(key)
            if name in keys:
                raise UserError(f"{path}: '{keys[name]}' and '{key}' are both '{name}'; one of them has to go")
            if not tensor.is_floating_point():
                raise UserError(f"{path}: '{key}' is {tensor.dtype}; only floating-point weights can be used")
            weights[name], keys[name] = tensor.float(), key
    if not any(name.startswith("pooler.") for name in weights):
        expected = {name: shape for name, shape in expected.items() if not name.startswith("pooler.")}
    _check_shapes(folder, weights, keys, expected)
    return weights


def save_bert(folder: Path, config: BertConfig, state_dict: Mapping[str, Tensor]) -> None:
    """Write ``config.json`` and ``model.safetensors``, which ``transformers.AutoModel.from_pretrained`` loads.

    Args:
        folder: made if missing; files of the same names are replaced, each in one go.
        config: the architecture.
        state_dict: of ``Bert(config)``, on any device.

    Raises:
        ValueError: if ``state_dict`` is not that of a ``Bert(config)``; it names the key and both shapes.
    """
    expected = _parameter_shapes(config)
    given = {name: tuple(tensor.shape) for name, tensor in state_dict.items()}
    for name in sorted(expected.keys() | given.keys()):
        if given.get(name) != expected.get(name):
            raise ValueError(f"'{name}' must be {expected.get(name, 'absent')}, got {given.get(name, 'none')}")
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state_dict.items()}
    # transformers refuses a file that does not say which framework wrote it.
    write_atomically(folder / _WEIGHTS, safetensors.torch.save(tensors, metadata={"format": "pt"}))
    write_atomically(folder / _CONFIG, (json.dumps(config.to_dict(), indent=2, sort_keys=True) + "\n").encode())


def remove_bert(folder: Path) -> None:
    """Remove what :func:`save_bert` has written, if it has."""
    for name in (_WEIGHTS, _CONFIG):
        (folder / name).unlink(missing_ok=True)


def _parameter_shapes(config: BertConfig) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):  # names and shapes without memory
        return {name: tuple(tensor.shape) for name, tensor in Bert(config).state_dict().items()}


def _parameter_name(key: str) -> str:
    """Today's name of a checkpoint's key."""
    name = key.removeprefix("bert.")
    return re.sub(r"\.LayerNorm\.(gamma|beta)$", lambda old: _RENAMED[old[1]], name)


_RENAMED: Final = {"gamma": ".LayerNorm.weight", "beta": ".LayerNorm.bias"}


def _weight_files(folder: Path, wanted: Collection[str]) -> list[Path]:
    """The files to read, those shards left out that hold nothing wanted."""
    if (folder / _WEIGHTS).is_file():
        return [folder / _WEIGHTS]
    if (folder / _SHARD_INDEX).is_file():
        return _shards(folder / _SHARD_INDEX, wanted)
    if (folder / _PICKLED_WEIGHTS).is_file():
        return [folder / _PICKLED_WEIGHTS]
    raise UserError(f"{folder}: no weights: expected {_WEIGHTS}, {_SHARD_INDEX} or {_PICKLED_WEIGHTS}")


def _shards(index: Path, wanted: Collection[str]) -> list[Path]:
    weight_map = _read_json(index).get("weight_map")
    if not isinstance(weight_map, dict):
        raise UserError(f"{index}: no 'weight_map' from keys to file names")
    names = sorted({str(name) for key, name in weight_map.items() if _parameter_name(key) in wanted})
    for name in names:
        if Path(name).name != name:
            raise UserError(f"{index}: shard '{name}' is not a plain file name")
        if not (index.parent / name).is_file():
            raise UserError(f"{index.parent / name}: missing shard of the weights, listed in {index.name}")
    return [index.parent / name for name in names]


def _read_weights(path: Path, wanted: Collection[str]) -> dict[str, Tensor]:
    """Those tensors of a file that are wanted, under the file's keys."""
    try:
        if path.name == _PICKLED_WEIGHTS:
            return _read_pickled(path, wanted)
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys() if _parameter_name(key) in wanted}  # noqa: SIM118
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        with path.open("rb") as file:
            if file.read(len(_LFS_POINTER)) == _LFS_POINTER:
                raise UserError(f"{path}: a Git LFS pointer, not the weights; run 'git lfs pull'") from error
        raise UserError(f"{path}: cannot be read as weights: {_first_line(error)}") from error


def _read_pickled(path: Path, wanted: Collection[str]) -> dict[str, Tensor]:
    # weights_only: a pickle can run any code, and this one comes from anywhere.
    content = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(content, Mapping):
        raise UserError(f"{path}: holds a {type(content).__name__}, not weights by name")
    return {
        key: value for key, value in content.items() if isinstance(value, Tensor) and _parameter_name(key) in wanted
    }


def _check_shapes(
    folder: Path, weights: Mapping[str, Tensor], keys: Mapping[str, str], expected: Mapping[str, tuple[int, ...]]
) -> None:
    missing = [name for name in expected if name not in weights]
    if missing:
        others = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise UserError(f"{folder}: weight '{missing[0]}' of shape {expected[missing[0]]} is missing{others}")
    for name, shape in expected.items():
        if tuple(weights[name].shape) != shape:
            raise UserError(
                f"{folder}: weight '{keys[name]}' has shape {tuple(weights[name].shape)}, "
                f"but {_CONFIG} asks for {shape}"
            )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # neither UTF-8 nor JSON
        raise UserError(f"{path}: not valid JSON: {_first_line(error)}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: must hold a JSON object, got {type(content).__name__}")
    return content


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
