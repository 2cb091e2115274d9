"""The command line of ``onebert ensemble``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.model_files.formats.names import parse_formats
from data.errors import UserError
from search.console import cli
from search.ensemble.ensemble_request import EnsembleRequest, SoupKind
from search.storage.study_names import check_recorded

__all__ = ["main"]


@cli.entry_point
def main(
    study: cli.StudyName,
    trials: Annotated[
        str | None,
        typer.Option(help="Trials to average, such as 3,7,9; with --greedy or --soup, trials to choose from."),
    ] = None,
    of: Annotated[
        list[str] | None,
        typer.Option(help="Trials to average for one task, such as sst=3,7; repeatable. Other tasks use --trials."),
    ] = None,
    greedy: Annotated[
        int | None,
        typer.Option(
            min=1, max=10_000, help="Select an ensemble of up to N members; a trial may be selected more than once."
        ),
    ] = None,
    each_task: Annotated[
        bool, typer.Option("--each-task", help="With --greedy: select separately for every task.")
    ] = False,
    start: Annotated[int, typer.Option(min=1, help="With --greedy: begin with this many of the best trials.")] = 1,
    bags: Annotated[
        int,
        typer.Option(min=0, max=10_000, help="With --greedy: average the selections over this many resamples of dev."),
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="With --greedy: seed of the resamples.")] = 0,
    soup: Annotated[
        SoupKind | None,
        typer.Option(
            help="Average weights instead of predictions: of all trials, or greedily of those that do no harm."
        ),
    ] = None,
    dev_only: Annotated[
        bool,
        typer.Option(
            "--dev-only", help="Average stored dev predictions; needs no models and writes no test predictions."
        ),
    ] = False,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format", help="With --soup: also write the model in this form, as onebert export does; repeatable."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write; by default runs/STUDY/ensemble.")] = None,
    data: cli.MovedDataDir = None,
    device: cli.OtherDevice = None,
    storage: cli.StorageUrl = None,
    runs_dir: cli.RunsDir = cli.RUNS,
) -> None:
    """Average the predictions, or the weights, of several trials.

    Writes predictions/TASK-dev-output.csv and TASK-test-output.csv like onebert export, ensemble.json with the members
    and their shares, and with --soup the model.

    Examples:

        onebert ensemble --study starter --greedy 10
        onebert ensemble --study starter --trials 3,7,9 --soup uniform
    """
    if greedy is None and (each_task or start > 1 or bags or seed):
        raise UserError("--each-task, --start, --bags and --seed need --greedy N")
    libraries = parse_formats(formats or ())
    check_recorded(study, storage, runs_dir)
    cli.check_data_folder(data)

    from search.ensemble.selection import GreedyOptions
    from search.ensemble.terminal import ensemble_and_show

    options = None if greedy is None else GreedyOptions(greedy, start, bags, seed, each_task)
    request = EnsembleRequest(trials, of or [], options, soup, dev_only, libraries)
    ensemble_and_show(request, study, out, data, device, storage, runs_dir)


if __name__ == "__main__":
    cli.make_app(main)()
