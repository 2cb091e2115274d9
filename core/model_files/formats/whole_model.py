"""Compute the predictions of all tasks from padded rows, with nothing that depends on the values of a batch.

That is what can be traced into a graph: :class:`core.model.row_packing.RowPacking` asks which tokens are padding.
Letters in shape comments: R rows, T tokens per padded row, B examples of a task, H hidden size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import torch
from torch import Tensor, nn

from core.config import HeadConfig
from core.model.bert import Bert
from core.model.heads import TaskHead
from core.model.lora import merged_state_dict
from core.model.multitask import MultitaskBert, build_encoder, build_plain_model, encoder_names
from core.model.pooling import EncodedRows
from core.model.row_packing import RowPacking
from core.model_files.model_folder import TrainedModel
from data.tasks import TaskSpec

__all__ = ["INPUTS", "RowForm", "WholeModel", "row_form"]

INPUTS: Final = ("input_ids", "attention_mask", "token_type_ids")
"""Names of the inputs of :meth:`WholeModel.forward`."""

RowForm = Literal["sentence", "pair", "both-orders", "sentences-of-pairs"]
"""What the rows of a task are: an example each, or in two halves of as many rows. In the halves are the pairs in the
given order, then with the second sentence first; or the first sentences of the pairs, then the second ones."""

_LEAST: Final = 1e-30  # a probability of 0 has no logarithm
_HALVES: Final = ("both-orders", "sentences-of-pairs")


def row_form(spec: TaskSpec, head: HeadConfig) -> RowForm:
    """Return what the rows of a task are."""
    if not spec.kind.is_pair:
        return "sentence"
    if head.pair == "siamese":
        return "sentences-of-pairs"
    return "both-orders" if head.pair_order == "both" else "pair"


class WholeModel(nn.Module):
    """All tasks' predictions from the same rows, each encoder computed once.

    Every task reads the rows as its own form; those of a form that a caller has not given mean nothing.

    Args:
        trained: the model, on the CPU; LoRA's updates are merged into a copy of it.
        temperatures: what calibrates the probabilities of a task's classes, above 0; 1 for tasks that it lacks.

    Attributes:
        tasks: names of the tasks.
        forms: form of the rows by task.
        temperatures: temperature by task.
        model: the model without LoRA.
        encoders: its encoders, by name.
    """

    def __init__(self, trained: TrainedModel, temperatures: Mapping[str, float]) -> None:
        super().__init__()
        tasks = trained.config.tasks
        self.tasks = tuple(tasks)
        self.forms = {task: row_form(one.spec, trained.config.heads[task]) for task, one in tasks.items()}
        self.temperatures = {task: temperatures.get(task, 1.0) for task in tasks}
        self.model = _plain(trained).eval()
        distinct = self.model.distinct_encoders()
        # By name in the graph, where encoders have modules in common too.
        self.encoders = nn.ModuleDict(distinct)
        # Decided here: while a graph is traced, a module that has two names is two objects.
        names = {id(encoder): name for name, encoder in distinct.items()}
        self._encoder_of = {task: names[id(self.model.encoder(task))] for task in tasks}
        self._first_only = {
            name: all(self._head(task).reads_first_only for task in tasks if self._encoder_of[task] == name)
            for name in distinct
        }

    @property
    def encoder_passes(self) -> int:
        """Return how many encoders are computed."""
        return len(self.encoders)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> tuple[Tensor, ...]:
        """Predict class probabilities (B, K) or scores (B,) of every task, in their order.

        Args:
            input_ids: (R, T) int64.
            attention_mask: 1 on real tokens, among them the first of every row, (R, T) int64.
            token_type_ids: segments, (R, T) int64.
        """
        layout = _PaddedLayout(attention_mask.bool())
        encoded = {name: self._encode(name, input_ids, token_type_ids, layout) for name in self.encoders}
        outputs = []
        for task in self.tasks:
            predicted = self._predict(task, encoded[self._encoder_of[task]])
            temperature = self.temperatures[task]
            outputs.append(predicted if temperature == 1.0 else _at_temperature(predicted, temperature))
        return tuple(outputs)

    def _encode(self, name: str, ids: Tensor, segments: Tensor, layout: _PaddedLayout) -> EncodedRows:
        encoder, first_only = self._encoder(name), self._first_only[name]
        words = encoder.embed_words(layout.pack(ids))
        hidden = encoder.encoder(encoder.embeddings(words, layout.pack(segments), layout.positions), layout, first_only)
        if first_only:
            return EncodedRows(hidden[:, None], layout.real[:, :1])
        return EncodedRows(layout.unpack(hidden), layout.real)

    def _predict(self, task: str, rows: EncodedRows) -> Tensor:
        head, loss, form = self._head(task), self.model.losses[task], self.forms[task]
        encoder = self._encoder(self._encoder_of[task])
        numbers = torch.arange(rows.hidden.shape[0])  # (R,)
        if form not in _HALVES:
            return loss.predict(head(encoder, rows, (numbers,)))
        half = rows.hidden.shape[0] // 2
        halves = (numbers[:half], numbers[half : 2 * half])
        if form == "sentences-of-pairs":
            return loss.predict(head(encoder, rows, halves))
        first, second = (loss.predict(head(encoder, rows, (part,))) for part in halves)
        return (first + second) / 2

    def _encoder(self, name: str) -> Bert:
        encoder = self.encoders[name]
        assert isinstance(encoder, Bert)
        return encoder

    def _head(self, task: str) -> TaskHead:
        head = self.model.heads[task]
        assert isinstance(head, TaskHead)
        return head


class _PaddedLayout(RowPacking):
    """The packed layout is the padded one, N = R T, whatever the mask.

    Args:
        real: (R, T) bool, true on real tokens.
    """

    def __init__(self, real: Tensor) -> None:
        # Without a mask, nothing asks where the padding is.
        super().__init__((real.shape[0], real.shape[1]), None, real.device)
        self.mask = self.real = real
        self._added = torch.zeros(real.shape).masked_fill(~real, torch.finfo(torch.float32).min)

    def attention_mask(self, queries: int) -> Tensor:
        """Return numbers to add, (R, 1, Q, T): ONNX Runtime's Attention broadcasts no mask over the queries."""
        return self._added[:, None, None, :].expand(-1, -1, queries, -1)


def _at_temperature(probabilities: Tensor, temperature: float) -> Tensor:
    """Do what :func:`core.statistics.at_temperature` does: (B, K) -> (B, K)."""
    return (probabilities.clamp(min=_LEAST).log() / temperature).softmax(dim=-1)


def _plain(trained: TrainedModel) -> MultitaskBert:
    """Return the model with LoRA's updates merged into its weights."""
    if not trained.config.lora.rank:
        return trained.model
    shape = next(iter(trained.model.distinct_encoders().values())).config
    encoders = {name: build_encoder(trained.config, shape, None) for name in encoder_names(trained.config)}
    model = build_plain_model(trained.config, encoders)
    model.load_state_dict(merged_state_dict(trained.model))
    return model
