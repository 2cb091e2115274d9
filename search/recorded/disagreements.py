"""Compare what the storage has of ended trials with what their folders have.

A database in which a bit has changed may still parse. The curve and the configuration of a trial are also in its
folder, where the curve has a checksum. What is not in a folder, or cannot be read there, is not compared.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from core.config import RunConfig
from core.config.run import stored_digest
from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from data.errors import UserError
from search.display.values import shown
from search.recorded.encoders import with_one_name
from search.recorded.space import stored_space
from search.recorded.study_folder import open_folders
from search.space.paths import differing_paths, get_value
from search.space.random_draws import RandomDraws
from search.space.space import Space
from search.trials.folders import TrialFolders
from search.trials.record import CONFIG, TrialResult, stored_config

__all__ = ["Disagreement", "check_agreement", "find_disagreements", "open_checked_folders"]

_SAME = 1e-9  # a database may round a score
_ENDED = (TrialState.COMPLETE, TrialState.PRUNED)
_REMEDY = (
    "the storage of studies or the file is damaged, was changed, or belongs to another study: restore it from a copy, "
    "or move the trial's folder away to go by the storage"
)


@dataclass(frozen=True)
class Disagreement:
    """A number of a trial that is not the same in the storage and in the trial's folder.

    Attributes:
        text: the trial, what differs, both values and the file.
        is_result: whether it is part of the trial's result or configuration. An earlier report of its curve is not; it
            also differs where a trial began again on a device whose sums are not repeated bit for bit.
    """

    text: str
    is_result: bool = True


def open_checked_folders(study: optuna.Study, runs_dir: Path) -> TrialFolders:
    """Return the folders of a recorded study's trials, to use its results.

    Raises:
        UserError: as :func:`search.recorded.study_folder.open_folders` and :func:`check_agreement`.
    """
    folders = open_folders(study, runs_dir)
    check_agreement(study, folders)
    return folders


def check_agreement(study: optuna.Study, folders: TrialFolders) -> None:
    """Refuse to go on from results or configurations that differ from those in the trials' folders.

    Raises:
        UserError: it names the trial, both values, and what to do.
    """
    found = find_disagreements(study, folders)
    results, reports = ([one.text for one in found if one.is_result == kind] for kind in (True, False))
    if results:
        raise UserError(f"{_joined(results)}; {_REMEDY}")
    if reports:
        warnings.warn(f"{_joined(reports)}: pruners and samplers go by the storage", stacklevel=2)


def find_disagreements(study: optuna.Study, folders: TrialFolders) -> list[Disagreement]:
    """Return what differs, in the order of the trials; takes about a millisecond per trial."""
    found: list[Disagreement] = []
    space: Space | None = None
    for trial in study.get_trials(deepcopy=False, states=_ENDED):
        run = folders.run(trial.number)
        if not run.path.is_dir():
            continue
        found += _of_curve(trial, run)
        if CONFIG not in trial.user_attrs:
            continue
        config = stored_config(trial)
        found += _of_configuration(trial, config, run)
        if space is None:
            with suppress(UserError):  # a space that this version cannot read; whoever needs it says so
                space = stored_space(study, config)
        if space is not None and trial.params:
            named = with_one_name(config, study.user_attrs)  # an encoder that moved has the name that trials chose
            found += _of_parameters(trial.number, trial.params, named, space, run)
    return found


def _of_curve(trial: FrozenTrial, run: RunFolder) -> Iterator[Disagreement]:
    """Compare the scores; a curve that cannot be read is reported where it is used."""
    try:
        curve = [evaluation for evaluation in run.read_metrics() if math.isfinite(evaluation.overall)]
    except (UserError, OSError):
        return
    if not curve:
        return
    for what, stored, own in _results(trial, TrialResult.of(curve, "")):
        if stored is not None and own is not None and not _same(stored, own):
            yield Disagreement(f"trial {trial.number}: {what} is {_both(stored, own, run.metrics)}")
    yield from _of_reports(trial, curve, run)


def _results(trial: FrozenTrial, own: TrialResult) -> Iterator[tuple[str, float | None, float | None]]:
    stored = TrialResult.read(trial.user_attrs)
    if trial.state == TrialState.COMPLETE:
        yield "the overall score", trial.value, own.overall
    yield "the best overall score", stored.overall, own.overall
    yield "the best rung", stored.best_rung, own.best_rung
    for task, score in own.scores.items():
        yield f"the score in {task}", stored.scores.get(task), score


def _of_reports(trial: FrozenTrial, curve: list[Evaluation], run: RunFolder) -> Iterator[Disagreement]:
    for evaluation in curve:
        stored = trial.intermediate_values.get(evaluation.rung, evaluation.overall)
        if not _same(stored, evaluation.overall):
            what = f"trial {trial.number}: the overall score at {evaluation.rung:,} examples is "
            yield Disagreement(what + _both(stored, evaluation.overall, run.metrics), is_result=False)


def _of_configuration(trial: FrozenTrial, config: RunConfig, run: RunFolder) -> Iterator[Disagreement]:
    try:
        text = run.config.read_text(encoding="utf-8")
        if stored_digest(text) == stored_digest(trial.user_attrs[CONFIG]):
            return
        own = RunConfig.model_validate_json(text)  # versions add settings
    except (OSError, ValueError, KeyError, TypeError):
        return
    if not config.is_same_run(own):
        for path in differing_paths([config, own])[:1]:
            both = _both(get_value(config, path), get_value(own, path), run.config)
            yield Disagreement(f"trial {trial.number}: {path} is {both}")


def _of_parameters(
    number: int, params: Mapping[str, Any], config: RunConfig, space: Space, run: RunFolder
) -> Iterator[Disagreement]:
    """Compare Optuna's parameters with the configuration: with it as the base, they must change nothing."""
    try:
        tree = space.propose(RandomDraws(np.random.default_rng(0), params), config).tree
        if _alike(tree, config.model_dump()):
            return
        given = RunConfig.model_validate(tree)  # writes values in one form
    except (ValueError, TypeError, LookupError):
        what = "the parameters in the storage do not make a run, but the configuration does, in"
        yield Disagreement(f"trial {number}: {what} '{run.config}'")
        return
    for path in differing_paths([given, config]):
        values = get_value(given, path), get_value(config, path)
        if not _alike(*values):
            yield Disagreement(f"trial {number}: the parameter {path} is {_both(*values, run.config)}")
            return


def _alike(one: Any, other: Any) -> bool:
    """Return whether two trees of settings are the same but for roundings, as shares of a total have them."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(value, other[name]) for name, value in one.items())
    if isinstance(one, float) and isinstance(other, float):
        return _same(one, other)
    return bool(one == other)


def _same(stored: float, own: float) -> bool:
    return math.isclose(stored, own, rel_tol=_SAME)


def _both(stored: Any, own: Any, file: Path) -> str:
    """Return both values, with as many digits as they need to differ."""
    texts = [
        (f"{stored:.4f}", f"{own:.4f}") if isinstance(stored, float) and isinstance(own, float) else ("", ""),
        (shown(stored), shown(own)),
        (json.dumps(stored), json.dumps(own)),
    ]
    one, other = next(pair for pair in texts if pair[0] != pair[1] or pair == texts[-1])
    return f"{one} in the storage and {other} in '{file}'"


def _joined(texts: list[str]) -> str:
    return texts[0] + (f" (and {len(texts) - 1:,} more)" if len(texts) > 1 else "")
