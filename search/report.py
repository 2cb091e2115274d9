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
from search.exit_codes import entry_point
from search.finished_study import open_study
from search.options import RUNS, RunsDir, StorageUrl
from search.provenance import code_version
from search.report_figures import curves_figure, progress_figure, setting_figures
from search.report_words import answer, shown_table
from search.stored_space import logarithmic_settings
from search.trial_folders import TrialFolders
from search.trial_table import trial_table

__all__ = ["main", "write_report"]


def write_report(study: optuna.Study, folders: TrialFolders, out: Path) -> list[Path]:
    """Write ``report.html`` (self-contained), ``report.md`` and ``trials.csv`` below ``out``; returns their paths."""
    table = trial_table(study)
    if table.empty:
        raise UserError(f"study '{study.study_name}' has no trial yet")
    curves = {number: folders.run(number).read_metrics() for number in table["trial"].tolist()}
    states = dict(zip(table["trial"].tolist(), table["state"].tolist(), strict=True))
    words, shown = answer(table), shown_table(table)
    origin = f"onebert {code_version()}, study {study.study_name}"
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        resources.files("search").joinpath("report.html.jinja").read_text(encoding="utf-8")
    )
    page = template.render(
        study=study.study_name,
        answer=words,
        plotlyjs=get_plotlyjs(),
        progress=_div(progress_figure(table)),
        curves=_div(curves_figure({n: c for n, c in curves.items() if c}, states)),
        settings={path: _div(figure) for path, figure in setting_figures(table, logarithmic_settings(study)).items()},
        table=shown.to_html(index=False, border=0, classes="trials"),
        origin=origin,
    )
    out.mkdir(parents=True, exist_ok=True)
    files = {
        "report.html": page,
        "report.md": "\n\n".join([f"# {study.study_name}", *words, _markdown_table(shown), origin]) + "\n",
        "trials.csv": table.to_csv(index=False),
    }
    for name, content in files.items():
        (out / name).write_text(content, encoding="utf-8")
    return [out / name for name in files]


def _div(figure: go.Figure) -> str:
    html: str = figure.to_html(full_html=False, include_plotlyjs=False, config={"responsive": True})
    return html


def _markdown_table(table: pd.DataFrame) -> str:
    rows = [list(table.columns), ["---"] * len(table.columns), *table.astype(str).to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


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
