"""Rephrasings are asked for, job by job, under the eyes of the user. Needs the packages of the extra ``augment``."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from data.augmentation.rephrasing.chat_endpoint import EndpointDownError
from data.augmentation.rephrasing.plan import RephrasingPlan
from data.augmentation.rephrasing.rephrase import rephrase
from data.augmentation.rephrasing.replay import Rephrased
from search.console.exit_codes import ExitCode

__all__ = ["ask"]


def ask(plans: dict[str, RephrasingPlan], console: Console) -> ExitCode:
    """Ask for what is missing, and tell what came of each job.

    Args:
        plans: confirmed, by their jobs' names.
        console: where to.

    Raises:
        UserError: as :func:`~data.augmentation.rephrasing.rephrase.rephrase`, unless the endpoint may answer
            another time.
    """
    failed = 0
    try:
        for name, plan in plans.items():
            if plan.requests:
                made = _ask(name, plan, console)
                console.print(f"{name}: {made.summary.describe()}")
                _show_examples(plan, made, console)
                failed += made.summary.failed
    except KeyboardInterrupt:
        console.print("interrupted; every answer is kept, and the same command goes on from here")
        return ExitCode.INTERRUPTED
    except EndpointDownError as error:
        typer.secho(f"error: {error}", fg=typer.colors.RED, err=True)
        return ExitCode.FAILED
    return ExitCode.FAILED if failed else ExitCode.DONE


def _ask(name: str, plan: RephrasingPlan, console: Console) -> Rephrased:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(name, total=len(plan.job.chosen))
        return rephrase(plan, lambda done, _: progress.update(bar, completed=done))


def _show_examples(plan: RephrasingPlan, made: Rephrased, console: Console) -> None:
    """Two of them beside their originals: only eyes see whether a model does what it was asked to."""
    count = len(made.extra)
    for number in sorted({count // 3, 2 * count // 3}) if count else []:
        original = " / ".join(plan.job.train.sentences[made.extra.sources[number]])
        console.print(f"  {original}\n  -> {' / '.join(made.extra.sentences[number])}")
