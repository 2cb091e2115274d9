"""Make an ensemble, write it, and print its scores in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from core.inputs.dev_gold import dev_examples
from core.inputs.resources import Resources
from core.model_files.card_file import kept_card_note
from data.errors import UserError
from data.reading import RawSplit
from search.analysis.calibration_lines import calibration_lines
from search.display.console import make_console
from search.display.terminal_table import print_table
from search.ensemble.averaging import average_predictions
from search.ensemble.ensemble_request import EnsembleRequest, candidates_by_hand, shares_by_hand
from search.ensemble.member_check import check_stored
from search.ensemble.members import CandidateTrials, Member
from search.ensemble.result import Ensemble, ensemble_table, write_ensemble
from search.ensemble.selection import Shares, select_members
from search.ensemble.selection_estimate import estimate_selection, selection_sentence
from search.ensemble.soup import average_weights
from search.preflight.study_inputs import StudyInputs
from search.recorded.data_files import check_same_data
from search.recorded.disagreements import open_checked_folders
from search.recorded.provenance import described, made_from
from search.recorded.ranking import open_study, pick_trial

__all__ = ["ensemble_and_show"]


def ensemble_and_show(
    request: EnsembleRequest,
    study: str,
    out: Path | None,
    data: Path | None,
    device: str | None,
    storage: str | None,
    runs_dir: Path,
) -> None:
    """Make the requested ensemble, write it, and print its scores.

    Args:
        out: folder to write; None for the default one.

    Raises:
        UserError: there are no such trials, their models are gone, or the data has changed.
    """
    opened = open_study(study, storage, runs_dir)
    folders = open_checked_folders(opened, runs_dir)
    library = CandidateTrials(opened, folders, data, device, needs_models=not request.dev_only)
    named = _named(request, library) if request.averages_named_trials else None
    with make_console(stderr=True).status("Reading predictions"):
        pool = library.members(_candidates(request, library) if named is None else chain.from_iterable(named.values()))
        origin = made_from(pool[0].config)
        check_same_data(opened, StudyInputs(splits_digest=origin["data_sha256"], data_parts=origin["data_rows_sha256"]))
        resources = Resources(runs_dir / "cache")
        dev = {task: dev_examples(pool[0].config, task) for task in pool[0].config.tasks}
        check_stored(pool, dev)
    with make_console(stderr=True).status("Predicting"):
        ensemble = _make(request, named, pool, dev, resources)
    chosen: dict[str, Any] = {"by_hand": request.by_hand, "candidates": len(pool), "scored_trials": len(library.scored)}
    sentences = [selection_sentence(request.by_hand, len(pool), len(library.scored))]
    if request.greedy is not None:
        with make_console(stderr=True).status("Estimating the score on new data"):
            selected_from = _selected_from(request, library)
            expected, more = estimate_selection(request.greedy, selected_from, pool, library.folders, ensemble.shares)
        chosen |= {"expected": expected} if expected else {}
        sentences += more
    out = out or runs_dir / study / "ensemble"
    origin = {"study": study, **chosen, "tasks": described(pool[0].config), **origin}
    record = write_ensemble(out, ensemble, origin, request.formats)
    _show(study, out, ensemble, sentences, request.dev_only, record.get("formats", {}))


def _named(request: EnsembleRequest, library: CandidateTrials) -> Shares:
    best_or_given = str(pick_trial(library.study, None).number) if request.trials is None else request.trials
    return shares_by_hand(library.tasks, best_or_given, request.of)


def _candidates(request: EnsembleRequest, library: CandidateTrials) -> list[int]:
    return library.candidates() if request.trials is None else candidates_by_hand(request.trials)


def _selected_from(request: EnsembleRequest, library: CandidateTrials) -> list[int]:
    """Return all trials that could have been candidates; models are kept for the best."""
    if request.trials is not None:
        return candidates_by_hand(request.trials)
    return library.contenders if library.needs_models else library.scored


def _make(
    request: EnsembleRequest, named: Shares | None, pool: list[Member], dev: dict[str, RawSplit], resources: Resources
) -> Ensemble:
    if request.soup is not None:
        if any(member.config.models > 1 for member in pool):
            raise UserError(
                f"--soup {request.soup} needs one model of each trial, and these have one for each fold; average their "
                "predictions instead (--trials or --greedy)"
            )
        return average_weights(pool, request.soup == "greedy", dev, resources)
    if request.greedy is not None:
        named = select_members(pool, dev, request.greedy)
    assert named is not None, "members are selected or named"
    return average_predictions(pool, named, dev, resources, request.dev_only)


def _show(
    study: str, out: Path, ensemble: Ensemble, selection: Sequence[str], dev_only: bool, formats: Mapping[str, Any]
) -> None:
    console = make_console()
    print_table(console, ensemble_table(study, ensemble))
    if ensemble.whole_dev is not None:
        console.print(f"Overall score on the whole dev set, not only its scored part: {ensemble.whole_dev.overall:.4f}")
    if dev_only and any(task.dev_limit for task in ensemble.members[0].config.tasks.values()):
        console.print(
            "Predictions cover only the dev examples that trials are scored on (dev_limit); the rest need models."
        )
    about_formats = [*formats.get("refused", ()), *formats.get("int8", ())]
    kept = [] if ensemble.model is None else kept_card_note(out / "model")
    for line in [*selection, *about_formats, *calibration_lines(ensemble.calibrations), *kept]:
        console.print(line, soft_wrap=True)
    console.print(f"predictions: {out / 'predictions'}", soft_wrap=True)
    console.print(f"made of:     {out / 'ensemble.json'}", soft_wrap=True)
    if ensemble.model is not None:
        console.print(f"model:       {out / 'model'}", soft_wrap=True)
    for written, name in formats.get("written", {}).items():
        console.print(f"for {name}: {out / 'model' / written}", soft_wrap=True)
