"""Configure a task's head and loss."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from core.config.section import ConfigSection, Probability, added
from data.tasks import TaskSpec

__all__ = ["HeadConfig", "Pooling", "ScoreOutput", "TaskLossName"]

Pooling = Literal["cls", "pooler", "mean", "max"]
TaskLossName = Literal["cross-entropy", "bce", "mse", "pearson", "cosine-embedding", "cosent"]
ScoreOutput = Literal["sigmoid", "linear", "cos", "relu-cos", "raw-cos", "classes"]


class HeadConfig(ConfigSection):
    """How a task's sentence vectors are made and turned into a prediction, and the loss it is trained with."""

    pair: Literal["cross", "siamese"] = Field(
        "cross", description="pairs: one row '[CLS] a [SEP] b [SEP]', or each sentence encoded separately"
    )
    pair_order: Literal["given", "both"] = added(
        "given",
        "cross: sentences of a pair in the given order, or in both: drawn for every training example, and averaged in "
        "predictions",
    )
    pooling: Pooling = Field(
        "cls", description="sentence vector: [CLS], [CLS] through BERT's pooler, mean or maximum over real tokens"
    )
    side_layers: int = Field(
        0, ge=0, le=16, description="siamese: linear layers with GELU between, applied to each sentence, shared by both"
    )
    combine: Literal["uv", "uv-diff", "uv-absdiff", "cos"] | None = Field(
        None,
        description="siamese: features of the head, [u;v], [u;v;v-u] or [u;v;|u-v|], or cos(u, v) as its output; "
        "None: [u;v;|u-v|]",
    )
    layers: int = Field(1, ge=1, le=16, description="linear layers; 1 is a linear head, n an MLP with GELU between")
    hidden_size: int | None = Field(None, ge=1, description="width of hidden layers; None: the encoder's")
    dropout: Probability = Field(
        0.1,
        description="on the head's input; with side layers or combine 'cos', on each sentence vector first",
    )
    dropout_hidden: Probability = Field(
        0.1, description="after every hidden layer of an MLP except the last, and between side layers"
    )
    dropout_last: Probability | None = Field(None, description="before an MLP's last layer; None: dropout_hidden")
    output: ScoreOutput | None = Field(
        None,
        description="scores: sigmoid or relu(cos) scaled to the range, cos mapped onto it, the number (linear) or "
        "cosine (raw-cos) itself, or evenly spaced classes; None: cos if combine is cos, else sigmoid",
    )
    score_classes: int | None = Field(None, ge=2, description="output 'classes': number; None: one per unit of score")
    score_from: Literal["expected", "argmax"] = Field(
        "expected", description="output 'classes': the expected class score, or the most probable one"
    )
    loss: TaskLossName | None = Field(
        None, description="None: cross-entropy for classes, cosine-embedding if combine is cos, mse for other scores"
    )
    auxiliary_loss: Literal["mse", "pearson", "cosent"] | None = Field(
        None, description="scores: a second loss, added to the first"
    )
    auxiliary_weight: float = Field(1.0, gt=0.0, description="weight of the second loss")
    divergence: Literal["kl", "squared-error"] | None = added(
        None,
        "output 'classes': how SMART, proximal steps and R-Drop compare two outputs: symmetric KL of the classes "
        "(None), or squared difference of the expected scores",
    )
    label_smoothing: Probability = Field(0.0, description="share of the label spread over all classes")
    class_weights: tuple[Annotated[float, Field(ge=0.0)], ...] | None = Field(
        None,
        description="weight of each class in cross-entropy, in the task's order; rescaled to mean 1 over the examples",
    )
    class_balance: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        description="weight class k with n_k examples by n_k^-balance, mean 1; 0: equally, 1: as if all n_k were equal",
    )
    cosine_margin: float = Field(0.0, ge=-1.0, lt=1.0, description="cosine-embedding: negatives below it cost nothing")
    cosine_threshold: float = Field(
        0.5, gt=-1.0, lt=1.0, description="cosine-embedding: above this cosine the second class is predicted"
    )
    cosent_scale: float = Field(20.0, gt=0.0, description="factor of the cosines in CoSENT")

    @property
    def score_output(self) -> ScoreOutput:
        """Return how a score task's output is interpreted."""
        return self.output or ("cos" if self.combine == "cos" else "sigmoid")

    def loss_name(self, spec: TaskSpec) -> TaskLossName:
        """Return the loss, by default the usual one of the task's kind."""
        if self.loss is not None:
            return self.loss
        if spec.kind.is_score:
            return "cross-entropy" if self.score_output == "classes" else "mse"
        return "cosine-embedding" if self.combine == "cos" else "cross-entropy"

    def class_count(self, spec: TaskSpec) -> int:
        """Return the number of classes for cross-entropy: the task's own, or those that its scores are divided into."""
        if spec.score_range is None:
            return len(spec.classes)
        low, high = spec.score_range
        return self.score_classes or round(high - low) + 1
