"""All that can be taken out of a run: an entry for each technique of ``docs/techniques.md``, and for other settings.

A new section of RunConfig needs its entry here; a test finds those that have none.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.config import RunConfig, ScratchConfig
from core.config.augmentation import AugmentationConfig, SourceConfig
from core.config.pretraining import NO_LENGTH, PretrainingConfig, StageConfig
from search.ablate.head_switches import HEAD_SWITCHES
from search.ablate.switch import Changes, Switch, choice, setting, technique

__all__ = ["COMPANIONS", "SWITCHES"]


COMPANIONS = ("pretraining.nli_file.",)
"""Settings that only matter together with a technique, and belong to several."""

_STAGES = {
    "mlm": "masked language modelling",
    "nli": "NLI pretraining",
    "simcse": "SimCSE",
    "supervised_simcse": "supervised SimCSE",
    "mnrl": "MNRL",
    "cosine_pairs": "cosine pairs",
}
_SOURCES = {
    "phrases": "phrases of trees",
    "extra": "extra file",
    "eda": "EDA copies",
    "rephrased": "rephrasings",
}


def _loss_weights(config: RunConfig, default: RunConfig) -> Changes:  # noqa: ARG001
    """Only their ratios count."""
    if len(set(config.loss.weights.values())) == 1:
        return {}
    return {f"loss.weights.{task}": 1.0 for task, weight in config.loss.weights.items() if weight != 1.0}


def _batch_sizes(config: RunConfig, default: RunConfig) -> Changes:  # noqa: ARG001
    return {
        f"tasks.{task}.batch_size": None for task in config.tasks if config.batch_size(task) != config.budget.batch_size
    }


def _batch_order(config: RunConfig, default: RunConfig) -> Changes:  # noqa: ARG001
    """One task has its turn always."""
    plain = "round-robin"
    return {"sampler.order": plain} if len(config.tasks) > 1 and config.sampler.order != plain else {}


def _head_rate(config: RunConfig, default: RunConfig) -> Changes:  # noqa: ARG001
    rate = config.optim.head_learning_rate
    return {} if rate in (None, config.optim.learning_rate) else {"optim.head_learning_rate": None}


def _stages() -> Iterator[Switch]:
    for name, field in PretrainingConfig.model_fields.items():
        if isinstance(field.default, StageConfig):
            path = f"pretraining.{name}."
            off = {path + unit: nothing for unit, nothing in NO_LENGTH.items()}
            own = [path + each for each in type(field.default).model_fields if path + each not in off]
            yield technique(_STAGES[name], off, own)


def _sources() -> Iterator[Switch]:
    for name, field in AugmentationConfig.model_fields.items():
        if isinstance(field.default, SourceConfig):
            path = f"augmentation.*.{name}."
            own = [path + each for each in type(field.default).model_fields if each != "fraction"]
            yield technique(_SOURCES[name], {f"{path}fraction": 0.0}, own)


SWITCHES: tuple[Switch, ...] = (
    *HEAD_SWITCHES,
    Switch("loss weights", "technique", ("loss.weights.*",), (), _loss_weights),
    technique("tapered loss weights", {"loss.taper.*": "constant"}),
    technique("uncertainty weighting", {"loss.weighting": "fixed"}, ["loss.uncertainty_rate"]),
    Switch("batch sizes by task", "technique", ("tasks.*.batch_size",), ("loss.count",), _batch_sizes),
    technique(
        "SMART smoothness",
        {"smart.weight.*": 0.0},
        ["smart.mode", "smart.steps", "smart.epsilon", "smart.sigma", "smart.step_size"],
    ),
    technique("Bregman proximal point", {"proximal.weight.*": 0.0}, ["proximal.decay", "proximal.late_decay"]),
    technique("R-Drop", {"r_drop.alpha.*": 0.0}),
    technique("gradient surgery", {"gradients.rule": "sum"}, ["gradients.anchor"]),
    technique(
        "LoRA",
        {"lora.rank": 0},
        ["lora.alpha", "lora.rank_stabilised", "lora.dropout", "lora.targets", "lora.initial", "lora.embeddings"],
    ),
    technique("frozen layers", {"model.freeze": "nothing", "model.freeze_layers": 0}, ["model.frozen_dropout"]),
    technique("reinitialised layers", {"model.reinit_layers": 0}),
    technique("an encoder for each task", {"model.encoders": "shared"}),
    technique("top layers for each task", {"model.own_layers": 0}),
    technique(
        "task layers",
        {"task_layers.kind": "none"},
        ["task_layers.size", "task_layers.heads", "task_layers.mode", "task_layers.layer_norms"],
    ),
    *_stages(),
    *_sources(),
    technique("further examples alone", {"augmentation.*.original": True}),
    Switch("batch order", "choice", ("sampler.order",), ("sampler.alpha",), _batch_order),
    Switch("head learning rate", "technique", ("optim.head_learning_rate",), (), _head_rate),
    technique("layer-wise decay", {"optim.layer_decay": 1.0}),
    technique("warm-up", {"optim.warmup": 0.0}),
    choice("schedule", {"optim.schedule": "constant"}),
    technique("EMA of weights", {"optim.ema": None}),
    technique("SWA", {"swa.start": None}),
    technique("gradient accumulation", {"optim.accumulate": 1}),
    technique("gradient clipping", {"optim.clip_norm": None}),
    choice("encoder dropout", {"model.dropout": None, "model.attention_dropout": None}),
    setting("encoder", "model.encoder", *(f"model.scratch.{name}" for name in ScratchConfig.model_fields)),
    setting("row length", "model.max_length"),
    setting("learning rate", "optim.learning_rate"),
    setting("weight decay", "optim.weight_decay"),
    setting("AdamW constants", "optim.beta1", "optim.beta2", "optim.epsilon"),
    setting("batch size", "budget.batch_size"),
    setting("virtual epochs", "budget.epochs"),
    setting("training examples in use", "tasks.*.train_limit"),
)
