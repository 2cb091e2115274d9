"""The command line of ``onebert compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data.errors import UserError
from search.console import cli
from search.storage.study_names import check_recorded

__all__ = ["main", "parse_trial"]

_ENDINGS = (".csv", ".json")


@cli.entry_point
def main(
    a: Annotated[str, typer.Argument(metavar="A", help="STUDY:7 for its trial 7, or STUDY for its best trial.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The trial to compare with A, of the same or another study.")],
    examples: Annotated[int, typer.Option(min=0, help="Changed dev examples to print for each task.")] = 10,
    output: Annotated[
        Path | None,
        typer.Option(help="Write all changed examples to this .csv file, or everything to this .json file."),
    ] = None,
    data: cli.MovedDataDir = None,
    storage: cli.StorageUrl = None,
    runs_dir: cli.RunsDir = cli.RUNS,
) -> None:
    """Compare two trials: scores, settings and changed predictions.

    Scores are compared on the same dev examples, with 95 % intervals.

    Examples:

        onebert compare quickstart:0 quickstart
        onebert compare starter:12 starter:30 --output changes.csv
    """
    if output is not None and output.suffix not in _ENDINGS:
        raise UserError(f"--output {output}: must end in {' or '.join(_ENDINGS)}")
    names = parse_trial(a), parse_trial(b)
    for study, _ in names:
        check_recorded(study, storage, runs_dir)
    cli.check_data_folder(data)

    from core.run.atomic_files import write_atomically
    from search.analysis.trial_difference import trial_difference
    from search.compare.terminal import difference_file, find_trial, show_difference

    first, second = (find_trial(*name, storage, runs_dir) for name in names)
    if first.label == second.label:
        raise UserError(f"both are trial {first.label}; {a} and {b} must name two")
    found = trial_difference(first, second, data)
    show_difference(found, examples)
    if output is not None:
        write_atomically(output, difference_file(found, output.suffix).encode())
        typer.echo(output)


def parse_trial(text: str) -> tuple[str, int | None]:
    """Read ``STUDY:7``, or ``STUDY`` for its best trial (None); a study's name may contain a colon too."""
    study, _, number = text.rpartition(":")
    return (study, int(number)) if study and number.isdecimal() else (text, None)


if __name__ == "__main__":
    cli.make_app(main)()
