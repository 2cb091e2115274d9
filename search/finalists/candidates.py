"""Choose the configurations to train again: a study's best ones, its default one, and presets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState
from pydantic import ValidationError

from core.config import RunConfig
from core.config.pretraining import NO_LENGTH
from data.errors import UserError
from search.display.values import rounded
from search.parsing.pydantic_messages import explain
from search.recorded.encoders import with_one_name
from search.recorded.ranking import ranked_trials
from search.recorded.space import default_configuration, default_trial_of
from search.space.paths import check_value, config_fields, differing_paths, get_value, set_value, why_fixed
from search.storage.damage import reading_record
from search.study.presets import list_presets, load_preset
from search.trials.record import CONFIG, ROLE, TrialRecord, stored_config

__all__ = ["Candidate", "choose_candidates", "preset_configuration", "recorded_candidates", "settings_lines"]

_FIRST = "first "
_NO_SETTINGS = ("seed", "data.", "compute.")


@dataclass(frozen=True)
class Candidate:
    """A configuration that is to be trained again.

    Attributes:
        config: as it was trained; its seed, data folder and compute do not count.
        trial: of the study that trained it; None for a preset, or a default configuration, that none did.
        preset: its name, if it is one.
        is_default: whether it is the study's default configuration.
    """

    config: RunConfig
    trial: int | None = None
    preset: str = ""
    is_default: bool = False

    @property
    def name(self) -> str:
        """``default``, ``preset NAME``, or ``trial N``."""
        if self.is_default:
            return "default"
        return f"preset {self.preset}" if self.preset else f"trial {self.trial}"

    @property
    def key(self) -> str:
        """A key that is equal for equal configurations."""
        like = RunConfig.model_fields
        plain = {name: like[name].get_default(call_default_factory=True) for name in ("data", "compute")}
        return self.config.model_copy(update={**plain, "seed": 0}).digest

    def to_json(self) -> dict[str, Any]:
        """Return what is recorded; :func:`recorded_candidates` reads it back."""
        return {
            "name": self.name,
            "trial": self.trial,
            "preset": self.preset,
            "is_default": self.is_default,
            "config": self.config.model_dump_json(),  # as text, which keeps the order of the tasks
        }


def choose_candidates(study: optuna.Study, top: int, presets: Sequence[str]) -> list[Candidate]:
    """Return the default configuration, the ``top`` best, the best of the study's first presets, and named presets.

    One that is several of these is there once. Configurations that differ in their seed only count as one.

    Args:
        top: how many of the best, at least 1.
        presets: names of further ones. One that the study began with is as it was there, with what the study file
            overrides.

    Raises:
        UserError: a preset is unknown, or not for the study's tasks.
    """
    ranked = ranked_trials(study)
    like = _config(study, ranked[0])
    default = default_trial_of(study)
    plain = with_one_name(default_configuration(study, like), study.user_attrs)
    found = [Candidate(plain, default.number if default else None, is_default=True)]
    best: list[Candidate] = []
    for trial in ranked:
        candidate = Candidate(_config(study, trial), trial.number)
        if len(best) < top and candidate.key not in {one.key for one in best}:
            best.append(candidate)
    found += [*best, *_best_first_preset(study)]
    for name in presets:
        new = _first_trial(study, name) or Candidate(preset_configuration(name, found[0].config), preset=name)
        found.append(new)
    return _once(found)


def recorded_candidates(tables: Sequence[Mapping[str, Any]]) -> list[Candidate]:
    """Read the results of :meth:`Candidate.to_json`, whatever has happened to trials and presets since."""
    with reading_record("what the finalists were chosen from"):
        return [
            Candidate(
                RunConfig.model_validate_json(table["config"]), table["trial"], table["preset"], table["is_default"]
            )
            for table in tables
        ]


def preset_configuration(name: str, default: RunConfig) -> RunConfig:
    """Apply a preset's settings to the default configuration, except for those that decide how runs are scored.

    Raises:
        UserError: there is no such preset, it is for other tasks, or makes no run of these.
    """
    tasks = {task: one.spec for task, one in default.tasks.items()}
    preset = load_preset(name, tasks, list_presets(Path("studies")), ())
    tree = default.model_dump()
    for path, field in config_fields(default.tasks).items():
        for value in _at(preset, path.split(".")):
            if why_fixed(path) is None:
                checked = check_value(value, field, tuple(path.split(".")))
                set_value(tree, path, checked)
                stage, _, unit = path.rpartition(".")
                if stage.startswith("pretraining.") and unit in NO_LENGTH and checked is not None:
                    for other in NO_LENGTH.keys() - {unit}:
                        set_value(tree, f"{stage}.{other}", NO_LENGTH[other])
    try:
        return RunConfig.model_validate(tree)
    except ValidationError as error:
        raise UserError(
            f"--preset {name}: not a valid configuration for this study: {explain(error.errors()[0])}"
        ) from error


def _at(table: Any, parts: Sequence[str]) -> Iterator[Any]:
    """Yield the value at the path; nothing if there is none."""
    for part in parts:
        if not isinstance(table, dict) or part not in table:
            return
        table = table[part]
    yield table


def _first_trial(study: optuna.Study, name: str) -> Candidate | None:
    """Return the study's first trial of this name, however it ended."""
    trials = study.get_trials(deepcopy=False)
    found = (one for one in trials if one.user_attrs.get(ROLE) == _FIRST + name and CONFIG in one.user_attrs)
    trial = next(found, None)
    return None if trial is None else Candidate(_config(study, trial), trial.number, preset=name)


def _best_first_preset(study: optuna.Study) -> list[Candidate]:
    """Return the best of the study's first presets; pruned ones come after the others."""
    known = list_presets(Path("studies"))
    tried = []
    for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)):
        role, score = trial.user_attrs.get(ROLE, ""), TrialRecord.read(trial).result.overall
        if role.startswith(_FIRST) and role.removeprefix(_FIRST) in known and score is not None:
            tried.append((trial.state == TrialState.COMPLETE, score, -trial.number, trial))
    if not tried:
        return []
    best = max(tried)[-1]
    return [Candidate(_config(study, best), best.number, preset=best.user_attrs[ROLE].removeprefix(_FIRST))]


def _once(candidates: Sequence[Candidate]) -> list[Candidate]:
    found: dict[str, Candidate] = {}
    for one in candidates:
        known = found.setdefault(one.key, one)
        found[one.key] = replace(
            known,
            trial=one.trial if known.trial is None else known.trial,
            preset=known.preset or one.preset,
            is_default=known.is_default or one.is_default,
        )
    return list(found.values())


def _config(study: optuna.Study, trial: FrozenTrial) -> RunConfig:
    return with_one_name(stored_config(trial), study.user_attrs)


def settings_lines(candidates: Sequence[Candidate]) -> list[str]:
    """List for each configuration the settings that differ from the default one: ``trial 3: lora.rank = 8``."""
    default = next(one for one in candidates if one.is_default)
    return [f"{one.name}: {_differences(one, default)}" for one in candidates if not one.is_default]


def _differences(one: Candidate, default: Candidate) -> str:
    paths = differing_paths([default.config, one.config])
    return ", ".join(
        f"{path} = {rounded(get_value(one.config, path))}" for path in paths if not path.startswith(_NO_SETTINGS)
    )
