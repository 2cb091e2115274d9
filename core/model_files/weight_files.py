"""Read weights by name from a folder in the Hugging Face layout."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError, safe_open
from torch import Tensor, load

from core.model_files.encoder_content import PICKLED_WEIGHTS, SHARD_INDEX, WEIGHTS
from data.errors import UserError

__all__ = ["StoredWeight", "check_no_adapter", "check_shapes", "read_json", "read_weights"]

_ADAPTER: Final = "adapter_config.json"
_LFS_POINTER: Final = b"version https://git-lfs"
_LANDMARK: Final = "embeddings.word_embeddings.weight"  # every BERT has it; what is before it is before all names
_SHOWN_KEYS: Final = 3
_MORE_THAN_WEIGHTS: Final = (
    "it is damaged, or holds a whole pickled model, which could run any code; save its state_dict() alone, "
    "best as model.safetensors"
)
_RENAMED: Final = {"gamma": ".LayerNorm.weight", "beta": ".LayerNorm.bias"}


@dataclass(frozen=True)
class StoredWeight:
    """A weight as float32 on the CPU, and its key in the file."""

    key: str
    tensor: Tensor


def read_weights(folder: Path, wanted: Collection[str]) -> dict[str, StoredWeight]:
    """Read the wanted weights from ``model.safetensors``, its shards, or else ``pytorch_model.bin``.

    Wanted weights that are not in the files are left out. Keys may start with ``bert.``, as in a checkpoint of BERT
    with a head, and with what a wrapper puts in front, such as ``module.`` or ``model.``. LayerNorms may have the old
    names ``gamma`` and ``beta``. Floating-point weights of any precision are returned as float32.

    Args:
        folder: folder of the files.
        wanted: current names, without ``bert.``.

    Raises:
        UserError: if there are no weights, they are an adapter's, they cannot be read, one occurs twice, or one has a
            value that is NaN or infinite.
    """
    check_no_adapter(folder)
    files = _weight_files(folder)
    naming = _Naming.of(folder, [key for file in files for key in file.keys])
    found: dict[str, StoredWeight] = {}
    for file in files:
        names = {key: name for key in file.keys if (name := naming.current_name(key)) and name in wanted}
        for key, tensor in file.read(names).items():
            name = names[key]
            if name in found:
                raise UserError(f"{file.path}: '{found[name].key}' and '{key}' are both '{name}'; remove one of them")
            if not tensor.is_floating_point():
                raise UserError(f"{file.path}: '{key}' is {tensor.dtype}; only floating-point weights are supported")
            found[name] = StoredWeight(key, tensor.float())
            _check_finite(file.path, key, found[name].tensor)
    return found


def check_shapes(folder: Path, weights: Mapping[str, StoredWeight], expected: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse weights that are incomplete or have the wrong shapes.

    Raises:
        UserError: naming the first missing weight, or the misshapen one with both shapes.
    """
    missing = [name for name in expected if name not in weights]
    if missing:
        others = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        what = f"{folder}: weight '{missing[0]}' of shape {expected[missing[0]]} is missing{others}"
        raise UserError(what if weights else f"{what}; {_contents(folder)}")
    for name, shape in expected.items():
        has = tuple(weights[name].tensor.shape)
        if has != shape:
            raise UserError(f"{folder}: weight '{weights[name].key}' has shape {has}, but config.json asks for {shape}")


def check_no_adapter(folder: Path) -> None:
    """Refuse a folder of PEFT, in which transformers would put the adapter on top of the weights.

    Raises:
        UserError: if there is an adapter's configuration.
    """
    if (folder / _ADAPTER).is_file():
        raise _adapter_error(folder / _ADAPTER)


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


@dataclass(frozen=True)
class _Naming:
    """How the files of a folder name their weights; ``prefix`` is in front of every name and of ``bert.``."""

    prefix: str = ""

    @classmethod
    def of(cls, folder: Path, keys: Collection[str]) -> _Naming:
        """Find the prefix by the word embeddings.

        Raises:
            UserError: if several encoders are in the files.
        """
        if adapted := next((key for key in keys if ".lora_" in key), None):
            raise _adapter_error(folder, f" ('{adapted}')")
        found = sorted({key.removesuffix(_LANDMARK).removesuffix("bert.") for key in keys if key.endswith(_LANDMARK)})
        if len(found) > 1 and "" not in found:
            names = " and ".join(f"'{prefix}'" for prefix in found[:2])
            raise UserError(f"{folder}: the weights are of several encoders, under {names}; save one of them alone")
        return cls(found[0] if found else "")  # "" sorts first

    def current_name(self, key: str) -> str | None:
        """Return a weight's name in this program; None for a key without the prefix."""
        if not key.startswith(self.prefix):
            return None
        name = key.removeprefix(self.prefix).removeprefix("bert.")
        return re.sub(r"\.LayerNorm\.(gamma|beta)$", lambda old: _RENAMED[old[1]], name)


