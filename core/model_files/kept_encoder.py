"""Keep an encoder's shape and tokenizer with a run's model, so that the model needs no other folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from tokenizers import Tokenizer

from core.model.bert import BertConfig
from core.model_files.bert_checkpoint import load_bert_config
from core.model_files.encoder_content import CONFIG
from data.errors import UserError
from data.tokenizer import load_tokenizer

__all__ = ["kept_encoder_files", "load_kept_encoder"]

_TOKENIZER: Final = "tokenizer.json"


def kept_encoder_files(shape: BertConfig, tokenizer: Tokenizer) -> dict[str, bytes]:
    """Return the contents of ``config.json`` and ``tokenizer.json``, for ``RunFolder.write_best``."""
    config = json.dumps(shape.to_dict(), indent=2, sort_keys=True) + "\n"
    return {CONFIG: config.encode(), _TOKENIZER: tokenizer.to_str(pretty=False).encode()}


def load_kept_encoder(folder: Path) -> tuple[BertConfig, Tokenizer] | None:
    """Read the files of :func:`kept_encoder_files`; None if there is nothing, as in runs of earlier versions.

    Raises:
        UserError: if a file is missing or damaged.
    """
    if not folder.is_dir():
        return None
    try:
        return load_bert_config(folder), load_tokenizer(folder)
    except UserError as error:
        raise UserError(f"{error}; the model in {folder.parent} cannot be used without it") from error
