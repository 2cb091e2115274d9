"""``python -m search.run`` as a user meets it: output, exit codes, resuming, refusals."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
import typer

from search import run
from search.console.session import StudySession
from search.driver.driver import Driver
from search.driver.events import Event, TrialEnded
from search.executors import local
from search.executors.worker import TrainingCode
from search.storage.open import open_storage
from search.study.file import load_study
from tests.stub_gpus import write_nvidia_smi

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def copied(finished_study: Any, tmp_path: Path) -> tuple[Path, Path]:
    """Return copies of the study file and runs folder of a finished study."""
    shutil.copytree(finished_study.runs, tmp_path / "runs")
    return Path(shutil.copy(finished_study.file, tmp_path / "tiny.toml")), tmp_path / "runs"


def states(runs: Path, name: str = "tiny") -> list[str]:
    study = optuna.load_study(study_name=name, storage=open_storage(None, runs))
    return [trial.state.name for trial in study.get_trials()]


def test_it_says_what_it_will_do_and_what_came_out(finished_study: Any) -> None:
    log = finished_study.log
    assert "optim.learning_rate" in log
    assert "budget: 4 trials of up to 1,600 training examples, dev scored at 400, 800, 1,200, 1,600" in log
    assert "training examples/s" in log
    assert "study tiny: 4 finished" in log
    assert "best: trial" in log
    assert "expected on new data" in log
    assert re.search(r"Overall dev score: 0\.\d{4}; expected on new data: 0\.\d{4} \[", log)
    for word in ("sst accuracy", "para accuracy", "sts pearson", "overall", "default", "gain"):
        assert word in log
    runs = finished_study.runs
    for module in ("dashboard", "report --study tiny", "finalists --study tiny", "export --study tiny"):
        assert f"python -m search.{module} --runs-dir {runs}" in log


def test_the_same_command_again_trains_nothing(copied: tuple[Path, Path], run_command: Run) -> None:
    file, runs = copied
    again = run_command("search.run", "--study", file, "--runs-dir", runs)
    assert again.returncode == 0
    assert "study tiny finished: all 4 trials have ended; pass a larger --trials to continue" in again.stdout
    assert "study tiny: 4 finished" in again.stdout
    assert states(runs) == ["COMPLETE"] * 4


def test_trials_means_in_total(copied: tuple[Path, Path], run_command: Run) -> None:
    file, runs = copied
    more = run_command("search.run", "--study", file, "--runs-dir", runs, "--trials", 5, "--json")
    assert more.returncode == 0
    assert states(runs) == ["COMPLETE"] * 5
    events = [json.loads(line) for line in more.stdout.splitlines() if line.startswith("{")]
    assert [event["number"] for event in events if event["event"] == "TrialEnded"] == [4]
    assert events[0]["event"] == "StudyStarted"
    assert events[0]["done"] == 4
    assert events[0]["best"]["value"] == events[0]["best"]["best"]["overall"]  # of the four before
    assert events[-1]["event"] == "StudyEnded"


def test_standard_output_of_json_is_json_only(copied: tuple[Path, Path], run_command: Run) -> None:
    file, runs = copied
    limits = ("--trials", 9, "--examples", 6000, "--hours", 5)
    done = run_command("search.run", "--study", file, "--runs-dir", runs, "--json", *limits)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [event["event"] for event in events] == ["StudyStarted", "StudyEnded"]  # the examples were spent before
    assert events[-1]["reason"].startswith("its 6,000 training examples are used up (6,4")
    assert events[-1]["reason"] in " ".join(done.stderr.split())


def test_quiet_prints_the_result_only(copied: tuple[Path, Path], run_command: Run) -> None:
    file, runs = copied
    done = run_command("search.run", "--study", file, "--runs-dir", runs, "--quiet")
    assert done.returncode == 0
    assert "search space" not in done.stdout
    assert "best: trial" in done.stdout


def test_a_changed_space_is_refused_and_needs_another_name(copied: tuple[Path, Path], run_command: Run) -> None:
    file, runs = copied
    file.write_text(file.read_text().replace("high = 1e-2", "high = 5e-2"))
    refused = run_command("search.run", "--study", file, "--runs-dir", runs)
    assert refused.returncode == 2
    message = refused.stderr.strip()
    assert "\n" not in message
    assert "space: optim.learning_rate: high was 0.01, is now 0.05" in message
    assert "--name NEW" in message
    forked = run_command("search.run", "--study", file, "--runs-dir", runs, "--name", "wider", "--trials", 1)
    assert forked.returncode == 0
    assert states(runs, "wider") == ["COMPLETE"]
    assert states(runs) == ["COMPLETE"] * 4


def test_restart_moves_the_recorded_study_aside(copied: tuple[Path, Path], run_command: Run) -> None:
    """The old study can still be used, under its new name."""
    file, runs = copied
    file.write_text(file.read_text().replace("high = 1e-2", "high = 5e-2").replace("train = 400", "train = 420"))
    done = run_command("search.run", "--study", file, "--runs-dir", runs, "--restart", "--trials", 1, "--quiet")
    assert done.returncode == 0, done.stderr
    line = done.stdout.splitlines()[0]
    moved = line.removeprefix("study 'tiny' is now called '").partition("'")[0]
    assert line == f"study 'tiny' is now called '{moved}'; its folder is '{runs / moved}'"
    assert (states(runs), states(runs, moved)) == (["COMPLETE"], ["COMPLETE"] * 4)
    exported = run_command("search.export", "--study", moved, "--runs-dir", runs, "--data", runs / moved / "corpus")
    assert exported.returncode == 0, exported.stderr


def test_dry_run_prints_the_plan_and_does_nothing(finished_study: Any, tmp_path: Path, run_command: Run) -> None:
    """The plan is in tests/search/console/test_dry_run.py; only ``--json`` adds the whole configuration."""
    command = ("search.run", "--study", finished_study.file, "--runs-dir", tmp_path / "runs", "--dry-run")
    plain, config = run_command(*command), run_command(*command, "--json")
    assert (plain.returncode, config.returncode) == (0, 0)
    assert "tasks (the data will be generated)" in plain.stdout
    assert "{" not in plain.stdout
    assert json.loads(config.stdout)["optim"]["learning_rate"] == 1e-3
    assert "tasks (the data will be generated)" in config.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--study", "quickstrat"], "did you mean 'quickstart'?"),
        (["--study", "starter", "--data", "/nowhere", "--model", "minilm"], "no data folder '/nowhere'"),
        (["--study", "quickstart", "--storage", "nonsense"], "storage 'nonsense' is not a URL"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, tmp_path: Path, run_command: Run
) -> None:
    done = run_command("search.run", *arguments, "--runs-dir", tmp_path, "--quiet")
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_a_mistake_in_the_file_is_named_with_its_line(finished_study: Any, tmp_path: Path, run_command: Run) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(finished_study.file.read_text().replace('"optim.learning_rate" =', '"optim.lerning_rate" ='))
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if "lerning" in text)
    done = run_command("search.run", "--study", file, "--runs-dir", tmp_path)
    assert done.returncode == 2
    assert f"wrong.toml:{line}: " in done.stderr
    assert "did you mean" in done.stderr
    assert "optim.learning_rate" in done.stderr


def test_data_that_change_while_the_study_runs(
    finished_study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The worker notices, waits (here for a second), and stops the study; no trial fails."""
    file, runs, data = tmp_path / "own.toml", tmp_path / "runs", tmp_path / "data"
    file.write_text(finished_study.file.read_text().replace("synthetic =", "# synthetic ="))
    shutil.copytree(finished_study.runs / "tiny" / "corpus", data)
    dev = data / "ids-sst-dev.csv"
    original, train = dev.read_bytes(), StudySession.train

    def train_on_other_data(session: StudySession, *arguments: Any) -> Any:
        header, one, two, *rest = original.splitlines(keepends=True)
        dev.write_bytes(b"".join([header, two, one, *rest]))  # after they were read and found to be the study's
        return train(session, *arguments)

    monkeypatch.setattr(StudySession, "train", train_on_other_data)
    monkeypatch.setattr(local, "TrainingCode", lambda: TrainingCode("impatient_trainer:train"))
    with pytest.raises(typer.Exit) as ended:
        run.main(study=str(file), data=data, runs_dir=runs, trials=1, quiet=True)
    assert ended.value.exit_code == 2
    waits, error = capsys.readouterr().err.splitlines()
    what = "the data have changed since the study began: dev of task 'sst', so trials could not be compared; put the "
    assert waits == f"warning: {what}original files back; trying again for 10 min"
    assert error == (
        f"error: {what}original files back; waited for 10 min; fix this, then run the same command again to resume"
    )
    assert states(runs, "own") == ["RUNNING"]
    stored = json.loads((runs / "own" / "trial-0000" / "data.json").read_text())
    assert set(stored["rows"]) == {"sst", "para", "sts"}


