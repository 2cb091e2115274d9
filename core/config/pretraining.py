"""Configure further pretraining of the encoder, before it is trained on the tasks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from core.config.heads import Pooling
from core.config.section import ConfigSection, Probability, added
from data.tables.delimited import Quoting
from data.tasks import TaskSpec

__all__ = [
    "NLI_STAGES",
    "NO_LENGTH",
    "CosinePairsConfig",
    "MlmConfig",
    "MnrlConfig",
    "NliConfig",
    "NliFileConfig",
    "PretrainingConfig",
    "SimCseConfig",
    "StageConfig",
    "SupervisedSimCseConfig",
    "check_pretraining",
    "has_labelled_pairs",
    "parse_task_names",
]

_POOLING = "sentence vector, as in heads"
NLI_STAGES = ("nli", "supervised_simcse")
NO_LENGTH: Mapping[str, Any] = {"examples": 0, "passes": None}
"""The fields of a stage that give its length, one for each unit, and their values in a run without the stage.

A stage has its length in one unit; the field of the other has the value here.
"""
_TASKS = "tasks whose training examples are used, separated by commas; None: all suitable tasks"


class StageConfig(ConfigSection):
    """Settings of every stage: its length, its learning rate and its dropout."""

    examples: int = Field(0, ge=0, description="planned training examples; 0: no such stage")
    learning_rate: float = Field(2e-5, gt=0.0, le=1.0, description="peak rate")
    batch_size: int = Field(32, ge=1, description="examples in a batch")
    warmup: float = Field(0.1, ge=0.0, lt=1.0, description="fraction of the stage's examples")
    schedule: Literal["linear", "cosine", "constant"] = Field("linear", description="decay to 0 after the warm-up")
    weight_decay: float = Field(0.01, ge=0.0, le=1.0, description="not applied to biases and LayerNorm")
    clip_norm: float | None = Field(1.0, gt=0.0, description="maximum L2 norm of the whole gradient; None: no clipping")
    dropout: Probability | None = Field(
        None, description="in the encoder, on both hidden states and attention weights; None: as in the run"
    )
    passes: float | None = added(
        None,
        "planned passes over the stage's own examples (1.0: one epoch) in place of examples; None: examples",
        gt=0.0,
        le=1e4,
    )
    encoders: str | None = added(
        None,
        "with model.encoders = 'per-task': tasks whose encoders the stage trains, separated by commas; None: all",
    )
    lora: bool = added(
        False, "train the low-rank updates that the run then continues with; the encoder's own weights stay fixed"
    )

    def result_settings(self) -> dict[str, Any]:
        """Return the settings that the stage's result depends on, JSON-serialisable, besides the data it names."""
        return self.model_dump(mode="json", exclude={"tasks", "encoders"})

    def trains(self, encoder: str) -> bool:
        """Return whether the stage trains the encoder of this name."""
        return self.encoders is None or encoder in parse_task_names(self.encoders)

    @property
    def is_on(self) -> bool:
        """Return whether a run has the stage."""
        return bool(self.examples) or self.passes is not None

    def in_examples(self, count: int) -> Self:
        """Return the same stage with its length in examples.

        Args:
            count: number of the examples that the stage draws from; one pass sees each of them once.
        """
        if self.passes is None:
            return self
        return self.model_copy(update={"examples": max(1, round(self.passes * count)), "passes": None})

    @property
    def steps(self) -> int:
        """Return the updates until the planned examples have been seen; all batches are whole. Needs ``examples``."""
        return -(-self.examples // self.batch_size)


class MlmConfig(StageConfig):
    """Masked language modelling of the tasks' text (BERT, Devlin et al. 2019, arXiv:1810.04805, section 3.1)."""

    tasks: str | None = Field(None, description=_TASKS)
    mask_probability: float = Field(0.15, gt=0.0, lt=1.0, description="share of the tokens that are predicted")


class NliConfig(StageConfig):
    """Entailment, neutral or contradiction: a cross-encoder with three classes on the pairs of ``nli_file``."""

    pooling: Pooling = Field("cls", description=_POOLING)


class SimCseConfig(StageConfig):
    """Unsupervised SimCSE (Gao et al. 2021, arXiv:2104.08821, section 3): positives differ only by dropout."""

    batch_size: int = Field(64, ge=2, description="sentences per batch; each is a negative for all others")
    tasks: str | None = Field(None, description=_TASKS)
    pooling: Pooling = Field("cls", description=_POOLING)
    temperature: float = Field(0.05, gt=0.0, description="tau, the divisor of the cosines")
    projection: bool = Field(
        True, description="linear layer with tanh on the sentence vector, only in this stage (section 6.3)"
    )


class SupervisedSimCseConfig(StageConfig):
    """Supervised SimCSE (section 4) on the pairs of ``nli_file``, with the premise as anchor.

    Entailed sentences are positives, contradictions are hard negatives.
    """

    batch_size: int = Field(64, ge=2, description="triplets per batch; each has negatives in all others")
    pooling: Pooling = Field("cls", description=_POOLING)
    temperature: float = Field(0.05, gt=0.0, description="tau, the divisor of the cosines")
    projection: bool = Field(True, description="linear layer with tanh on the sentence vector, only in this stage")


class MnrlConfig(StageConfig):
    """Multiple negatives ranking (MNRL, Henderson et al. 2017, arXiv:1705.00652, section 4.4) on the tasks' pairs."""

    batch_size: int = Field(32, ge=2, description="pairs per batch; each has negatives in all others")
    tasks: str | None = Field(None, description=_TASKS)
    pooling: Pooling = Field("mean", description=_POOLING)
    scale: float = Field(20.0, gt=0.0, description="factor of the cosines; 1 is the plain cosine")
    positive_from: float = Field(4.0, description="scores: pairs of at least this score are positives")


class CosinePairsConfig(StageConfig):
    """Cosine embedding loss on the tasks' pairs; pairs with scores between the two bounds are left out."""

    tasks: str | None = Field(None, description=_TASKS)
    pooling: Pooling = Field("cls", description=_POOLING)
    positive_from: float = Field(3.5, description="scores: pairs of at least this score should have cosine 1")
    negative_below: float = Field(1.0, description="scores: pairs below it should have a cosine of at most the margin")
    margin: float = Field(0.0, ge=-1.0, lt=1.0, description="negatives whose cosine is below it cost nothing")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.negative_below > self.positive_from:
            raise ValueError(
                f"negative_below must be at most positive_from, got {self.negative_below:g} and {self.positive_from:g}"
            )
        return self


class NliFileConfig(ConfigSection):
    """A data file with premise, hypothesis and label; columns and labels default to those of SICK."""

    path: str | None = Field(None, min_length=1, description="relative to data.directory; None: no file")
    premise: str = Field("sentence_A", description="column of the premise")
    hypothesis: str = Field("sentence_B", description="column of the hypothesis")
    label: str = Field("entailment_label", description="column of the label")
    entailment: str = Field("ENTAILMENT", description="its value in the label column")
    neutral: str = Field("NEUTRAL", description="its value in the label column")
    contradiction: str = Field("CONTRADICTION", description="its value in the label column")
    quoting: Quoting = added("minimal", "none: quotes are plain text, as in the files of SNLI and MultiNLI")
    leave_out_known: bool = Field(
        True, description="drop pairs with a sentence that is in a train, dev or test file of the run's tasks"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(set(self.classes)) < 3:
            raise ValueError(f"entailment, neutral and contradiction must differ, got {', '.join(self.classes)}")
        columns = self.premise, self.hypothesis, self.label
        if len(set(columns)) < 3:
            raise ValueError(f"premise, hypothesis and label must be different columns, got {', '.join(columns)}")
        return self

    @property
    def classes(self) -> tuple[str, str, str]:
        """Return the labels of entailment, neutral and contradiction: classes 0, 1 and 2."""
        return self.entailment, self.neutral, self.contradiction


class PretrainingConfig(ConfigSection):
    """Stages before the tasks. Those with a length run in the order of the fields, each on the previous encoder."""

    nli_file: NliFileConfig = NliFileConfig()
    mlm: MlmConfig = MlmConfig()
    nli: NliConfig = NliConfig()
    simcse: SimCseConfig = SimCseConfig()
    supervised_simcse: SupervisedSimCseConfig = SupervisedSimCseConfig()
    mnrl: MnrlConfig = MnrlConfig()
    cosine_pairs: CosinePairsConfig = CosinePairsConfig()

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, stage in self.stages.items():
            if name in NLI_STAGES and self.nli_file.path is None:
                raise ValueError(f"pretraining.{name} needs a file of pairs; set pretraining.nli_file.path")
            if stage.examples and stage.passes is not None:
                raise ValueError(
                    f"pretraining.{name}.passes must not be combined with examples = {stage.examples}: give the length "
                    "in one of them"
                )
        return self

    @property
    def stages(self) -> dict[str, StageConfig]:
        """Return the stages of the run, in their order."""
        every = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: stage for name, stage in every.items() if isinstance(stage, StageConfig) and stage.is_on}

    def of_encoder(self, encoder: str) -> PretrainingConfig:
        """Return the pretraining of one encoder: without the stages that do not train it."""
        others = [name for name, stage in self.stages.items() if not stage.trains(encoder)]
        return self.model_copy(update={name: getattr(self, name).model_copy(update=NO_LENGTH) for name in others})

    def examples(self, encoders: Collection[str]) -> int:
        """Return the training examples that the stages see, in whole batches; equal beginnings are trained once.

        All lengths must be in examples; see :func:`core.pretraining.registry.in_examples`.
        """
        chains = [tuple(self.of_encoder(encoder).stages.items()) for encoder in encoders]
        distinct = {chain[: end + 1] for chain in chains for end in range(len(chain))}
        return sum(chain[-1][1].steps * chain[-1][1].batch_size for chain in distinct)

    @property
    def reads_nli_file(self) -> bool:
        """Return whether one of the stages is trained on ``nli_file``."""
        return any(name in NLI_STAGES for name in self.stages)


def has_labelled_pairs(spec: TaskSpec) -> bool:
    """Return whether a task's examples are pairs with a score or of two classes, so that they can be positives."""
    return spec.kind.is_pair and (spec.kind.is_score or len(spec.classes) == 2)


def parse_task_names(tasks: str) -> list[str]:
    """Return the names in a stage's ``tasks``, each once."""
    return list(dict.fromkeys(name.strip() for name in tasks.split(",")))


def check_pretraining(config: PretrainingConfig, tasks: Mapping[str, TaskSpec]) -> None:
    """Refuse stages that do not suit the run's tasks.

    Raises:
        ValueError: naming the setting's path, its value and the reason.
    """
    for name in PretrainingConfig.model_fields:
        named = getattr(getattr(config, name), "encoders", None)
        for task in [] if named is None else parse_task_names(named):
            if task not in tasks:
                raise ValueError(f"pretraining.{name}.encoders: no task '{task}'; the run has {', '.join(tasks)}")
    for name in ("mlm", "simcse", "mnrl", "cosine_pairs"):
        stage, of_pairs = getattr(config, name), name in ("mnrl", "cosine_pairs")
        here = f"pretraining.{name}"
        for task in [] if stage.tasks is None else parse_task_names(stage.tasks):
            if task not in tasks:
                raise ValueError(f"{here}.tasks = '{stage.tasks}': no task '{task}'; the run has {', '.join(tasks)}")
            if of_pairs and not has_labelled_pairs(tasks[task]):
                raise ValueError(f"{here}.tasks: task '{task}' has no pairs with a score or of two classes")
        if of_pairs and stage.is_on and not any(has_labelled_pairs(spec) for spec in tasks.values()):
            raise ValueError(f"{here} needs pairs with a score or of two classes, but no task of the run has them")
