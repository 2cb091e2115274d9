"""Find cache entries that no unfinished trial needs; they are recomputed when they are needed again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from filelock import FileLock, Timeout
from optuna.trial import FrozenTrial, TrialState

from core.config import RunConfig
from core.config.pretraining import NO_LENGTH
from core.frozen_features import FEATURES
from core.pretraining.stage_folder import StageFolder
from data.errors import UserError
from search.clean.found_files import FilesBelow, Finding, FoundFile
from search.clean.trial_files import is_half_written
from search.recorded.space import stored_space
from search.recorded.study import recorded_identity
from search.space.random_draws import RandomDraws
from search.trials.record import CONFIG, stored_config

__all__ = ["cache_files", "open_runs"]

_DRAFTS = (".writing-", ".damaged-")
_FIXED = "fixed_params"  # Optuna's name for the parameters of an enqueued trial
_DRAFT_SECONDS = 3600.0  # a younger one may be in use, for example by an export


@dataclass(frozen=True)
class _CacheEntry:
    folder: Path
    files: tuple[FoundFile, ...]


def open_runs(study: optuna.Study) -> list[RunConfig]:
    """Return a run for each open trial; settings that the sampler has yet to propose are those of the base.

    Raises:
        ValueError: the study was recorded by a version with other settings.
    """
    states = (TrialState.RUNNING, TrialState.WAITING)
    return [_run(study, trial) for trial in study.get_trials(deepcopy=False, states=states)]


def _run(study: optuna.Study, trial: FrozenTrial) -> RunConfig:
    if CONFIG in trial.user_attrs:
        return stored_config(trial)
    base = RunConfig.model_validate(recorded_identity(study)["base"])
    space = stored_space(study, base)
    params = {**space.encode(base).params, **trial.system_attrs.get(_FIXED, {})}
    try:
        return space.suggest(RandomDraws(np.random.default_rng(0), params), base)
    except UserError:  # the trial will fail before it needs any file
        return base


def cache_files(cache: Path, runs: Sequence[RunConfig] | None, below: FilesBelow) -> list[Finding]:
    """Return the tokenised splits, further examples, outputs of frozen layers and results of stages that can be freed.

    Computing the name of a run's entry takes its data and encoder. Instead, the tasks and the settings of the stages
    are compared: every entry that a run may need is kept, and some that it does not. Vocabularies are kept too: they
    are small, and a model trained from scratch cannot be used without, should its data be gone.

    The runs are those that are still to be trained; None if not known: then results of stages, which take longest, are
    kept.
    """
    tasks = {name for run in runs or () for name in run.tasks}
    augmented = {name for run in runs or () for name in run.tasks if run.augmentation[name].sources}
    found = [
        _finding("tokenised data", cache / "tokens", _entries(cache / "tokens", tasks, below)),
        _finding("further examples", cache / "further", _entries(cache / "further", augmented, below)),
        _finding("outputs of frozen layers", cache / FEATURES, _features(cache / FEATURES, runs or (), below)),
        _finding(
            "half-written files",
            cache,
            [entry for name in ("tokens", "further") for entry in _drafts(cache / name, below)],
        ),
    ]
    if runs is not None:
        found += _stages(cache / "stages", runs, below)
    return [finding for finding in found if finding.files]


def _finding(what: str, where: Path, entries: Sequence[_CacheEntry], *, folders_too: bool = True) -> Finding:
    files = tuple(file for entry in entries for file in entry.files)
    return Finding(what, where, len(entries), files, tuple(e.folder for e in entries if folders_too), is_cache=True)


def _entries(folder: Path, tasks: Iterable[str], below: FilesBelow) -> list[_CacheEntry]:
    """Return the entries of other tasks; an entry's name begins with its task's, which has no hyphen."""
    wanted = set(tasks)
    others = (path for path in below.folders(folder) if path.name.partition("-")[0] not in wanted)
    return [_CacheEntry(path, _manifest_first(below.files(path))) for path in others if not path.name.startswith(".")]


def _features(folder: Path, runs: Iterable[RunConfig], below: FilesBelow) -> list[_CacheEntry]:
    """Return the outputs of all frozen layers, unless a run may need some."""
    if any(run.model.keeps_features for run in runs):
        return []
    return [_CacheEntry(path, _index_first(below.files(path))) for path in below.folders(folder)]


def _index_first(files: list[FoundFile]) -> tuple[FoundFile, ...]:
    """Sort the indexes first: rows that no index names are not read."""
    return tuple(sorted(files, key=lambda file: file.path.suffix != ".index"))


def _manifest_first(files: list[FoundFile]) -> tuple[FoundFile, ...]:
    """Sort the manifest first: an entry without one is ignored, so that no half-deleted entry is read."""
    return tuple(sorted(files, key=lambda file: file.path.name != "manifest.json"))


def _drafts(folder: Path, below: FilesBelow) -> list[_CacheEntry]:
    drafts = [path for path in below.folders(folder) if path.name.startswith(_DRAFTS)]
    found = [_CacheEntry(path, tuple(below.files(path))) for draft in drafts for path in (*below.folders(draft), draft)]
    return [e for e in found if e.files and time.time() - max(file.used for file in e.files) > _DRAFT_SECONDS]


def _stages(folder: Path, runs: Sequence[RunConfig], below: FilesBelow) -> list[Finding]:
    by_name: dict[str, list[_CacheEntry]] = {}
    for path in below.folders(folder):
        stage = StageFolder(path)
        files = [
            file
            for file in below.files(path)
            if file.path in (stage.encoder, stage.checkpoint) or is_half_written(file.path)
        ]
        facts = _facts(stage, below)
        if files and not _is_wanted(facts, runs) and not _is_locked(stage):
            # The lock is kept, in case a process waits for it, and the small file of facts.
            by_name.setdefault(facts.get("stage", "unknown"), []).append(_CacheEntry(path, tuple(files)))
    return [
        _finding(f"further pretraining, {name}", folder, entries, folders_too=False)
        for name, entries in by_name.items()
    ]


def _facts(stage: StageFolder, below: FilesBelow) -> dict[str, Any]:
    try:
        facts = json.loads(stage.facts.read_text(encoding="utf-8")) if below.find(stage.facts) else {}
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _is_wanted(facts: dict[str, Any], runs: Sequence[RunConfig]) -> bool:
    """Return whether a run has a stage with these settings, whatever stages come before it."""
    for run in runs:
        section = run.pretraining.stages.get(facts.get("stage", ""))
        if section is None:
            continue
        wanted, found = section.result_settings(), facts.get("config")
        if section.passes is not None and isinstance(found, dict):  # the length in examples depends on the data
            wanted, found = ({name: one[name] for name in one if name not in NO_LENGTH} for one in (wanted, found))
        if wanted == found:
            return True
    return False


def _is_locked(stage: StageFolder) -> bool:
    """Return whether a process trains the stage."""
    if not stage.lock.exists():
        return False
    try:
        with FileLock(stage.lock, timeout=0):
            return False
    except (Timeout, OSError):
        return True
