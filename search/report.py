"""``python -m search.report``: what a study found, as one HTML page, Markdown and CSV."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated

import optuna
import pandas as pd
import plotly.graph_objects as go
import typer

from core.evaluation import Evaluation
from data.errors import UserError
from search.best_trial_tables import TaskTables, loss_weight_words, task_tables
from search.comparison import Comparison, compare
from search.comparison_words import comparison_frame, comparison_notes, comparison_table
from search.exit_codes import entry_point
from search.expected_words import estimate_table, report_lines, with_expected
from search.finished_study import best_trial, open_study
from search.options import RUNS, DataDir, RunsDir, StorageUrl
from search.pages import figure_div, render_page
from search.provenance import code_version
from search.report_figures import comparison_figure, curves_figure, progress_figure, setting_figures
from search.report_markdown import best_trial_blocks, frame_block, table_block
from search.report_words import answer, shown_table
from search.stored_space import linked_settings, logarithmic_settings
from search.trial_folders import TrialFolders
from search.trial_record import TrialRecord
from search.trial_table import trial_table
from search.what_mattered import what_mattered
from search.winners_curse import estimate_best

__all__ = ["main", "write_report"]


def write_report(
    study: optuna.Study,
    folders: TrialFolders,
    out: Path,
    comparison: Comparison | None = None,
    data: Path | None = None,
) -> list[Path]:
    """Write ``report.html`` (self-contained), ``report.md`` and ``trials.csv`` below ``out``; returns their paths.

    With the comparison of a study over several seeds, also that, and ``comparison.csv``. ``data`` is the folder with
    the tasks' files, if it has moved.
    """
    table = trial_table(study)
    if table.empty:
        raise UserError(f"study '{study.study_name}' has no trial yet")
    curves = {number: folders.run(number).read_metrics() for number in table["trial"].tolist()}
    _warn_of_lost_curves(table, curves)
    states = dict(zip(table["trial"].tolist(), table["state"].tolist(), strict=True))
    shown, (loss_weights, best) = shown_table(table), _best_trial(study, folders)
    estimate, unknown = estimate_best(study, folders, data)
    words = answer(table, report_lines(estimate, unknown))
    expected = None if estimate is None else estimate_table(estimate)
    compared = None if comparison is None else comparison_table(comparison)
    notes = [] if comparison is None else comparison_notes(comparison)
    mattered = what_mattered(study)
    title, origin = study.study_name, f"onebert {code_version()}, study {study.study_name}"
    page = render_page(
        "report.html.jinja",
        study=title,
        answer=words,
        expected=expected,
        notes=notes,
        comparison=compared,
        intervals=None if comparison is None else figure_div(comparison_figure(comparison)),
        progress=figure_div(progress_figure(table)),
        curves=figure_div(curves_figure({n: c for n, c in curves.items() if c}, states)),
        mattered=mattered,
        mattered_figures={caption: figure_div(figure) for caption, figure in mattered.figures.items()},
        settings={path: figure_div(figure) for path, figure in _settings(table, study).items()},
        loss_weights=loss_weights,
        best=best,
        table=shown.to_html(index=False, border=0, classes="trials"),
        origin=origin,
    )
    out.mkdir(parents=True, exist_ok=True)
    blocks = [f"# {title}", *words, *([] if expected is None else [expected.caption + ":", table_block(expected)])]
    if compared is not None:
        blocks += ["## Comparison", *notes, table_block(compared), "## Trials"]
    blocks += [frame_block(shown), "## What mattered", *mattered.sentences]
    blocks += [table_block(mattered.table)] if mattered.table else []
    blocks += [*best_trial_blocks(loss_weights, best), origin]
    files = {
        "report.html": page,
        "report.md": "\n\n".join(blocks) + "\n",
        "trials.csv": with_expected(table, estimate).to_csv(index=False),
    }
    if comparison is not None:
        files["comparison.csv"] = comparison_frame(comparison).to_csv(index=False)
    for name, content in files.items():
        (out / name).write_text(content, encoding="utf-8")
    return [out / name for name in files]


def _settings(table: pd.DataFrame, study: optuna.Study) -> dict[str, go.Figure]:
    return setting_figures(table, logarithmic_settings(study), linked_settings(study))


def _warn_of_lost_curves(table: pd.DataFrame, curves: dict[int, list[Evaluation]]) -> None:
    complete = table.loc[table["state"] == "complete", "trial"].tolist()
    lost = [str(number) for number in complete if not curves[number]]
    if lost:
        warnings.warn(f"without the learning curves of trials {', '.join(lost)}: their folders are gone", stacklevel=3)


def _best_trial(study: optuna.Study, folders: TrialFolders) -> tuple[str, list[TaskTables]]:
    """The best trial's loss weights in words, and its tables, at its best rung.

    Both are empty as long as no trial has finished, and where its folder is gone.
    """
    trial = best_trial(study)
    if trial is None:
        return "", []
    record = TrialRecord.read(trial)
    assert record.config is not None, "a finished trial has its configuration"
    specs = {name: task.spec for name, task in record.config.tasks.items()}
    for evaluation in folders.run(trial.number).read_metrics():
        if evaluation.rung == record.result.best_rung:
            return loss_weight_words(evaluation, record.config.loss), task_tables(evaluation, specs)
    return "", []


@entry_point
def main(
    study: Annotated[str, typer.Option(help="Name of the study.")],
    out: Annotated[Path | None, typer.Option(help="Where to; by default runs/STUDY/report.")] = None,
    reference: Annotated[
        int | None,
        typer.Option(help="In a study over seeds, compare with the configuration of this trial, not with the default."),
    ] = None,
    data: DataDir = None,
    storage: StorageUrl = None,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Write what a study has found so far: an HTML page that needs no network, the same as Markdown, the trials as CSV.

    Where the study has variants or searches the seed, trials that differ in nothing else are one row of a comparison,
    with intervals.

    Example: python -m search.report --study quickstart
    """
    opened, folders = open_study(study, storage, runs_dir), TrialFolders(runs_dir / study)
    comparison = compare(opened, folders, data, reference)
    if comparison is None and reference is not None:
        raise UserError(f"--reference {reference}: study '{study}' compares nothing: no variants, no seeds")
    for path in write_report(opened, folders, out or runs_dir / study / "report", comparison, data):
        typer.echo(path)


if __name__ == "__main__":
    typer.run(main)
