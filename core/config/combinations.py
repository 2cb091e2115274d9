"""Refuse settings that do not work together before anything is trained, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from core.config.own_layers import own_layer_mistakes

if TYPE_CHECKING:
    from core.config.heads import HeadConfig
    from core.config.run import RunConfig

__all__ = ["check_combinations"]

# Two points always lie on a line: with fewer than three examples the correlation is 1 or -1 for any model.
_LEAST_FOR_PEARSON = 3
_LEAST_FOR_RANKS = 2


def check_combinations(config: RunConfig) -> None:
    """Refuse settings that do not work together.

    Raises:
        ValueError: naming the setting's path and the reason.
    """
    for rule in _RULES:
        for reason in rule(config):
            raise ValueError(reason)


def _loss_weights(config: RunConfig) -> Iterator[str]:
    if not any(config.loss.weights.values()):
        yield "loss.weights: at least one task needs a weight above 0"
    if config.loss.weighting != "uncertainty":
        return
    for name, head in config.heads.items():
        if not config.loss.weights[name]:
            yield f"loss.weights.{name} = 0: loss.weighting = 'uncertainty' needs initial weights above 0"
        if config.loss.taper[name] != "constant":
            yield f"loss.taper.{name} = '{config.loss.taper[name]}' needs loss.weighting = 'fixed'"
        if "pearson" in (head.loss, head.auxiliary_loss):
            # exp(-s) L + s / 2 has no minimum where L is negative.
            yield (
                f"loss.weighting = 'uncertainty' needs losses of at least 0, and the Pearson loss of task '{name}' "
                "can be negative"
            )


def _batch_sizes(config: RunConfig) -> Iterator[str]:
    for name, head in config.heads.items():
        size = config.batch_size(name)
        for field, loss in (("loss", head.loss), ("auxiliary_loss", head.auxiliary_loss)):
            if loss == "pearson" and size < _LEAST_FOR_PEARSON:
                yield (
                    f"heads.{name}.{field} = 'pearson' needs batches of at least {_LEAST_FOR_PEARSON} examples (8 or "
                    f"more work well), because two points always correlate; got {size}"
                )
            if loss == "cosent" and size < _LEAST_FOR_RANKS:
                yield (
                    f"heads.{name}.{field} = 'cosent' compares the examples of a batch and needs at least "
                    f"{_LEAST_FOR_RANKS}, got {size}"
                )


def _gradients(config: RunConfig) -> Iterator[str]:
    rule = config.gradients.rule
    anchor = config.gradients.anchor
    if anchor is not None and anchor not in config.tasks:
        yield f"gradients.anchor must be one of {', '.join(config.tasks)}, got '{anchor}'"
    if rule == "sum":
        return
    if len(config.tasks) < 2:
        yield f"gradients.rule = '{rule}' needs several tasks, but the run has one"
    if config.model.encoders == "per-task":
        yield (
            f"gradients.rule = '{rule}' needs a shared encoder; with model.encoders = 'per-task' the tasks share no "
            "parameters in which their gradients could conflict"
        )
    if config.model.freeze == "encoder":
        yield f"gradients.rule = '{rule}' needs gradients of the encoder, which model.freeze = 'encoder' removes"
    if rule == "anchored":
        yield from _anchor(config)
    elif config.sampler.order == "sequence":
        yield (
            f"gradients.rule = '{rule}' compares the tasks of one update, but sampler.order = 'sequence' trains one "
            "task for a whole virtual epoch; use sampler.order = 'together'"
        )
    elif config.sampler.order != "together" and config.optim.accumulate == 1:
        yield (
            f"gradients.rule = '{rule}' compares the tasks of one update, but sampler.order = "
            f"'{config.sampler.order}' gives one task at a time; use sampler.order = 'together', or optim.accumulate"
        )


def _anchor(config: RunConfig) -> Iterator[str]:
    anchor = config.gradients.anchor
    if anchor is None:
        yield f"gradients.anchor must be one of {', '.join(config.tasks)} with gradients.rule = 'anchored', got none"
    elif not config.loss.weights[anchor]:
        yield (
            f"loss.weights.{anchor} = 0, but task '{anchor}' is gradients.anchor: nothing conflicts with a gradient "
            "that is always 0"
        )


def _layers(config: RunConfig) -> Iterator[str]:
    """Check the layers of an encoder from scratch; those of other encoders are checked when they are loaded."""
    if config.model.scratch is None:
        return
    layers = config.model.scratch.layers
    frozen, reinitialised = config.model.freeze_layers, config.model.reinit_layers
    for name, number in (("freeze_layers", frozen), ("reinit_layers", reinitialised)):
        if number > layers:
            yield f"model.{name} = {number}, but model.scratch.layers = {layers}"
    if reinitialised and frozen + reinitialised > layers:
        yield (
            f"model.freeze_layers = {frozen} and model.reinit_layers = {reinitialised} overlap, because "
            f"model.scratch.layers = {layers}"
        )
    yield from own_layer_mistakes(config, layers, f"model.scratch.layers = {layers}")


def _lora(config: RunConfig) -> Iterator[str]:
    model = config.model
    if not config.lora.rank:
        return
    if model.freeze != "nothing" or model.freeze_layers:
        yield "lora.rank above 0 already freezes the encoder; remove model.freeze and model.freeze_layers"
    if model.reinit_layers:
        yield "model.reinit_layers needs lora.rank = 0: LoRA would freeze the random layers"


def _task_layers(config: RunConfig) -> Iterator[str]:
    kind = config.task_layers.kind
    if kind == "none":
        return
    if config.model.encoders == "per-task":
        yield f"task_layers.kind = '{kind}' needs a shared encoder; with model.encoders = 'per-task' none is shared"
    if config.model.own_layers:
        yield (
            f"task_layers.kind = '{kind}' and model.own_layers = {config.model.own_layers} both give each task layers "
            "of its own; choose one of them"
        )


def _stages(config: RunConfig) -> Iterator[str]:
    for name, stage in config.pretraining.stages.items():
        if stage.encoders is not None and config.model.encoders != "per-task":
            yield f"pretraining.{name}.encoders = '{stage.encoders}' needs model.encoders = 'per-task'"
        if stage.lora and not config.lora.rank:
            yield f"pretraining.{name}.lora = true needs lora.rank above 0"
    names = config.tasks if config.model.encoders == "per-task" else [""]
    for chain in (config.pretraining.of_encoder(name).stages for name in names):
        trained = [name for name, stage in chain.items() if stage.lora]
        later = list(chain)[list(chain).index(trained[0]) :] if trained else []
        for name in later:
            if not chain[name].lora:
                yield f"pretraining.{name}.lora must be true too: it continues from stage {trained[0]}"
                return


def _frozen(config: RunConfig) -> Iterator[str]:
    if config.model.freeze != "encoder" or config.task_layers.kind != "none":
        return
    for name, head in config.heads.items():
        if head.combine == "cos" and not head.side_layers:
            yield (
                f"model.freeze = 'encoder' leaves task '{name}' nothing to train, because a cosine has no weights; "
                f"set heads.{name}.side_layers"
            )


def _averages(config: RunConfig) -> Iterator[str]:
    if config.swa.start is not None and config.optim.ema is not None:
        yield "swa.start and optim.ema both select the weights to score; remove one of them"


def _dropout(config: RunConfig) -> Iterator[str]:
    """Check that R-Drop has dropout, because it compares two passes that differ only by dropout."""
    in_updates = config.lora.dropout if config.lora.rank else 0.0
    model = config.model
    is_fixed = model.freeze == "encoder" and not model.frozen_dropout and config.task_layers.kind == "none"
    if in_updates or (not is_fixed and (model.dropout != 0 or model.attention_dropout != 0)):
        return
    where = "model.frozen_dropout = false, and the head has none" if is_fixed else "all dropout rates of the task are 0"
    for name, alpha in config.r_drop.alpha.items():
        if alpha and not any(_head_dropouts(config.heads[name])):
            yield f"r_drop.alpha.{name} = {alpha:g} needs dropout, but {where}"


def _head_dropouts(head: HeadConfig) -> Iterator[float]:
    """Yield the dropout rates that the head's layers use."""
    yield head.dropout
    if head.layers > 1:
        yield head.dropout_hidden if head.dropout_last is None else head.dropout_last
    if head.layers > 2 or head.side_layers > 1:
        yield head.dropout_hidden


