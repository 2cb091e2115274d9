"""The command line of ``onebert pareto``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data.errors import UserError
from search.console import cli
from search.pareto.costs import COSTS
from search.storage.study_names import check_recorded

__all__ = ["main"]

_ALL = "all"


@cli.entry_point
def main(
    study: cli.StudyName,
    cost: Annotated[
        str, typer.Option(help=f"Cost to set the score against: {', '.join(COSTS)}; or all, one panel for each.")
    ] = "seconds",
    out: Annotated[Path | None, typer.Option(help="Folder to write; by default runs/STUDY/pareto.")] = None,
    storage: cli.StorageUrl = None,
    runs_dir: cli.RunsDir = cli.RUNS,
) -> None:
    """Plot the overall score of trials against their cost.

    Lists the trials that no other trial beats at their cost. Writes an HTML page that needs no network, and the front
    as CSV. The search itself considers only the score.

    Examples:

        onebert pareto --study quickstart --cost forward_examples
        onebert pareto --study starter --cost all
    """
    if cost not in (*COSTS, _ALL):
        raise UserError(f"--cost {cost}: unknown cost; choose from {', '.join(COSTS)}, {_ALL}")
    check_recorded(study, storage, runs_dir)

    from search.pareto.output import write_and_show

    write_and_show(study, None if cost == _ALL else cost, out, storage, runs_dir)


if __name__ == "__main__":
    cli.make_app(main)()
