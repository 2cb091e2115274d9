"""Configure the encoder: which one, and how much of it is trained."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from core.config.section import ConfigSection, Probability, added

__all__ = ["LORA_GROUPS", "LORA_LAYERS", "LoraConfig", "ModelConfig", "ScratchConfig"]

# The linear layers of one Transformer layer, by their place in it.
LORA_LAYERS = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)
_QUERY, _KEY, _VALUE, _ATTENTION_OUTPUT, _INTERMEDIATE, _OUTPUT = LORA_LAYERS

# The names allowed in ``lora.targets``, and the layers they mean.
LORA_GROUPS: dict[str, tuple[str, ...]] = {
    "query": (_QUERY,),
    "key": (_KEY,),
    "value": (_VALUE,),
    "attention-output": (_ATTENTION_OUTPUT,),
    "intermediate": (_INTERMEDIATE,),
    "output": (_OUTPUT,),
    "attention": (_QUERY, _KEY, _VALUE, _ATTENTION_OUTPUT),
    "all-linear": LORA_LAYERS,
}


class ScratchConfig(ConfigSection):
    """Shape of a BERT that starts from random weights, with a vocabulary built from the training sentences."""

    vocab_size: int = Field(2000, ge=32, description="upper bound on the WordPiece vocabulary, entries")
    hidden_size: int = Field(64, ge=4, description="width of the hidden states; a multiple of attention_heads")
    layers: int = Field(2, ge=1, description="encoder layers")
    attention_heads: int = Field(2, ge=1, description="attention heads per layer")
    intermediate_size: int = Field(128, ge=4, description="width of the feed-forward layer")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.hidden_size % self.attention_heads:
            raise ValueError(
                f"hidden_size must be a multiple of attention_heads, got {self.hidden_size} and {self.attention_heads}"
            )
        return self


class ModelConfig(ConfigSection):
    """The encoder."""

    encoder: str = Field(
        "bert-base-uncased",
        min_length=1,
        description="a folder in Hugging Face layout, a Hub name, 'minilm', or 'scratch'",
    )
    scratch: ScratchConfig | None = Field(None, description="shape of the encoder, only with encoder = 'scratch'")
    encoders: Literal["shared", "per-task"] = Field(
        "shared",
        description="one encoder for all tasks, or one for each, all starting from the same weights",
    )
    own_layers: int = added(
        0,
        "number of topmost layers that each task has for itself, with the pooler; the others, and the embeddings, are "
        "shared",
        ge=0,
    )
    max_length: int = Field(128, ge=8, le=512, description="tokens per row, with special tokens; longer rows are cut")
    dropout: Probability | None = Field(None, description="on hidden states; None keeps the encoder's own")
    attention_dropout: Probability | None = Field(None, description="on attention weights; None keeps the encoder's")
    freeze: Literal["nothing", "embeddings", "encoder"] = Field(
        "nothing", description="what keeps its pretrained weights; 'encoder' trains only the heads"
    )
    freeze_layers: int = Field(0, ge=0, description="number of lowest layers to freeze, together with the embeddings")
    frozen_dropout: bool = added(
        True,
        "dropout also in frozen embeddings and frozen layers below the lowest trained one; false: what they return for "
        "a row is always the same, and kept on disk for all runs",
    )
    reinit_layers: int = Field(
        0, ge=0, description="topmost layers to reinitialise, and the pooler (Zhang et al. 2021, arXiv:2006.05987)"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.encoder == "scratch") != (self.scratch is not None):
            raise ValueError("model.scratch must be given if and only if model.encoder = 'scratch'")
        if self.freeze == "encoder" and self.freeze_layers:
            raise ValueError("model.freeze_layers must be 0 with model.freeze = 'encoder', which freezes all layers")
        if self.own_layers and self.encoders == "per-task":
            raise ValueError(
                "model.own_layers needs model.encoders = 'shared': with 'per-task', every layer is each task's own"
            )
        if self.own_layers and self.freeze == "encoder":
            raise ValueError("model.own_layers must be 0 with model.freeze = 'encoder': the copies would stay equal")
        if self.freeze == "encoder" and self.reinit_layers:
            raise ValueError("model.reinit_layers must be 0 with model.freeze = 'encoder': they would stay random")
        return self

    @property
    def keeps_features(self) -> bool:
        """Return whether the outputs of frozen layers may be kept; see :mod:`core.frozen_features`."""
        return not self.frozen_dropout and (self.freeze == "encoder" or self.freeze_layers > 0)


class LoraConfig(ConfigSection):
    """Low-rank updates of a frozen encoder (LoRA, Hu et al. 2021, arXiv:2106.09685)."""

    rank: int = Field(0, ge=0, description="r; 0 trains the encoder's own weights instead")
    alpha: float | None = Field(None, gt=0.0, description="the update is scaled by alpha / rank; None: alpha = rank")
    rank_stabilised: bool = Field(False, description="scale by alpha / sqrt(rank) (rsLoRA, arXiv:2312.03732)")
    dropout: Probability = Field(0.0, description="only on the input of the update")
    targets: str = Field(
        "query,value",
        description=f"linear layers that get an update, separated by commas: {', '.join(LORA_GROUPS)}",
    )
    initial: Literal["gaussian", "kaiming"] = Field(
        "gaussian", description="initial A: N(0, 1/r^2) like peft's 'gaussian', or Kaiming-uniform(sqrt 5); B is 0"
    )

    embeddings: bool = added(False, "train the embeddings as well: words, positions, segments and their LayerNorm")

    @field_validator("targets")
    @classmethod
    def _known_targets(cls, targets: str) -> str:
        for name in targets.split(","):
            if name.strip() not in LORA_GROUPS:
                raise ValueError(f"no layers named '{name.strip()}'; choose from {', '.join(LORA_GROUPS)}")
        return targets

    @property
    def layers(self) -> tuple[str, ...]:
        """Return the targets as submodule paths within a Transformer layer, in its order, each once."""
        wanted = {layer for name in self.targets.split(",") for layer in LORA_GROUPS[name.strip()]}
        return tuple(layer for layer in LORA_LAYERS if layer in wanted)

    @property
    def scale(self) -> float:
        """Return the factor of the update B A; needs a rank above 0."""
        alpha = float(self.rank) if self.alpha is None else self.alpha
        return alpha / (self.rank**0.5 if self.rank_stabilised else self.rank)
