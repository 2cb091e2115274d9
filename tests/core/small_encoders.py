"""Small pretrained encoders with a tokenizer, on disk."""

from __future__ import annotations

from pathlib import Path

from core.config import RunConfig
from core.model.bert import Bert, BertConfig
from core.model_files.bert_checkpoint import save_bert
from data.tokenizer import save_tokenizer
from data.vocabulary import build_wordpiece


def encoder_folder(folder: Path, vocab_size: int = 60, positions: int = 64, segments: int = 2, layers: int = 1) -> Path:
    """Return a small pretrained encoder with a tokenizer of 60 entries or a few fewer."""
    shape = BertConfig(
        vocab_size=vocab_size,
        hidden_size=8,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=positions,
        type_vocab_size=segments,
    )
    save_bert(folder, shape, Bert(shape).state_dict())
    save_tokenizer(build_wordpiece(["the film is great but the plot is thin"], 60), folder)
    return folder


def loaded(config: RunConfig, folder: Path, max_length: int = 32) -> RunConfig:
    model = config.model.model_copy(update={"encoder": str(folder), "scratch": None, "max_length": max_length})
    return config.model_copy(update={"model": model})
