"""``python -m search.run``: run a study, or go on with it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from core.further_examples import answers_dir
from search.corpus import with_corpus
from search.driver import Driver, StudyResult
from search.encoder_check import check_encoder
from search.events import Observer
from search.executors.base import ExecutorError
from search.executors.local import LocalExecutor
from search.exit_codes import ExitCode, entry_point
from search.fine_search import fine_search
from search.finished_study import best_trial
from search.further_check import check_further
from search.json_lines import JsonLines
from search.nli_check import check_nli_files
from search.options import RUNS, RunsDir, StorageUrl
from search.plan import show_data, show_estimate, show_plan, show_warnings
from search.preflight import DataReport, check_data
from search.progress import LiveProgress, PlainProgress
from search.storage import describe_storage, open_storage
from search.study_file import StudySpec, load_study
from search.study_state import StudyState
from search.summary import show_summary
from search.warm_start import with_warm_start

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
    console = Console(stderr=json, quiet=quiet)
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
    show_plan(console, spec)
    if dry_run:
        Console().print_json(spec.base.model_dump_json())
        return
    spec = with_corpus(spec, runs_dir)
    faults = runs_dir / spec.name / "malformed-rows.txt"
    report = check_nli_files(spec, check_data(spec.base, faults))
    report = check_further(report, spec, answers, faults)
    show_data(console, report)
    show_warnings(Console(stderr=True) if quiet else console, report)
    try:
        result = _search(spec, report, runs_dir, storage, console, quiet=quiet, json=json)
    except ExecutorError as error:
        typer.secho(f"error: {error}", fg=typer.colors.RED, err=True)
        raise typer.Exit(ExitCode.FAILED) from None
    if not result.finished:
        console.print("interrupted; the same command goes on from here")
        raise typer.Exit(ExitCode.INTERRUPTED)
    end = Console(stderr=json)
    end.print(f"\nstudy {spec.name} is over: {result.reason}", highlight=False, soft_wrap=True)
    show_summary(end, result.study, spec, runs_dir, storage)
    if best_trial(result.study) is None:
        raise typer.Exit(ExitCode.FAILED)


def _search(
    spec: StudySpec,
    report: DataReport,
    runs_dir: Path,
    storage: str | None,
    console: Console,
    *,
    quiet: bool,
    json: bool,
) -> StudyResult:
    state = StudyState()
    executor = LocalExecutor(spec.workers, runs_dir / "cache", threads=spec.base.compute.threads)
    driver = Driver(
        spec,
        open_storage(storage, runs_dir),
        executor,
        runs_dir / spec.name,
        storage_name=describe_storage(storage, runs_dir),
        data_digest=report.digest,
        splits_digest=report.splits_digest,
    )
    try:
        # A study that has begun keeps its space, whatever came of its trials.
        if driver.is_new:
            check_encoder(spec, executor)
        if driver.ahead.trials != 0 and not quiet:
            speed = executor.measure(spec.base)
            state.expected_seconds = show_estimate(console, speed, spec, driver.ahead)
        with _observers(console, state, quiet=quiet, json=json) as observers:
            return driver.run(observers)
    finally:
        executor.stop()


@contextmanager
def _observers(console: Console, state: StudyState, *, quiet: bool, json: bool) -> Iterator[list[Observer]]:
    """What shows the study: JSON lines, nothing, a live display, or lines where the output is no terminal."""
    if json:
        yield [JsonLines(sys.stdout)]
    elif quiet:
        yield []
    elif console.is_terminal:
        with LiveProgress(console, state) as live:
            yield [live]
    else:
        yield [state, PlainProgress(console)]


if __name__ == "__main__":
    typer.run(main)
