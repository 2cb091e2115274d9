"""What ``search.finalists`` trains: chosen once, recorded with the finalists' study, and never changed afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage

from data.errors import MachineError, UserError
from search.finalists.candidates import Candidate, choose_candidates, recorded_candidates
from search.finalists.replication import fresh_seeds, replication_spec, same_compute, used_seeds
from search.recorded.ranking import ranked_trials
from search.recorded.second_start import SecondStart
from search.recorded.space import searched_settings
from search.recorded.study import IDENTITY, recorded_attrs, recorded_identity
from search.space.variants import VARIANT
from search.storage.file_lease import check_not_locked
from search.storage.storage_lease import check_not_held
from search.study.spec import StudySpec
from search.trials.remote_study import study_folder

__all__ = ["ORIGIN", "SUFFIX", "FinalistsRequest"]

ORIGIN = "finalists"
"""Attribute of the finalists' study that says what it was made from."""

SUFFIX = "finalists"


def _check_source(study: optuna.Study, folder: Path, storage: BaseStorage) -> None:
    """Refuse a study that finalists cannot be chosen from."""
    name = study.study_name
    if ORIGIN in study.user_attrs:
        of = study.user_attrs[ORIGIN]["of"]
        raise UserError(
            f"study '{name}' contains the finalists of '{of}'; for more seeds, pass --study {of} --seeds S --name NEW"
        )
    if IDENTITY not in study.user_attrs:
        raise UserError(f"study '{name}' was recorded by another program")
    if VARIANT in searched_settings(study):
        raise UserError(
            f"study '{name}' already compares variants over seeds: search.report --study {name} shows their means and "
            "intervals; for more seeds, set seeds = [...] in its file"
        )
    finished = len(ranked_trials(study))
    if finished < 2:
        raise UserError(
            f"study '{name}' has {finished or 'no'} finished trial{'' if finished == 1 else 's'} that can win; "
            "finalists are chosen from at least 2"
        )
    if _is_being_run(study, folder, storage):
        raise UserError(
            f"study '{name}' is running, so its best trials may change; wait until it ends, or stop it first"
        )


def _is_being_run(study: optuna.Study, folder: Path, storage: BaseStorage) -> bool:
    try:
        check_not_locked(folder, study.study_name, to_write=False)
        check_not_held(study, storage)
    except MachineError:  # of a study that is only read, the folder may be write-protected
        return False
    except UserError:
        return True
    return False


@dataclass(frozen=True)
class FinalistsRequest:
    """The finalists of a study.

    Attributes:
        of: name of the study.
        name: of the finalists' study.
        candidates: the default configuration first.
        seeds: the same for all, not used by the study.
        asked: the options that they come from.
        best: the study's best trial when they were chosen.
        floors: means of tasks below which none of them wins.
    """

    of: str
    name: str
    candidates: tuple[Candidate, ...]
    seeds: tuple[int, ...]
    asked: Mapping[str, Any]
    best: int
    floors: Mapping[str, float]

    @classmethod
    def make(
        cls,
        study: optuna.Study,
        name: str,
        top: int,
        seeds: int,
        presets: Sequence[str],
        storage: BaseStorage,
        start: SecondStart,
    ) -> FinalistsRequest:
        """Return what the finalists' study was started with, even if the study has changed since; or choose now.

        Args:
            study: the study.
            name: of the finalists' study.
            top: how many of the best configurations.
            seeds: number of seeds for each.
            presets: names of presets to train as well.
            storage: of both studies.
            start: says whether finalists that are recorded begin again.

        Raises:
            UserError: ``top`` or ``seeds`` is below 1; a preset is unknown; the name is taken by another study; the
                finalists' study was begun with other options; for a new choice, the study compares variants, has fewer
                than two finished trials, or is being run.
        """
        for option, value in (("--top", top), ("--seeds", seeds)):
            if value < 1:
                raise UserError(f"{option} {value}: must be at least 1")
        of, asked = study.study_name, {"top": top, "seeds": seeds, "presets": list(presets)}
        if name == of:
            raise UserError(f"--name {name}: the finalists of '{of}' need another name than the study itself")
        attrs = recorded_attrs(name, storage)
        recorded = attrs.get(ORIGIN)
        if recorded is None and IDENTITY in attrs:
            raise UserError(f"study '{name}' exists and is no finalists' study; choose another --name")
        if recorded is not None and recorded["of"] != of:
            raise UserError(f"study '{name}' contains the finalists of '{recorded['of']}'; choose another --name")
        has_changed = recorded is not None and recorded["asked"] != asked
        if recorded is None or start.restart or (has_changed and start.may_differ(name)):
            _check_source(study, study_folder(start.runs_dir, of), storage)
            return cls._choose(study, name, asked)
        if has_changed:
            raise UserError(
                f"study '{name}' was started with {_options(recorded['asked'])}; pass the same options to resume it, "
                "--restart to move it aside and begin again, or --name NEW to train others"
            )
        candidates = recorded_candidates(recorded["candidates"])
        return cls(of, name, tuple(candidates), tuple(recorded["seeds"]), asked, recorded["best"], recorded["floors"])

    @classmethod
    def _choose(cls, study: optuna.Study, name: str, asked: Mapping[str, Any]) -> FinalistsRequest:
        """Choose finalists from the study as it is now, and fresh seeds."""
        candidates = choose_candidates(study, asked["top"], asked["presets"])
        _check_names(candidates)
        seeds = fresh_seeds(used_seeds(study), asked["seeds"])
        floors = {task: floor["score"] for task, floor in recorded_identity(study).get("floors", {}).items()}
        best = ranked_trials(study)[0].number
        return cls(study.study_name, name, tuple(candidates), seeds, asked, best, floors)

    def spec(self, data: Path | None, workers: int, threads: int | None) -> StudySpec:
        """Return the study that trains the finalists; see :func:`search.finalists.replication.replication_spec`.

        Args:
            threads: CPU threads of each; None: as many as the study's runs had.
        """
        configs = {one.name: one.config for one in self.candidates}
        return replication_spec(
            self.name,
            same_compute(configs, data=data, threads=threads),
            self.seeds,
            description=f"the finalists of {self.of}",
            origin={ORIGIN: self.to_json()},
            workers=workers,
        )

    def to_json(self) -> dict[str, Any]:
        """What is recorded."""
        return {
            "of": self.of,
            "candidates": [one.to_json() for one in self.candidates],
            "seeds": list(self.seeds),
            "asked": dict(self.asked),
            "best": self.best,
            "floors": dict(self.floors),
        }

    def newcomers(self, study: optuna.Study) -> list[int]:
        """Return trials that are among the study's best now, but were not when the finalists were chosen."""
        chosen = {one.key for one in self.candidates}
        now = choose_candidates(study, self.asked["top"], ())
        return [one.trial for one in now if one.key not in chosen and one.trial is not None and not one.preset]


def _check_names(candidates: Sequence[Candidate]) -> None:
    names = [one.name for one in candidates]
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise UserError(
            f"two different configurations to train are called '{twice[0]}'; leave out the --preset or give it another "
            "name"
        )


def _options(asked: Mapping[str, Any]) -> str:
    presets = "".join(f" --preset {name}" for name in asked["presets"])
    return f"--top {asked['top']} --seeds {asked['seeds']}{presets}"
