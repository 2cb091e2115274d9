"""search.pareto: what is on the front of a study, and where it is written."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest
import typer
from optuna.trial import TrialState, create_trial
from playwright.sync_api import Browser
from stub_study import BASE, SPEC

from core.config import RunConfig
from core.run.cost import Cost
from search.analysis.expected_score import estimate_best
from search.analysis.expected_text import estimate_sentence
from search.pareto.__main__ import main
from search.pareto.costs import COSTS
from search.recorded.study import create_or_load
from search.storage.open import open_storage
from search.trials.folders import TrialFolders
from search.trials.record import TrialResult
from tests.search.browsing import opened, overflowing, unfold

# state, overall, seconds, trainable parameters
TRIALS = [
    ("COMPLETE", 0.50, 10.0, 1000),
    ("COMPLETE", 0.60, 20.0, 1000),
    ("PRUNED", 0.70, 2.0, 10),  # would be the front alone
    ("COMPLETE", 0.60, 20.0, 500),  # the same seconds and score as trial 1
    ("COMPLETE", 0.55, 30.0, 200),
    ("FAIL", None, 1.0, 1),
    ("RUNNING", None, 0.0, 0),
]


def config(rate: float) -> RunConfig:
    return BASE.model_copy(update={"optim": BASE.optim.model_copy(update={"learning_rate": rate})})


def add(study: optuna.Study, state: str, overall: float | None, seconds: float, trainable: int) -> None:
    number = len(study.get_trials(deepcopy=False))
    cost = Cost(1000, trainable, 100, 50.0)
    result = TrialResult(overall, {} if overall is None else {"sst": overall}, 100, 100, seconds, "", cost)
    attrs = {"config": config(1e-3 / (1 + number)).canonical_json()}
    if state != "RUNNING":
        attrs |= asdict(result)  # type: ignore[arg-type]
    value = overall if state == "COMPLETE" else None
    reports = {} if overall is None else {100: overall}
    study.add_trial(create_trial(state=TrialState[state], value=value, user_attrs=attrs, intermediate_values=reports))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    study = create_or_load(replace(SPEC, first_trials=()), open_storage(None, root))
    for trial in TRIALS:
        add(study, *trial)
    return root


def written(runs: Path, out: Path, **options: str) -> pd.DataFrame:
    main(study="stub", runs_dir=runs, out=out, **options)
    return pd.read_csv(out / "pareto.csv")


def test_every_recorded_cost_can_be_asked_for() -> None:
    assert set(COSTS) == {"seconds", "examples"} | {field.name for field in fields(Cost)}


def test_the_front_is_of_finished_trials(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    front = written(runs, tmp_path)
    assert front["trial"].tolist() == [0, 1, 3]
    assert set(front["cost"]) == {"seconds"}
    assert front["setting optim.learning_rate"].tolist() == [1e-3, 1e-3 / 2, 1e-3 / 4]
    shown = capsys.readouterr().out
    assert "Pareto front of overall score and seconds" in shown
    assert "optim.learning_rate = 0.0005" in shown
    assert str(tmp_path / "pareto.html") in shown.replace("\n", "")


def test_all_costs_that_differ(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    front = written(runs, tmp_path, cost="all")
    by_cost = {cost: rows["trial"].tolist() for cost, rows in front.groupby("cost")}
    assert by_cost == {"seconds": [0, 1, 3], "trainable_parameters": [4, 3]}
    assert "cost the same in: training examples (100); forward examples" in capsys.readouterr().out


def test_one_cost_that_does_not_differ_is_shown_all_the_same(runs: Path, tmp_path: Path) -> None:
    assert written(runs, tmp_path, cost="parameters")["trial"].tolist() == [1, 3]


@pytest.mark.parametrize(
    ("study", "cost", "words"),
    [
        ("stub", "hours", "--cost hours: unknown cost; choose from seconds, examples, forward_examples,"),
        ("none", "seconds", "--study none: no such study"),
    ],
)
def test_mistakes(runs: Path, study: str, cost: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as end:
        main(study=study, cost=cost, runs_dir=runs)
    assert end.value.exit_code == 2
    assert words in capsys.readouterr().err


def test_a_study_without_finished_trials_or_older_than_costs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = create_or_load(SPEC, open_storage(None, tmp_path))
    add(study, "PRUNED", 0.5, 1.0, 1)
    with pytest.raises(typer.Exit):
        main(study="stub", runs_dir=tmp_path)
    assert "no finished trial has a recorded seconds yet" in capsys.readouterr().err
    attrs = {"overall": 0.5, "seconds": 3.0, "examples": 7, "config": BASE.canonical_json()}
    study.add_trial(create_trial(value=0.5, user_attrs=attrs))
    main(study="stub", cost="all", runs_dir=tmp_path)
    assert set(pd.read_csv(tmp_path / "stub" / "pareto" / "pareto.csv")["cost"]) == {"seconds"}
    with pytest.raises(typer.Exit):
        main(study="stub", cost="parameters", runs_dir=tmp_path)
    assert "no finished trial has a recorded parameters yet" in capsys.readouterr().err


@pytest.fixture(scope="module")
def page_file(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pareto")
    main(study="stub", cost="all", runs_dir=runs, out=out)
    return out / "pareto.html"


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_shows_its_figures_and_fits(browser: Browser, page_file: Path, width: int) -> None:
    with opened(browser, page_file, width) as page:
        unfold(page)
        assert page.locator(".panel").count() == 2
        first = page.locator(".panel").first
        assert first.locator(".point").count() == 1 + 4 + 2  # pruned, complete, marks on the front
        assert first.locator("table tbody tr").count() == 3
        assert overflowing(page) == []


def test_the_expected_score_is_next_to_the_best_one(
    finished_study: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the page too."""
    storage = open_storage(None, finished_study.runs)
    study = optuna.load_study(study_name="tiny", storage=storage)
    estimate, _ = estimate_best(study, TrialFolders(finished_study.runs / "tiny"))
    assert estimate is not None
    main("tiny", out=tmp_path, runs_dir=finished_study.runs)
    assert estimate_sentence(estimate) in capsys.readouterr().out
    assert estimate_sentence(estimate) in (tmp_path / "pareto.html").read_text()
