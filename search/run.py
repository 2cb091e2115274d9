"""``python -m search.run``: run a study, or go on with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from core.inputs.augmentation import answers_dir
from search.console.exit_codes import ExitCode, entry_point
from search.console.options import RunsDir, StorageUrl
from search.console.plan import show_plan
from search.console.session import StudyRun
from search.console.summary import show_summary
from search.recorded.fine_search import fine_search
from search.recorded.ranking import best_trial
from search.recorded.warm_start import with_warm_start
from search.storage.open import open_storage
from search.study.file import load_study
from search.trials.folders import RUNS

__all__ = ["main"]


@entry_point
def main(
    study: Annotated[str, typer.Option(help="A study's name (studies/NAME.toml, or one that comes along) or file.")],
    data: Annotated[Path | None, typer.Option(help="Folder with the tasks' files.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Encoder: a folder, a Hub name such as bert-base-uncased, or minilm.")
    ] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Trials in total, earlier runs counted in.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Trials trained at the same time.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads of each worker.")] = None,
    name: Annotated[
        str | None, typer.Option(help="Run the study under another name, e.g. after changing its space.")
    ] = None,
    hours: Annotated[
        float | None, typer.Option(help="No new trial after so many hours of running, earlier runs counted in.")
    ] = None,
    examples: Annotated[
        int | None, typer.Option(min=1, help="No new trial after so many training examples of all trials.")
    ] = None,
    warm_start: Annotated[
        list[str] | None, typer.Option(help="Begin with the best configurations of this recorded study; repeatable.")
    ] = None,
    warm_start_trials: Annotated[int, typer.Option(min=1, help="How many of each.")] = 3,
    fine: Annotated[
        bool, typer.Option("--fine", help="Search finely around the study's best trial, as a study NAME-fine.")
    ] = False,
    storage: StorageUrl = None,
    runs_dir: RunsDir = RUNS,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the study and its base configuration, and do nothing.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the result and warnings only.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object per event to standard output.")] = False,
) -> None:
    """Search for the best configuration of a study; run it again to resume.

    Ctrl-C stops it: running trials write checkpoints, and the same command goes on from there. Ctrl-C twice stops at
    once. Exit codes: 0 done, 1 no trial to choose, 2 bad input, 130 interrupted.

    Example: python -m search.run --study quickstart
    """
    run = StudyRun(runs_dir, storage, quiet=quiet, json=json)
    answers = answers_dir(runs_dir / "cache")
    spec = load_study(
        study,
        data=data,
        model=model,
        trials=trials,
        workers=workers,
        threads=threads,
        name=name,
        hours=hours,
        examples=examples,
        answers_dir=answers,
    )
    if fine or warm_start:
        recorded = open_storage(storage, runs_dir)
        spec = fine_search(spec, recorded, name, model) if fine else spec
        spec = with_warm_start(spec, warm_start or (), warm_start_trials, recorded)
    show_plan(run.console, spec)
    if dry_run:
        Console().print_json(spec.base.model_dump_json())
        return
    spec, report = run.survey(spec)
    result = run.train(spec, report)
    run.end.print(f"\nstudy {spec.name} is over: {result.reason}", highlight=False, soft_wrap=True)
    show_summary(run.end, result.study, spec, runs_dir, storage)
    if best_trial(result.study) is None:
        raise typer.Exit(ExitCode.FAILED)


if __name__ == "__main__":
    typer.run(main)
