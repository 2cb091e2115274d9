"""search.clean: what it finds, what it deletes, and above all what it does not."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
import typer
from filelock import FileLock
from optuna.trial import TrialState, create_trial
from quick_storage import open_quickly
from stub_study import BASE, SPEC

from core.config import RunConfig
from data.errors import UserError
from search.clean.__main__ import main
from search.clean.survey import Cleaning
from search.recorded.study import create_or_load
from search.storage.file_lease import file_lease
from search.trials.folders import TrialFolders

MLM = RunConfig.model_validate({**BASE.model_dump(), "pretraining": {"mlm": {"examples": 100}}})
ALWAYS = ["config.json", "metrics.jsonl", "best/evaluation.json", "predictions/sst-dev-20.npy", "error.txt"]


def write(path: Path, size: int = 10) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return path


class Runs:
    """A runs folder with studies of trials that never ran."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.address = f"sqlite:///{root}/studies.db"
        self.storage = open_quickly(root)

    def study(self, name: str, *states: str, config: RunConfig = BASE) -> TrialFolders:
        """Trial n has score n / 10, a checkpoint, a model and half a file."""
        spec = replace(SPEC, name=name, first_trials=())
        study, folders = create_or_load(spec, self.storage), TrialFolders(self.root / name)
        for number, state in enumerate(states):
            self.add(study, number, state, config)
            folder = folders.path(number)
            for file in ALWAYS:
                write(folder / file)
            for file in ("checkpoint.pt", "best/model.safetensors", "checkpoint.pt.tmp", "predictions/p.tmp.npy"):
                write(folder / file, 1000)
        for file in ("export/model/model.safetensors", "ensemble/ensemble.json", "report/report.html"):
            write(folders.root / file)
        return folders

    def add(self, study: optuna.Study, number: int, state: str, config: RunConfig = BASE) -> None:
        attrs = {"config": config.canonical_json()}
        value = number / 10 if state in ("COMPLETE", "PRUNED") else None
        study.add_trial(create_trial(state=TrialState[state], value=value, user_attrs=attrs))

    def stage(self, key: str, config: RunConfig) -> Path:
        folder = self.root / "cache" / "stages" / key
        for file in ("encoder.safetensors", "checkpoint.pt.tmp", "lock"):
            write(folder / file)
        section = config.pretraining.mlm.model_dump(mode="json", exclude={"tasks"})
        (folder / "stage.json").write_text(json.dumps({"stage": "mlm", "config": section}))
        return folder

    def entry(self, place: str, name: str) -> Path:
        folder = self.root / "cache" / place / name
        for file in ("manifest.json", "facts.json", "labels.npy"):
            write(folder / file)
        return folder

    def files(self) -> set[str]:
        return {path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if not path.is_dir()}

    def freed(self, **options: object) -> set[str]:
        """What goes, after a survey that touches nothing."""
        before = self.files()
        cleaning = Cleaning(self.root, self.address, **options)  # type: ignore[arg-type]
        survey = cleaning.survey()
        assert self.files() == before
        freed = cleaning.free(survey)
        assert freed.failures == ()
        gone = before - self.files()
        assert freed.size == sum(finding.size for finding in survey.findings)
        assert gone == {f.path.relative_to(self.root).as_posix() for found in survey.findings for f in found.files}
        return gone


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path / "runs")


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    def say(word: str | None) -> None:
        """What a person at a terminal types; None: there is none."""
        stdin = io.StringIO("" if word is None else f"{word}\n")
        monkeypatch.setattr(stdin, "isatty", lambda: word is not None)
        monkeypatch.setattr("sys.stdin", stdin)

    return say


def gone(number: int, *, model: bool) -> set[str]:
    files = ["checkpoint.pt", "checkpoint.pt.tmp", "predictions/p.tmp.npy"] + ["best/model.safetensors"] * model
    return {f"s/trial-{number:04d}/{file}" for file in files}


def test_the_best_models_stay_and_an_open_trial_is_left_alone(runs: Runs) -> None:
    runs.study("s", "COMPLETE", "FAIL", "COMPLETE", "PRUNED", "RUNNING")
    assert runs.freed(keep=1) == gone(0, model=True) | gone(1, model=True) | gone(2, model=False) | gone(3, model=True)
    assert runs.freed(keep=0) == {"s/trial-0002/best/model.safetensors"}
    assert runs.freed(keep=0) == set()
    for number in range(5):
        assert all((runs.root / f"s/trial-{number:04d}" / file).exists() for file in ALWAYS)


