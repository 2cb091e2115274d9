"""RunConfig: everything that one training run depends on.

Frozen, validated when built, hashable, and JSON both ways. A study searches over its fields by dotted path, for
example ``optim.learning_rate`` or ``heads.sts.dropout``.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from data.tasks import TaskName, TaskSpec

__all__ = [
    "BudgetConfig",
    "ComputeConfig",
    "DataConfig",
    "EvalConfig",
    "HeadConfig",
    "LossConfig",
    "ModelConfig",
    "OptimConfig",
    "RunConfig",
    "SamplerConfig",
    "ScratchConfig",
    "TaskConfig",
]

Probability = Annotated[float, Field(ge=0.0, lt=1.0)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ScratchConfig(_Section):
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


class ModelConfig(_Section):
    """The encoder."""

    encoder: str = Field(
        "bert-base-uncased",
        min_length=1,
        description="a folder in Hugging Face layout, a Hub name, 'minilm', or 'scratch'",
    )
    scratch: ScratchConfig | None = Field(None, description="shape of the encoder, only with encoder = 'scratch'")
    max_length: int = Field(128, ge=8, le=512, description="tokens per row, special tokens included; longer is cut")
    dropout: Probability | None = Field(None, description="on hidden states; None keeps the encoder's own")
    attention_dropout: Probability | None = Field(None, description="on attention weights; None keeps the encoder's")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.encoder == "scratch") != (self.scratch is not None):
            raise ValueError("model.scratch is given exactly when model.encoder = 'scratch'")
        return self


class DataConfig(_Section):
    """Where the split files are."""

    directory: str = Field("data", min_length=1, description="folder that holds the tasks' files")


class TaskConfig(_Section):
    """A task's part in the run."""

    spec: TaskSpec
    score_weight: float = Field(1.0, gt=0.0, description="weight in the overall score, relative to the other tasks")
    train_limit: int | None = Field(None, ge=1, description="use a fixed random subset of this many training examples")
    dev_limit: int | None = Field(None, ge=2, description="score on a fixed random subset of this many dev examples")


class HeadConfig(_Section):
    """How a task's sentence vectors are made and turned into its prediction."""

    pair: Literal["cross", "siamese"] = Field(
        "cross", description="pairs: one row '[CLS] a [SEP] b [SEP]', or each sentence encoded apart"
    )
    combine: Literal["uv", "uv-diff", "uv-absdiff"] | None = Field(
        None, description="siamese: [u;v], [u;v;v-u] or [u;v;|u-v|] goes into the head; None: the last"
    )
    pooling: Literal["cls", "pooler", "mean", "max"] = Field(
        "cls", description="sentence vector: [CLS], [CLS] through BERT's pooler, mean or maximum over real tokens"
    )
    layers: int = Field(1, ge=1, le=16, description="linear layers; 1 is a linear head, n an MLP with GELU between")
    hidden_size: int | None = Field(None, ge=1, description="width of the MLP's hidden layers; None: the encoder's")
    dropout: Probability = Field(0.1, description="on the head's input")
    dropout_hidden: Probability = Field(0.1, description="after every hidden layer of an MLP")
    loss: Literal["cross-entropy", "bce", "mse"] | None = Field(
        None, description="None: cross-entropy for classes, mse (sigmoid scaled to the score range) for scores"
    )


class SamplerConfig(_Section):
    """Which task each training step's batch comes from."""

    order: Literal["proportional", "annealed", "round-robin"] = Field(
        "proportional",
        description="p_i ~ N_i^alpha; alpha falling from 1 to 0.2 over the virtual epochs (Stickland & Murray 2019); "
        "or the tasks in turn",
    )
    alpha: float = Field(0.5, ge=0.0, le=1.0, description="1: by size, 0.5: square root, 0: uniform")


class LossConfig(_Section):
    """Task losses."""

    weights: dict[TaskName, Annotated[float, Field(ge=0.0)]] = Field(
        default_factory=dict, description="relative weight of each task's loss, rescaled to mean 1; missing means 1"
    )


class OptimConfig(_Section):
    """AdamW with warm-up and decay."""

    learning_rate: float = Field(2e-5, gt=0.0, le=1.0, description="peak rate")
    weight_decay: float = Field(0.01, ge=0.0, le=1.0, description="not on biases and LayerNorm")
    beta1: float = Field(0.9, ge=0.0, lt=1.0)
    beta2: float = Field(0.999, ge=0.0, lt=1.0)
    epsilon: float = Field(1e-8, gt=0.0)
    warmup: float = Field(0.1, ge=0.0, lt=1.0, description="fraction of the planned examples")
    schedule: Literal["linear", "cosine", "constant"] = Field("linear", description="after the warm-up, down to 0")
    clip_norm: float | None = Field(1.0, gt=0.0, description="largest L2 norm of the whole gradient; None: no clipping")
    ema: float | None = Field(
        None, gt=0.0, lt=1.0, description="evaluate an exponential moving average of the weights with this decay a step"
    )


class BudgetConfig(_Section):
    """How much a full run trains."""

    examples: int = Field(20_000, ge=1, description="planned training examples, all tasks together")
    batch_size: int = Field(16, ge=1, description="examples per step")
    epochs: int = Field(10, ge=1, description="virtual epochs that the planned examples are counted in by schedules")


