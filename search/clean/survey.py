"""Survey the runs folder: what can be freed, and what is left alone and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import optuna

from core.config import RunConfig
from data.errors import UserError
from search.clean.cache_files import cache_files
from search.clean.finding import Finding, Freed, free, in_both
from search.clean.found_files import FilesBelow
from search.clean.open_trials import open_runs
from search.clean.trial_files import has_trials, stray_trial_files, trial_files
from search.driver.trial_end import KEEP_MODELS
from search.recorded.ranking import open_study
from search.recorded.study import IDENTITY
from search.storage.file_lease import FileLease
from search.storage.open import open_storage

__all__ = ["Cleaning", "Survey"]

_KEEP_MODELS = 3  # for studies recorded before this number was
_MIB = 2**20


@dataclass(frozen=True)
class Survey:
    """The result of a survey.

    Attributes:
        findings: what can be freed, the largest first.
        notes: one line for everything that is left alone.
    """

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


@dataclass
class _Held:
    """The leases of the studies in the runs folder; while they are held, no trial begins."""

    refusals: dict[str, str] = field(default_factory=dict)  # by study: why its lease is not available


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
        with self._leases() as held:
            return self._look(studies, held)

    def free(self, shown: Survey) -> Freed:
        """Delete what was shown, as far as a second survey finds it again.

        Raises:
            UserError: like :meth:`survey`.
        """
        studies = self._studies()
        with self._leases() as held:
            return free(in_both(shown.findings, self._look(studies, held).findings), self._below)

    @property
    def _below(self) -> FilesBelow:
        return FilesBelow(self.runs_dir)

    def _studies(self) -> dict[str, optuna.Study]:
        if self.study is not None:
            return {self.study: open_study(self.study, self.storage, self.runs_dir)}
        if self.storage is None and not (self.runs_dir / "studies.db").exists():
            return {}  # opening it would create it
        storage = open_storage(self.storage, self.runs_dir)
        loaded = (optuna.load_study(study_name=name, storage=storage) for name in optuna.get_all_study_names(storage))
        return {study.study_name: study for study in loaded if IDENTITY in study.user_attrs}

    @contextmanager
    def _leases(self) -> Iterator[_Held]:
        held = _Held()
        with ExitStack() as leases:
            for folder in self._folders():
                if not (folder / "driver.lock").exists():
                    continue  # it has never been run
                try:
                    leases.enter_context(FileLease(folder, folder.name))
                except UserError as error:
                    if self.study is not None:
                        raise
                    held.refusals[folder.name] = str(error).partition(";")[0]
            yield held

    def _folders(self) -> list[Path]:
        return [path for path in self._below.folders(self.runs_dir) if self.study in (None, path.name)]

    def _look(self, studies: dict[str, optuna.Study], held: _Held) -> Survey:
        findings: list[Finding] = []
        notes = list(held.refusals.values())
        strays: list[str] = []
        for folder in self._folders():
            if folder.name in held.refusals or not has_trials(folder, self._below):
                continue
            study = studies.get(folder.name)
            if study is not None:
                findings += trial_files(study, folder, self._keep(study), self._below)
            unknown = stray_trial_files(study, folder, self._below)
            if unknown and self.orphans:
                findings += unknown
            elif unknown or study is None:
                strays.append(folder.name)
                notes.append(_stray_note(folder, unknown))
        if self.study is None:
            findings += self._cache(studies, held, strays, notes)
        return Survey(tuple(sorted(findings, key=lambda finding: -finding.size)), tuple(notes))

    def _keep(self, study: optuna.Study) -> int:
        if self.keep is not None:
            return self.keep
        keep: int = study.user_attrs.get(KEEP_MODELS, _KEEP_MODELS)
        return keep

    def _cache(
        self, studies: dict[str, optuna.Study], held: _Held, strays: list[str], notes: list[str]
    ) -> list[Finding]:
        cache = self.runs_dir / "cache"
        if held.refusals:
            if cache.is_dir():
                notes.append(f"{cache} is left alone while a study is running")
            return []
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
    size = sum(finding.size for finding in unknown) / _MIB
    freed = f"; --orphans frees their models and checkpoints ({size:,.1f} MiB)" if unknown else ""
    return f"{folder} has trials that are not in this storage; they may be in another one (--storage){freed}"
