"""Switches for heads and their losses; plain heads have cross-encoded pairs, ``[CLS]`` and one linear layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.config import HeadConfig, RunConfig
from data.tasks import TaskSpec
from search.ablate.switch import Changes, Switch, choice, technique

__all__ = ["HEAD_SWITCHES", "spelled_out"]

_PLAIN = HeadConfig()
_COMBINE = "uv-absdiff"  # what None means


def _each_head(
    name: str, fields: tuple[str, ...], own: tuple[str, ...], off: Callable[[HeadConfig, TaskSpec], Changes]
) -> Switch:
    """Make a switch that applies to each head separately; ``off`` gives the fields to change."""

    def all_heads(config: RunConfig, default: RunConfig) -> Changes:  # noqa: ARG001
        return {
            f"heads.{task}.{field}": value
            for task, head in config.heads.items()
            for field, value in off(head, config.tasks[task].spec).items()
        }

    return Switch(name, "choice", _paths(*fields), _paths(*own), all_heads)


def _paths(*fields: str) -> tuple[str, ...]:
    return tuple(f"heads.*.{field}" for field in fields)


def _combine(head: HeadConfig, spec: TaskSpec) -> Changes:  # noqa: ARG001
    return {} if (head.combine or _COMBINE) == _COMBINE else {"combine": None}


def _output(head: HeadConfig, spec: TaskSpec) -> Changes:
    """Reset the output, and with a cosine its features, which only the cosine can use."""
    if not spec.kind.is_score or head.score_output == "sigmoid":
        return {}
    plain = {"output": None, "score_classes": None, "divergence": None} | (
        {"combine": None} if head.combine == "cos" else {}
    )
    return {field: value for field, value in plain.items() if getattr(head, field) != value}


def _loss(head: HeadConfig, spec: TaskSpec) -> Changes:
    usual = head.model_copy(update={"loss": None}).loss_name(spec)
    return {} if head.loss_name(spec) == usual else {"loss": None}


def _dropout(head: HeadConfig, spec: TaskSpec) -> Changes:  # noqa: ARG001
    """Reset the dropout of the layers that the head has."""
    fields = ["dropout"]
    if head.layers > 1 or head.side_layers > 1:
        fields.append("dropout_hidden")
    if head.layers > 1:
        fields.append("dropout_last")
    plain: dict[str, Any] = {field: getattr(_PLAIN, field) for field in fields}
    return {field: value for field, value in plain.items() if getattr(head, field) != value}


HEAD_SWITCHES = (
    technique("siamese pairs", {"heads.*.pair": "cross"}),
    technique("both orders of pairs", {"heads.*.pair_order": "given"}),
    _each_head("pair features", ("combine",), (), _combine),
    technique("side layers", {"heads.*.side_layers": 0}),
    choice("pooling", {"heads.*.pooling": "cls"}),
    choice("head layers", {"heads.*.layers": 1}, _paths("hidden_size")),
    _each_head("head dropout", ("dropout", "dropout_hidden", "dropout_last"), (), _dropout),
    _each_head("score output", ("output",), ("score_classes", "score_from", "divergence"), _output),
    _each_head("task loss", ("loss",), ("cosine_margin", "cosine_threshold", "cosent_scale"), _loss),
    technique("auxiliary loss", {"heads.*.auxiliary_loss": None}, _paths("auxiliary_weight")),
    technique("label smoothing", {"heads.*.label_smoothing": 0.0}),
    technique("class weights", {"heads.*.class_weights": None, "heads.*.class_balance": 0.0}),
)


def spelled_out(config: RunConfig) -> list[Changes]:
    """Find head settings that spell out their default, each with the change that removes it.

    A loss that is the default for a cosine may not be allowed with other features.
    """
    found: list[Changes] = []
    for task, head in config.heads.items():
        if head.loss is not None and not _loss(head, config.tasks[task].spec):
            found.append({f"heads.{task}.loss": None})
        if head.combine == _COMBINE:
            found.append({f"heads.{task}.combine": None})
    return found
