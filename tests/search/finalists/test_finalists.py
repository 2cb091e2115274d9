"""``python -m search.finalists``: once with real training, else with stub training in this process."""

from __future__ import annotations

import json
import multiprocessing
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
import typer

from search.export.__main__ import main as export_main
from search.finalists.final_sentences import outcome_notes, outcome_sentences
from search.recorded.ranking import best_trial, recorded_choice
from search.report.__main__ import main as report_main
from search.storage.open import open_storage
from search.trials.record import TrialRecord
from tests.search.finalists.rates_study import final, read, study_of, with_floor

pytestmark = pytest.mark.usefixtures("stubbed")
Run = Callable[..., subprocess.CompletedProcess[str]]


def recorded(runs: Path, name: str = "rates-finalists") -> list[tuple[Any, ...]]:
    """Return everything that must not depend on kills."""
    study = study_of(runs, name)
    return [(t.number, t.state.name, t.params, t.value, t.user_attrs["role"]) for t in study.get_trials()] + sorted(
        (key, json.dumps(study.user_attrs[key])) for key in ("finalists", "choice", "dropped")
    )


def test_the_final(finished_final: tuple[Path, str]) -> None:
    """The default configuration is clearly behind and gets two seeds, the others three; the best mean wins."""
    runs, printed = finished_final
    study, outcome = study_of(runs, "rates-finalists"), read(runs)
    best = best_trial(study_of(runs, "rates"))
    assert best is not None
    trials = {one.name: 3 for one in outcome.finalists if one.name.startswith("trial ")}
    assert {one.name: len(one.runs) for one in outcome.finalists} == {**trials, "default": 2, "preset siamese": 2}
    assert len(trials) == 3
    assert (outcome.saved, outcome.seeds, outcome.best_of_study) == (2, (1, 2, 3), best.number)
    for one in outcome.finalists:
        records = [TrialRecord.read(study.get_trials()[number]) for number in one.runs]
        assert [record.config.seed for record in records if record.config] == list(outcome.seeds[: len(one.runs)])
        overall = np.array([record.result.overall for record in records])
        assert one.means["overall"] == pytest.approx(overall.mean())
        assert one.spreads["overall"] == pytest.approx(overall.std(ddof=1))
        assert one.means["sts"] == pytest.approx(np.mean([record.result.scores["sts"] for record in records]))
    means = [one.means["overall"] for one in outcome.finalists]
    assert means == sorted(means, reverse=True)
    assert outcome.expected is not None
    assert outcome.expected.overall.dev == pytest.approx(means[0])
    assert outcome.expected.overall.expected < means[0]
    default = outcome.default
    assert default is not None
    assert default.dropped.startswith("after 2 seeds 0.")
    for line in (*outcome_sentences(outcome), *outcome_notes(outcome)):
        assert line in printed
    assert f"{means[0]:.4f} ± {outcome.winner.spreads['overall']:.4f}" in printed
    assert "Dropping saved 2 runs." in printed
    assert re.findall(r"(\d+) trials on 1 worker", printed) == ["15"]  # the estimate of the time, once for all rounds
    assert "resuming" not in printed
    assert "Model to use now: " in printed  # test_exportable_models.py says which
    assert "search.export --study rates" in printed


def test_only_the_winners_models_are_kept(finished_final: tuple[Path, str]) -> None:
    runs = finished_final[0]
    study, outcome = study_of(runs, "rates-finalists"), read(runs)
    kept = {int(path.parents[1].name[-4:]) for path in runs.glob("rates-finalists/trial-*/best/model.safetensors")}
    assert kept == set(outcome.winner.runs)
    best = best_trial(study)
    assert best is not None
    assert best.number in outcome.winner.runs
    assert best.value == max(study.get_trials()[number].value for number in outcome.winner.runs)


def test_a_killed_and_resumed_command_has_the_same_winner(searched: Path, finished_final: tuple[Path, str]) -> None:
    """It is killed after the default was dropped, and meanwhile the study finds a better configuration."""
    process = multiprocessing.get_context("fork").Process(target=final, args=(searched,), kwargs={"dies_at": 12})
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert recorded_choice(study_of(searched, "rates-finalists")) is None
    better = study_of(searched, "rates")
    trial, old = better.ask(), best_trial(better)
    assert old is not None
    config = json.loads(old.user_attrs["config"])
    config["optim"]["learning_rate"] = 8e-4
    for key, value in {**old.user_attrs, "config": json.dumps(config)}.items():
        trial.set_user_attr(key, value)
    better.tell(trial, 0.99)
    assert best_trial(better).number == trial.number  # type: ignore[union-attr]
    final(searched)
    assert recorded(searched) == recorded(finished_final[0])
    final(searched)
    assert recorded(searched) == recorded(finished_final[0])


def test_a_floor_of_the_study_holds_for_means(searched: Path) -> None:
    """No finalist wins below it, whatever the overall score."""
    with_floor(searched, 0.999)
    with pytest.raises(typer.Exit) as error:
        final(searched)
    assert error.value.exit_code == 1
    assert recorded_choice(study_of(searched, "rates-finalists")) is None


