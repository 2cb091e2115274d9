"""The command line of ``python -m search.ablate``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from optuna.storages import BaseStorage
from rich.console import Console

from data.errors import UserError
from search.ablate.ablation_sentences import ablation_notes, ablation_sentences
from search.ablate.ablation_tables import ablation_frame, overall_table, plan_table, task_gains_table, task_means_table
from search.ablate.outcome import AblationOutcome, read_ablation
from search.ablate.plan import ORIGIN, AblationPlan, new_plan, recorded_plan
from search.console.exit_codes import ExitCode, entry_point
from search.console.options import DataDir, RunsDir, StorageUrl
from search.console.plan import budget_line
from search.console.progress import duration
from search.console.session import StudyRun
from search.display.terminal_table import print_table
from search.finalists.replication import replicate, replication_spec, same_compute
from search.recorded.ranking import load_recorded, open_study
from search.recorded.study import check_same_data
from search.storage.open import open_storage
from search.study.spec import StudySpec
from search.study.study_name import check_study_name
from search.trials.folders import RUNS, TrialFolders

__all__ = ["main"]


@entry_point
def main(
    study: Annotated[str, typer.Option(help="Name of the study.")],
    trial: Annotated[
        int | None, typer.Option(help="Number of the trial; by default the finalists' winner, else the best.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds each run is trained with.")] = 3,
    technique: Annotated[
        list[str] | None, typer.Option(help="Take out this one only, named as --dry-run names its run; repeatable.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of the ablation's own study; by default STUDY-ablation.")] = None,
    data: DataDir = None,
    workers: Annotated[int, typer.Option(min=1, help="Runs trained at the same time.")] = 1,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads of each run; by default as searched.")] = None,
    storage: StorageUrl = None,
    runs_dir: RunsDir = RUNS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be trained, and do nothing.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the result and warnings only.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object per event to standard output.")] = False,
) -> None:
    """Train the winner again with each of its techniques off in turn, over several seeds, and say what each brings.

    Ctrl-C stops it; the same command goes on from there.

    Example: python -m search.ablate --study quickstart
    """
    if name is not None:
        check_study_name(name)
    run = StudyRun(runs_dir, storage, quiet=quiet, json=json)
    source, recorded = open_study(study, storage, runs_dir), open_storage(storage, runs_dir)
    name = name or f"{study}-ablation"
    plan = _recorded(name, study, recorded, trial, seeds, technique or ())
    plan = plan or new_plan(source, recorded, trial, seeds, technique or ())
    spec = _spec(name, plan, data, workers, threads)
    if plan.techniques and not technique:
        only = f"this ablation is of {', '.join(plan.techniques)} only; --name NEW takes out all"
        (Console() if dry_run else run.console).print(f"note: {only}", highlight=False, markup=False, soft_wrap=True)
    if dry_run or not quiet:
        _show_plan(Console() if dry_run else run.console, plan, spec)
    if dry_run:
        return
    spec, report = run.survey(spec)
    check_same_data(source, report.splits_digest)
    replicate(run, spec, report)
    folders = TrialFolders(runs_dir / name)
    outcome = read_ablation(load_recorded(name, recorded), folders, data)
    if outcome is None:
        run.end.print("no run of the winner finished; each failed trial's folder has an error.txt", style="red")
        raise typer.Exit(ExitCode.FAILED)
    _show(run.end, outcome)
    path = folders.root / "ablation.csv"
    path.write_text(ablation_frame(outcome).to_csv(index=False), encoding="utf-8")
    run.end.print(str(path), highlight=False, soft_wrap=True)


def _recorded(
    name: str, study: str, storage: BaseStorage, trial: int | None, seeds: int, techniques: Sequence[str]
) -> AblationPlan | None:
    """What the ablation of this name was begun with: whatever became of the study meanwhile, that counts."""
    plan = recorded_plan(name, storage)
    if plan is None:
        return None
    asked = (study, plan.trial if trial is None else trial, seeds)
    if asked != (plan.study, plan.trial, len(plan.seeds)) or not plan.is_of(techniques):
        only = f", of {', '.join(plan.techniques)} only" if plan.techniques else ""
        raise UserError(
            f"'{name}' is an ablation of {plan.winner} of study '{plan.study}' with {len(plan.seeds)} seeds{only}; "
            "begin another one with --name NEW"
        )
    return plan


def _spec(name: str, plan: AblationPlan, data: Path | None, workers: int, threads: int | None) -> StudySpec:
    spec = replication_spec(
        name,
        same_compute(plan.configs, data=data, threads=threads),
        plan.seeds,
        description=f"what the techniques of {plan.winner} of {plan.study} bring",
        origin={ORIGIN: plan.to_json()},
        workers=workers,
    )
    return replace(spec, keep_models=1)  # nobody needs a model without one of its techniques


def _show_plan(console: Console, plan: AblationPlan, spec: StudySpec) -> None:
    console.print(f"study [bold]{spec.name}[/]  {spec.description}", highlight=False)
    print_table(console, plan_table(plan))
    console.print(budget_line(spec.summary()), highlight=False, soft_wrap=True)
    seeds, runs = ", ".join(map(str, plan.seeds)), len(plan.configs) * len(plan.seeds)
    console.print(
        f"runs:   {len(plan.rows)} and the winner's, each with the seeds {seeds}; the winner's took "
        f"{duration(plan.seconds)}, so {runs} of them on {spec.workers} worker(s) take about "
        f"{duration(plan.seconds * math.ceil(runs / spec.workers))} where each takes as long",
        highlight=False,
        soft_wrap=True,
    )


def _show(console: Console, outcome: AblationOutcome) -> None:
    console.print()
    for table in (overall_table(outcome), task_gains_table(outcome), task_means_table(outcome)):
        print_table(console, table)
    for line in (*ablation_sentences(outcome), *ablation_notes(outcome)):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


if __name__ == "__main__":
    typer.run(main)