class EvalConfig(_Section):
    """When and how dev is scored."""

    rungs: int | tuple[int, ...] = Field(
        5, description="number of evenly spaced evaluations, or their positions in training examples"
    )
    batch_size: int = Field(64, ge=1, description="examples per forward pass")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if isinstance(self.rungs, int):
            if self.rungs < 1:
                raise ValueError(f"eval.rungs must be at least 1, got {self.rungs}")
        elif not self.rungs or list(self.rungs) != sorted(set(self.rungs)) or self.rungs[0] < 1:
            raise ValueError(f"eval.rungs must rise from at least 1, got {list(self.rungs)}")
        return self


class ComputeConfig(_Section):
    """What a run's floating-point sums depend on besides the numbers."""

    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="auto: cuda, else mps, else cpu")
    threads: int = Field(1, ge=1, description="CPU threads of one run")


class RunConfig(_Section):
    """One training run. See the sections for units and ranges."""

    seed: int = Field(0, ge=0, lt=2**32)
    model: ModelConfig = ModelConfig()
    data: DataConfig = DataConfig()
    tasks: dict[TaskName, TaskConfig] = Field(min_length=1)
    heads: dict[TaskName, HeadConfig] = Field(default_factory=dict, description="a task left out has a default head")
    sampler: SamplerConfig = SamplerConfig()
    loss: LossConfig = LossConfig()
    optim: OptimConfig = OptimConfig()
    budget: BudgetConfig = BudgetConfig()
    eval: EvalConfig = EvalConfig()
    compute: ComputeConfig = ComputeConfig()

    @model_validator(mode="before")
    @classmethod
    def _give_every_task_a_head(cls, values: object) -> object:
        """So that ``heads.sst.dropout`` is a path that exists for every task."""
        if isinstance(values, dict) and isinstance(values.get("tasks"), dict):
            heads = values.get("heads") or {}
            if isinstance(heads, dict):
                return {**values, "heads": {**{name: {} for name in values["tasks"]}, **heads}}
        return values

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, task in self.tasks.items():
            if task.spec.name != name:
                raise ValueError(f"tasks.{name}.spec is named '{task.spec.name}'")
            _check_head(name, self.heads[name], task.spec)
        for section, names in (("heads", self.heads), ("loss.weights", self.loss.weights)):
            unknown = sorted(set(names) - set(self.tasks))
            if unknown:
                raise ValueError(f"{section}.{unknown[0]}: no such task; the run has {', '.join(self.tasks)}")
        if not any(self.loss_weight(name) > 0 for name in self.tasks):
            raise ValueError("loss.weights: at least one task needs a weight above 0")
        rungs = self.eval.rungs
        if isinstance(rungs, tuple) and rungs[-1] > self.budget.examples:
            raise ValueError(f"eval.rungs ends at {rungs[-1]}, beyond budget.examples = {self.budget.examples}")
        return self

    def loss_weight(self, task: str) -> float:
        """The task's loss weight rescaled so that the weights of all tasks have mean 1."""
        weights = {name: self.loss.weights.get(name, 1.0) for name in self.tasks}
        total = sum(weights.values())
        return weights[task] * len(weights) / total if total else 0.0

    @property
    def rungs(self) -> tuple[int, ...]:
        """Where dev is scored, in training examples, rising; the last is always ``budget.examples``."""
        examples, rungs = self.budget.examples, self.eval.rungs
        if isinstance(rungs, int):
            count = min(rungs, examples)
            return tuple(round(examples * (k + 1) / count) for k in range(count))
        return rungs if rungs[-1] == examples else (*rungs, examples)

    def canonical_json(self) -> str:
        """The same text for equal configs, in any process."""
        return _canonical(self.model_dump(mode="json"))

    @property
    def digest(self) -> str:
        """SHA-256 over everything but the place of the data files, which may move; 64 hex digits."""
        tree = json.loads(self.canonical_json())
        del tree["data"]["directory"]
        return hashlib.sha256(_canonical(tree).encode()).hexdigest()

    def __hash__(self) -> int:
        return hash(self.canonical_json())


def _canonical(tree: object) -> str:
    return json.dumps(tree, sort_keys=True, separators=(",", ":"))


def _check_head(task: str, head: HeadConfig, spec: TaskSpec) -> None:
    if not spec.kind.is_pair and head.pair != "cross":
        raise ValueError(f"heads.{task}.pair = '{head.pair}': task '{task}' reads one sentence, not a pair")
    if head.combine is not None and head.pair != "siamese":
        raise ValueError(f"heads.{task}.combine = '{head.combine}' is for siamese pairs, got pair = '{head.pair}'")
    allowed: tuple[str, ...] = ("mse",) if spec.kind.is_score else ("cross-entropy",)
    if len(spec.classes) == 2:
        allowed += ("bce",)
    if head.loss is not None and head.loss not in allowed:
        raise ValueError(f"heads.{task}.loss = '{head.loss}': task '{task}' ({spec.kind}) takes {' or '.join(allowed)}")
