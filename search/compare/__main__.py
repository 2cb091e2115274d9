"""The command line of ``onebert compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data.errors import UserError
from search.compare.trial_name import TrialName
from search.console.cli import MovedDataDir, RunsDir, StorageUrl, check_data_folder, entry_point, make_app
from search.recorded.lookup import check_recorded
from search.trials.folders import RUNS

__all__ = ["main"]

_ENDINGS = (".csv", ".json")


@entry_point
def main(
    a: Annotated[str, typer.Argument(metavar="A", help="STUDY:7 for its trial 7, or STUDY for its best trial.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The trial to compare with A, of the same or another study.")],
    examples: Annotated[int, typer.Option(min=0, help="Changed dev examples to print for each task.")] = 10,
    output: Annotated[
        Path | None,
        typer.Option(help="Write all changed examples to this .csv file, or everything to this .json file."),
    ] = None,
    data: MovedDataDir = None,
    storage: StorageUrl = None,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Compare two trials: scores, settings and changed predictions.

    Scores are compared on the same dev examples, with 95 % intervals.

    Examples:

        onebert compare quickstart:0 quickstart
        onebert compare starter:12 starter:30 --output changes.csv
    """
    if output is not None and output.suffix not in _ENDINGS:
        raise UserError(f"--output {output}: must end in {' or '.join(_ENDINGS)}")
    names = TrialName.parse(a), TrialName.parse(b)
    for name in names:
        check_recorded(name.study, storage, runs_dir)
    check_data_folder(data)

    from search.compare.terminal import compare_and_show

    compare_and_show(*names, storage, runs_dir, data, examples, output)


if __name__ == "__main__":
    make_app(main)()
