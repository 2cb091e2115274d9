"""Studies whose runs are at a URL: machines that share no folder train them, and any machine reads them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from stub_study import StubStudy, changed

from data.errors import MachineError, UnavailableError, UserError
from search.console.cli import entry_point
from search.driver.driver import Driver
from search.driver.events import Event, TrialEvaluated
from search.driver.retries import RetryLimits
from search.executors.distant_run import DistantRun
from search.executors.local import LocalExecutor
from search.recorded.moving import finish_moves, move_aside
from search.samplers.registry import SamplerChoice
from search.storage.open import open_storage
from search.storage.runs_url import copy_of
from search.storage.storage_lease import LeaseLostError
from search.trials import remote_study as module
from search.trials.folders import TrialFolders
from search.trials.remote_folder import FileList
from search.trials.remote_study import remote_study, study_folder
from search.trials.url_store import UrlStore

UNLIMITED = RetryLimits(crashes=10**6, losses=10**6)


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


def test_a_study_is_trained_and_read_elsewhere(runs_url: str, machine: Callable[[str], None], tmp_path: Path) -> None:
    study = RemoteStub(tmp_path / "study", runs_url, workers=2)
    assert study.run().finished
    study.assert_undisturbed(tmp_path / "alone")
    machine("second")
    study.assert_undisturbed(tmp_path / "again")
    assert TrialFolders(study.folder).run(0).read_metrics()
    store = UrlStore(f"{runs_url}/stub")
    assert [name for name in store.below("running") if "." in Path(name).name] == []
    best = max(study.trials, key=lambda trial: trial.value or 0.0).number
    assert f"trial-{best:04d}/best/model.safetensors" in store.below("")


def test_trials_whose_workers_die_continue_from_what_was_saved(
    runs_url: str, machine: Callable[[str], None], tmp_path: Path
) -> None:
    study = RemoteStub(tmp_path / "study", runs_url, workers=2, pruner="halving")
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
    assert not list((cache.parent / ".scratch").glob("*/*/*/checkpoint.pt"))


def test_another_machine_takes_over_from_a_driver_that_was_killed(
    runs_url: str, machine: Callable[[str], None], tmp_path: Path
) -> None:
    """Its disk is gone: only the storage and the URL are left."""
    (tmp_path / "driver.py").write_text(
        "import sys; sys.path[:0] = sys.argv[3:]\n"
        "from pathlib import Path\n"
        "from tests.search.trials.test_remote_study import RemoteStub\n"
        "from search.console.progress import JsonLines\n"
        "RemoteStub(Path(sys.argv[1]), sys.argv[2]).script(step_seconds=0.01).run(JsonLines(sys.stdout))\n"
    )
    words = [sys.executable, tmp_path / "driver.py", tmp_path / "study", runs_url, *sys.path]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        rungs = 0
        for line in driver.stdout:
            rungs += json.loads(line)["event"] == "TrialEvaluated"
            if rungs == 9:
                driver.kill()
    shutil.rmtree(tmp_path / "first")
    machine("second")
    study = RemoteStub(tmp_path / "study", runs_url)
    assert study.run().finished
    study.assert_undisturbed(tmp_path / "alone")
    resumed = next(trial for trial in range(6) if len(study.starts(trial)) > 1)
    assert study.starts(resumed)[-1]["examples"] > 0


def test_deleted_and_renamed_studies(runs_url: str, machine: Callable[[str], None]) -> None:
    assert machine is not None
    runs = copy_of(runs_url)
    folders = TrialFolders(study_folder(runs, "stub"))
    for number in (0, 1):
        folders.path(number).mkdir(parents=True)
        (folders.path(number) / "config.json").write_text("{}")
        assert folders.remote is not None
        folders.url_for_runs(number, is_new=True)
    folders.delete(0)
    folders.remote.move("stub-old")
    machine("second")
    assert not any(study_folder(copy_of(runs_url), "stub").glob("trial-*"))
    assert [path.name for path in study_folder(copy_of(runs_url), "stub-old").glob("trial-*")] == ["trial-0001"]


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
    assert TrialFolders(tmp_path / "study").url_for_runs(0, is_new=True) is None


def test_what_another_machine_has_deleted_does_not_come_back(two_trials: str, machine: Callable[[str], None]) -> None:
    machine("second")
    folders = TrialFolders(study_folder(copy_of(two_trials), "stub"))
    folders.delete(0)
    UrlStore(f"{two_trials}/stub").delete_folder("report")
    machine("first")
    folders = TrialFolders(study_folder(copy_of(two_trials), "stub"))
    module.push_studies()
    left = {path.relative_to(folders.root).as_posix() for path in folders.root.rglob("[!.]*") if path.is_file()}
    assert left == {"trial-0001/metrics.jsonl"}
    assert not any(name.startswith("report") for name in UrlStore(f"{two_trials}/stub").below())


def test_a_command_saves_only_what_it_has_written(two_trials: str, machine: Callable[[str], None]) -> None:
    machine("second")
    other = study_folder(copy_of(two_trials), "stub")
    (other / "report" / "report.md").write_text("newer")
    module.push_studies()
    machine("first")
    study = remote_study(copy_of(two_trials) / "stub")  # not pulled: as next to a driver
    assert study is not None
    (study.folder / "pareto").mkdir()
    (study.folder / "pareto" / "pareto.csv").write_text("new")
    module.push_studies()
    store = UrlStore(f"{two_trials}/stub")
    assert store.read(["report/report.md", "pareto/pareto.csv"]) == {
        "report/report.md": b"newer",
        "pareto/pareto.csv": b"new",
    }


def test_a_store_that_may_only_be_read(
    two_trials: str, machine: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine("second")
    folder = study_folder(copy_of(two_trials), "stub")
    (folder / "report" / "report.md").write_text("newer")
    monkeypatch.setattr(UrlStore, "upload", lambda self, _: unreliable_for_ever(self))
    with pytest.warns(UserWarning, match=r"what was written into '.*stub' is only there: .* cannot be used: away"):
        module.push_studies()


def test_two_commands_that_have_written_at_the_same_time(
    two_trials: str, machine: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.trials.remote_folder.PAUSE_SECONDS", 0.0)
    UrlStore(f"{two_trials}/stub").write("report/report.md", b"of another writer")
    machine("second")
    with pytest.warns(UserWarning, match="report/' has files that do not match its files.json; two commands may"):
        folder = study_folder(copy_of(two_trials), "stub")
    assert (folder / "trial-0001" / "metrics.jsonl").read_text() == "old"


def test_a_driver_that_takes_over_sees_what_the_one_before_did_last(
    two_trials: str, machine: Callable[[str], None]
) -> None:
    machine("second")
    late = study_folder(copy_of(two_trials), "stub")
    taken = remote_study(late)
    assert taken is not None
    machine("first")
    folders = TrialFolders(study_folder(copy_of(two_trials), "stub"))
    (folders.path(1) / "metrics.jsonl").write_text("newer")
    folders.tidy(1, keep_model=False)
    assert (late / "trial-0001" / "metrics.jsonl").read_text() == "old"
    taken.take_over()
    assert (late / "trial-0001" / "metrics.jsonl").read_text() == "newer"


def test_the_guard_is_called_while_files_are_copied(two_trials: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver has to send heartbeats then, and to stop as soon as another one has taken over."""
    monkeypatch.setattr(module, "GUARD_SECONDS", 0.01)
    upload = UrlStore.upload
    monkeypatch.setattr(UrlStore, "upload", lambda self, files: (time.sleep(0.2), upload(self, files))[1])
    folders, calls = TrialFolders(copy_of(two_trials) / "stub"), list[int]()
    assert folders.remote is not None
    folders.remote.guard = lambda: calls.append(1)
    (folders.path(1) / "metrics.jsonl").write_text("newer")
    folders.tidy(1, keep_model=False)
    assert len(calls) > 10


