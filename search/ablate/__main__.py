"""The command line of ``onebert ablate``."""

from __future__ import annotations

from typing import Annotated

import typer

from search.console import cli
from search.console.signals import interruptible
from search.storage.study_names import check_recorded
from search.study.lookup import check_study_name
from search.trials.folders import TrialFolders

__all__ = ["main"]


@cli.entry_point
@interruptible
def main(
    study: cli.StudyName,
    trial: Annotated[
        int | None, typer.Option(help="Number of the trial; by default the finalists' winner, else the best trial.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Number of seeds with which to train each run.")] = 3,
    technique: Annotated[
        list[str] | None,
        typer.Option(help="Turn off only this technique, named as --dry-run names its run; repeatable."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the ablation's own study; by default STUDY-ablation.")
    ] = None,
    data: cli.MovedDataDir = None,
    model: cli.MovedEncoders = None,
    workers: cli.RunsAtOnce = 1,
    gpus: cli.Gpus = None,
    workers_per_gpu: cli.WorkersPerGpu = None,
    executor: cli.ExecutorName = "local",
    ray_address: cli.RayAddress = None,
    ray_gpus: cli.RayGpus = None,
    ray_memory: cli.RayMemory = None,
    threads: cli.RunThreads = None,
    restart: cli.Restart = False,
    storage: cli.StorageUrl = None,
    runs_dir: cli.RunsDir = cli.RUNS,
    dry_run: cli.PlanOnly = False,
    quiet: cli.Quiet = False,
    json: cli.Json = False,
) -> None:
    """Train the winner again with each of its techniques off in turn.

    Trains each run over several seeds, and prints each technique's contribution. Ctrl-C stops it; run the same command
    again to resume, or with --restart to begin again; the recorded ablation gets another name, and keeps its results.

    Examples:

        onebert ablate --study quickstart
        onebert ablate --study starter --seeds 5 --dry-run
    """
    if name is not None:
        check_study_name(name)
    check_recorded(study, storage, runs_dir)
    cli.check_data_folder(data)
    data = None if data is None else data.absolute()  # trials record it, and are read from other folders

    from core.run.atomic_files import write_atomically
    from search.ablate.ablation_tables import ablation_frame
    from search.ablate.outcome import read_ablation
    from search.ablate.plan import ablation_spec, new_plan, resumed_plan
    from search.ablate.terminal import show_outcome, show_plan
    from search.console.dry_run import show_start
    from search.console.executor_choice import make_executor_by
    from search.console.session import StudySession
    from search.display.console import make_console
    from search.display.csv_text import csv_text
    from search.finalists.replication import on_gpus, replicate, survey_again, with_source_inputs
    from search.recorded.disagreements import open_checked_folders
    from search.recorded.ranking import load_recorded, open_study
    from search.storage.open import open_recorded

    run = StudySession(
        runs_dir,
        storage,
        quiet=quiet,
        json=json,
        restart=restart,
        make_executor=make_executor_by(executor, ray_address, ray_gpus, ray_memory, machine_gpus=gpus),
    )
    source, recorded = open_study(study, storage, runs_dir), open_recorded(storage, runs_dir)
    open_checked_folders(source, runs_dir)  # refuses those of another study, and wrong scores
    name = name or f"{study}-ablation"
    plan = resumed_plan(name, study, recorded, trial, seeds, technique or (), run.start)
    plan = plan or new_plan(source, recorded, trial, seeds, technique or ())
    spec = on_gpus(ablation_spec(name, plan, data, workers, threads), gpus, workers_per_gpu)
    spec = with_source_inputs(run, spec, source, data, model or ())
    if plan.techniques and not technique:
        only = f"this ablation takes out {', '.join(plan.techniques)} only; --name NEW takes out all techniques"
        (make_console() if dry_run else run.console).print(f"note: {only}", soft_wrap=True)
    if dry_run or not quiet:
        show_plan(make_console() if dry_run else run.console, plan, spec)
    if dry_run:
        show_start(make_console(), spec, run.start)
        return
    spec, report = survey_again(run, spec, source)
    replicate(run, spec, report)
    folders = TrialFolders(runs_dir / name)
    outcome = read_ablation(load_recorded(name, recorded), folders, data)
    if outcome is None:
        run.end.print("no run of the winner finished; each failed trial's folder has an error.txt", style="red")
        raise typer.Exit(cli.ExitCode.FAILED)
    show_outcome(run.end, outcome)
    path = folders.root / "ablation.csv"
    write_atomically(path, csv_text(ablation_frame(outcome)).encode())
    run.end.print(str(path), soft_wrap=True)


if __name__ == "__main__":
    cli.make_app(main)()
