"""Search for the best configuration of a study: ``onebert run``."""

from __future__ import annotations

from typing import Annotated

import typer

from search.console import cli
from search.console.signals import interruptible
from search.storage.study_names import check_database, recorded_elsewhere
from search.study.lookup import find_study, named_data_folder

__all__ = ["main"]


@cli.entry_point
@interruptible
def main(
    study: cli.StudyFile,
    data: cli.DataDir = None,
    model: Annotated[
        str | None,
        typer.Option(help="Encoder: a folder, a Hub name such as bert-base-uncased, or minilm; by default the file's."),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Number of trials in total, including those of earlier runs.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Number of trials to train at the same time.")
    ] = None,
    gpus: cli.Gpus = None,
    workers_per_gpu: cli.WorkersPerGpu = None,
    executor: cli.ExecutorName = "local",
    ray_address: cli.RayAddress = None,
    ray_gpus: cli.RayGpus = None,
    ray_memory: cli.RayMemory = None,
    threads: Annotated[int | None, typer.Option(min=1, max=1024, help="CPU threads of each worker.")] = None,
    name: Annotated[str | None, typer.Option(help="Record the study under this name instead of its file's.")] = None,
    hours: Annotated[
        float | None, typer.Option(help="Start no new trials after this many hours, including those of earlier runs.")
    ] = None,
    examples: Annotated[
        int | None,
        typer.Option(min=1, help="Start no new trials once all trials together have used this many training examples."),
    ] = None,
    warm_start: Annotated[
        list[str] | None, typer.Option(help="Begin with the best configurations of this recorded study; repeatable.")
    ] = None,
    warm_start_trials: Annotated[int, typer.Option(min=1, help="Configurations to take from each of them.")] = 3,
    fine: Annotated[
        bool, typer.Option("--fine", help="Search closely around the study's best trial, as a study NAME-fine.")
    ] = False,
    restart: cli.Restart = False,
    storage: cli.StorageUrl = None,
    runs_dir: cli.RunsDir = cli.RUNS,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print what would be read and trained, and train nothing."),
    ] = False,
    quiet: cli.Quiet = False,
    json: cli.Json = False,
) -> None:
    """Search for the best configuration of a study.

    Run the same command again to resume, or with --restart to begin again; the recorded study gets another name, and
    keeps its results. Ctrl-C stops the search: running trials write checkpoints first. Ctrl-C twice stops at once. Exit
    codes: 0 finished, 1 no trial to choose from, 2 bad input, 130 interrupted.

    Examples:

        onebert run --study quickstart
        onebert run --study starter --data DIR --model minilm --hours 8
    """
    file = find_study(study, runs_dir=runs_dir)
    if fine or warm_start:
        check_database(storage, runs_dir)
    if not dry_run:
        cli.check_data_folder(data or named_data_folder(file))

    from core.inputs.augmentation import answers_dir
    from core.run.gpus import find_gpus
    from search.console.executor_choice import make_executor_by
    from search.display.console import make_console
    from search.study.file import load_study

    make_executor = make_executor_by(executor, ray_address, ray_gpus, ray_memory, machine_gpus=gpus)
    spec = load_study(
        study,
        data=data,
        model=model,
        trials=trials,
        workers=workers,
        gpus=gpus,
        workers_per_gpu=workers_per_gpu,
        threads=threads,
        name=name,
        hours=hours,
        examples=examples,
        answers_dir=answers_dir(runs_dir / "cache"),
    )
    if not dry_run:
        cli.check_data_folder_of(spec)
        if spec.gpus is not None and not spec.devices:
            find_gpus(spec.gpus)  # it says what is missing

    from search.console.dry_run import show_dry_run
    from search.console.plan import show_plan, show_warnings
    from search.console.session import StudySession
    from search.console.summary import show_summary
    from search.recorded.fine_search import fine_search, source_check
    from search.recorded.ranking import best_trial
    from search.recorded.warm_start import with_warm_start
    from search.storage.open import open_recorded

    run = StudySession(runs_dir, storage, quiet=quiet, json=json, restart=restart, make_executor=make_executor)
    if fine or warm_start:
        recorded = open_recorded(storage, runs_dir)
        spec = fine_search(spec, recorded, name, model, runs_dir=runs_dir, restart=restart) if fine else spec
        spec = with_warm_start(spec, warm_start or (), warm_start_trials, recorded, runs_dir=runs_dir, restart=restart)
    show_plan(run.console, spec)
    elsewhere = recorded_elsewhere(spec.name, runs_dir) if storage is None and runs_dir == cli.RUNS else None
    show_warnings(run.console, [] if elsewhere is None else [elsewhere])
    if dry_run:
        show_dry_run(run.console, spec, run.start)
        if json:
            make_console().print_json(spec.base.model_dump_json())
        return
    spec, report = run.survey(spec, source_check(file.stem, recorded)) if fine else run.survey(spec)
    result = run.train(spec, report)
    run.end.print(f"\nstudy {spec.name} finished: {result.reason}", soft_wrap=True)
    show_summary(run.end, result.study, spec, runs_dir, storage)
    if best_trial(result.study) is None:
        raise typer.Exit(cli.ExitCode.FAILED)


if __name__ == "__main__":
    cli.make_app(main)()
