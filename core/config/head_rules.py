"""Check that a head and its loss suit the task's kind."""

from __future__ import annotations

from core.config.heads import HeadConfig
from data.tasks import TaskSpec

__all__ = ["check_head"]


def check_head(task: str, head: HeadConfig, spec: TaskSpec) -> None:
    """Refuse a head that does not suit the task.

    Raises:
        ValueError: naming the setting's path, its value and the reason.
    """
    here = f"heads.{task}"
    _check_shape(here, head, spec)
    _check_output(here, head, spec)
    _check_loss(here, head, spec)


def _check_shape(here: str, head: HeadConfig, spec: TaskSpec) -> None:
    if not spec.kind.is_pair and head.pair != "cross":
        raise ValueError(f"{here}.pair = '{head.pair}': task '{spec.name}' has single sentences, not pairs")
    if head.pair_order == "both" and (head.pair == "siamese" or not spec.kind.is_pair):
        raise ValueError(f"{here}.pair_order = 'both' needs a task of pairs and pair = 'cross'")
    if head.pair != "siamese":
        if head.combine is not None:
            raise ValueError(f"{here}.combine = '{head.combine}' needs pair = 'siamese', got '{head.pair}'")
        if head.side_layers:
            raise ValueError(f"{here}.side_layers = {head.side_layers} needs pair = 'siamese', got '{head.pair}'")
    if head.combine == "cos" and head.layers > 1:
        raise ValueError(
            f"{here}.layers = {head.layers}: no layers can follow the cosine of combine = 'cos'; "
            "use side_layers, which precede it"
        )


def _check_output(here: str, head: HeadConfig, spec: TaskSpec) -> None:
    if head.output is not None and not spec.kind.is_score:
        raise ValueError(f"{here}.output = '{head.output}' needs scores, but task '{spec.name}' has classes")
    if not spec.kind.is_score:
        if head.divergence is not None:
            raise ValueError(
                f"{here}.divergence = '{head.divergence}' needs scores, but task '{spec.name}' has classes"
            )
        return
    output = head.score_output
    if (output in ("cos", "relu-cos", "raw-cos")) != (head.combine == "cos"):
        raise ValueError(f"{here}.output = '{output}' does not go with combine = {_quoted(head.combine)}")
    if head.score_classes is not None and output != "classes":
        raise ValueError(f"{here}.score_classes = {head.score_classes} needs output = 'classes', got '{output}'")
    if head.divergence is not None and output != "classes":
        raise ValueError(f"{here}.divergence = '{head.divergence}' needs output = 'classes', got '{output}'")
    assert spec.score_range is not None
    low, high = spec.score_range
    if output == "classes" and head.score_classes is None and (high - low) % 1:
        raise ValueError(
            f"{here}.output = 'classes' needs score_classes, because the range {low:g} to {high:g} is not whole"
        )


def _check_loss(here: str, head: HeadConfig, spec: TaskSpec) -> None:
    allowed: tuple[str, ...]
    if spec.kind.is_score:
        allowed = ("cross-entropy",) if head.score_output == "classes" else ("mse", "pearson", "cosent")
        allowed += ("bce",) if head.score_output == "sigmoid" else ()
    elif head.combine == "cos":
        allowed = ("cosine-embedding",) if len(spec.classes) == 2 else ()
    else:
        allowed = ("cross-entropy", "bce") if len(spec.classes) == 2 else ("cross-entropy",)
    if not allowed:
        raise ValueError(f"{here}.combine = 'cos': a cosine separates two classes, not {len(spec.classes)}")
    loss = head.loss_name(spec)
    what = f"task '{spec.name}' ({spec.kind})"
    if loss not in allowed:
        condition = f" with output = '{head.score_output}'" if spec.kind.is_score else ""
        condition = " with combine = 'cos'" if not condition and head.combine == "cos" else condition
        raise ValueError(f"{here}.loss = '{loss}': {what}{condition} needs {' or '.join(allowed)}")
    if head.auxiliary_loss is not None:
        if not spec.kind.is_score or head.score_output == "classes":
            raise ValueError(
                f"{here}.auxiliary_loss = '{head.auxiliary_loss}' needs scores with an output other than 'classes'"
            )
        if head.auxiliary_loss == loss:
            raise ValueError(f"{here}.auxiliary_loss = '{head.auxiliary_loss}' is the same as the loss")
    if loss != "cross-entropy":
        for name in ("label_smoothing", "class_weights", "class_balance"):
            if getattr(head, name):
                raise ValueError(f"{here}.{name} needs loss = 'cross-entropy', got '{loss}'")
    if head.class_weights is not None:
        _check_class_weights(here, head.class_weights, head, spec)


def _check_class_weights(here: str, weights: tuple[float, ...], head: HeadConfig, spec: TaskSpec) -> None:
    classes = head.class_count(spec)
    if len(weights) != classes:
        raise ValueError(f"{here}.class_weights has {len(weights)} weights for {classes} classes")
    if not any(weights):
        raise ValueError(f"{here}.class_weights: at least one class needs a weight above 0")
    if head.class_balance:
        raise ValueError(f"{here}.class_balance must be 0 if class_weights are given, got {head.class_balance}")


def _quoted(value: str | None) -> str:
    return "none" if value is None else f"'{value}'"
