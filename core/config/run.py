"""Define RunConfig: everything that one training run depends on.

A RunConfig is frozen, validated when built, hashable, and can be written to JSON and read back. A study searches over
its fields by dotted path, for example ``optim.learning_rate`` or ``heads.sts.dropout``.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any, Self

from pydantic import Field, model_validator

from core.config.augmentation import AugmentationConfig, check_augmentation
from core.config.budget import BudgetConfig, ComputeConfig, EvalConfig
from core.config.combinations import check_combinations
from core.config.gradients import GradientsConfig
from core.config.head_rules import check_head
from core.config.heads import HeadConfig
from core.config.loss import LossConfig
from core.config.model import LoraConfig, ModelConfig
from core.config.optim import OptimConfig, SwaConfig
from core.config.pretraining import PretrainingConfig, check_pretraining
from core.config.regularisers import ProximalConfig, RDropConfig, SmartConfig
from core.config.sampler import SamplerConfig
from core.config.section import ConfigSection, added
from core.config.task_layers import TaskLayersConfig
from core.config.tasks import DataConfig, TaskConfig
from data.tasks import TaskName

__all__ = ["RunConfig"]

# Defaults of tasks that are missing in a section keyed by task, so that a path such as ``smart.weight.sst`` exists.
_TASK_DEFAULTS: dict[tuple[str, ...], Any] = {
    ("augmentation",): {},
    ("heads",): {},
    ("loss", "weights"): 1.0,
    ("loss", "taper"): "constant",
    ("smart", "weight"): 0.0,
    ("proximal", "weight"): 0.0,
    ("r_drop", "alpha"): 0.0,
}


class RunConfig(ConfigSection):
    """Configuration of one training run. See the sections for units and ranges."""

    seed: int = Field(0, ge=0, lt=2**32)
    model: ModelConfig = ModelConfig()
    lora: LoraConfig = LoraConfig()
    task_layers: TaskLayersConfig = added(TaskLayersConfig(), "small layers of each task's own in a shared encoder")
    data: DataConfig = DataConfig()
    pretraining: PretrainingConfig = PretrainingConfig()
    tasks: dict[TaskName, TaskConfig] = Field(min_length=1)
    augmentation: dict[TaskName, AugmentationConfig] = Field(
        default_factory=dict, description="a task left out has no additional training examples"
    )
    heads: dict[TaskName, HeadConfig] = Field(default_factory=dict, description="a task left out has a default head")
    sampler: SamplerConfig = SamplerConfig()
    loss: LossConfig = LossConfig()
    smart: SmartConfig = SmartConfig()
    proximal: ProximalConfig = ProximalConfig()
    r_drop: RDropConfig = RDropConfig()
    gradients: GradientsConfig = GradientsConfig()
    optim: OptimConfig = OptimConfig()
    swa: SwaConfig = SwaConfig()
    budget: BudgetConfig = BudgetConfig()
    eval: EvalConfig = EvalConfig()
    compute: ComputeConfig = ComputeConfig()

    @model_validator(mode="before")
    @classmethod
    def _give_every_task_its_own(cls, values: object) -> object:
        if isinstance(values, dict) and isinstance(values.get("tasks"), dict):
            for path, default in _TASK_DEFAULTS.items():
                values = _filled(values, path, dict.fromkeys(values["tasks"], default))
        return values

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, task in self.tasks.items():
            if task.spec.name != name:
                raise ValueError(f"tasks.{name}.spec.name must be '{name}', got '{task.spec.name}'")
        for path in _TASK_DEFAULTS:
            section: Any = self
            for part in path:
                section = getattr(section, part)
            unknown = sorted(set(section) - set(self.tasks))
            if unknown:
                raise ValueError(f"{'.'.join(path)}.{unknown[0]}: no such task; the run has {', '.join(self.tasks)}")
        for name, task in self.tasks.items():
            check_head(name, self.heads[name], task.spec)
            check_augmentation(name, self.augmentation[name], task.spec)
        check_pretraining(self.pretraining, {name: task.spec for name, task in self.tasks.items()})
        check_combinations(self)
        if max(self._own_rungs) > self.budget.examples:
            raise ValueError(
                f"eval.rungs must not exceed budget.examples = {self.budget.examples}, got {max(self._own_rungs)}"
            )
        return self

    def loss_weight(self, task: str) -> float:
        """Return the task's loss weight, rescaled so that the weights of all tasks have mean 1."""
        weights = self.loss.weights
        return weights[task] * len(weights) / sum(weights.values())

    def batch_size(self, task: str) -> int:
        """Return the number of examples per batch of the task."""
        return self.tasks[task].batch_size or self.budget.batch_size

    def batch_share(self, task: str) -> float:
        """Return the factor of a batch's mean loss that gives every example the same weight.

        It is 1 if every batch has the same weight (``loss.count = 'batches'``). The mean over the tasks is 1.
        """
        if self.loss.count == "batches":
            return 1.0
        sizes = [self.batch_size(name) for name in self.tasks]
        return self.batch_size(task) * len(sizes) / sum(sizes)

    @property
    def folds(self) -> int | None:
        """Return how many folds the tasks' rows are in; None if train and dev have rows of their own."""
        return next(iter(self.tasks.values())).spec.folds

    @property
    def models(self) -> int:
        """Return how many models the run trains, one after the other: one for each fold, or a single one."""
        return 1 if self.folds is None or self.data.fold is not None else self.folds

    def in_fold(self, fold: int) -> RunConfig:
        """Return the run of one fold: trained on the rows of all others, and scored on those of this one."""
        return self.model_copy(update={"data": self.data.model_copy(update={"fold": fold})})

    @property
    def single(self) -> RunConfig:
        """Return the run of a single model: this one, or that of the first fold."""
        return self if self.models == 1 else self.in_fold(0)

    @property
    def examples(self) -> int:
        """Return the training examples of the whole run: ``budget.examples`` for each of its models."""
        return self.models * self.budget.examples

    @property
    def rungs(self) -> tuple[int, ...]:
        """Return where dev is scored, in training examples, ascending; the last is always :attr:`examples`.

        The models of folds are trained one after the other: the rungs of fold f lie ``f * budget.examples`` further.
        """
        length = self.budget.examples
        return tuple(fold * length + rung for fold in range(self.models) for rung in self._own_rungs)

    @property
    def _own_rungs(self) -> tuple[int, ...]:
        return self.eval.positions(self.budget.examples)

    def dev_share(self, rung: int) -> float:
        """Return the share of the scored dev examples, and of ``eval.train_examples``, that a rung scores.

        In a run over folds, it is the share of the folds whose models are trained to the end; 0 in the first one.
        """
        if self.models > 1:
            return rung // self.budget.examples / self.models
        return self.eval.early_share if rung < self.budget.examples else 1.0

    @property
    def warmup_examples(self) -> int:
        """Return the training examples until the learning rate has reached its peak."""
        return math.ceil(self.optim.warmup * self.budget.examples)

    def canonical_json(self) -> str:
        """Return the same text for equal configs in any process: sorted keys, except tasks, whose order matters."""
        return _canonical(self.model_dump(mode="json"))

    @property
    def digest(self) -> str:
        """Return the SHA-256 of everything except the folder of the data files, which may move; 64 hex digits."""
        return stored_digest(self.canonical_json())

    def is_same_run(self, other: RunConfig) -> bool:
        """Return whether both describe the same run; data and encoder may have moved to other folders since."""
        model = self.model.model_copy(update={"encoder": other.model.encoder})
        return self.model_copy(update={"model": model}).digest == other.digest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunConfig) and self.canonical_json() == other.canonical_json()

    def __hash__(self) -> int:
        return hash(self.canonical_json())


