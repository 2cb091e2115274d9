"""Read how long a run is from its number of passes over the training sets: ``budget.passes`` of a study file.

A run itself knows only training examples, the unit of rungs, pruning and reports. Passes become examples when a study
is read: first with sizes that stand for those of the training sets, so that mistakes of the file are found before any
data are read, then with the real ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from core.config import RunConfig
from data.errors import MachineError, UserError
from data.reading import read_split
from search.display.values import shown
from search.parsing.errors import StudyFileError
from search.parsing.mistakes import Mistakes
from search.parsing.named_choice import Options
from search.parsing.pydantic_messages import validated
from search.study.base import RunTable, base_noting

__all__ = ["PASSES", "TrainingSets", "build_run", "run_noting", "training_sets"]

PASSES = ("passes", "passes_over")
"""The keys of ``budget`` that give the length of a run in passes."""

_EXAMPLES = "budget.examples"
_UNKNOWN = 10**12  # examples of a training set that is not read yet, and of a run; no rung lies beyond


@dataclass(frozen=True)
class TrainingSets:
    """How many training examples the tasks have.

    Attributes:
        sizes: examples by task; None: not known yet.
    """

    sizes: Mapping[str, int] | None = None

    def of_run(self, config: RunConfig) -> dict[str, int]:
        """Return the examples of each task that a run is trained on, without further ones."""
        sizes = self.sizes or {task: _UNKNOWN + number for number, task in enumerate(config.tasks)}
        return {task: config.tasks[task].train_size(size) for task, size in sizes.items() if task in config.tasks}


class _Passes(Options):
    """A length in passes."""

    passes: float = Field(gt=0.0, le=1e6, description="passes over the training sets, not necessarily whole")
    passes_over: Literal["joint", "smallest"] = Field(
        "joint",
        description="joint: all training sets together; smallest: the one that is used up first if all tasks have the "
        "same number of batches",
    )

    def length(self, config: RunConfig, sizes: Mapping[str, int]) -> tuple[int, str]:
        """Return the examples of a run, and in words how they were computed."""
        if self.passes_over == "joint":
            one, words = float(sum(sizes.values())), f"the joint training set of {sum(sizes.values()):,} examples"
        else:
            batches = {task: size / config.batch_size(task) for task, size in sizes.items()}
            task = min(batches, key=batches.__getitem__)
            one = batches[task] * sum(map(config.batch_size, sizes))
            words = f"the smallest training set ({task}: {sizes[task]:,} examples; as many batches of every other task)"
        examples = max(1, round(self.passes * one))
        passes = "1 pass" if self.passes == 1 else f"{shown(self.passes)} passes"
        return examples, f"{passes} over {words} = {examples:,} training examples"


def build_run(table: RunTable, sets: TrainingSets) -> tuple[RunConfig, str]:
    """Build the run of a table of settings; arguments and result are those of :func:`run_noting`.

    Raises:
        StudyFileError: under the table's key and what follows it; all mistakes.
    """
    mistakes = Mistakes()
    built = run_noting(mistakes, table, sets)
    mistakes.raise_any()
    return built


def run_noting(
    mistakes: Mistakes, table: RunTable, sets: TrainingSets, *, is_part: bool = False
) -> tuple[RunConfig, str]:
    """Build the run of a table that may have ``budget.passes``.

    Args:
        mistakes: as of :func:`search.study.base.base_noting`.
        table: likewise.
        sets: sizes of the training sets.
        is_part: as of :func:`search.study.base.base_noting`.

    Returns:
        The run, and in words how its passes became examples: "" if its length is in examples, or it is only a part.
    """
    settings, passes = _without_passes(table, mistakes, is_part=is_part)
    rest = replace(table, settings=settings)
    if passes is None:
        return base_noting(mistakes, rest, is_part=is_part), ""
    wrong = Mistakes()  # of other settings; those that depend on the length are found below
    config = base_noting(wrong, _of_length(rest, _UNKNOWN), is_part=is_part)
    if wrong:
        mistakes.note(wrong.as_error())
        return config, ""
    examples, words = passes.length(config, sets.of_run(config))
    return base_noting(mistakes, _of_length(rest, examples), is_part=is_part), "" if is_part else words


def _of_length(table: RunTable, examples: int) -> RunTable:
    return replace(table, replaced={**table.replaced, _EXAMPLES: examples})


def _without_passes(table: RunTable, mistakes: Mistakes, *, is_part: bool) -> tuple[Mapping[str, Any], _Passes | None]:
    """Return a table's settings without the passes, and the passes; None if they are missing or wrong."""
    budget = table.settings.get("budget")
    given = {name: budget[name] for name in PASSES if name in budget} if isinstance(budget, Mapping) else {}
    if not given:
        return table.settings, None
    assert isinstance(budget, Mapping)
    here = (*table.key, "budget")
    rest = {**table.settings, "budget": {name: value for name, value in budget.items() if name not in given}}
    if "passes" not in given and is_part:  # they may be given elsewhere
        given["passes"] = 1.0
    passes: _Passes | None = None
    with mistakes.noted():
        if "passes" not in given:
            raise StudyFileError((*here, "passes_over"), "needs budget.passes, the number of passes")
        passes = validated(_Passes, given, here)
        if "examples" in budget:
            raise StudyFileError(
                (*here, "passes"), "cannot be combined with budget.examples: give the length of a run in one of them"
            )
    return rest, passes


def training_sets(source: Path, config: RunConfig, synthetic: int | None) -> TrainingSets:
    """Count the training examples of a run's tasks.

    Args:
        source: the study file, for messages.
        config: has the tasks and the data folder.
        synthetic: examples of each task of a corpus that will be generated; None: no corpus is generated.

    Raises:
        UserError: a training file cannot be used.
    """
    if synthetic is not None:
        return TrainingSets(dict.fromkeys(config.tasks, synthetic))
    folder = Path(config.data.directory)
    try:
        return TrainingSets({name: len(read_split(task.spec, folder, "train")) for name, task in config.tasks.items()})
    except UserError as error:
        kind = MachineError if isinstance(error, MachineError) else UserError
        raise kind(f"{source}: budget.passes needs the sizes of the training files: {error}") from error
