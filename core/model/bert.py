"""Implement BERT (Devlin et al. 2019, arXiv:1810.04805), a post-LayerNorm Transformer encoder.

Parameters have the names of the Hugging Face checkpoints, so that a ``state_dict`` *is* the checkpoint. Inside, tokens
are packed (:mod:`core.model.row_packing`). Letters in shape comments: B rows, T tokens per padded row, N tokens of all
rows, H hidden size.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from functools import partial
from typing import Any, Final, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from core.model.dropout import Dropout
from core.model.linear import Linear, uses_bfloat16
from core.model.row_packing import RowPacking
from core.model.self_attention import SelfAttention

__all__ = ["ACTIVATIONS", "Bert", "BertConfig"]

ACTIVATIONS: Final[dict[str, Callable[[Tensor], Tensor]]] = {
    "gelu": F.gelu,
    "gelu_new": partial(F.gelu, approximate="tanh"),
    "relu": F.relu,
}


@dataclass(frozen=True)
class BertConfig:
    """The architecture, with the field names of a checkpoint's ``config.json``.

    The five sizes have no defaults; the other fields default to the published BERT's values.

    Attributes:
        vocab_size: WordPiece entries.
        hidden_size: H, a multiple of ``num_attention_heads``.
        num_hidden_layers: Transformer layers.
        num_attention_heads: A.
        intermediate_size: width of the feed-forward layer.
        hidden_act: activation of the feed-forward layer: 'gelu' (exact), 'gelu_new' (tanh form) or 'relu'.
        hidden_dropout_prob: dropout on hidden states, 0 <= p < 1.
        attention_probs_dropout_prob: dropout on attention weights, 0 <= p < 1.
        max_position_embeddings: longest row, tokens.
        type_vocab_size: number of segments.
        initializer_range: standard deviation of the initial weights.
        layer_norm_eps: added to the variance in every LayerNorm.
        pad_token_id: the entry whose embedding starts at zero and gets no gradient, or None.

    Raises:
        ValueError: if a value is out of range; the message gives name, rule and value.
    """

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    pad_token_id: int | None = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "int" and (not _is_int(value) or value < 1):
                raise ValueError(f"{field.name} must be a whole number >= 1, got {value!r}")
            if field.type == "float" and not (_is_int(value) or isinstance(value, float)):
                raise ValueError(f"{field.name} must be a number, got {value!r}")
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size must be a multiple of num_attention_heads, "
                f"got {self.hidden_size} and {self.num_attention_heads}"
            )
        if self.hidden_act not in ACTIVATIONS:
            raise ValueError(f"hidden_act must be one of {', '.join(ACTIVATIONS)}, got {self.hidden_act!r}")
        for name in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be in [0, 1), got {getattr(self, name)}")
        if not self.layer_norm_eps > 0:
            raise ValueError(f"layer_norm_eps must be > 0, got {self.layer_norm_eps}")
        if not self.initializer_range >= 0:
            raise ValueError(f"initializer_range must be >= 0, got {self.initializer_range}")
        pad = self.pad_token_id
        if pad is not None and not (_is_int(pad) and 0 <= pad < self.vocab_size):
            raise ValueError(f"pad_token_id must be null or in [0, vocab_size = {self.vocab_size}), got {pad!r}")

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> Self:
        """Build from the entries of a ``config.json``, ignoring those that do not affect hidden states.

        A missing ``model_type`` means BERT, because BERT's first releases had none, unless ``architectures`` names
        another model.

        Raises:
            ValueError: if the entries describe an architecture other than BERT's encoder, lack a size, or have a value
                out of range.
        """
        _check_is_bert(entries)
        for field in fields(cls):
            if field.default is MISSING and field.name not in entries:
                raise ValueError(f"{field.name} is missing")
        return cls(**{field.name: entries[field.name] for field in fields(cls) if field.name in entries})

    def to_dict(self) -> dict[str, Any]:
        """Return the entries of a ``config.json`` that transformers loads as a BertModel."""
        return {"architectures": ["BertModel"], "model_type": "bert", **asdict(self)}


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_is_bert(entries: Mapping[str, Any]) -> None:
    model_type = entries.get("model_type")
    if model_type is None:
        architectures = entries.get("architectures") or ["BertModel"]
        if not str(architectures[0]).startswith("Bert"):
            model_type = architectures[0]
    if model_type not in (None, "bert"):
        raise ValueError(f"model_type must be 'bert', got {model_type!r}")
    positions = entries.get("position_embedding_type", "absolute")
    if positions != "absolute":
        raise ValueError(f"position_embedding_type must be 'absolute', got {positions!r}")
    for name in ("is_decoder", "add_cross_attention"):
        if entries.get(name):
            raise ValueError(f"{name} must be false, got {entries[name]!r}: only encoders are supported")


class Bert(nn.Module):
    """The encoder and its pooler.

    Args:
        config: the architecture.
        weights: pretrained tensors by parameter name; they are copied. All other parameters are initialised:
            N(0, initializer_range) for matrices, zero for biases, one for LayerNorm scales.
        generator: draws the initial weights; None for torch's global generator.

    Raises:
        RuntimeError: if ``weights`` names an unknown parameter or has a wrong shape.
    """

    def __init__(
        self,
        config: BertConfig,
        weights: Mapping[str, Tensor] | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        device = torch.get_default_device()
        # Built without storage first, because torch's own initialisation would be drawn and thrown away.
        with torch.device("meta"):
            self.embeddings = _Embeddings(config)
            self.encoder = _Encoder(config)
            self.pooler = _Pooler(config)
        for module in self.modules():
            for name, parameter in module.named_parameters(recurse=False):
                # torch's own to_empty loads its compiler for tensors without storage.
                setattr(module, name, nn.Parameter(torch.empty(parameter.shape, device=device)))
        found = self.load_state_dict(weights or {}, strict=False)
        if found.unexpected_keys:
            raise RuntimeError(f"a BERT has no parameter named '{found.unexpected_keys[0]}'")
        self.draw(set(found.missing_keys), generator)

    @torch.no_grad()
    def draw(self, names: Collection[str], generator: torch.Generator | None) -> None:
        """Initialise the named parameters, in the same way as those that a checkpoint does not have."""
        for name, parameter in self.named_parameters():
            if name not in names or parameter.is_meta:  # a shape alone has no values
                continue
            if name.endswith("LayerNorm.weight"):
                parameter.fill_(1.0)
            elif name.endswith("bias"):
                parameter.zero_()
            else:
                parameter.normal_(std=self.config.initializer_range, generator=generator)
            if name == "embeddings.word_embeddings.weight" and self.config.pad_token_id is not None:
                parameter[self.config.pad_token_id] = 0.0

    def checkpoint_gradients(self, enabled: bool) -> None:
        """Choose whether training keeps only the inputs of layers, and computes the layers again for their gradients.

        That saves memory and costs time; results are the same (Chen et al. 2016, arXiv:1604.06174).
        """
        self.encoder.gradient_checkpointing = enabled

    @property
    def layers(self) -> nn.ModuleList:
        """Return the Transformer layers, first to last."""
        return self.encoder.layer

    def embed_words(self, input_ids: Tensor) -> Tensor:
        """Look up the word embeddings, without position, segment and LayerNorm.

        Args:
            input_ids: (...) int64.

        Returns:
            (..., H).

        Raises:
            ValueError: on the CPU, if an id is not in [0, vocab_size). On other devices the check would stall the
                device, and the lookup itself fails.
        """
        return _look_up(self.embeddings.word_embeddings, input_ids, "token id", "vocab_size")

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        word_embeddings: Tensor | None = None,
        first_only: bool = False,
    ) -> Tensor:
        """Compute the last layer's hidden states.

        Args:
            input_ids: (B, T) int64.
            attention_mask: (B, T) bool or int, true on real tokens; None if there is no padding.
            token_type_ids: segments, (B, T) int64; None for segment 0 everywhere.
            word_embeddings: used in place of ``embed_words(input_ids)``, (B, T, H).
            first_only: return the rows' first tokens alone; the last layer computes nothing else.

        Returns:
            (B, T, H), or (B, 1, H) if ``first_only``; values at padded positions are meaningless.

        Raises:
            ValueError: if a row is longer than max_position_embeddings, shapes disagree, or, on the CPU, an id is
                out of range.
        """
        self._check_shapes(input_ids, attention_mask, token_type_ids, word_embeddings)
        mask = None if attention_mask is None else attention_mask.bool()
        rows, longest = input_ids.shape
        packing = RowPacking((rows, longest), mask, input_ids.device, uses_bfloat16(input_ids.device))
        words = self.embed_words(packing.pack(input_ids)) if word_embeddings is None else packing.pack(word_embeddings)
        segments = None if token_type_ids is None else packing.pack(token_type_ids)
        hidden: Tensor = self.encoder(self.embeddings(words, segments, packing.positions), packing, first_only)
        return hidden[:, None] if first_only else packing.unpack(hidden)

    def continue_from(self, layers: int, hidden: Tensor, attention_mask: Tensor, first_only: bool = False) -> Tensor:
        """Compute the last layer's hidden states from those of a lower layer, on the CPU.

        Args:
            layers: number of lowest layers that are left out, fewer than there are.
            hidden: the hidden states that they return for all real tokens, row by row, (N, H).
            attention_mask: (B, T) bool, true on real tokens.
            first_only: as in :meth:`forward`.

        Returns:
            As :meth:`forward`.
        """
        rows, longest = attention_mask.shape
        packing = RowPacking((rows, longest), attention_mask, hidden.device, uses_bfloat16(hidden.device))
        out: Tensor = self.encoder(packing.fill_up(hidden), packing, first_only, layers)
        return out[:, None] if first_only else packing.unpack(out)

    def pool(self, hidden: Tensor) -> Tensor:
        """Compute the pretrained sentence vector: tanh of a linear map of the first token, (B, T, H) -> (B, H)."""
        out: Tensor = self.pooler(hidden)
        return out

    def _check_shapes(
        self, input_ids: Tensor, mask: Tensor | None, segments: Tensor | None, word_embeddings: Tensor | None
    ) -> None:
        longest = self.config.max_position_embeddings
        if input_ids.shape[1] > longest:
            raise ValueError(f"a row of {input_ids.shape[1]} tokens exceeds max_position_embeddings = {longest}")
        expected = tuple(input_ids.shape)
        wide = (*expected, self.config.hidden_size)
        for name, tensor, shape in (
            ("attention_mask", mask, expected),
            ("token_type_ids", segments, expected),
            ("word_embeddings", word_embeddings, wide),
        ):
            if tensor is not None and tensor.shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {tuple(tensor.shape)}")


def _look_up(table: nn.Embedding, ids: Tensor, what: str, bound: str) -> Tensor:
    try:
        out: Tensor = table(ids)
        return out
    except IndexError as error:
        wrong = ids[(ids < 0) | (ids >= table.num_embeddings)]
        if not len(wrong):
            raise
        raise ValueError(f"{what} must be in [0, {bound} = {table.num_embeddings}), got {int(wrong[0])}") from error


def _empty_table(entries: int, width: int, padding: int | None = None) -> nn.Embedding:
    """Return a table without initial weights: to draw them without storage, torch would load its compiler."""
    return nn.Embedding(entries, width, padding, _weight=torch.empty(entries, width))


class _Embeddings(nn.Module):
    """Word + segment + position, LayerNorm, dropout."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.word_embeddings = _empty_table(config.vocab_size, width, config.pad_token_id)
        self.position_embeddings = _empty_table(config.max_position_embeddings, width)
        self.token_type_embeddings = _empty_table(config.type_vocab_size, width)
        self.LayerNorm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob)

    def forward(self, words: Tensor, token_type_ids: Tensor | None, positions: Tensor) -> Tensor:
        """(N, H), (N,), (N,) -> (N, H)."""
        if token_type_ids is None:
            segments = self.token_type_embeddings.weight[0]  # (H,)
        else:
            segments = _look_up(self.token_type_embeddings, token_type_ids, "segment id", "type_vocab_size")
        out: Tensor = self.dropout(self.LayerNorm(words + segments + self.position_embeddings(positions)))
        return out


