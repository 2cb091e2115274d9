"""The command line of ``onebert audit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from search.console import cli
from search.study.lookup import find_study, named_data_folder

__all__ = ["main"]


@cli.entry_point
def main(
    study: cli.StudyFile,
    data: cli.DataDir = None,
    model: Annotated[
        str | None,
        typer.Option(help="Encoder: a folder, a Hub name such as bert-base-uncased, or minilm; by default the file's."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the recorded study, if it is not its file's.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write; by default runs/STUDY/audit.")] = None,
    storage: cli.StorageUrl = None,
    runs_dir: cli.RunsDir = cli.RUNS,
) -> None:
    """Look at a study's data, and list rows that deserve a look.

    Shows labels, lengths, unknown words, duplicates, leakage, odd rows and, once trials have finished, labels of dev
    that are likely wrong. Writes an HTML page that needs no network, and the rows as CSV. No data file is changed, and
    no encoder downloaded. Findings are no errors: the exit code is 0 with any of them, and 2 if the data cannot be
    read.

    Examples:

        onebert audit --study quickstart
        onebert audit --study starter --data DIR --model minilm
    """
    file = find_study(study, runs_dir=runs_dir)
    cli.check_data_folder(data or named_data_folder(file))

    from core.inputs.augmentation import answers_dir
    from search.study.file import load_study

    spec = load_study(study, data=data, model=model, name=name, answers_dir=answers_dir(runs_dir / "cache"))
    cli.check_data_folder_of(spec)

    from search.audit.writing import write_and_show

    write_and_show(spec, data, out, storage, runs_dir)


if __name__ == "__main__":
    cli.make_app(main)()
