"""Keep a study's folder at a URL: what its driver and other commands do with it.

    URL/STUDY/trial-0007/            an ended trial, file by file as in a folder; of a running one, what it began with
    URL/STUDY/running/trial-0007/*/  what each run of a trial has saved; none interferes with another
    URL/STUDY/report/ ...            what other commands wrote

Machines that train share no folder with the driver. A run saves its files under a name of its own, so that one that
was given up, and wakes up later, cannot spoil its successor. The driver takes the newest when the trial ends. All runs
of a trial compute the same numbers, so any one is a valid beginning for the next.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillRunningError
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

from data.errors import MachineError, UnavailableError, UserError
from search.display.notices import notice
from search.storage.file_lease import check_not_locked
from search.storage.runs_url import url_of
from search.trials.remote_folder import SYNCED, FileList, RemoteFolder
from search.trials.url_store import UrlStore

__all__ = [
    "RemoteStudy",
    "newest_run",
    "push_studies",
    "remote_study",
    "run_folder",
    "study_folder",
    "trial_folder",
]

RUNNING = "running"
PATIENCE_SECONDS = 600.0  # as for the storage
FIRST_PAUSE, LAST_PAUSE = 0.5, 15.0  # seconds between two tries; each pause is twice the one before
GUARD_SECONDS = 5.0  # between two calls of the guard while files are copied
_TRIAL = re.compile(r"trial-\d{4,}")

T = TypeVar("T")

_studies: dict[Path, RemoteStudy] = {}  # that this process uses


def remote_study(folder: Path) -> RemoteStudy | None:
    """Return the study whose copy a folder is; None for a folder of its own."""
    folder = folder.absolute()
    if folder not in _studies and (url := url_of(folder.parent)) is not None:
        _studies[folder] = RemoteStudy(f"{url}/{folder.name}", folder)
    return _studies.get(folder)


def study_folder(runs_dir: Path, name: str) -> Path:
    """Return a study's folder; if it is a copy, brought up to date, once in each process.

    Raises:
        UserError: the store cannot be used.
    """
    folder = runs_dir / name
    if (remote := remote_study(folder)) is not None:
        remote.pull()
    return folder


def push_studies() -> None:
    """Save what this command has written into copies of studies' folders, besides trials; warn if that fails."""
    for study in _studies.values():
        try:
            study.push()
        except MachineError as error:
            notice(f"what was written into '{study.folder}' is only there: {error}")


def trial_folder(store: UrlStore, number: int) -> RemoteFolder | None:
    """Return where a trial's files are that belong to no run in progress, with their list; None if it has none."""
    folder = RemoteFolder(store, _name(number))
    return folder if folder.read_list() else None


def run_folder(store: UrlStore, number: int, run: str) -> RemoteFolder:
    """Return where one run of a trial saves its files.

    Args:
        store: of the study.
        number: of the trial.
        run: a name that no other run has.
    """
    return RemoteFolder(store, f"{RUNNING}/{_name(number)}/{run}", by_content=True)


def newest_run(store: UrlStore, number: int, own: FileList) -> RemoteFolder | None:
    """Return the run of a trial that is furthest, with its list; None if none is further than the trial's own files.

    Args:
        store: of the study.
        number: of the trial.
        own: the list of those files.
    """
    runs = [run_folder(store, number, run) for run in store.folders(f"{RUNNING}/{_name(number)}")]
    lists = store.read(run.list_name for run in runs)
    saved = [run for run in runs if run.list_name in lists and run.take_list(lists[run.list_name])]
    newer = [run for run in saved if run.list.token == own.token and run.list.generation > own.generation]
    return max(newer, key=lambda run: run.list.generation, default=None)


