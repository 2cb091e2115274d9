"""The command line of ``onebert augment``."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Annotated

import typer

from data.errors import UserError
from search.console import cli
from search.study.lookup import find_study

__all__ = ["main"]


@cli.entry_point
def main(
    study: cli.StudyFile,
    task: Annotated[list[str] | None, typer.Option(help="Rephrase only for this task; repeatable.")] = None,
    data: cli.DataDir = None,
    endpoint: Annotated[
        str | None,
        typer.Option(help="Base URL of an endpoint with OpenAI's chat API, such as http://localhost:11434/v1."),
    ] = None,
    key_variable: Annotated[
        str | None, typer.Option(help="Name of the environment variable with the endpoint's API key.")
    ] = None,
    timeout: Annotated[float | None, typer.Option(help="Time limit of one request in seconds.")] = None,
    attempts: Annotated[int | None, typer.Option(help="Maximum number of requests for one answer.")] = None,
    requests_per_minute: Annotated[float | None, typer.Option(help="Maximum number of requests per minute.")] = None,
    concurrency: Annotated[int | None, typer.Option(help="Maximum number of concurrent requests.")] = None,
    prompt_price: Annotated[
        float | None, typer.Option(help="Price of a million prompt tokens, to estimate the cost.")
    ] = None,
    answer_price: Annotated[
        float | None, typer.Option(help="Price of a million answer tokens, to estimate the cost.")
    ] = None,
    runs_dir: cli.RunsDir = cli.RUNS,
    yes: Annotated[bool, typer.Option("--yes", help="Send the requests without asking for confirmation.")] = False,
    plan_only: Annotated[
        bool, typer.Option("--plan-only", help="Print what would be requested, and send nothing.")
    ] = False,
) -> None:
    """Request rephrasings of training examples from a language model.

    Requests all that a study's trials can need; run the same command again to continue. Prints the number of requests
    and their cost first, and asks for confirmation. Every answer is stored in the runs folder and requested only once;
    the API key is read from the environment and never stored. Options take precedence over the study file's [endpoint]
    table. Exit codes: 0 all answers are there, 1 some are missing, 2 bad input, 130 interrupted.

    Examples:

        onebert augment --study my-study --endpoint http://localhost:11434/v1
        onebert augment --study my-study --task sst --plan-only
    """
    find_study(study)
    cli.check_data_folder(data)

    from core.inputs.augmentation import answers_dir
    from data.augmentation.rephrasing.plan import plan_rephrasing
    from search.augment.jobs import jobs_of, show_plans
    from search.display.console import make_console
    from search.preflight.data import with_synthetic_data
    from search.study.endpoint import choose_endpoint
    from search.study.file import load_study

    console = make_console()
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
    jobs = jobs_of(spec, task or list(spec.base.tasks), answers_dir(runs_dir / "cache"))
    plans = {name: plan_rephrasing(job, settings) for name, job in jobs.items()}
    show_plans(console, plans)
    if plan_only or not any(plan.requests for plan in plans.values()):
        return
    requesting = _requesting()
    settings.key()  # fails if it is not set, before the user is asked to agree
    requesting.check_answers(plans)
    _confirm(yes)
    raise typer.Exit(requesting.request_rephrasings(plans, console))


def _requesting() -> ModuleType:
    """Import the module that sends requests; planning works without the packages that it needs.

    Raises:
        UserError: these packages are not installed.
    """
    try:
        from search.augment import requesting
    except ModuleNotFoundError as error:
        if error.name not in ("httpx2", "tenacity"):
            raise
        raise UserError(
            f"requests to a language model need '{error.name}': pip install -c constraints.txt -e '.[augment]'"
        ) from None
    return requesting


def _confirm(yes: bool) -> None:
    """Return only if the user agrees to send the requests."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UserError(
            "nothing was requested: there is no terminal to ask for confirmation; pass --yes to send the requests"
        )
    if not cli.confirm("send the requests?"):
        typer.echo("nothing was requested")
        raise typer.Exit(cli.ExitCode.FAILED)


if __name__ == "__main__":
    cli.make_app(main)()