def test_inputs_that_are_away_while_the_study_runs(tmp_path: Path, tiny_study: str) -> None:
    """A generated corpus is made again; a folder of the user is waited for. No trial fails."""
    file, corpus, seen = tmp_path / "tiny.toml", tmp_path / "tiny" / "corpus", []
    file.write_text(tiny_study.replace("trials = 4", "trials = 2"))

    def remove(event: Event) -> None:
        if isinstance(event, TrialEnded) and event.number == 0:
            corpus.rename(tmp_path / "gone")
        seen.append(event)

    session = StudySession(tmp_path, quiet=True)
    spec, report = session.survey(load_study(str(file)))
    before = {path.name: path.read_bytes() for path in corpus.iterdir()}
    driver = Driver(
        spec,
        open_storage(None, tmp_path),
        session.make_executor(spec, tmp_path / "cache"),
        tmp_path / "tiny",
        inputs=report.inputs,
    )
    with pytest.warns(UserWarning, match=r"no data folder '.*corpus'; .*; trying again for 10 min"):
        assert driver.run([remove]).finished
    assert states(tmp_path) == ["COMPLETE"] * 2
    assert {path.name: path.read_bytes() for path in corpus.iterdir()} == before


def test_a_worker_on_each_gpu(tiny_study: str, tmp_path: Path, run_command: Run) -> None:
    """With a stand-in for nvidia-smi; the workers, which see GPUs that are not there, train on the CPU."""
    environment = write_nvidia_smi(tmp_path / "bin")
    (tmp_path / "mine.toml").write_text(tiny_study.replace('device = "cpu"', 'device = "auto"'))
    arguments = ("--study", tmp_path / "mine.toml", "--runs-dir", tmp_path / "runs", "--trials", "2", "--json")
    done = run_command("search.run", *arguments, "--gpus", "0,2", env=environment)
    assert done.returncode == 0, done.stderr
    assert "2 worker(s) of 1 thread(s) on cuda:0, cuda:2" in done.stderr
    started = [line for line in map(json.loads, done.stdout.splitlines()) if line["event"] == "TrialStarted"]
    assert [line["device"] for line in started] == ["cuda:0", "cuda:2"]
    planned = run_command("search.run", *arguments, "--gpus", "7", "--dry-run", env=environment)
    assert (planned.returncode, "no GPU 7: there are" in planned.stderr) == (0, True)
    refused = run_command("search.run", *arguments, "--gpus", "7", env=environment)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "error: no GPU 7: there are cuda:0, cuda:1, cuda:2" in refused.stderr
