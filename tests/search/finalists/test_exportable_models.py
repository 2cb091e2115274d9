"""Which model finalists recommend, and what the report shows for a winner outside the search."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from core.statistics import Expectation, Expectations
from search.analysis.expected_score import estimate_best
from search.display.table import Table
from search.display.values import rounded
from search.finalists.__main__ import main
from search.finalists.exportable_models import ExportableModel, exportable_models, model_sentences
from search.finalists.final_outcome import OVERALL
from search.recorded.ranking import best_trial
from search.report.context import ReportContext
from search.report.parts import Code, Fold, Headline, Part
from search.report.sections.answer import answer_section
from search.report.sections.winner import winner_section
from search.run import main as run_main
from search.space.paths import get_value
from search.storage.open import open_storage
from search.trials.folders import TrialFolders
from tests.search.finalists.rates_study import stub_training


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, tiny_study: str) -> Path:
    """Return a search and its finalists: the two best of four trials, the default, and a preset outside the search."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "rates.toml").write_text(tiny_study.replace("dev = 60", "dev = 200"))
    with pytest.MonkeyPatch.context() as patch:
        stub_training(patch)
        run_main(str(folder / "rates.toml"), runs_dir=folder / "runs", quiet=True)
        main("rates", top=2, seeds=2, preset=["siamese"], runs_dir=folder / "runs", quiet=True)
    return folder / "runs"


def opened(runs: Path, name: str) -> tuple[optuna.Study, TrialFolders]:
    return optuna.load_study(study_name=name, storage=open_storage(None, runs)), TrialFolders(runs / name)


def context_of(runs: Path) -> ReportContext:
    return ReportContext(*opened(runs, "rates"), storage=open_storage(None, runs))


def test_the_model_that_is_expected_to_score_highest_comes_first(runs: Path) -> None:
    search, final = opened(runs, "rates"), opened(runs, "rates-finalists")
    models = exportable_models(search, final)
    expected = {}
    for study, folders in (search, final):
        estimate, _ = estimate_best(study, folders)
        assert estimate is not None
        expected[study.study_name] = estimate.scores
    assert {one.study: one.expected for one in models} == expected
    assert models[0].expected.overall.expected >= models[1].expected.overall.expected
    best = best_trial(search[0])
    assert best is not None
    assert {one.name for one in models if one.is_of_search} == {f"trial {best.number} of the search"}


def model(study: str, expected: float, *, is_of_search: bool) -> ExportableModel:
    of = "search" if is_of_search else "final"
    one = Expectation(expected + 0.01, expected, expected - 0.02, expected + 0.02)
    return ExportableModel(study, f"trial 1 of the {of}", Expectations(one, {}), is_of_search)


def test_in_words() -> None:
    search, final = model("mood", 0.70, is_of_search=True), model("mood-finalists", 0.68, is_of_search=False)
    (lucky,) = model_sentences([search, final])
    assert (
        "Model to use now: trial 1 of the search. Expected score on new data: 0.7000 [0.6800, 0.7200], compared"
        in lucky
    )
    assert "Export it with search.export --study mood." in lucky
    assert "Its lucky seed" in lucky
    (better,) = model_sentences([final, search])
    assert "Export it with search.export --study mood-finalists." in better
    assert "lucky" not in better
    assert model_sentences([search]) == []


def test_the_report_has_both_answers(runs: Path) -> None:
    """The large number is of the model to use; words name the winning settings too."""
    context = context_of(runs)
    parts = answer_section(context).parts
    (head,) = (part for part in parts if isinstance(part, Headline))
    assert head.number == f"{context.models[0].expected.overall.expected:.3f}"
    assert context.models[0].name in head.details
    assert model_sentences(context.models)[0] in parts
    assert any(isinstance(part, str) and part.startswith("The final over seeds took ") for part in parts)


def test_a_winner_outside_the_search(runs: Path) -> None:
    """The report shows its settings and scores, not those of the search's best trial."""
    context, outcome = context_of(runs), context_of(runs).outcome
    assert outcome is not None
    preset = next(one for one in outcome.finalists if one.source is None)
    others = tuple(one for one in outcome.finalists if one is not preset)
    changed: dict[str, Any] = {"outcome": replace(outcome, finalists=(preset, *others)), "models": []}
    context.__dict__.update(changed)
    (head,) = (part for part in answer_section(context).parts if isinstance(part, Headline))
    assert head.number == f"{preset.means[OVERALL]:.3f}"
    section = winner_section(context)
    assert section is not None
    table = next(part for part in section.parts if isinstance(part, Table))
    shown = {row[0]: row[2] for row in table.rows}
    assert len(shown) > 3
    assert shown == {path: rounded(get_value(preset.config, path)) for path in shown}
    fold = next(part for part in section.parts if isinstance(part, Fold))
    commands, config = (part.text for part in fold.parts if isinstance(part, Code))
    assert preset.config.model_dump_json(indent=2) == config
    assert "search.finalists" not in commands


def strings(parts: tuple[Part, ...]) -> list[str]:
    return [part for part in parts if isinstance(part, str)]


def test_a_finals_own_report_names_its_winner_by_its_mean(runs: Path) -> None:
    study, folders = opened(runs, "rates-finalists")
    context = ReportContext(study, folders, storage=open_storage(None, runs))
    words = " ".join(strings(answer_section(context).parts))
    best = best_trial(study)
    assert best is not None
    assert f"Winner: trial {best.number}, the best run of {study.user_attrs['choice']['winner']}, which has" in words
    assert "search.finalists" not in words


def test_a_study_that_has_only_been_created_costs_nothing(runs: Path, tmp_path: Path) -> None:
    """A report may be written just then."""
    copied = Path(shutil.copytree(runs, tmp_path / "runs"))
    optuna.create_study(study_name="rates-ablation", storage=open_storage(None, copied))
    assert not any(line.startswith("The ablation took") for line in strings(answer_section(context_of(copied)).parts))


def test_a_comparison_has_no_finalists(tmp_path: Path, tiny_study: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """search.finalists would refuse it."""
    stub_training(monkeypatch)
    variants = tiny_study[: tiny_study.index("[space]")].replace("trials = 4\n", "seeds = [0, 1]\n")
    (tmp_path / "two.toml").write_text(variants + "[variants.a]\n")
    run_main(str(tmp_path / "two.toml"), runs_dir=tmp_path / "runs", quiet=True)
    context = ReportContext(*opened(tmp_path / "runs", "two"))
    assert "search.finalists" not in " ".join(strings(answer_section(context).parts))
    section = winner_section(context)
    assert section is not None
    fold = next(part for part in section.parts if isinstance(part, Fold))
    assert not any("search.finalists" in part.text for part in fold.parts if isinstance(part, Code))
