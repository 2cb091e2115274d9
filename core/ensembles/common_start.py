"""Check that runs can be souped: they must have started at the same weights of the same model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.config import RunConfig
from core.config.pretraining import NLI_STAGES, NO_LENGTH
from data.errors import UserError

__all__ = ["check_common_start"]

# Sections that define where training starts and what the weights mean; by section, settings that only affect training.
_TRAINING_ONLY = {
    "seed": (),
    "pretraining": (),
    "task_layers": (),
    "model": ("dropout", "attention_dropout", "freeze", "freeze_layers", "frozen_dropout"),
    "heads": (
        *("dropout", "dropout_hidden", "dropout_last", "auxiliary_loss", "auxiliary_weight", "label_smoothing"),
        *("class_weights", "class_balance", "cosine_margin", "cosent_scale"),
    ),
}


def check_common_start(configs: Mapping[str, RunConfig]) -> None:
    """Refuse runs whose weights cannot be averaged.

    Averaging weights works for runs that began at one point and stayed in one basin (Wortsman et al. 2022,
    arXiv:2203.05482, section 4). Heads start from random weights that depend on the seed: with two seeds, a unit of a
    head has a different meaning in each run, and their mean has none. LoRA may differ: its updates are merged into the
    encoder's weights before averaging, so it starts at the encoder itself.

    Args:
        configs: the runs, by their names in messages.

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
    """Return whether it is a setting of a stage that one of the runs lacks; the missing stage is reported instead."""
    parts = path.split(".")
    if parts[0] != "pretraining" or parts[-1] in NO_LENGTH:
        return False
    name = parts[1]
    stages = NLI_STAGES if name == "nli_file" else (name,)
    lengths = [f"pretraining.{stage}.{length}" for stage in stages for length in NO_LENGTH]
    return not all(any(start.get(length) for length in lengths) for start in starts)


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
