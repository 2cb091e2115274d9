"""Which runs may be souped: those that started at the same weights of the same model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.config import RunConfig
from core.config.pretraining import NLI_STAGES
from data.errors import UserError

__all__ = ["check_common_start"]

# Sections that say where training starts and what the weights mean, and what in them acts in training alone.
_TRAINING_ONLY = {
    "seed": (),
    "pretraining": (),
    "model": ("dropout", "attention_dropout", "freeze", "freeze_layers"),
    "heads": (
        *("dropout", "dropout_hidden", "dropout_last", "auxiliary_loss", "auxiliary_weight", "label_smoothing"),
        *("class_weights", "class_balance", "cosine_margin", "cosent_scale"),
    ),
}


def check_common_start(configs: Mapping[str, RunConfig]) -> None:
    """Refuse runs whose weights cannot be averaged.

    Averaging weights works for runs that began at one point and stayed in one basin (Wortsman et al. 2022,
    arXiv:2203.05482, section 4). Heads begin at random weights that the seed draws: with two seeds a unit of a head
    means something else in each run, and the mean of both means nothing. LoRA may differ, as its updates are merged
    into the encoder's weights before they are averaged: it starts at the encoder itself.

    Args:
        configs: the runs, by what messages call them.

    Raises:
        UserError: naming the first run that does not fit the first of all, and every setting that differs.
    """
    (first, reference), *others = ((name, _start(config)) for name, config in configs.items())
    for name, start in others:
        different = [
            f"{path} ({_shown(reference, path)} and {_shown(start, path)})"
            for path in sorted({*reference, *start})
            if _shown(reference, path) != _shown(start, path) and not _is_idle(path, reference, start)
        ]
        if different:
            raise UserError(
                f"{first} and {name} cannot be souped, as they differ in {', '.join(different)}: weights can be "
                "averaged where runs have one seed, one encoder and one architecture; average their predictions instead"
            )


def _is_idle(path: str, *starts: dict[str, Any]) -> bool:
    """Whether it is a setting of a stage that one of the runs has not; that the other one has it is told instead."""
    parts = path.split(".")
    if parts[0] != "pretraining" or parts[-1] == "examples":
        return False
    name = parts[1]
    stages = NLI_STAGES if name == "nli_file" else (name,)
    return not all(any(start[f"pretraining.{stage}.examples"] for stage in stages) for start in starts)


def _start(config: RunConfig) -> dict[str, Any]:
    tree = config.model_dump(mode="json", include=set(_TRAINING_ONLY))
    return {
        path: value
        for path, value in _leaves(tree, ())
        if path.rpartition(".")[2] not in _TRAINING_ONLY[path.partition(".")[0]]
    }


def _leaves(value: Any, path: tuple[str, ...]) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [leaf for name, inner in value.items() for leaf in _leaves(inner, (*path, name))]
    return [(".".join(path), value)]


def _shown(start: dict[str, Any], path: str) -> str:
    value = start.get(path)
    return "none" if value is None else str(value)