class _Encoder(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.layer = nn.ModuleList(_Layer(config) for _ in range(config.num_hidden_layers))
        self.gradient_checkpointing = False

    def forward(self, hidden: Tensor, packing: RowPacking, first_only: bool, begin: int = 0) -> Tensor:
        last, dtype = len(self.layer) - 1, hidden.dtype
        if dtype == torch.float32 and uses_bfloat16(hidden.device):
            hidden = hidden.bfloat16()
        for number in range(begin, len(self.layer)):
            inputs = hidden, packing, first_only and number == last
            if self.gradient_checkpointing and self.training and torch.is_grad_enabled():
                hidden = checkpoint(self.layer[number], *inputs, use_reentrant=False)  # with the same dropout
            else:
                hidden = self.layer[number](*inputs)
        return hidden.to(dtype)


class _Layer(nn.Module):
    parallel: nn.Module | None  # reads the layer's input; see core.model.task_layers

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.attention = _Attention(config)
        self.intermediate = _Intermediate(config)
        self.output = _Output(config.intermediate_size, config)
        self.register_module("parallel", None)

    def forward(self, hidden: Tensor, packing: RowPacking, first_only: bool = False) -> Tensor:
        """(N, H) -> (N, H), or (B, H) for the rows' first tokens alone."""
        attended = self.attention(hidden, packing, first_only)
        residual = attended if self.parallel is None else attended + self.parallel(hidden, packing, first_only)
        out: Tensor = self.output(self.intermediate(attended), residual)
        return out


class _Attention(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.self = SelfAttention(config)
        self.output = _Output(config.hidden_size, config)

    def forward(self, hidden: Tensor, packing: RowPacking, first_only: bool) -> Tensor:
        residual = hidden.index_select(0, packing.first) if first_only else hidden
        out: Tensor = self.output(self.self(hidden, packing, first_only), residual)
        return out


class _Intermediate(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.dense = Linear(config.hidden_size, config.intermediate_size)
        self.activation = ACTIVATIONS[config.hidden_act]

    def forward(self, hidden: Tensor) -> Tensor:
        return self.activation(self.dense(hidden))


class _Output(nn.Module):
    """Linear, dropout, and LayerNorm of the sum with the residual; ends both halves of a layer."""

    adapter: nn.Module | None  # changes what is added to the residual; see core.model.task_layers

    def __init__(self, width_in: int, config: BertConfig) -> None:
        super().__init__()
        self.dense = Linear(width_in, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob)
        self.register_module("adapter", None)

    def forward(self, x: Tensor, residual: Tensor) -> Tensor:
        change = self.dropout(self.dense(x))
        if self.adapter is not None:
            change = self.adapter(change)
        out: Tensor = self.LayerNorm(change + residual)
        return out


class _Pooler(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.dense = Linear(config.hidden_size, config.hidden_size)

    def forward(self, hidden: Tensor) -> Tensor:
        return torch.tanh(self.dense(hidden[:, 0]))
