"""Build the model of all tasks: a BERT that they share, as a whole or in part, or one for each; and their heads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import torch
from torch import Tensor, nn

from core.config import RunConfig
from core.losses import TaskLoss, make_loss
from core.model.bert import Bert, BertConfig
from core.model.freezing import freeze, frozen_parts, remove_dropout
from core.model.heads import TaskHead
from core.model.lora import add_lora, load_updates, split_updates
from core.model.pooling import EncodedRows
from core.model.randomness import named_generator
from core.model.reinitialisation import reinitialise
from core.model.split_encoder import SplitEncoder, with_own_layers
from core.model.task_layers import with_task_layers
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
    "plain_encoder_names",
]

SHARED_ENCODER: Final = "all-tasks"  # no task's name has a hyphen


@dataclass(frozen=True)
class Part:
    """Modules of some tasks, or of all: a loss of one of these tasks has no gradient outside.

    Attributes:
        name: the task's name if there is only one, else :data:`SHARED_ENCODER`.
        encoder: the encoder, or the shared modules of one whose other modules are each task's own.
        heads: heads by task.
        own: modules of the encoder by the task that they belong to.
    """

    name: str
    encoder: nn.Module
    heads: Mapping[str, nn.Module]
    own: Mapping[str, nn.Module] = field(default_factory=dict)

    def parameters(self) -> Iterator[nn.Parameter]:
        """Yield the parameters of the encoder, of the tasks' own modules, then of the heads."""
        for module in (self.encoder, *self.own.values(), *self.heads.values()):
            yield from module.parameters()


class MultitaskBert(nn.Module):
    """The encoders, the heads, and the losses that define what the heads' outputs mean.

    Args:
        encoders: one named :data:`SHARED_ENCODER`; one per task; or one with modules of each task's own.
        heads: one per task.
        losses: one per task.

    Attributes:
        encoders: modules by encoder. If the only one is named :data:`SHARED_ENCODER`, these are what the tasks share.
        own: what each task has for itself of an encoder that is otherwise shared; empty if there is nothing.
        heads: as given.
        losses: as given.
    """

    def __init__(
        self, encoders: Mapping[str, Bert] | SplitEncoder, heads: dict[str, TaskHead], losses: dict[str, TaskLoss]
    ) -> None:
        super().__init__()
        # A plain dictionary, not a ModuleDict: the modules of these encoders are registered once, as shared and own.
        self._split_encoders: Mapping[str, Bert] = {}
        if isinstance(encoders, SplitEncoder):
            self._split_encoders = encoders.by_task
            self.encoders = nn.ModuleDict({SHARED_ENCODER: encoders.shared})
            self.own = nn.ModuleDict(encoders.own)
        else:
            self.encoders = nn.ModuleDict(encoders)
            self.own = nn.ModuleDict()
        self.heads = nn.ModuleDict(heads)
        self.losses = losses

    def encoder(self, task: str) -> Bert:
        """Return the encoder that the task trains, alone or, as a whole or in part, together with the others."""
        if self._split_encoders:
            return self._split_encoders[task]
        encoder = self.encoders[SHARED_ENCODER if SHARED_ENCODER in self.encoders else task]
        assert isinstance(encoder, Bert)
        return encoder

    def distinct_encoders(self) -> dict[str, Bert]:
        """Return every different encoder by name, in the order of the tasks; they may have modules in common."""
        names = self._split_encoders or self.encoders
        return {name: self.encoder(name) for name in names}

    def plain_encoders(self) -> dict[str, Bert]:
        """Return encoders that are complete BERTs, and nothing more, by name.

        They are those of :meth:`distinct_encoders`, or the shared one if each task has added modules of its own to it.
        """
        shared = {name: encoder for name, encoder in self.encoders.items() if isinstance(encoder, Bert)}
        return shared or self.distinct_encoders()

    def parts(self) -> list[Part]:
        """Return the modules that are trained together, in the order of the tasks.

        If tasks have modules of their own, and those that they share are all frozen, each task is a part by itself.
        """
        if SHARED_ENCODER not in self.encoders or (len(self.own) and not self._trains_what_is_shared):
            return [Part(task, self.encoder(task), {task: head}) for task, head in self.heads.items()]
        return [Part(SHARED_ENCODER, self.encoders[SHARED_ENCODER], dict(self.heads.items()), dict(self.own.items()))]

    @property
    def _trains_what_is_shared(self) -> bool:
        return any(parameter.requires_grad for parameter in self.encoders.parameters())

    def embed_words(self, batch: Batch) -> Tensor:
        """Return the word embeddings of the batch's padded rows, before anything is added or normalised, (R, T, H)."""
        return self.encoder(batch.task).embed_words(batch.padded().input_ids)

    def encode(self, batch: Batch, word_embeddings: Tensor | None = None, first_only: bool = False) -> EncodedRows:
        """Compute the last hidden states of the batch's rows, or of their first tokens.

        Args:
            batch: a batch of one task.
            word_embeddings: replace the rows' own, (R, T, H).
            first_only: compute nothing else in the last layer.

        Returns:
            The rows; with one token each, if the batch has vectors that are already pooled.
        """
        encoder, lower = self.encoder(batch.task), batch.lower
        if word_embeddings is not None:
            lower = None  # they take another way through the frozen layers
        if lower is not None and lower.pooled:
            vectors = lower.hidden[:, None]
            return EncodedRows(vectors, torch.ones(vectors.shape[:2], dtype=torch.bool, device=vectors.device))
        rows = batch.padded()
        if lower is not None:
            hidden = encoder.continue_from(lower.layers, lower.hidden, rows.attention_mask, first_only)
            return EncodedRows(hidden, rows.attention_mask[:, : hidden.shape[1]])
        hidden = encoder(rows.input_ids, rows.attention_mask, rows.token_type_ids, word_embeddings, first_only)
        return EncodedRows(hidden, rows.attention_mask[:, : hidden.shape[1]])

    def forward(self, batch: Batch, word_embeddings: Tensor | None = None) -> Tensor:
        """Compute the outputs of the batch's task, (B, C); ``word_embeddings`` (R, T, H) replace its own."""
        head = self.heads[batch.task]
        encoded = self.encode(batch, word_embeddings, bool(head.reads_first_only))
        outputs: Tensor = head(self.encoder(batch.task), encoded, batch.pooled)
        return outputs

    def predict(self, batch: Batch) -> Tensor:
        """Predict class probabilities (B, K) or scores (B,)."""
        return self.predict_tasks(batch, [batch.task])[0]

    def predict_tasks(self, batch: Batch, tasks: Sequence[str]) -> list[Tensor]:
        """Predict for several tasks from one pass of the encoder: class probabilities (B, K) or scores (B,) of each.

        Args:
            batch: rows as all of the tasks read them.
            tasks: at least one; all have the encoder of the batch's task.
        """
        heads = [self.heads[task] for task in tasks]
        encoder = self.encoder(batch.task)
        encoded = self.encode(batch, first_only=all(bool(head.reads_first_only) for head in heads))
        return [
            self.losses[task].predict(head(encoder, encoded, batch.pooled))
            for task, head in zip(tasks, heads, strict=True)
        ]