@pytest.mark.parametrize(("recorded", "kept"), [(None, 3), (1, 1), (4, 4)])
def test_as_many_models_stay_as_the_study_keeps(runs: Runs, recorded: int | None, kept: int) -> None:
    folders = runs.study("s", *["COMPLETE"] * 5)
    if recorded is not None:
        optuna.load_study(study_name="s", storage=runs.storage).set_user_attr("keep_models", recorded)
    runs.freed()
    assert {n for n in range(5) if folders.run(n).best_model.exists()} == set(range(5 - kept, 5))


def test_one_study_alone(runs: Runs) -> None:
    runs.study("s", "PRUNED")
    runs.study("other", "PRUNED")
    runs.entry("tokens", "sst-dev-0a")
    assert runs.freed(study="s") == gone(0, model=True)
    with pytest.raises(UserError, match="--study none: no such study"):
        Cleaning(runs.root, runs.address, study="none").survey()


def test_the_cache_but_for_what_open_trials_may_need(runs: Runs) -> None:
    runs.study("s", "RUNNING", config=MLM)
    wanted = runs.stage("a", MLM)
    other = runs.stage("b", RunConfig.model_validate({**MLM.model_dump(), "pretraining": {"mlm": {"examples": 99}}}))
    busy = runs.stage("c", BASE)
    runs.entry("tokens", "sst-train-0a")
    cfimdb, further = runs.entry("tokens", "cfimdb-train-0a"), runs.entry("further", "sst-0a-0b")
    write(runs.root / "cache" / "vocabularies" / "0a-300.json")
    write(runs.root / "answers" / "answers.sqlite")
    with FileLock(busy / "lock"):
        freed = runs.freed()
    assert freed == {
        *(f"cache/{entry}/{file}" for entry in ("tokens/cfimdb-train-0a", "further/sst-0a-0b")
          for file in ("manifest.json", "facts.json", "labels.npy")),
        "cache/stages/b/encoder.safetensors",
        "cache/stages/b/checkpoint.pt.tmp",
    }  # fmt: skip
    assert not cfimdb.exists()
    assert not further.exists()
    assert (wanted / "encoder.safetensors").exists()
    assert {path.name for path in other.iterdir()} == {"lock", "stage.json"}


def test_a_waiting_trial_needs_what_its_parameters_and_the_base_say(runs: Runs) -> None:
    spec = replace(SPEC, name="s", first_trials=(), base=MLM)
    study = create_or_load(spec, runs.storage)
    runs.stage("a", MLM)
    assert "cache/stages/a/encoder.safetensors" in {
        f.path.relative_to(runs.root).as_posix()
        for found in Cleaning(runs.root, runs.address).survey().findings
        for f in found.files
    }
    study.enqueue_trial({"optim.learning_rate": 1e-3})
    assert runs.freed() == set()


def test_drafts_of_the_cache_go_when_they_are_old(runs: Runs) -> None:
    for name, age in ((".writing-a", 7200), (".writing-b", 0)):
        file = write(runs.root / "cache" / "tokens" / name / "labels.npy")
        os.utime(file, (time.time() - age,) * 2)
    assert runs.freed() == {"cache/tokens/.writing-a/labels.npy"}


def test_no_link_is_followed(runs: Runs, tmp_path: Path) -> None:
    folders = runs.study("s", "PRUNED", "PRUNED", "PRUNED", "PRUNED")
    (outside := tmp_path / "outside").mkdir()
    for number, name in enumerate(["best", "predictions"]):
        (folders.path(number) / name).rename(outside / name)
        (folders.path(number) / name).symlink_to(outside / name)
    folders.path(2).rename(outside / "trial")
    folders.path(2).symlink_to(outside / "trial")
    folders.run(3).checkpoint.unlink()
    folders.run(3).checkpoint.symlink_to(write(outside / "checkpoint.pt"))
    (runs.root / "cache" / "tokens").mkdir(parents=True)
    write(outside / "tokens" / "manifest.json")
    (runs.root / "cache" / "tokens" / "sst-dev-0a").symlink_to(outside / "tokens")
    (runs.root / "cache" / "further").symlink_to(outside)
    (runs.root / "elsewhere").symlink_to(runs.study("e", "PRUNED").root.rename(outside / "elsewhere"))
    (runs.root / "e").symlink_to(outside / "elsewhere")
    before = {path: path.stat().st_size for path in outside.rglob("*") if path.is_file()}
    assert len(before) > 15
    freed = runs.freed(keep=0)
    assert {path: path.stat().st_size for path in outside.rglob("*") if path.is_file()} == before
    assert freed == (gone(0, model=False) | gone(1, model=True) | gone(3, model=True)) - {
        "s/trial-0001/predictions/p.tmp.npy",
        "s/trial-0003/checkpoint.pt",
    }
    assert folders.run(3).checkpoint.is_symlink()


