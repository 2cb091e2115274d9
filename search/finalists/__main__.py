"""The command line of ``onebert finalists``."""

from __future__ import annotations

from pathlib import Path
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
    top: Annotated[int, typer.Option(help="Number of the study's best configurations to train.")] = 3,
    seeds: Annotated[int, typer.Option(max=1000, help="Number of seeds for each; the study has not used them.")] = 3,
    preset: Annotated[list[str] | None, typer.Option(help="Preset to compare with as well; repeatable.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the finalists' study; by default STUDY-finalists.")] = None,
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
    """Train a study's best configurations again over fresh seeds.

    Names the winner by its mean over the seeds. The default configuration is trained as well, and the best preset that
    the study began with. Configurations that are clearly behind stop early. Run the same command again to resume, or
    with --restart to begin again; the recorded finalists get another name, and keep their results. Exit codes: 0
    finished, 1 no winner, 2 bad input, 130 interrupted.

    Examples:

        onebert finalists --study quickstart
        onebert finalists --study starter --top 5 --seeds 5 --dry-run
    """
    if name is not None:
        check_study_name(name)
    check_recorded(study, storage, runs_dir)
    cli.check_data_folder(data)
    data = None if data is None else data.absolute()  # trials record it, and are read from other folders

    from search.console.dry_run import show_start
    from search.console.executor_choice import make_executor_by
    from search.console.plan import show_plan
    from search.console.session import StudySession
    from search.console.summary import next_commands
    from search.display.console import make_console
    from search.display.terminal_table import print_result
    from search.finalists.candidates import settings_lines
    from search.finalists.exportable_models import exportable_models, model_sentences
    from search.finalists.final_outcome import measure_final
    from search.finalists.final_sentences import outcome_notes, outcome_sentences
    from search.finalists.final_tables import difference_tables, final_table
    from search.finalists.finalists_request import SUFFIX, FinalistsRequest
    from search.finalists.replication import on_gpus, replicate, survey_again, with_source_inputs
    from search.finalists.selection import record_winner
    from search.finalists.sequential_test import SequentialTest
    from search.recorded.disagreements import open_checked_folders
    from search.recorded.ranking import open_study
    from search.storage.open import open_recorded

    opened = open_study(study, storage, runs_dir)
    origin, recorded = open_checked_folders(opened, runs_dir), open_recorded(storage, runs_dir)
    run = StudySession(
        runs_dir,
        storage,
        quiet=quiet,
        json=json,
        restart=restart,
        make_executor=make_executor_by(executor, ray_address, ray_gpus, ray_memory, machine_gpus=gpus),
    )
    request = FinalistsRequest.make(opened, name or f"{study}-{SUFFIX}", top, seeds, preset or (), recorded, run.start)
    spec = on_gpus(request.spec(data, workers, threads), gpus, workers_per_gpu)
    spec = with_source_inputs(run, spec, opened, data, model or ())
    console = make_console() if dry_run else run.console
    show_plan(console, spec)
    console.print("settings that differ from the default configuration:")
    for line in settings_lines(request.candidates):
        console.print(f"  {line}", soft_wrap=True)
    if newcomers := request.newcomers(opened):
        listed = ", ".join(map(str, newcomers))
        line = f"note: trials {listed} became some of the best after these were chosen; --name NEW chooses again"
        console.print(line, soft_wrap=True)
    if dry_run:
        show_start(console, spec, run.start)
        return
    spec, report = survey_again(run, spec, opened)
    folders = TrialFolders(runs_dir / spec.name)
    looks = SequentialTest(len(request.seeds), spec.base, folders, request.floors)
    result = replicate(run, spec, report, looks)
    dropped = {name: behind.describe() for name, behind in looks.dropped.items()}
    if record_winner(result.study, request, dropped, folders) is None:
        run.end.print("no finalist can win: runs failed, or all means are below a floor of the study", style="red")
        raise typer.Exit(cli.ExitCode.FAILED)
    with run.end.status("Comparing the finalists"):
        where = Path(spec.base.data.directory)
        outcome = measure_final(result.study, folders, where)
        models = exportable_models((opened, origin), (result.study, folders), where)
    lines = (*outcome_notes(outcome), "", *outcome_sentences(outcome), *model_sentences(models))
    print_result(run.end, (final_table(outcome), *difference_tables(outcome)), lines)
    run.end.print("\nnext:", style="bold")
    exported = models[0].study if models else spec.name
    # The study's report knows its finalists by their usual name.
    reported = study if spec.name == f"{study}-{SUFFIX}" else spec.name
    for command in next_commands(runs_dir, storage, f"report --study {reported}", f"export --study {exported}"):
        run.end.print(f"  {command}", soft_wrap=True)


if __name__ == "__main__":
    cli.make_app(main)()
