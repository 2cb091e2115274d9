"""Survey the runs folder: what can be freed, and what is left alone and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import optuna

from core.config import RunConfig
from data.errors import UserError
from search.clean.cache_files import cache_files, open_runs
from search.clean.found_files import FilesBelow, Finding, Freed, free, in_both, mib
from search.clean.trial_files import has_trials, stray_trial_files, trial_files
from search.driver.trial_end import KEEP_MODELS
from search.recorded.ranking import open_study
from search.recorded.study import IDENTITY
from search.recorded.study_folder import is_own_folder
from search.storage.file_lease import LOCK, file_lease
from search.storage.open import open_recorded
from search.storage.study_names import DATABASE
from search.trials.folders import TrialFolders

__all__ = ["Cleaning", "Survey"]

_KEEP_MODELS = 3  # for studies recorded before this number was


@dataclass(frozen=True)
class Survey:
    """The result of a survey.

    Attributes:
        findings: what can be freed, the largest first.
        notes: one line for everything that is left alone.
    """

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Cleaning:
    """What to clean.

    Attributes:
        runs_dir: folder of all results; nothing outside it is touched.
        storage: URL; None for the default.
        study: name of the only study to clean, without the cache; None cleans all studies and the cache.
        keep: number of best models to keep; None keeps as many as each study does.
        orphans: also free files of trials that are not in the storage.
    """

    runs_dir: Path
    storage: str | None = None
    study: str | None = None
    keep: int | None = None
    orphans: bool = False

    def survey(self) -> Survey:
        """Find what can be freed, and change nothing.

        Raises:
            UserError: there is no such study, it is running, or the storage cannot be opened.
        """
        studies = self._studies()
        with self._leases() as refusals:
            return self._look(studies, refusals)

    def free(self, shown: Survey) -> Freed:
        """Delete what was shown, as far as a second survey finds it again.

        Raises:
            UserError: like :meth:`survey`.
        """
        studies = self._studies()
        with self._leases() as refusals:
            return free(in_both(shown.findings, self._look(studies, refusals).findings), self._below)

    @property
    def _below(self) -> FilesBelow:
        return FilesBelow(self.runs_dir)

    def _studies(self) -> dict[str, optuna.Study]:
        if self.study is not None:
            return {self.study: open_study(self.study, self.storage, self.runs_dir)}
        if self.storage is None and not (self.runs_dir / DATABASE).exists():
            return {}  # opening it would create it
        storage = open_recorded(self.storage, self.runs_dir)
        loaded = (optuna.load_study(study_name=name, storage=storage) for name in optuna.get_all_study_names(storage))
        return {study.study_name: study for study in loaded if IDENTITY in study.user_attrs}

    @contextmanager
    def _leases(self) -> Iterator[dict[str, str]]:
        """Hold the studies' leases, so that no trial begins; yield why those of some studies are not available."""
        refusals: dict[str, str] = {}
        with ExitStack() as leases:
            for folder in self._folders():
                if not (folder / LOCK).exists():
                    continue  # it has never been run
                try:
                    leases.enter_context(file_lease(folder, folder.name, to_write=False))  # the disk may be full
                except UserError as error:
                    if self.study is not None:
                        raise
                    refusals[folder.name] = str(error).partition(";")[0]
            yield refusals

    def _folders(self) -> list[Path]:
        return [path for path in self._below.folders(self.runs_dir) if self.study in (None, path.name)]

    def _look(self, studies: dict[str, optuna.Study], refusals: dict[str, str]) -> Survey:
        findings: list[Finding] = []
        notes = list(refusals.values())
        strays: list[str] = []
        for folder in self._folders():
            if folder.name in refusals or not has_trials(folder, self._below):
                continue
            study = studies.get(folder.name)
            if study is not None and not is_own_folder(study, TrialFolders(folder)):
                study = None  # it has the trials of another storage's study
            if study is not None:
                keep = study.user_attrs.get(KEEP_MODELS, _KEEP_MODELS) if self.keep is None else self.keep
                findings += trial_files(study, folder, keep, self._below)
            unknown = stray_trial_files(study, folder, self._below)
            if unknown and self.orphans:
                findings += unknown
            elif unknown or study is None:
                strays.append(folder.name)
                notes.append(_stray_note(folder, unknown))
        cache = self.runs_dir / "cache"
        if self.study is None and not refusals:
            findings += self._cache(cache, studies, strays, notes)
        elif self.study is None and cache.is_dir():
            notes.append(f"{cache} is left alone while a study is running")
        return Survey(tuple(sorted(findings, key=lambda finding: -finding.size)), tuple(notes))

    def _cache(
        self, cache: Path, studies: dict[str, optuna.Study], strays: list[str], notes: list[str]
    ) -> list[Finding]:
        runs: list[RunConfig] = []
        unclear = list(strays)
        for study in studies.values():
            try:
                runs += open_runs(study)
            except (ValueError, UserError):
                unclear.append(study.study_name)
        if unclear and (cache / "stages").is_dir():
            notes.append(f"{cache / 'stages'} is left alone: trials of {', '.join(sorted(set(unclear)))} may need it")
        return cache_files(cache, None if unclear else runs, self._below)


def _stray_note(folder: Path, unknown: list[Finding]) -> str:
    size = mib(sum(finding.size for finding in unknown))
    freed = f"; --orphans frees their models and checkpoints ({size} MiB)" if unknown else ""
    return f"{folder} has trials that are not in this storage; they may be in another one (--storage){freed}"