def test_a_study_that_is_being_run_is_left_alone_and_so_is_the_cache(runs: Runs) -> None:
    runs.study("s", "PRUNED")
    busy = runs.study("busy", "PRUNED")
    runs.entry("tokens", "sst-dev-0a")
    with file_lease(busy.root, "busy"):
        survey = Cleaning(runs.root, runs.address).survey()
        assert "study 'busy' is already being run by process" in survey.notes[0]
        assert "cache is left alone" in survey.notes[-1]
        assert runs.freed() == gone(0, model=True)
        with pytest.raises(UserError, match="'busy' is already being run"):
            Cleaning(runs.root, runs.address, study="busy").survey()


def test_trials_of_another_storage_are_orphans(runs: Runs) -> None:
    folders = runs.study("s", "PRUNED")
    write(folders.run(7).best_model)  # of an earlier study of this name
    write(runs.root / "strange" / "trial-0000" / "checkpoint.pt")
    write(runs.root / "strange" / "trial-0000" / "metrics.jsonl")
    runs.stage("a", MLM)
    runs.entry("tokens", "sst-dev-0a")
    survey = Cleaning(runs.root, runs.address).survey()
    assert [("strange" in note, "--orphans" in note) for note in survey.notes] == [
        (False, True),
        (True, True),
        (True, False),
    ]
    freed = runs.freed()
    assert freed == gone(0, model=True) | {
        f"cache/tokens/sst-dev-0a/{file}" for file in ("manifest.json", "facts.json", "labels.npy")
    }
    orphans = {"s/trial-0007/best/model.safetensors", "strange/trial-0000/checkpoint.pt"}
    assert orphans < runs.freed(orphans=True)
    assert (runs.root / "strange" / "trial-0000" / "metrics.jsonl").exists()


def test_without_a_terminal_it_only_shows(
    runs: Runs, capsys: pytest.CaptureFixture[str], answer: Callable[[str | None], None]
) -> None:
    runs.study("s", "PRUNED")
    before = runs.files()
    answer(None)
    main(runs_dir=runs.root, storage=runs.address)
    out = capsys.readouterr().out
    assert "all models except the best 3" in out
    assert "nothing was deleted; pass --yes to delete these files" in out
    assert runs.files() == before


@pytest.mark.parametrize(("word", "is_freed"), [("y", True), ("n", False), ("", False)])
def test_a_person_is_asked(
    runs: Runs, capsys: pytest.CaptureFixture[str], answer: Callable[[str | None], None], word: str, is_freed: bool
) -> None:
    folders = runs.study("s", "PRUNED")
    answer(word)
    main(runs_dir=runs.root, storage=runs.address)
    assert ("freed 0.0 MiB" in capsys.readouterr().out) == is_freed
    assert folders.run(0).best_model.exists() != is_freed


def test_what_becomes_needed_while_a_person_thinks_stays(runs: Runs) -> None:
    folders = runs.study("s", "COMPLETE", "COMPLETE")
    entry = runs.entry("tokens", "sst-dev-0a")
    cleaning = Cleaning(runs.root, runs.address, keep=1)
    shown = cleaning.survey()
    assert entry / "manifest.json" in {file.path for finding in shown.findings for file in finding.files}
    study = optuna.load_study(study_name="s", storage=runs.storage)
    runs.add(study, 2, "RUNNING")
    write(folders.run(3).best_model)
    runs.add(study, 9, "COMPLETE")  # now the best
    cleaning.free(shown)
    assert (entry / "manifest.json").exists()
    assert folders.run(3).best_model.exists()
    assert folders.run(1).best_model.exists()  # none of the best any more, but that was not shown
    assert not folders.run(0).best_model.exists()


def test_nothing_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(runs_dir=tmp_path / "none")
    assert "nothing to free" in capsys.readouterr().out
    assert not (tmp_path / "none").exists()


def test_what_cannot_be_deleted_is_said(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.study("s", "PRUNED")

    def refuse(path: Path, missing_ok: bool = False) -> None:  # noqa: ARG001
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(typer.Exit) as end:
        main(runs_dir=runs.root, storage=runs.address, yes=True)
    assert end.value.exit_code == 2
    assert "Permission denied (and 3 more)" in capsys.readouterr().err
