"""Request rephrasings job by job, and show the progress. Needs the packages of the extra ``augment``."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from data.augmentation.rephrasing.answer_cache import AnswerCache
from data.augmentation.rephrasing.chat_endpoint import EndpointDownError
from data.augmentation.rephrasing.plan import RephrasingPlan
from data.augmentation.rephrasing.rephrase import rephrase
from data.augmentation.rephrasing.replay import Rephrased
from search.console.cli import ExitCode, end_with

__all__ = ["check_answers", "request_rephrasings"]


def check_answers(plans: dict[str, RephrasingPlan]) -> None:
    """Check that answers can be stored, before any is paid for.

    Raises:
        UserError: another process is storing answers.
        MachineError: the folder cannot be written to.
    """
    for folder in {plan.job.cache_folder for plan in plans.values()}:
        with AnswerCache(folder).writing():
            pass


def request_rephrasings(plans: dict[str, RephrasingPlan], console: Console) -> ExitCode:
    """Request the missing answers of plans by job name, and print the outcome of each job.

    Raises:
        UserError: like :func:`~data.augmentation.rephrasing.rephrase.rephrase`.
        typer.Exit: the endpoint is down; it may answer later.
    """
    failed = 0
    try:
        for name, plan in plans.items():
            if plan.requests:
                made = _request(name, plan, console)
                console.print(f"{name}: {made.summary.describe()}", soft_wrap=True)
                _show_examples(plan, made, console)
                failed += made.summary.failed
    except KeyboardInterrupt:
        console.print("interrupted; every answer is stored, run the same command again to continue", soft_wrap=True)
        return ExitCode.INTERRUPTED
    except EndpointDownError as error:
        end_with(error, ExitCode.FAILED)
    return ExitCode.FAILED if failed else ExitCode.DONE


def _request(name: str, plan: RephrasingPlan, console: Console) -> Rephrased:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(name, total=len(plan.job.chosen))
        return rephrase(plan, lambda done, _: progress.update(bar, completed=done))


def _show_examples(plan: RephrasingPlan, made: Rephrased, console: Console) -> None:
    """Print two rephrasings next to their originals: only a person can see whether the model does what it should."""
    count = len(made.extra)
    for number in sorted({count // 3, 2 * count // 3}) if count else []:
        original = " / ".join(plan.job.train.sentences[made.extra.sources[number]])
        console.print(f"  {original}\n  -> {' / '.join(made.extra.sentences[number])}", soft_wrap=True)
