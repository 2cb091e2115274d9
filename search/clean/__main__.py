"""The command line of ``onebert clean``."""

from __future__ import annotations

from typing import Annotated

import typer

from data.errors import UserError
from search.console import cli
from search.storage.runs_url import url_of
from search.storage.study_names import check_recorded, nowhere

__all__ = ["main"]


@cli.entry_point
def main(
    study: Annotated[
        str | None,
        typer.Option(help="Clean only the folder of this study; by default those of all studies, and the cache."),
    ] = None,
    keep: Annotated[
        int | None, typer.Option(min=0, help="Number of best models to keep; by default as many as each study keeps.")
    ] = None,
    orphans: Annotated[
        bool,
        typer.Option("--orphans", help="Also free models and checkpoints of trials that are not in the storage."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Free them without asking.")] = False,
    storage: cli.StorageUrl = None,
    runs_dir: cli.RunsDir = cli.RUNS,
) -> None:
    """List files that are no longer needed, and delete them.

    Asks before it deletes anything. The files are checkpoints of ended trials, all models except the best ones, half-
    written files, and cache entries that no unfinished trial needs. Metrics, predictions, configurations, exports,
    ensembles and the answers of language models are always kept. A study that is running is left alone.

    Examples:

        onebert clean
        onebert clean --study quickstart --keep 1 --yes
    """
    if (url := url_of(runs_dir)) is not None:
        raise UserError(f"--runs-dir {url}: clean only knows folders; a search deletes what it does not need by itself")
    if study is not None:
        check_recorded(study, storage, runs_dir)
    if not runs_dir.is_dir():
        typer.echo(f"nothing to free: {nowhere(storage, runs_dir)}")
        return

    from search.clean.found_files import mib
    from search.clean.survey import Cleaning
    from search.clean.terminal import confirm, show_survey
    from search.display.console import make_console

    cleaning = Cleaning(runs_dir, storage, study, keep, orphans)
    console = make_console()
    survey = cleaning.survey()
    show_survey(console, survey, runs_dir)
    if not survey.findings or not (yes or confirm(console)):
        return
    freed = cleaning.free(survey)
    console.print(f"freed {mib(freed.size)} MiB")
    if freed.failures:
        more = f" (and {len(freed.failures) - 1} more)" if len(freed.failures) > 1 else ""
        raise UserError(f"cannot delete {freed.failures[0]}{more}")


if __name__ == "__main__":
    cli.make_app(main)()
