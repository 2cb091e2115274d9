"""Read and write BERT checkpoints in the Hugging Face layout: ``config.json`` next to the weights."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from core.model.bert import Bert, BertConfig
from core.model_files.encoder_content import CONFIG, WEIGHTS
from core.model_files.safetensors_writer import write_safetensors
from core.model_files.weight_files import check_no_adapter, check_shapes, read_json, read_weights
from core.run.atomic_files import replace_file, write_atomically
from data.errors import UserError

__all__ = ["BERT_FILES", "load_bert_config", "load_bert_weights", "load_mlm_head", "remove_bert", "save_bert"]

BERT_FILES: Final = (WEIGHTS, CONFIG)
"""Names of the files that :func:`save_bert` writes."""

_MLM_DECODER: Final = "cls.predictions.decoder.weight"


def load_bert_config(folder: Path) -> BertConfig:
    """Read ``config.json``.

    Raises:
        UserError: if it is missing, is not JSON, describes a model other than a BERT encoder (the message names its
            model type), or contains a value out of range; or if the folder is an adapter's.
    """
    check_no_adapter(folder)  # it may have no config.json of its own
    path = folder / CONFIG
    entries = read_json(path)
    try:
        return BertConfig.from_dict(entries)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error


def load_bert_weights(folder: Path, config: BertConfig) -> dict[str, Tensor]:
    """Read a BERT's weights; see :func:`core.model_files.weight_files.read_weights` for files and names.

    Everything else in the files (heads, ``position_ids``, layers beyond the config's) is ignored.

    Returns:
        Every parameter of ``Bert(config)`` by name, on the CPU. Only the pooler's are absent, if the checkpoint has
        no pooler, as is common; ``Bert(config, weights)`` initialises absent parameters randomly.

    Raises:
        UserError: if there are no weights, they cannot be read, or one is missing or has the wrong shape (the message
            names its key and both shapes).
    """
    expected = _parameter_shapes(config)
    found = read_weights(folder, expected)
    if not any(name.startswith("pooler.") for name in found):
        expected = {name: shape for name, shape in expected.items() if not name.startswith("pooler.")}
    check_shapes(folder, found, expected)
    return {name: weight.tensor for name, weight in found.items()}


def load_mlm_head(folder: Path, config: BertConfig, word_embeddings: Tensor) -> dict[str, Tensor] | None:
    """Read the masked-language-model head (arXiv:1810.04805, section 3.1) that a checkpoint may have.

    Args:
        folder: folder of the checkpoint.
        config: architecture of its encoder.
        word_embeddings: word embeddings of its encoder, (V, H). The head's decoder must be the same table; if the
            checkpoint has a different one, the head is ignored with a warning.

    Returns:
        The parameters of :class:`core.pretraining.objectives.mlm.MaskedLanguageModel` by name, on the CPU:
        ``dense`` (H, H) and (H,), ``LayerNorm`` (H,) and (H,), ``bias`` (V,). None if there is no such head.

    Raises:
        UserError: see :func:`load_bert_weights`; also if only a part of the head is there.
    """
    width = config.hidden_size
    expected = {
        "cls.predictions.transform.dense.weight": (width, width),
        "cls.predictions.transform.dense.bias": (width,),
        "cls.predictions.transform.LayerNorm.weight": (width,),
        "cls.predictions.transform.LayerNorm.bias": (width,),
        "cls.predictions.bias": (config.vocab_size,),
    }
    found = read_weights(folder, [*expected, _MLM_DECODER])
    decoder = found.pop(_MLM_DECODER, None)  # usually not stored, because it is the embeddings
    if not found:
        return None
    check_shapes(folder, found, expected)
    if decoder is not None and not torch.equal(decoder.tensor, word_embeddings):
        warnings.warn(
            f"{folder}: the masked-language-model head has separate word embeddings, which are not supported; "
            "pretraining.mlm starts from a random head",
            stacklevel=2,
        )
        return None
    return {_name_in_head(name): weight.tensor for name, weight in found.items()}


def save_bert(folder: Path, config: BertConfig, state_dict: Mapping[str, Tensor]) -> None:
    """Write ``config.json`` and ``model.safetensors``, which ``transformers.AutoModel.from_pretrained`` loads.

    Args:
        folder: created if missing; files of the same names are replaced atomically.
        config: the architecture.
        state_dict: state of a ``Bert(config)``, on any device.

    Raises:
        ValueError: if ``state_dict`` does not belong to a ``Bert(config)``; the message names the key and both shapes.
    """
    expected = _parameter_shapes(config)
    given = {name: tuple(tensor.shape) for name, tensor in state_dict.items()}
    for name in sorted(expected.keys() | given.keys()):
        if given.get(name) != expected.get(name):
            raise ValueError(f"'{name}' must be {expected.get(name, 'absent')}, got {given.get(name, 'none')}")
    folder.mkdir(parents=True, exist_ok=True)
    # transformers refuses a file that does not say which framework wrote it.
    metadata = {"format": "pt"}
    replace_file(folder / WEIGHTS, lambda file: write_safetensors(file, state_dict, metadata))
    write_atomically(folder / CONFIG, (json.dumps(config.to_dict(), indent=2, sort_keys=True) + "\n").encode())


def remove_bert(folder: Path) -> None:
    """Remove the files that :func:`save_bert` writes, if they exist."""
    for name in BERT_FILES:
        (folder / name).unlink(missing_ok=True)


def _parameter_shapes(config: BertConfig) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):  # names and shapes without memory
        return {name: tuple(tensor.shape) for name, tensor in Bert(config).state_dict().items()}


def _name_in_head(name: str) -> str:
    return name.removeprefix("cls.predictions.").removeprefix("transform.")
