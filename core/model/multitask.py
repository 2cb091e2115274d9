"""Build the model of all tasks: a BERT that the tasks share, or one for each, with a head for every task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor, nn

from core.config import RunConfig
from core.losses import TaskLoss, make_loss
from core.model.bert import Bert, BertConfig
from core.model.freezing import freeze
from core.model.heads import TaskHead
from core.model.lora import add_lora, load_updates, split_updates
from core.model.pooling import EncodedRows
from core.model.randomness import named_generator
from core.model.reinitialisation import reinitialise
from data.batching import Batch

__all__ = [
    "SHARED_ENCODER",
    "MultitaskBert",
    "Part",
    "build_encoder",
    "build_model",
    "build_plain_model",
    "encoder_name",
    "encoder_names",
]

SHARED_ENCODER: Final = "all-tasks"  # no task's name has a hyphen


@dataclass(frozen=True)
class Part:
    """An encoder with its heads: a loss of one of its tasks has no gradient outside.

    Attributes:
        name: the task's name if the encoder belongs to one task, else :data:`SHARED_ENCODER`.
        encoder: the encoder.
        heads: heads by task.
    """

    name: str
    encoder: Bert
    heads: Mapping[str, nn.Module]

    def parameters(self) -> Iterator[nn.Parameter]:
        """Yield the parameters of the encoder, then of the heads."""
        for module in (self.encoder, *self.heads.values()):
            yield from module.parameters()


class MultitaskBert(nn.Module):
    """The encoders, the heads, and the losses that define what the heads' outputs mean.

    Args:
        encoders: one named :data:`SHARED_ENCODER`, or one per task.
        heads: one per task.
        losses: one per task.
    """

    def __init__(self, encoders: dict[str, Bert], heads: dict[str, TaskHead], losses: dict[str, TaskLoss]) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.heads = nn.ModuleDict(heads)
        self.losses = losses

    def encoder(self, task: str) -> Bert:
        """Return the encoder that the task trains, alone or together with the others."""
        encoder = self.encoders[SHARED_ENCODER if SHARED_ENCODER in self.encoders else task]
        assert isinstance(encoder, Bert)
        return encoder

    def parts(self) -> list[Part]:
        """Return every encoder with its heads, in the order of the tasks."""
        if SHARED_ENCODER not in self.encoders:
            return [Part(task, self.encoder(task), {task: head}) for task, head in self.heads.items()]
        return [Part(SHARED_ENCODER, self.encoder(SHARED_ENCODER), dict(self.heads.items()))]

    def embed_words(self, batch: Batch) -> Tensor:
        """Return the word embeddings of the batch's padded rows, before anything is added or normalised, (R, T, H)."""
        return self.encoder(batch.task).embed_words(batch.padded().input_ids)

    def encode(self, batch: Batch, word_embeddings: Tensor | None = None) -> EncodedRows:
        """Compute the last hidden states of the batch's rows; ``word_embeddings`` (R, T, H) replace their own."""
        rows = batch.padded()
        hidden = self.encoder(batch.task)(rows.input_ids, rows.attention_mask, rows.token_type_ids, word_embeddings)
        return EncodedRows(hidden, rows.attention_mask)

    def forward(self, batch: Batch, word_embeddings: Tensor | None = None) -> Tensor:
        """Compute the outputs of the batch's task, (B, C); see :meth:`encode`."""
        encoded = self.encode(batch, word_embeddings)
        outputs: Tensor = self.heads[batch.task](self.encoder(batch.task), encoded, batch.pooled)
        return outputs

    def predict(self, batch: Batch) -> Tensor:
        """Predict class probabilities (B, K) or scores (B,)."""
        return self.losses[batch.task].predict(self(batch))


def encoder_name(config: RunConfig, task: str) -> str:
    """Return the name of the task's encoder: the task's own name, or :data:`SHARED_ENCODER`."""
    return task if config.model.encoders == "per-task" else SHARED_ENCODER


def encoder_names(config: RunConfig) -> list[str]:
    """Return the names of the run's encoders, in the order of the tasks."""
    return list(dict.fromkeys(encoder_name(config, task) for task in config.tasks))


def build_model(
    config: RunConfig,
    bert_config: BertConfig,
    weights: dict[str, Tensor] | None,
    own: Mapping[str, dict[str, Tensor] | None] | None = None,
) -> MultitaskBert:
    """Build the run's model on the CPU, ready for training: reinitialised, frozen, or with LoRA as configured.

    Random weights depend only on ``config.seed``: a head starts from the same weights regardless of the other tasks,
    and all encoders that are given none of their own start from the same weights.

    Args:
        config: the run.
        bert_config: architecture of the encoders.
        weights: weights of the encoders' checkpoint; None for random weights.
        own: weights of encoders that start from others, by their names; low-rank updates may be among them.
    """
    given = {name: (own or {}).get(name, weights) for name in encoder_names(config)}
    parts = {name: ({}, {}) if found is None else split_updates(found) for name, found in given.items()}
    encoders = {name: build_encoder(config, bert_config, plain or None) for name, (plain, _) in parts.items()}
    model = build_plain_model(config, encoders)
    for part in model.parts():
        reinitialise(part.encoder, config.model.reinit_layers, config.seed)
        freeze(part.encoder, config.model)
        add_lora(part.encoder, config.lora, config.seed)
        if updates := parts[part.name][1]:
            load_updates(part.encoder, updates)
        if config.lora.rank and any(config.heads[task].pooling == "pooler" for task in part.heads):
            # A pooler in use is trained like the heads: many checkpoints have none, and it would stay random.
            part.encoder.pooler.requires_grad_(True)
    return model


def build_plain_model(config: RunConfig, encoders: dict[str, Bert]) -> MultitaskBert:
    """Build the model from encoders and new heads, without reinitialising, freezing or LoRA.

    Args:
        config: the run.
        encoders: an encoder for every name of :func:`encoder_names`.
    """
    heads, losses = {}, {}
    for name, task in config.tasks.items():
        shape = encoders[encoder_name(config, name)].config
        losses[name] = make_loss(config.heads[name], task.spec)
        generator = named_generator(config.seed, name)
        heads[name] = TaskHead(
            config.heads[name], shape.hidden_size, losses[name].outputs, shape.initializer_range, generator
        )
    return MultitaskBert(encoders, heads, losses)


def build_encoder(config: RunConfig, bert_config: BertConfig, weights: dict[str, Tensor] | None) -> Bert:
    """Build an encoder with the run's dropout, without reinitialising, freezing or LoRA.

    Args:
        config: the run; its seed draws the weights that are missing in ``weights``.
        bert_config: the architecture.
        weights: copied into the encoder; None for random weights.
    """
    shape = replace(
        bert_config,
        hidden_dropout_prob=_given(config.model.dropout, bert_config.hidden_dropout_prob),
        attention_probs_dropout_prob=_given(config.model.attention_dropout, bert_config.attention_probs_dropout_prob),
    )
    return Bert(shape, weights, torch.Generator().manual_seed(config.seed))


def _given(override: float | None, own: float) -> float:
    return own if override is None else override
