"""``python -m search.ablate``: which runs it trains, that it keeps to them, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
import typer
from inline_study import InlineStudy
from replicating import REPORT, MortalExecutor
from stub_study import SPEC

from data.errors import UserError
from search.ablate import __main__ as ablate
from search.ablate.outcome import read_ablation
from search.ablate.plan import ORIGIN, WINNER, AblationPlan, ablation_spec, new_plan, resumed_plan
from search.ablate.switches import SWITCHES
from search.console.session import StudySession
from search.finalists.replication import replicate
from search.recorded.second_start import SecondStart
from search.report.__main__ import main as report
from search.storage.open import open_storage
from search.trials.folder_owner import FolderOwner, write_owner
from search.trials.record import TrialRecord
from tests.search.finalists.rates_study import stub_training

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def searched(tmp_path: Path) -> InlineStudy:
    return InlineStudy(tmp_path, SPEC).run()


def test_an_interrupted_ablation_keeps_to_its_winner(searched: InlineStudy, tmp_path: Path) -> None:
    """Although the study has found a better one meanwhile."""

    def trained(plan: AblationPlan, trials: int | None) -> int:
        spec = ablation_spec("stub-ablation", plan, None, 1, None)
        assert spec.keep_models == 1
        run = StudySession(tmp_path, quiet=True, make_executor=lambda *_: MortalExecutor())
        return len(replicate(run, spec if trials is None else replace(spec, trials=trials), REPORT).study.trials)

    storage = InlineStudy(tmp_path, SPEC).storage  # any: the run opens its own
    plan = new_plan(searched.study, searched.storage, None, 2)
    assert trained(plan, 3) == 3
    storage = open_storage(None, tmp_path)
    start = SecondStart(None, tmp_path, restart=False)
    again = resumed_plan("stub-ablation", "stub", storage, None, 2, (), start)
    assert again == plan
    assert resumed_plan("stub-ablation", "stub", storage, plan.trial, 2, (), start) == plan
    rows = len(plan.configs)
    assert trained(again, None) == 2 * rows
    study = optuna.load_study(study_name="stub-ablation", storage=storage)
    runs = [(trial.params["variant"], trial.params["seed"]) for trial in study.trials]
    assert runs == [(row, seed) for seed in plan.seeds for row in plan.configs]
    for trial in study.trials:
        config = TrialRecord.read(trial).config
        assert config is not None
        expected = plan.configs[trial.params["variant"]].model_copy(update={"seed": trial.params["seed"]})
        assert config.digest == expected.digest, "it trains just what the plan says"
    outcome = read_ablation(study, searched.folders)
    assert outcome is not None
    assert (outcome.missing, len(outcome.rows)) == (0, rows - 1)
    message = (
        rf"^study 'stub-ablation' is an ablation of trial {plan.trial} of study 'stub' with 2 seeds; "
        r"(--restart moves it aside and begins again, or )?start another one with --name NEW$"
    )
    other = 0 if plan.trial else 1
    for study_name, trial, seeds, techniques in (
        ("other", None, 2, ()),
        ("stub", other, 2, ()),
        ("stub", None, 3, ()),
        ("stub", None, 2, ("warm-up",)),
    ):
        with pytest.raises(UserError, match=message):
            resumed_plan("stub-ablation", study_name, storage, trial, seeds, techniques, start)
    restarting = replace(start, restart=True)
    assert resumed_plan("stub-ablation", "stub", storage, None, 3, (), restarting) is None
    with pytest.raises(UserError, match=message):
        resumed_plan("stub-ablation", "other", storage, None, 2, (), restarting)


def main(runs: Path, **options: Any) -> tuple[int, str, str]:
    """Return the exit code and what was printed."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            ablate.main(**{"study": "tiny", "runs_dir": runs} | options)
        except typer.Exit as ended:
            code = ended.exit_code
    return code, out.getvalue(), err.getvalue()


def test_a_dry_run_says_what_would_be_trained(finished_study: Any) -> None:
    code, out, _ = main(finished_study.runs, dry_run=True, seeds=2)
    assert code == 0
    assert "without siamese pairs" in out
    assert re.search(r"each with seeds 1, 2\. The winner's run took .*; 18 such runs on 1 worker\(s\) take about", out)
    assert not (finished_study.runs / "tiny-ablation").exists()


def test_errors_are_one_line(finished_study: Any) -> None:
    for options, message in (
        ({"study": "tny"}, "--study tny: no such study"),
        ({"trial": 99}, "no trial 99: study 'tiny' has trials 0 to 3"),
        ({"name": "tiny"}, "there is a study 'tiny' already, which is no ablation"),
        ({"name": "a/b"}, "--name a/b: a study has a folder of its name; use letters"),
        ({"name": ".."}, "--name ..: a study has a folder of its name; use letters"),
        ({"data": Path("/nowhere")}, "no data folder '/nowhere'"),
    ):
        code, _, err = main(finished_study.runs, quiet=True, **options)
        assert (code, len(err.strip().splitlines())) == (2, 1), err
        assert err.startswith(f"error: {message}")