def encoder_name(config: RunConfig, task: str) -> str:
    """Return the name of the task's encoder: the task's own name, or :data:`SHARED_ENCODER`."""
    return task if config.model.encoders == "per-task" else SHARED_ENCODER


def encoder_names(config: RunConfig) -> list[str]:
    """Return the names of the run's encoders, in the order of the tasks."""
    return list(dict.fromkeys(encoder_name(config, task) for task in config.tasks))


def plain_encoder_names(config: RunConfig) -> list[str]:
    """Return the names of :meth:`MultitaskBert.plain_encoders` in the run's model."""
    return list(config.tasks) if config.model.own_layers else encoder_names(config)


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
    for name, encoder in encoders.items():
        reinitialise(encoder, config.model.reinit_layers, config.seed)
        freeze(encoder, config.model)
        add_lora(encoder, config.lora, config.seed)
        if updates := parts[name][1]:
            load_updates(encoder, updates)
    model = build_plain_model(config, encoders)
    for task, head in config.heads.items():
        if config.lora.rank and head.pooling == "pooler":
            # A pooler in use is trained like the heads: many checkpoints have none, and it would stay random.
            model.encoder(task).pooler.requires_grad_(True)
    if not config.model.frozen_dropout:
        for encoder in model.distinct_encoders().values():
            remove_dropout(frozen_parts(encoder))
    return model


def build_plain_model(config: RunConfig, encoders: dict[str, Bert]) -> MultitaskBert:
    """Build the model from encoders and new heads, without reinitialising, freezing or LoRA.

    Args:
        config: the run.
        encoders: an encoder for every name of :func:`encoder_names` or of :func:`plain_encoder_names`. Of a shared one,
            every task gets its own copy of the layers that are each task's own, or new task layers.
    """
    heads, losses = {}, {}
    shape = next(iter(encoders.values())).config
    for name, task in config.tasks.items():
        losses[name] = make_loss(config.heads[name], task.spec)
        generator = named_generator(config.seed, name)
        heads[name] = TaskHead(
            config.heads[name], shape.hidden_size, losses[name].outputs, shape.initializer_range, generator
        )
    if config.model.own_layers and SHARED_ENCODER in encoders:
        split = with_own_layers(encoders[SHARED_ENCODER], config.model.own_layers, list(config.tasks))
        return MultitaskBert(split, heads, losses)
    if config.task_layers.kind != "none":
        split = with_task_layers(encoders[SHARED_ENCODER], config.task_layers, list(config.tasks), config.seed)
        return MultitaskBert(split, heads, losses)
    return MultitaskBert(encoders, heads, losses)


def build_encoder(config: RunConfig, bert_config: BertConfig, weights: dict[str, Tensor] | None) -> Bert:
    """Build an encoder with the run's dropout and gradient checkpointing, without reinitialising, freezing or LoRA.

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
    bert = Bert(shape, weights, torch.Generator().manual_seed(config.seed))
    bert.checkpoint_gradients(config.compute.gradient_checkpointing)
    return bert


def _given(override: float | None, own: float) -> float:
    return own if override is None else override
