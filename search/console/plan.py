"""Print what a study is going to do: its space, its budget, and how long it may take."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from core.run.speed import Speed
from search.display.table import Table
from search.display.terminal_table import print_table
from search.display.values import duration
from search.driver.budget import Remaining
from search.preflight.data import DataReport
from search.space.variants import VARIANT
from search.study.spec import StudySpec

__all__ = ["show_data", "show_estimate", "show_own_classes", "show_plan", "show_warnings"]

_BUSY = 1.5  # programs that want to run, for each core


def show_plan(console: Console, spec: StudySpec) -> None:
    """Print the search space and the budget, and a warning for whatever is left out of them."""
    console.print(Text.assemble("study ", (spec.name, "bold"), f"  {spec.description}"), soft_wrap=True)
    columns = ("setting", "kind", "values", "only if")
    print_table(console, Table("search space", columns, tuple(spec.space.describe())))
    console.print(budget_line(spec), soft_wrap=True)
    for line in _lengths(spec):
        console.print(f"length: {line}", soft_wrap=True)
    outside = [f"no trial of the default configuration: {note}" for note in spec.space.encode(spec.base).notes]
    show_warnings(console, [*spec.notes, *outside])


def budget_line(spec: StudySpec) -> str:
    """Describe the budget: ``budget: 16 trials of up to 12,000 training examples, dev scored at 1,500, 3,000, ...``."""
    where = "at the rungs below" if spec.own_rungs else f"at {_listed(spec.base.rungs)}"
    if (early := spec.base.eval.early_share) < 1.0:
        where += f" ({early:.3g} of it before the last)"
    number = "any number of" if spec.trials is None else spec.trials
    folds = "" if spec.base.folds is None else f" ({spec.base.folds} folds)"
    ends = "" if spec.stop.is_empty else f"; no new trial {spec.stop.describe()}"
    return (
        f"budget: {number} trials of up to {spec.longest_run:,} training examples{folds}, dev scored "
        f"{where}; sampler {spec.sampler.describe()}, pruner {spec.pruner.describe()}, {spec.workers} worker(s) of "
        f"{spec.base.compute.threads} thread(s){_where(spec)}{ends}"
    )


def _where(spec: StudySpec) -> str:
    """Name the GPUs that workers are pinned to."""
    return f" on {', '.join(device.name for device in spec.devices)}" if spec.devices else ""


def _listed(rungs: Iterable[int]) -> str:
    return ", ".join(f"{rung:,}" for rung in rungs)


def _lengths(spec: StudySpec) -> Iterator[str]:
    """Yield how long runs are, where passes say so or the variants differ."""
    if not spec.own_rungs:
        yield from (": ".join(filter(None, one)) for one in spec.lengths.items())
    for name, rungs in spec.own_rungs.items():
        length = spec.lengths.get(name, f"{rungs[-1]:,} training examples")
        yield f"{name}: {length}, dev scored at {_listed(rungs)}"


def show_own_classes(console: Console, spec: StudySpec) -> None:
    """Say of the user's own classes that they are checked later: a plan runs no code of the user."""
    for kind, choice in (("sampler", spec.sampler), ("pruner", spec.pruner)):
        if choice.is_own_class:
            console.print(f"note: the {kind} {choice.name} is loaded, and checked, when the study runs", soft_wrap=True)


def show_data(console: Console, report: DataReport) -> None:
    """Print the sizes of the splits, and the numbers of further training examples."""
    for task in report.sizes:
        console.print(f"data:   {task}: {report.describe(task)}", soft_wrap=True)
    for line in report.further:
        console.print(f"data:   {line}", soft_wrap=True)


def show_warnings(console: Console, warnings: Iterable[str]) -> None:
    """Print one line for each warning."""
    for warning in warnings:
        console.print(f"warning: {warning}", style="yellow", soft_wrap=True)


def show_estimate(console: Console, speed: Speed, spec: StudySpec, ahead: Remaining) -> float:
    """Print how long the remaining trials take, and return the seconds of one full trial of the base.

    The base's pretraining stages count once, because their result is stored and shared. In a comparison only the first
    variant is measured; since that says little about the others, no total is estimated.
    """
    one = speed.seconds(spec.base)
    if speed.pretraining_seconds:
        console.print(
            f"stages: further pretraining of the base takes about {duration(speed.pretraining_seconds)} (measured), "
            "counted once below, because trials with the same stages share it",
            soft_wrap=True,
        )
    console.print(
        f"speed:  {speed.train_examples_per_second:.0f} training examples/s, "
        f"{speed.eval_examples_per_second:.0f} dev examples/s (measured); {_how_long(one, speed, spec, ahead)}",
        soft_wrap=True,
    )
    if console.is_terminal and (busy := _busy_cores()):
        console.print(
            f"note:   other programs keep about {busy} of the {os.cpu_count()} cores busy, so this estimate may be far "
            "too long; one thread for each worker (--threads 1) suffers least",
            soft_wrap=True,
        )
    return one


def _busy_cores() -> int | None:
    """Return how many cores other programs use, if these are most of the machine's and the system tells."""
    try:
        load, cores = os.getloadavg()[0], os.cpu_count() or 1
    except (AttributeError, OSError):  # not on Windows
        return None
    return min(round(load), cores) if load > _BUSY * cores else None


def _how_long(one: float, speed: Speed, spec: StudySpec, ahead: Remaining) -> str:
    variant = spec.space.chosen(spec.base).get(VARIANT)
    if variant is not None:
        length, examples = "", ""
        if planned := spec.planned_examples:
            length = f" for its {planned[0]:,} examples"
            examples = f" of {sum(planned):,} examples" if ahead.trials == len(planned) else " of their own lengths"
        return (
            f"a trial of '{variant}', the first variant, takes about {duration(one)}{length}; {ahead.trials} trials"
            f"{examples} on {spec.workers} worker(s), and other variants may take several times as long"
        )
    if ahead.trials is None:
        return f"a full trial of the base takes about {duration(one)}; {_room(one, spec, ahead)}"
    at_most = duration(speed.pretraining_seconds + one * -(-_full_trials(one, spec, ahead) // spec.workers))
    pruning = "" if spec.pruner.name == "none" else ", less with pruning"
    return (
        f"a full trial of the base takes about {duration(one)}; {ahead.trials} of them on {spec.workers} worker(s) "
        f"take at most {at_most}{pruning}"
    )


def _full_trials(one: float, spec: StudySpec, ahead: Remaining) -> int:
    """Return how many of the remaining trials will be begun if each takes as long as a full one."""
    return min(limit for limit in (ahead.trials, *_begun_within(one, spec, ahead)) if limit is not None)


def _begun_within(one: float, spec: StudySpec, ahead: Remaining) -> list[int]:
    """Return how many full trials are begun before the time is up, and before the examples are spent."""
    begun = []
    if ahead.seconds is not None:
        begun.append(spec.workers * math.ceil(ahead.seconds / one))
    if ahead.examples is not None:
        begun.append(math.ceil(ahead.examples / spec.base.examples))
    return begun


def _room(one: float, spec: StudySpec, ahead: Remaining) -> str:
    begun = _begun_within(one, spec, ahead)
    if not begun:
        return "the search stops once further trials are not expected to help"
    more = "" if spec.pruner.name == "none" else ", or for more with pruning"
    return f"the budget is enough for {min(begun)} of them on {spec.workers} worker(s){more}"