def _adapter_error(place: Path, found: str = "") -> UserError:
    return UserError(
        f"{place}: a PEFT adapter{found}, not an encoder: merge it into its base model first "
        "(merge_and_unload), save that with its tokenizer, and give the new folder"
    )


def _check_finite(path: Path, key: str, tensor: Tensor) -> None:
    """Refuse NaN and infinity, with which every score would be NaN too."""
    # A sum takes a fraction of the time; it is infinite without an infinite term only if the terms are absurdly large.
    if not tensor.sum().isfinite() and not (finite := tensor.isfinite()).all():
        bad = int(tensor.numel() - finite.sum())
        raise UserError(
            f"{path}: '{key}' has {bad:,} of {tensor.numel():,} values that are NaN or infinite; the encoder is "
            "damaged: save or download it again"
        )


def _contents(folder: Path) -> str:
    """Say which names the files of a folder have."""
    keys = [key for file in _weight_files(folder) for key in file.keys]
    more = f" and {len(keys) - _SHOWN_KEYS} more" if len(keys) > _SHOWN_KEYS else ""
    return f"the file has {', '.join(map(repr, keys[:_SHOWN_KEYS]))}{more}" if keys else "the file has no weights"


@dataclass(frozen=True)
class _WeightFile:
    """A file and the keys of its weights; ``content`` is that of a pickled file, which can only be read whole."""

    path: Path
    keys: Collection[str]
    content: Mapping[str, Tensor] | None = None
    index: Path | None = None

    def read(self, keys: Collection[str]) -> dict[str, Tensor]:
        """Read the tensors under these keys."""
        if self.content is not None or not keys:
            return {key: self.content[key] for key in keys if self.content is not None}
        if self.index is not None and not self.path.is_file():
            raise UserError(f"{self.path}: no such file; it is a shard listed in {self.index.name}")
        with _readable(self.path), safe_open(self.path, framework="pt") as file:
            there = set(file.keys())
            return {key: file.get_tensor(key) for key in keys if key in there}


def _weight_files(folder: Path) -> list[_WeightFile]:
    if (path := folder / WEIGHTS).is_file():
        with _readable(path), safe_open(path, framework="pt") as file:
            return [_WeightFile(path, list(file.keys()))]
    if (folder / SHARD_INDEX).is_file():
        return _shards(folder / SHARD_INDEX)
    if (path := folder / PICKLED_WEIGHTS).is_file():
        content = _unpickled(path)
        return [_WeightFile(path, list(content), content)]
    raise UserError(f"{folder}: no weights: expected {WEIGHTS}, {SHARD_INDEX} or {PICKLED_WEIGHTS}")


def _shards(index: Path) -> list[_WeightFile]:
    """Return the shards; one that contains nothing wanted need not exist."""
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict):
        raise UserError(f"{index}: no 'weight_map' of keys to file names")
    keys: dict[str, list[str]] = {}
    for key, name in weight_map.items():
        keys.setdefault(str(name), []).append(key)
    for name in keys:
        if Path(name).name != name:
            raise UserError(f"{index}: shard '{name}' is not a plain file name")
    return [_WeightFile(index.parent / name, keys[name], index=index) for name in sorted(keys)]


def _unpickled(path: Path) -> dict[str, Tensor]:
    with _readable(path):
        # weights_only: a pickle can run any code, and this one may come from anywhere.
        content = load(path, map_location="cpu", weights_only=True)
    if not isinstance(content, Mapping):
        raise UserError(f"{path}: must contain weights by name, got {type(content).__name__}")
    return {str(key): value for key, value in content.items() if isinstance(value, Tensor)}


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what the libraries raise for a file that is no weights, or damaged, into one line."""
    try:
        yield
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        with path.open("rb") as file:
            if file.read(len(_LFS_POINTER)) == _LFS_POINTER:
                raise UserError(f"{path}: a Git LFS pointer, not the weights; run 'git lfs pull'") from error
        # Torch's own message for a pickle that is more than weights is advice to run it.
        why = _MORE_THAN_WEIGHTS if isinstance(error, pickle.UnpicklingError) else _first_line(error)
        raise UserError(f"{path}: cannot read the weights: {why}") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
