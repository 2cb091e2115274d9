"""Studies whose runs are at a URL: machines that share no folder train them, and any machine reads them."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from stub_study import StubStudy, changed

from data.errors import MachineError, UnavailableError
from search.driver.driver import Driver
from search.driver.events import Event, TrialEvaluated
from search.driver.retries import RetryLimits
from search.executors.distant_run import DistantRun
from search.executors.local import LocalExecutor
from search.samplers.registry import SamplerChoice
from search.storage.open import open_storage
from search.storage.runs_url import copy_of
from search.trials import remote_study as module
from search.trials.folders import TrialFolders
from search.trials.remote_study import remote_study, study_folder
from search.trials.url_store import UrlStore
from tests.search.object_store import an_s3_bucket

UNLIMITED = RetryLimits(crashes=10**6, losses=10**6)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    yield from an_s3_bucket()


@pytest.fixture(params=["file", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    root = f"file://{tmp_path}/store" if request.param == "file" else request.getfixturevalue("s3")
    return f"{root}/{secrets.token_hex(4)}"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what makes this process one of another machine, with a cache folder of its own."""

    def become(name: str) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))
        monkeypatch.setattr(module, "_studies", {})

    become("first")
    return become


class RemoteStub(StubStudy):
    """A study of the stub training whose runs are at a URL."""

    def __init__(self, root: Path, url: str, **changes: Any) -> None:
        super().__init__(root, changed(**{"sampler": SamplerChoice("random"), **changes}))
        self.url = url

    @property
    def folder(self) -> Path:
        return study_folder(copy_of(self.url), self.spec.name)

    def driver(self, executor: Any = None, **options: Any) -> Driver:
        cache = self.folder.parent / "cache"
        cache.mkdir(exist_ok=True)
        if (self.root / "cache" / "script.json").exists():
            shutil.copy(self.root / "cache" / "script.json", cache)
        executor = executor or LocalExecutor(self.spec.workers, cache, threads=1, code=self.code)
        return Driver(self.spec, open_storage(None, self.root), executor, self.folder, **options)

    def assert_undisturbed(self, root: Path) -> None:
        alone = StubStudy(root, replace(self.spec, workers=1))
        alone.run()
        assert self.outcome() == alone.outcome()
        assert kept(self.folder) == kept(alone.folder)


def kept(folder: Path) -> dict[str, Any]:
    """Return the curve and the model that each trial's folder has; of a failed run, only whether there is an error."""
    return {
        path.name: [
            [json.loads(line)["overall"] for line in (path / "metrics.jsonl").read_text().splitlines()],
            (path / "best" / "model.safetensors").exists() and (path / "best" / "model.safetensors").read_text(),
            (path / "checkpoint.pt").exists(),
        ]
        for path in folder.glob("trial-*")
    }


def test_a_study_is_trained_and_read_elsewhere(url: str, machine: Callable[[str], None], tmp_path: Path) -> None:
    study = RemoteStub(tmp_path / "study", url, workers=2)
    assert study.run().finished
    study.assert_undisturbed(tmp_path / "alone")
    machine("second")
    study.assert_undisturbed(tmp_path / "again")
    assert TrialFolders(study.folder).run(0).read_metrics()
    store = UrlStore(f"{url}/stub")
    assert [name for name in store._below("running") if "." in Path(name).name] == []
    best = max(study.trials, key=lambda trial: trial.value or 0.0).number
    assert f"trial-{best:04d}/best/model.safetensors" in store._below("")