def test_dry_run_trains_nothing(searched: Path, capsys: pytest.CaptureFixture[str]) -> None:
    final(searched, dry_run=True)  # what it prints is its result, also with --quiet
    out = capsys.readouterr().out
    assert "budget: 15 trials of up to 1,600 training examples" in out
    settings = out[out.index("settings that differ") :]
    assert re.search(r"^  trial \d: optim\.learning_rate = 0\.0009$", settings, re.MULTILINE)
    assert re.search(r"^  preset siamese: .*optim\.", settings, re.MULTILINE)
    assert "  default" not in settings
    assert "rates-finalists" not in optuna.get_all_study_names(open_storage(None, searched))


SMALL: dict[str, Any] = {"top": 1, "seeds": 1, "preset": None}


def test_a_corpus_that_was_deleted_is_made_again(searched: Path) -> None:
    """In the folder of the study that generated it, before the final and when it goes on."""
    corpus = searched / "rates" / "corpus"
    before = {path.name: path.read_bytes() for path in corpus.iterdir()}
    for _ in range(2):
        shutil.rmtree(corpus)
        final(searched, **SMALL)
        assert {path.name: path.read_bytes() for path in corpus.iterdir()} == before
    assert not (searched / "rates-finalists" / "corpus").exists()


def test_a_final_begins_again(searched: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --restart the old one gets another name; without it, other options are refused."""
    final(searched, **SMALL)
    capsys.readouterr()
    with pytest.raises(typer.Exit):
        final(searched, **SMALL | {"seeds": 2})
    assert (
        "pass the same options to resume it, --restart to move it aside and begin again, or --n"
        in capsys.readouterr().err
    )
    final(searched, **SMALL, restart=True, dry_run=True)
    assert "recorded: a study of this name, which is moved aside\n" in capsys.readouterr().out
    final(searched, **SMALL | {"seeds": 2}, restart=True)
    (moved,) = set(optuna.get_all_study_names(open_storage(None, searched))) - {"rates", "rates-finalists"}
    said = f"study 'rates-finalists' is now called '{moved}'; its folder is '{searched / moved}'\n"
    assert capsys.readouterr().out.startswith(said)
    assert recorded_choice(study_of(searched, moved)) is not None
    assert len(study_of(searched, "rates-finalists").trials) == 2 * len(study_of(searched, moved).trials)


@pytest.mark.parametrize("restart", [True, False])
def test_changed_data_are_refused_before_anything_is_moved_aside(
    searched: Path, restart: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And before texts are tokenised."""
    final(searched, **SMALL)
    shutil.copytree(searched / "rates" / "corpus", searched / "other")
    train = searched / "other" / "ids-sst-train.csv"
    train.write_text("".join(train.read_text().splitlines(keepends=True)[:-1]))
    monkeypatch.setattr("search.console.session.survey_encoders", None)
    capsys.readouterr()
    with pytest.raises(typer.Exit):
        final(searched, **SMALL, data=searched / "other", restart=restart)
    error = capsys.readouterr().err
    assert "the data files have changed since study 'rates' began (train of task 'sst'), so its predictions" in error
    assert error.count("\n") == 1
    assert {*optuna.get_all_study_names(open_storage(None, searched))} == {"rates", "rates-finalists"}


def test_with_real_training(finished_study: Any, tmp_path: Path, run_command: Run, capsys: Any) -> None:
    """Two finalists with two seeds each; then the export and the report, of both studies."""
    runs = shutil.copytree(finished_study.runs, tmp_path / "runs")
    done = run_command("search.finalists", "--study", "tiny", "--top", 1, "--seeds", 2, "--runs-dir", runs)
    assert done.returncode == 0, done.stderr
    outcome = read(runs, "tiny")
    assert "wins the final over seeds" in done.stdout
    best = best_trial(study_of(runs, "tiny"))
    assert best is not None
    assert f"{2 * len(outcome.finalists)} trials on 1 worker(s)" in done.stdout
    for study in ("tiny", "tiny-finalists"):
        export_main(study, runs_dir=runs)
        same = outcome.winner.source == best.number
        line = "The same configuration won the final" if same else "The final over seeds has another winner"
        assert (line in capsys.readouterr().out) == (study == "tiny")
    provenance = json.loads((runs / "tiny-finalists" / "export" / "predictions" / "provenance.json").read_text())
    assert provenance["trial"] in outcome.winner.runs
    report_main("tiny", runs_dir=runs)
    words = (runs / "tiny" / "report" / "report.md").read_text()
    for line in outcome_sentences(outcome):
        assert line in words
    assert f"{outcome.winner.name}, by its best run" in words  # whose errors are shown
    assert "wrong_of_2" in pd.read_csv(runs / "tiny" / "report" / "errors-sst.csv").columns
    frame = pd.read_csv(runs / "tiny" / "report" / "finalists.csv")
    assert frame["mean_overall"].tolist() == pytest.approx([one.means["overall"] for one in outcome.finalists])
    assert 'id="finalists"' in (runs / "tiny" / "report" / "report.html").read_text()