def test_what_two_machines_have_written_into_one_folder_is_joined(
    two_trials: str, machine: Callable[[str], None]
) -> None:
    machine("second")
    other = study_folder(copy_of(two_trials), "stub")
    machine("first")
    folder = study_folder(copy_of(two_trials), "stub")
    (folder / "report" / "mine.csv").write_text("mine")
    (folder / "report" / "report.md").unlink()
    module.push_studies()
    machine("second")
    module._studies[other] = module.RemoteStudy(f"{two_trials}/stub", other)
    (other / "report" / "theirs.csv").write_text("theirs")
    module.push_studies()
    store = UrlStore(f"{two_trials}/stub")
    assert sorted(store.below("report")) == ["files.json", "mine.csv", "theirs.csv"]


def test_what_is_not_saved_yet_is_not_replaced(two_trials: str, machine: Callable[[str], None]) -> None:
    """The store did not answer at the end of the command before."""
    machine("second")
    (study_folder(copy_of(two_trials), "stub") / "report" / "report.md").write_text("newer")
    module.push_studies()
    machine("first")
    folder = copy_of(two_trials) / "stub"
    (folder / "report" / "report.md").write_text("newest")
    assert (study_folder(copy_of(two_trials), "stub") / "report" / "report.md").read_text() == "newest"
    module.push_studies()
    assert UrlStore(f"{two_trials}/stub").read(["report/report.md"]) == {"report/report.md": b"newest"}