def test_trials_whose_workers_die_continue_from_what_was_saved(
    url: str, machine: Callable[[str], None], tmp_path: Path
) -> None:
    study = RemoteStub(tmp_path / "study", url, workers=2, pruner="halving")
    assert machine is not None
    deaths = iter([5, 9, 14])
    due = next(deaths)
    seen = 0

    def kill(event: Event) -> None:
        nonlocal due, seen
        if isinstance(event, TrialEvaluated):
            seen += 1
            if seen == due:
                executor._slots[0].process.kill()
                due = next(deaths, 0)

    cache = study.folder.parent / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "script.json").write_text('{"step_seconds": 0.005}')
    executor = LocalExecutor(2, cache, threads=1, code=study.code)
    assert study.driver(executor, retry_limits=UNLIMITED).run([study.events.append, kill]).finished
    seen_rungs = [(e.number, e.evaluation.rung) for e in study.events if isinstance(e, TrialEvaluated)]
    assert len(seen_rungs) == len(set(seen_rungs))
    starts = [start["examples"] for number in range(6) for start in study.starts(number)]
    assert any(starts)
    assert not list((cache.parent / "scratch").glob("*/*/checkpoint.pt"))


def test_another_machine_takes_over_from_a_driver_that_was_killed(
    url: str, machine: Callable[[str], None], tmp_path: Path
) -> None:
    """Its disk is gone: only the storage and the URL are left."""
    (tmp_path / "driver.py").write_text(
        "import sys; sys.path[:0] = sys.argv[3:]\n"
        "from pathlib import Path\n"
        "from tests.search.trials.test_remote_study import RemoteStub\n"
        "from search.console.progress import JsonLines\n"
        "RemoteStub(Path(sys.argv[1]), sys.argv[2]).script(step_seconds=0.01).run(JsonLines(sys.stdout))\n"
    )
    words = [sys.executable, tmp_path / "driver.py", tmp_path / "study", url, *sys.path]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        rungs = 0
        for line in driver.stdout:
            rungs += json.loads(line)["event"] == "TrialEvaluated"
            if rungs == 9:
                driver.kill()
    shutil.rmtree(tmp_path / "first")
    machine("second")
    study = RemoteStub(tmp_path / "study", url)
    assert study.run().finished
    study.assert_undisturbed(tmp_path / "alone")
    resumed = next(trial for trial in range(6) if len(study.starts(trial)) > 1)
    assert study.starts(resumed)[-1]["examples"] > 0


def test_a_run_that_wakes_up_after_the_trial_has_ended_changes_nothing(
    url: str, machine: Callable[[str], None], tmp_path: Path
) -> None:
    assert machine is not None
    root = study_folder(copy_of(url), "stub")
    folders = TrialFolders(root)
    folders.path(0).mkdir(parents=True)
    (folders.path(0) / "config.json").write_text("{}")
    assert folders.remote is not None
    folders.remote.begin(0)
    assert folders.url_for_run(0) == f"{url}/stub"

    def work(run: DistantRun, rungs: int) -> None:
        (run.folder / "metrics.jsonl").write_text("".join(f"{rung}\n" for rung in range(rungs)))
        (run.folder / "checkpoint.pt").write_text(str(rungs))
        (run.folder / "best").mkdir(exist_ok=True)
        (run.folder / "best" / "model.safetensors").write_text(str(rungs))
        run.save()

    stalled, successor = (DistantRun(f"{url}/stub", 0, tmp_path / f"scratch-{one}") for one in "ab")
    stalled.begin()
    assert [path.name for path in stalled.folder.iterdir()] == ["config.json"]
    work(stalled, 1)
    successor.begin()
    assert (successor.folder / "checkpoint.pt").read_text() == "1"
    work(successor, 2)
    work(successor, 2)
    folders.receive(0)
    assert (folders.path(0) / "metrics.jsonl").read_text() == "0\n1\n"
    assert not (folders.path(0) / "checkpoint.pt").exists()
    folders.tidy(0, keep_model=True, keep_checkpoint=True)
    assert (folders.path(0) / "checkpoint.pt").read_text() == "2"
    assert (folders.path(0) / "best" / "model.safetensors").read_text() == "2"

    work(stalled, 1)
    machine("second")  # a new driver, on another disk
    folders = TrialFolders(study_folder(copy_of(url), "stub"))
    folders.tidy(0, keep_model=True, keep_checkpoint=True)
    assert (folders.path(0) / "metrics.jsonl").read_text() == "0\n1\n"
    work(stalled, 1)
    revived = DistantRun(f"{url}/stub", 0, tmp_path / "scratch-c")
    revived.begin()
    assert (revived.folder / "checkpoint.pt").read_text() == "2"
    folders.tidy(0, keep_model=False)
    machine("third")
    folders = TrialFolders(study_folder(copy_of(url), "stub"))
    assert sorted(path.name for path in folders.path(0).iterdir() if path.is_file()) == ["config.json", "metrics.jsonl"]
    for run in (stalled, successor, revived):
        run.close()
        assert not run.folder.exists()