class RemoteStudy:
    """A study's folder at a URL, and its copy here.

    What the driver calls is repeated while the store does not answer, for ten minutes; then it raises a
    :class:`~data.errors.MachineError`. :meth:`pull` and :meth:`push`, with which commands begin and end, try once.

    Args:
        url: of the study's folder.
        folder: the copy.

    Attributes:
        url, folder: as given.
        stopped: whether to give up, asked while waiting.
        guard: called before each try, and every few seconds while it takes long; it may raise an error.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.stopped: Callable[[], bool] = lambda: False
        self.guard: Callable[[], None] = lambda: None
        self._store = UrlStore(url)
        self._parts: dict[str, RemoteFolder] = {}  # by name; "": the files that are in no folder
        self._with_runs: set[int] | None = None  # trials that may have saved runs; None: not known yet
        self._generations: dict[int, int] = {}  # of the runs that have been fetched
        self._is_pulled = False

    def pull(self) -> None:
        """Bring the copy up to date, once; not while a driver on this machine writes it.

        Raises:
            UserError: the store cannot be used.
        """
        if self._is_pulled:
            return
        self._store.check()
        with self._lock:
            try:
                check_not_locked(self.folder, self.folder.name)
            except MachineError:
                raise
            except UserError:  # its driver is on this machine, and has the newest files
                return
            self._pull()
        self._is_pulled = True

    def take_over(self) -> None:
        """Bring the copy up to date, as the study's new driver: the one before may have worked until a moment ago."""
        with self._lock:  # a command that began to pull before this driver was there must not go on meanwhile
            self._patiently(self._pull)
        self._with_runs = None
        self._is_pulled = True

    @property
    def _lock(self) -> FileLock:
        return FileLock(self.folder.parent / f".{self.folder.name}.lock")

    def _pull(self) -> None:
        names = ["", *(name for name in self._store.folders() if name != RUNNING)]
        parts = {name: self._part(name) for name in names}
        lists = self._store.read(part.list_name for part in parts.values())
        there = {name: lists[part.list_name] for name, part in parts.items() if part.list_name in lists}
        self._parts = {name: parts[name] for name in there}
        for name, content in sorted(there.items()):
            try:
                parts[name].take_list(content)  # one that is damaged, perhaps by a write in progress, is read again
                parts[name].pull(self.folder / name, only_listed=_is_trial(name))
            except UnavailableError as error:
                if _is_trial(name):
                    raise
                notice(f"{error}; two commands may have written them at the same time")
        for path in self.folder.glob(f"*/{SYNCED}"):
            if path.parent.name not in there:
                self._part(path.parent.name).forget(path.parent)

    def push(self) -> None:
        """Save everything but trials, as far as it has changed here since it was last equal.

        Raises:
            UnavailableError: the store does not answer.
        """
        if not self.folder.is_dir():
            return
        paths = [path for path in self.folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
        for name in ["", *(path.name for path in paths if not _is_trial(path.name))]:
            self._part(name).push_changes(self.folder / name, with_deletions=self._is_pulled)

    def begin(self, number: int) -> None:
        """Save what a new trial begins with."""
        name = _name(number)
        self._patiently(lambda: self._store.delete_folder(f"{RUNNING}/{name}"))
        self._part(name).begin(FileList(token=secrets.token_hex(8)))
        self.push_trial(number)

    def push_trial(self, number: int) -> None:
        """Save a trial's files."""
        self._push(_name(number))

    def is_begun(self, number: int) -> bool:
        """Return whether :meth:`begin` was called for the trial, here or by an earlier driver."""
        return bool(self._part(_name(number)).list.token)

    def has_run(self, number: int) -> bool:
        """Return whether a run of the trial may have saved anything."""
        return number in self._trials_with_runs()

    def expect_run(self, number: int) -> None:
        """Note that a trial is about to run."""
        self._trials_with_runs().add(number)

    def fetch_run(self, number: int, wanted: Callable[[str], bool]) -> None:
        """Copy what the trial's runs have saved, as far as it is ``wanted`` by its path in the trial's folder."""
        if number in self._trials_with_runs():
            self._patiently(lambda: self._fetch_run(number, wanted))

    def _fetch_run(self, number: int, wanted: Callable[[str], bool]) -> None:
        name = _name(number)
        if (run := newest_run(self._store, number, self._part(name).list)) is not None:
            run.fetch(self.folder / name, wanted)
            self._generations[number] = run.list.generation

    def end_runs(self, number: int) -> None:
        """Save an ended trial's files, when all that are kept have been fetched, and delete its runs."""
        name = _name(number)
        self._push(name, self._generations.pop(number, None))
        if number in self._trials_with_runs():
            self._patiently(lambda: self._store.delete_folder(f"{RUNNING}/{name}"))
            self._patiently(self._part(name).sweep)
            self._trials_with_runs().discard(number)

    def delete(self, number: int) -> None:
        """Delete all files of a trial."""
        name = _name(number)
        self._patiently(lambda: self._store.delete_folder(f"{RUNNING}/{name}"))
        self._patiently(lambda: self._store.delete_folder(name))
        self._parts.pop(name, None)

    def move(self, name: str) -> None:
        """Give the study's remote folder another name; the copy keeps its own. Does nothing if it is not there."""
        above = UrlStore(self.url.rpartition("/")[0])
        self._patiently(lambda: above.move_folder(self.folder.name, name))
        self._parts.clear()

    def _trials_with_runs(self) -> set[int]:
        if self._with_runs is None:
            found = self._patiently(lambda: self._store.folders(RUNNING))
            self._with_runs = {int(name.removeprefix("trial-")) for name in found if _is_trial(name)}
        return self._with_runs

    def _part(self, name: str) -> RemoteFolder:
        if name not in self._parts:
            self._parts[name] = RemoteFolder(self._store, name, is_flat=not name)
        return self._parts[name]

    def _push(self, name: str, generation: int | None = None) -> None:
        self._patiently(lambda: self._part(name).push(self.folder / name, generation))

    def _patiently(self, call: Callable[[], T]) -> T:
        """Return what ``call()`` returns, repeating it while the store does not answer."""
        began, pause, has_failed = time.monotonic(), FIRST_PAUSE, False
        while True:
            try:
                result = self._guarded(call)
            except UnavailableError as error:
                if not has_failed:
                    notice(f"{error}; trying again for {PATIENCE_SECONDS / 60:.0f} min")
                has_failed = True
                if self.stopped() or time.monotonic() - began >= PATIENCE_SECONDS:
                    raise MachineError(f"{error}; nothing is lost: run the same command again to resume") from error
                time.sleep(pause)
                pause = min(2 * pause, LAST_PAUSE)
            else:
                if has_failed:
                    notice(f"'{self.url}' can be used again after {time.monotonic() - began:.0f} s")
                return result

    def _guarded(self, call: Callable[[], T]) -> T:
        self.guard()
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(call)
            while not running.done():
                try:
                    return running.result(GUARD_SECONDS)
                except StillRunningError:
                    self.guard()
            return running.result()


def _is_trial(name: str) -> bool:
    return _TRIAL.fullmatch(name) is not None


def _name(number: int) -> str:
    return f"trial-{number:04d}"