@pytest.fixture
def runs(finished_study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the study's runs folder; runs are trained with the stub, in this process."""
    stub_training(monkeypatch)
    return Path(shutil.copytree(finished_study.runs, tmp_path / "runs"))


ONE = {"seeds": 1, "technique": ["siamese pairs"], "quiet": True}


def test_a_corpus_that_was_deleted_is_made_again(runs: Path) -> None:
    corpus = runs / "tiny" / "corpus"
    before = {path.name: path.read_bytes() for path in corpus.iterdir()}
    shutil.rmtree(corpus)
    code, _, err = main(runs, **ONE)
    assert (code, err) == (0, "")
    assert {path.name: path.read_bytes() for path in corpus.iterdir()} == before
    assert not (runs / "tiny-ablation" / "corpus").exists()


def test_an_ablation_begins_again(runs: Path) -> None:
    """Only with --restart, and the old one stays; one without a finished run is replaced."""
    study = optuna.create_study(study_name="tiny-ablation", storage=open_storage(None, runs), direction="maximize")
    plan = new_plan(optuna.load_study(study_name="tiny", storage=open_storage(None, runs)), study._storage, None, 2)
    study.set_user_attr(ORIGIN, plan.to_json())
    study.set_user_attr("identity", json.dumps(ablation_spec("tiny-ablation", plan, None, 1, None).identity()))
    code, out, _ = main(runs, **ONE)
    assert code == 0
    assert out.startswith("study 'tiny-ablation' had no finished trial; it begins again with what has changed\n")
    code, _, err = main(runs, **ONE | {"seeds": 2})
    assert (code, err.count("\n")) == (2, 1)
    assert "with 1 seeds, of siamese pairs only; --restart moves it aside and begins again, or start another" in err
    code, out, _ = main(runs, **ONE | {"seeds": 2, "restart": True})
    assert code == 0
    (moved,) = set(optuna.get_all_study_names(open_storage(None, runs))) - {"tiny", "tiny-ablation"}
    assert out.startswith(f"study 'tiny-ablation' is now called '{moved}'; its folder is '{runs / moved}'\n")
    assert (runs / moved / "trial-0000").is_dir()
    trials = optuna.load_study(study_name="tiny-ablation", storage=open_storage(None, runs)).trials
    assert len(trials) == 4


def test_a_folder_of_another_study_is_not_taken_apart(runs: Path) -> None:
    write_owner(runs / "tiny", FolderOwner("another"))
    code, _, err = main(runs, **ONE)
    assert (code, err.count("\n")) == (2, 1)
    assert "belongs to another study 'tiny', of another storage or deleted since; use" in err


@pytest.mark.slow
def test_a_real_ablation(finished_study: Any, run_command: Run, tmp_path: Path) -> None:
    """Of one technique: two runs, with two seeds each; and the report of the study has it."""
    runs = tmp_path / "runs"
    shutil.copytree(finished_study.runs, runs)
    options = ("--study", "tiny", "--runs-dir", runs, "--seeds", 2, "--technique", "siamese pairs")
    done = run_command("search.ablate", *options)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "budget: 4 trials of up to 1,600 training examples" in done.stdout
    assert "4 trials on 1 worker(s)" in done.stdout  # the estimate of the time
    study = optuna.load_study(study_name="tiny-ablation", storage=open_storage(None, runs))
    assert [trial.params["variant"] for trial in study.trials] == [WINNER, "without siamese pairs"] * 2
    pairs = [TrialRecord.read(trial).config.heads["sts"].pair for trial in study.trials]  # type: ignore[union-attr]
    assert pairs == ["siamese", "cross"] * 2
    with (runs / "tiny-ablation" / "ablation.csv").open() as file:
        rows = {row["run"]: row for row in csv.DictReader(file)}
    means = {name: sum(t.value for t in study.trials if t.params["variant"] == name) / 2 for name in rows}
    gain = means[WINNER] - means["without siamese pairs"]
    assert float(rows["without siamese pairs"]["gain overall"]) == pytest.approx(gain)
    assert f"{gain:+.4f} ± {float(rows['without siamese pairs']['gain_half_width overall']):.4f}" in done.stdout
    assert len(list(runs.glob("tiny-ablation/*/best/model.safetensors"))) <= 1
    code, out, _ = main(runs, seeds=2, dry_run=True)
    assert out.startswith("note: this ablation takes out siamese pairs only; --name NEW takes out all techniques\n")
    code, out, _ = main(runs, seeds=2, technique=["without siamese pairs"], quiet=True)
    assert code == 0
    assert len(study.get_trials()) == 4, "what is trained is trained"
    assert out.endswith(done.stdout[done.stdout.index("Overall score, mean over the seeds") :])
    report("tiny", runs_dir=runs)
    words = (runs / "tiny" / "report" / "report.md").read_text()
    answer = words[: words.index("## What each of the winner's techniques contributes")]
    assert "trained the winner again without each technique in turn" in answer
    assert "siamese pairs" in answer
    assert "The ablation took 4 further runs" in answer
    assert (runs / "tiny" / "report" / "ablation.csv").is_file()


def test_the_page_names_every_technique_and_option() -> None:
    page = (Path(__file__).parents[3] / "docs" / "ablation.md").read_text(encoding="utf-8")
    table = page.partition("| name | off is |")[2].partition("\n\n")[0]
    named = [name.strip() for line in table.splitlines()[2:] for name in line.split("|")[1].split(",")]
    assert named == [switch.name for switch in SWITCHES]
    command = typer.Typer(add_completion=False)
    command.command()(ablate.main)
    options = {option for param in typer.main.get_command(command).params for option in param.opts}
    assert set(re.findall(r"--[a-z][a-z-]+", page)) == options
    assert ORIGIN == "ablation", "the report looks for STUDY-ablation"