def stored_digest(canonical_json: str) -> str:
    """Return the digest of the config with this :meth:`RunConfig.canonical_json`, without validating it."""
    tree = json.loads(canonical_json)
    del tree["data"]["directory"]
    return hashlib.sha256(_canonical(tree).encode()).hexdigest()


def _canonical(tree: dict[str, Any]) -> str:
    return json.dumps(_sorted(tree, list(tree["tasks"])), separators=(",", ":"))


def _sorted(tree: Any, tasks: list[str]) -> Any:
    """Sort the keys of nested dictionaries, except those with one key per task."""
    if not isinstance(tree, dict):
        return tree
    keys = tasks if tree.keys() == set(tasks) else sorted(tree)
    return {key: _sorted(tree[key], tasks) for key in keys}


def _filled(values: dict[str, Any], path: tuple[str, ...], defaults: dict[str, Any]) -> dict[str, Any]:
    """Return ``values`` with missing entries under ``path`` filled from the defaults; wrong types are left alone."""
    name, *rest = path
    inner = values.get(name)
    if isinstance(inner, ConfigSection):
        inner = inner.model_dump()
    if inner is None:
        inner = {}
    if not isinstance(inner, dict):
        return values
    return {**values, name: _filled(inner, tuple(rest), defaults) if rest else {**defaults, **inner}}
