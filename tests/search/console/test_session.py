"""A study session: refused starts, what it surveys, where it prints, and how training begins and ends."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
import typer
from inline_executor import InlineExecutor
from optuna.trial import TrialState, create_trial
from replicating import REPORT
from stub_study import BASE, SPEC
from typer.testing import CliRunner

from core.config import RunConfig
from core.run.precision_choice import PrecisionChoice
from core.run.speed import Speed
from data.errors import UserError
from data.synthetic.corpus import write_corpus
from search import run
from search.console.cli import make_app
from search.console.session import StudySession
from search.executors.base import ExecutorError
from search.executors.messages import Checked
from search.recorded.study import create_or_load
from search.storage.file_lease import file_lease
from search.storage.open import open_storage
from search.study.file import load_study
from search.study.spec import StudySpec

STUDY = """\
tasks = ["sst"]
[base.model]
encoder = "scratch"
scratch = { layers = 1 }
[space]
"optim.learning_rate" = { low = 1e-5, high = 1e-3, log = true }
"""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> optuna.Study:
    """Return a recorded study whose file has another space now. Its data folder has no files: reading data fails."""
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    Path("mine.toml").write_text(STUDY)
    recorded = create_or_load(load_study("mine.toml"), open_storage(None, Path("runs")))
    Path("mine.toml").write_text(STUDY.replace("1e-3", "1e-2"))
    return recorded


def refusal(*options: str) -> str:
    done = CliRunner().invoke(make_app(run.main), ["--study", "mine.toml", "--quiet", *options])
    assert done.exit_code == 2, done.output
    return done.stderr


def test_other_settings(study: optuna.Study) -> None:
    study.add_trial(create_trial(value=0.5))
    assert refusal().startswith(
        "error: study 'mine' was started with other settings: space: optim.learning_rate: high "
    )
    assert "has none of the tasks' files; --data names the folder" in refusal("--name", "new")


def test_a_study_that_is_running(study: optuna.Study) -> None:
    study.add_trial(create_trial(value=0.5))
    with file_lease(Path("runs/mine"), "mine"):
        for options in ((), ("--restart",)):
            assert refusal(*options).startswith("error: study 'mine' is already being run by process ")


@pytest.mark.parametrize(("state", "options"), [(TrialState.FAIL, ()), (TrialState.COMPLETE, ("--restart",))])
def test_bad_data_move_nothing_aside(study: optuna.Study, state: TrialState, options: tuple[str, ...]) -> None:
    """A restart, or a change without finished trials, waits until the data can be used."""
    study.add_trial(create_trial(state=state, value=0.5 if state == TrialState.COMPLETE else None))
    assert "has none of the tasks' files; --data names the folder" in refusal(*options)
    assert optuna.get_all_study_names(open_storage(None, Path("runs"))) == ["mine"]


class CheckingExecutor(InlineExecutor):
    """Also checks and measures, as a session asks for it."""

    def check(self, configs: Sequence[RunConfig]) -> Checked:
        return Checked(len(configs), "")

    def measure(self, config: RunConfig) -> Speed:  # noqa: ARG002
        return Speed(100.0, 100.0, 10)


class NoWorkers(CheckingExecutor):
    """An executor whose workers cannot be started."""

    def start(self) -> None:
        raise ExecutorError("no worker could be started")


def session(root: Path, executor: InlineExecutor | None = None, **options: bool) -> StudySession:
    return StudySession(root, make_executor=lambda *_: executor or CheckingExecutor(), **options)


def surveyed(root: Path) -> StudySpec:
    """Return a study with data on disk."""
    write_corpus(root / "data", train=20, dev=10, test=5, seed=0)
    data = BASE.data.model_copy(update={"directory": str(root / "data")})
    return replace(SPEC, base=BASE.model_copy(update={"data": data}), trials=2)


def test_a_survey_reads_the_data_and_prints_its_sizes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = surveyed(tmp_path)
    same, report = session(tmp_path / "runs").survey(spec)
    assert same == spec
    assert report.digest
    said = capsys.readouterr().out
    assert "sst" in said
    assert "20" in said


def test_missing_data_is_refused_before_anything_is_recorded(tmp_path: Path) -> None:
    spec = surveyed(tmp_path)
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="data"):
        session(tmp_path / "runs").survey(spec)
    assert not (tmp_path / "runs").exists()


def test_quiet_and_json_sessions_keep_standard_output_free(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session(tmp_path, quiet=True).console.print("progress")
    session(tmp_path, json=True).console.print("progress")
    session(tmp_path, json=True).end.print("result")
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "progress\nresult\n")
    session(tmp_path, quiet=True).end.print("result")
    assert capsys.readouterr().out == "result\n"


def test_json_lines_are_all_that_a_program_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = session(tmp_path, json=True).train(replace(SPEC, trials=2), REPORT)
    assert result.finished
    events = [json.loads(line)["event"] for line in io.StringIO(capsys.readouterr().out)]
    assert (events[0], events[-1], events.count("TrialEnded")) == ("StudyStarted", "StudyEnded", 2)


def test_the_chosen_precision_is_printed_and_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The estimate is that of the trials, not of a precision that they do not have."""
    measured: list[str] = []

    class ChoosingExecutor(CheckingExecutor):
        def choose_precision(self, config: RunConfig) -> PrecisionChoice:  # noqa: ARG002
            return PrecisionChoice("bfloat16", "2.00 times as fast")

        def measure(self, config: RunConfig) -> Speed:
            measured.append(config.compute.precision)
            return super().measure(config)

    compute = BASE.compute.model_copy(update={"precision": "auto"})
    spec = replace(SPEC, base=BASE.model_copy(update={"compute": compute}), trials=2)
    assert session(tmp_path, ChoosingExecutor()).train(spec, REPORT).finished
    assert "precision: bfloat16 (2.00 times as fast)\n" in capsys.readouterr().out
    assert measured == ["bfloat16"]


def test_workers_that_cannot_be_started_end_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        session(tmp_path, NoWorkers(), quiet=True).train(SPEC, REPORT)
    assert ended.value.exit_code == 1
    assert "no worker could be started" in capsys.readouterr().err
