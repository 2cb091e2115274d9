"""``python -m search.report``: what a study found, as one HTML page, Markdown and CSV."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated

import jinja2
import optuna
import pandas as pd
import plotly.graph_objects as go
import typer
from plotly.offline import get_plotlyjs

from data.errors import UserError
from search.best_trial_tables import Table, TaskTables, loss_weight_words, task_tables
from search.exit_codes import entry_point
from search.finished_study import best_trial, open_study
from search.options import RUNS, RunsDir, StorageUrl
from search.provenance import code_version
from search.report_figures import curves_figure, progress_figure, setting_figures
from search.report_words import answer, shown_table
from search.stored_space import linked_settings, logarithmic_settings
from search.trial_folders import TrialFolders
from search.trial_record import TrialRecord
from search.trial_table import trial_table

__all__ = ["main", "write_report"]


def write_report(study: optuna.Study, folders: TrialFolders, out: Path) -> list[Path]:
    """Write ``report.html`` (self-contained), ``report.md`` and ``trials.csv`` below ``out``; returns their paths."""
    table = trial_table(study)
    if table.empty:
        raise UserError(f"study '{study.study_name}' has no trial yet")
    curves = {number: folders.run(number).read_metrics() for number in table["trial"].tolist()}
    states = dict(zip(table["trial"].tolist(), table["state"].tolist(), strict=True))
    words, shown, (loss_weights, best) = answer(table), shown_table(table), _best_trial(study, folders)
    title, origin = study.study_name, f"onebert {code_version()}, study {study.study_name}"
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        resources.files("search").joinpath("report.html.jinja").read_text(encoding="utf-8")
    )
    page = template.render(
        study=title,
        answer=words,
        plotlyjs=get_plotlyjs(),
        progress=_div(progress_figure(table)),
        curves=_div(curves_figure({n: c for n, c in curves.items() if c}, states)),
        settings={path: _div(figure) for path, figure in _settings(table, study).items()},
        loss_weights=loss_weights,
        best=best,
        table=shown.to_html(index=False, border=0, classes="trials"),
        origin=origin,
    )
    out.mkdir(parents=True, exist_ok=True)
    files = {
        "report.html": page,
        "report.md": "\n\n".join([f"# {title}", *words, _markdown_frame(shown), *_markdown(loss_weights, best), origin])
        + "\n",
        "trials.csv": table.to_csv(index=False),
    }
    for name, content in files.items():
        (out / name).write_text(content, encoding="utf-8")
    return [out / name for name in files]


def _settings(table: pd.DataFrame, study: optuna.Study) -> dict[str, go.Figure]:
    return setting_figures(table, logarithmic_settings(study), linked_settings(study))


def _div(figure: go.Figure) -> str:
    html: str = figure.to_html(full_html=False, include_plotlyjs=False, config={"responsive": True})
    return html


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


def _markdown(loss_weights: str, best: list[TaskTables]) -> list[str]:
    """What is said of the best trial as blocks of Markdown."""
    blocks = ["## Best trial", loss_weights] if loss_weights else []
    for task in best:
        blocks += [f"## Best trial: {task.task}", *([task.gap] if task.gap else [])]
        for table in task.tables:
            blocks += [table.caption, _markdown_table(table)]
    return blocks


def _markdown_frame(frame: pd.DataFrame) -> str:
    rows = [tuple(row) for row in frame.astype(str).to_numpy().tolist()]
    return _markdown_table(Table("", tuple(frame.columns), tuple(rows)))


def _markdown_table(table: Table) -> str:
    rows = [table.headings, ("---",) * len(table.headings), *table.rows]
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in rows)  # a class may be named with a bar
    return "\n".join(f"| {' | '.join(row)} |" for row in escaped)


@entry_point
def main(
    study: Annotated[str, typer.Option(help="Name of the study.")],
    out: Annotated[Path | None, typer.Option(help="Where to; by default runs/STUDY/report.")] = None,
    storage: StorageUrl = None,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Write what a study has found so far: an HTML page that needs no network, the same as Markdown, the trials as CSV.

    Example: python -m search.report --study quickstart
    """
    opened = open_study(study, storage, runs_dir)
    for path in write_report(opened, TrialFolders(runs_dir / study), out or runs_dir / study / "report"):
        typer.echo(path)


if __name__ == "__main__":
    typer.run(main)
