"""Divide an encoder into modules that all tasks share and modules that each task has for itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

from torch import nn

from core.model.bert import Bert

__all__ = ["SplitEncoder", "copy_around", "module_tree", "with_own_layers"]


@dataclass(frozen=True)
class SplitEncoder:
    """The encoders of several tasks, which have modules in common.

    Attributes:
        shared: the modules in common, under their names in a BERT; a :class:`Bert` if tasks only add modules to it.
        own: the other modules by task, under their names in the task's encoder.
        by_task: the encoder of every task. It consists of the modules in ``shared`` and in ``own``, the same objects,
            so that whatever changes their parameters changes it too.
    """

    shared: nn.Module
    own: dict[str, nn.Module]
    by_task: dict[str, Bert]


def with_own_layers(bert: Bert, number: int, tasks: Sequence[str]) -> SplitEncoder:
    """Give every task its own copy of the topmost layers and of the pooler.

    Lower layers and embeddings stay the encoder's own modules. The copies have the same weights, and train the same of
    them.

    Args:
        bert: the encoder; it should not be used any more.
        number: number of layers that are copied, 1 up to all of the encoder's.
        tasks: at least one.
    """
    first = len(bert.layers) - number
    lower = {"embeddings": bert.embeddings, **{f"encoder.layer.{n}": bert.layers[n] for n in range(first)}}
    upper = [*(f"encoder.layer.{n}" for n in range(first, len(bert.layers))), "pooler"]
    by_task = {task: copy_around(bert, lower.values()) for task in tasks}
    own = {task: module_tree({name: copy.get_submodule(name) for name in upper}) for task, copy in by_task.items()}
    return SplitEncoder(module_tree(lower), own, by_task)


def copy_around(bert: Bert, shared: Iterable[nn.Module]) -> Bert:
    """Return a copy of an encoder that has the modules in ``shared`` in common with it."""
    # deepcopy takes what is in its memo for copied already.
    return deepcopy(bert, {id(module): module for module in shared})


def module_tree(modules: Mapping[str, nn.Module]) -> nn.Module:
    """Return a module that contains the given ones under their dotted names."""
    root = nn.Module()
    for path, module in modules.items():
        *folders, name = path.split(".")
        place = root
        for folder in folders:
            if folder not in dict(place.named_children()):
                place.add_module(folder, nn.Module())
            place = place.get_submodule(folder)
        place.add_module(name, module)
    return root