_LEAKING = {
    "phrases": "its phrases are of all training rows, also of those that a fold is scored on",
    "rephrased": "its rephrasings are of all training rows, also of those that a fold is scored on",
}


def _folds(config: RunConfig) -> Iterator[str]:
    counts = {name: task.spec.folds for name, task in config.tasks.items()}
    if len(set(counts.values())) > 1:
        yield f"all tasks need the same number of folds, got {', '.join(f'{n}: {k}' for n, k in counts.items())}"
    fold, folds = config.data.fold, config.folds
    if fold is not None and (folds is None or fold >= folds):
        yield f"data.fold must be below the number of folds, {folds}, got {fold}"
    if folds is None:
        return
    if config.eval.early_share < 1.0:
        yield f"eval.early_share = {config.eval.early_share:g} cannot be combined with folds, which are parts already"
    for name, task in config.tasks.items():
        if task.dev_limit is not None:
            yield f"tasks.{name}.dev_limit cannot be combined with folds, in which every row is scored once"
        for source, why in _LEAKING.items():
            if source in config.augmentation[name].sources:
                yield f"augmentation.{name}.{source} cannot be combined with folds: {why}"


_RULES: tuple[Callable[[RunConfig], Iterator[str]], ...] = (
    _loss_weights,
    _batch_sizes,
    _gradients,
    _layers,
    _lora,
    _task_layers,
    _stages,
    _frozen,
    _averages,
    _dropout,
    _folds,
)