def test_a_list_that_cannot_be_read_deletes_nothing(
    two_trials: str, machine: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("search.trials.remote_folder.PAUSE_SECONDS", 0.0)
    UrlStore(f"{two_trials}/stub").write("trial-0001/files.json", b"{")
    machine("first")
    with pytest.raises(UnavailableError, match=r"trial-0001/' has files that do not match its files.json"):
        study_folder(copy_of(two_trials), "stub")
    assert (copy_of(two_trials) / "stub" / "trial-0001" / "metrics.jsonl").exists()
    run = DistantRun(f"{two_trials}/stub", 1, tmp_path / "scratch")
    with pytest.raises(UnavailableError, match="does not have what trial 1 begins with"):
        run.begin()
    run.close()


def test_a_driver_that_takes_over_waits_for_a_reader(two_trials: str, machine: Callable[[str], None]) -> None:
    """It has read the lists, and is about to make the copy as it was then."""
    machine("first")
    study = remote_study(copy_of(two_trials) / "stub")
    assert study is not None
    reader = study._lock
    with reader, ThreadPoolExecutor(1) as pool:
        driver = pool.submit(study.take_over)
        time.sleep(0.3)
        assert not driver.done()
        reader.release()
        driver.result(10)


def test_trials_that_run_elsewhere_are_work_of_another_study(
    two_trials: str, machine: Callable[[str], None], tmp_path: Path
) -> None:
    UrlStore(f"{two_trials}/stub").delete(["trial-0000/metrics.jsonl", "trial-0001/metrics.jsonl"])
    for number in (0, 1):
        UrlStore(f"{two_trials}/stub").write(f"trial-000{number}/files.json", FileList(token="a").to_json())
    run = DistantRun(f"{two_trials}/stub", 0, tmp_path / "scratch")
    run.begin()
    run.save()
    run.close()
    machine("second")
    folders = TrialFolders(study_folder(copy_of(two_trials), "stub"), "another-study")
    assert (folders.has_work(0), folders.has_work(1)) == (True, False)
    assert not folders.is_begun(0)


class KilledError(BaseException): ...


def test_a_move_that_was_killed_is_finished_on_another_machine(
    runs_url: str, machine: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after a command there has looked at the study under its new name."""
    study = RemoteStub(tmp_path / "study", runs_url, trials=1)
    assert study.run().finished
    storage, moved = open_storage(None, study.root), list[str]()

    def die(self: module.RemoteStudy, name: str) -> None:
        assert self.folder.is_dir()
        moved.append(name)
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(module.RemoteStudy, "move", die)
        with pytest.raises(KilledError):
            move_aside("stub", storage, copy_of(runs_url))
    machine("second")
    study_folder(copy_of(runs_url), moved[0])
    finish_moves("stub", open_storage(None, study.root), copy_of(runs_url))
    machine("third")
    assert TrialFolders(study_folder(copy_of(runs_url), moved[0])).curve(0)
    assert not (study_folder(copy_of(runs_url), "stub") / "trial-0000").exists()
    again = RemoteStub(tmp_path / "study", runs_url, trials=1)
    assert again.run().finished


def test_a_driver_that_has_lost_its_lease_writes_nothing(
    runs_url: str, machine: Callable[[str], None], tmp_path: Path
) -> None:
    assert machine is not None
    study = RemoteStub(tmp_path / "study", runs_url)
    driver = study.driver()
    remote = remote_study(study.folder)
    assert remote is not None
    driver._lease._lost = LeaseLostError("another driver has taken over")
    (study.folder / "trial-0000").mkdir(parents=True)
    with pytest.raises(LeaseLostError):
        remote.push_trial(0)
    assert UrlStore(f"{runs_url}/stub").below() == []


def test_what_a_killed_writer_has_left_is_deleted_at_the_end_of_the_trial(two_trials: str) -> None:
    store = UrlStore(f"{two_trials}/stub")
    store.write("trial-0001/best/model.safetensors", b"not on the list")
    TrialFolders(copy_of(two_trials) / "stub").tidy(1, keep_model=True)
    assert store.below("trial-0001") == ["files.json", "metrics.jsonl"]


@pytest.mark.parametrize("end", [None, typer.Exit(1), UserError("bad"), KeyboardInterrupt()])
def test_what_a_command_writes_is_saved_however_it_ends(two_trials: str, end: BaseException | None) -> None:
    @entry_point
    def command(runs_dir: Path) -> None:
        (study_folder(runs_dir, "stub") / "new.csv").write_text("new")
        if end is not None:
            raise end

    with suppress(typer.Exit):
        command(runs_dir=copy_of(two_trials))
    assert UrlStore(f"{two_trials}/stub").read(["new.csv"]) == {"new.csv": b"new"}