def test_deleted_and_renamed_studies(url: str, machine: Callable[[str], None]) -> None:
    assert machine is not None
    runs = copy_of(url)
    folders = TrialFolders(study_folder(runs, "stub"))
    for number in (0, 1):
        folders.path(number).mkdir(parents=True)
        (folders.path(number) / "config.json").write_text("{}")
        assert folders.remote is not None
        folders.remote.begin(number)
    folders.delete(0)
    folders.remote.move("stub-old")
    machine("second")
    assert not any(study_folder(copy_of(url), "stub").glob("trial-*"))
    assert [path.name for path in study_folder(copy_of(url), "stub-old").glob("trial-*")] == ["trial-0001"]


def test_a_store_that_does_not_answer_for_a_while(
    machine: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert machine is not None
    url = f"file://{tmp_path}/store"
    study = RemoteStub(tmp_path / "study", url, trials=2)
    write, failures = UrlStore.write, iter([False, *[True] * 3])

    def unreliable(self: UrlStore, name: str, content: bytes) -> None:
        if next(failures, False):
            raise UnavailableError(f"'{self.url}' cannot be used: away")
        write(self, name, content)

    monkeypatch.setattr(module, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(UrlStore, "write", unreliable)
    with pytest.warns(UserWarning, match="away") as warned:
        assert study.run().finished
    said = [str(one.message) for one in warned]
    assert f"'{url}/stub' cannot be used: away; trying again for 10 min" in said
    assert any("can be used again after" in line for line in said)
    study.assert_undisturbed(tmp_path / "alone")

    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(UrlStore, "write", lambda self, *_: unreliable_for_ever(self))
    longer = RemoteStub(tmp_path / "study", url, trials=3)
    with (
        pytest.raises(MachineError, match="cannot be used: away; nothing is lost"),
        pytest.warns(UserWarning, match="away"),
    ):
        longer.run()
    monkeypatch.setattr(UrlStore, "write", write)
    assert longer.run().finished
    longer.assert_undisturbed(tmp_path / "three")


def unreliable_for_ever(store: UrlStore) -> None:
    raise UnavailableError(f"'{store.url}' cannot be used: away")


def test_a_reader_on_the_drivers_machine_leaves_its_files_alone(
    machine: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver has received files that are not at the URL yet."""
    assert machine is not None
    study = RemoteStub(tmp_path / "study", f"file://{tmp_path}/store", trials=2)
    looked = list[bool]()

    def look(event: Event) -> None:
        if isinstance(event, TrialEvaluated) and not looked:
            (study.folder / "trial-0000" / "new").touch()
            monkeypatch.setattr(module, "_studies", {})  # as in another process
            study_folder(copy_of(study.url), "stub")
            looked.append((study.folder / "trial-0000" / "new").exists())

    assert study.run(look).finished
    assert looked == [True]


def test_an_ordinary_folder_has_no_url(tmp_path: Path) -> None:
    assert remote_study(tmp_path / "study") is None
    assert study_folder(tmp_path, "study") == tmp_path / "study"
    assert TrialFolders(tmp_path / "study").url_for_run(0) is None
