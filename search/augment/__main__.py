"""``python -m search.augment``: ask a language model for the rephrasings that a study trains on, before it starts."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer
from rich.console import Console

from core.inputs.augmentation import answers_dir
from data.augmentation.rephrasing.job import RephrasingJob
from data.augmentation.rephrasing.plan import RephrasingPlan, plan_rephrasing
from data.errors import UserError
from search.console.exit_codes import ExitCode, entry_point
from search.console.options import RunsDir
from search.parsing.errors import StudyFileError, did_you_mean
from search.preflight.rephrasing_jobs import rephrasing_jobs
from search.preflight.synthetic_data import with_synthetic_data
from search.study.endpoint import choose_endpoint
from search.study.error_location import error_in_study
from search.study.file import load_study
from search.study.spec import StudySpec
from search.trials.folders import RUNS

__all__ = ["main"]


@entry_point
def main(
    study: Annotated[str, typer.Option(help="A study's name (studies/NAME.toml, or one that comes along) or file.")],
    task: Annotated[list[str] | None, typer.Option(help="This task only; may be given several times.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder with the tasks' files.")] = None,
    endpoint: Annotated[
        str | None, typer.Option(help="Address with OpenAI's chat interface, such as http://localhost:11434/v1.")
    ] = None,
    key_variable: Annotated[
        str | None, typer.Option(help="Name of the environment variable that holds the endpoint's key.")
    ] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds that one request may take.")] = None,
    attempts: Annotated[int | None, typer.Option(help="Requests for one answer, at most.")] = None,
    requests_per_minute: Annotated[float | None, typer.Option(help="All together, at most.")] = None,
    concurrency: Annotated[int | None, typer.Option(help="Requests under way at the same time, at most.")] = None,
    prompt_price: Annotated[float | None, typer.Option(help="Of a million tokens of prompts, for the plan.")] = None,
    answer_price: Annotated[float | None, typer.Option(help="Of a million tokens of answers.")] = None,
    runs_dir: RunsDir = RUNS,
    yes: Annotated[bool, typer.Option("--yes", help="Ask the model without asking you first.")] = False,
    plan_only: Annotated[bool, typer.Option("--plan-only", help="Say what would be asked, and do nothing.")] = False,
) -> None:
    """Ask a language model for all rephrasings that a study's trials can need; run it again to go on.

    It says first what it is going to ask and what that costs. Every answer is kept below the runs folder and asked for
    once; the key is read from the environment and kept nowhere. Options go before the study file's table endpoint.
    Exit codes: 0 every answer is there, 1 some are missing, 2 bad input, 130 interrupted.

    Example: python -m search.augment --study my-study --endpoint http://localhost:11434/v1
    """
    console = Console(highlight=False, markup=False, soft_wrap=True)
    spec = with_synthetic_data(load_study(study, data=data, answers_dir=None), runs_dir)
    options = {
        "base_url": endpoint,
        "key_variable": key_variable,
        "timeout_s": timeout,
        "attempts": attempts,
        "requests_per_minute": requests_per_minute,
        "concurrency": concurrency,
        "prompt_price": prompt_price,
        "answer_price": answer_price,
    }
    settings = choose_endpoint(spec.endpoint, options)
    jobs = _jobs(spec, task or list(spec.base.tasks), answers_dir(runs_dir / "cache"))
    plans = {name: plan_rephrasing(job, settings) for name, job in jobs.items()}
    _show(console, plans)
    if plan_only or not any(plan.requests for plan in plans.values()):
        return
    asking = _asking()
    settings.key()  # one that is not set is told before anything is agreed on
    _agree(yes)
    raise typer.Exit(asking.ask(plans, console))


def _jobs(spec: StudySpec, tasks: list[str], answers: Path) -> dict[str, RephrasingJob]:
    for name in tasks:
        if name not in spec.base.tasks:
            known = did_you_mean(name, spec.base.tasks) or f"; it has {', '.join(spec.base.tasks)}"
            raise UserError(f"study '{spec.name}' has no task '{name}'{known}")
    try:
        jobs = rephrasing_jobs(spec.space, spec.base, answers, tasks)
    except StudyFileError as error:
        raise error_in_study(error, spec) from None
    if not jobs:
        raise UserError(
            f"study '{spec.name}' has nothing to rephrase for {', '.join(tasks)}: no run of it has "
            "augmentation.TASK.rephrased with a model and a fraction above 0"
        )
    return jobs


def _show(console: Console, plans: dict[str, RephrasingPlan]) -> None:
    """What would be asked."""
    for name, plan in plans.items():
        console.print(f"{name}: {plan.describe()}")
    asked = [plan for plan in plans.values() if plan.requests]
    if not asked:
        console.print("nothing to ask")
    elif len(asked) > 1:
        costs = [plan.cost for plan in asked if plan.cost is not None]
        cost = f", about {sum(costs):,.2f} at the given prices" if costs else ""
        console.print(f"together: {sum(plan.requests for plan in asked):,} requests{cost}; less if some are the same")


def _asking() -> ModuleType:
    """The module that asks; a plan can do without its packages.

    Raises:
        UserError: if they are not installed.
    """
    try:
        from search.augment import asking
    except ModuleNotFoundError as error:
        if error.name not in ("httpx2", "tenacity"):
            raise
        raise UserError(
            f"asking a language model needs '{error.name}': pip install -c constraints.txt -e '.[augment]'"
        ) from None
    return asking


def _agree(yes: bool) -> None:
    """Go on only if the user wants to."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UserError("nothing was asked: there is no terminal to say yes or no at; give --yes to go on")
    try:
        agreed = typer.confirm("go on?")
    except typer.Abort:
        raise KeyboardInterrupt from None
    if not agreed:
        typer.echo("nothing was asked")
        raise typer.Exit(ExitCode.FAILED)


if __name__ == "__main__":
    typer.run(main)
