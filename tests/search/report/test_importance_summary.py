"""What a report says of the settings: sentences, table, figures, and the report's own pages."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest

from search.analysis.importance.importance import Importance, importances
from search.analysis.importance.model import ScoreModel
from search.report.importance_summary import summarise_importance
from search.report.writing import write_report
from search.trials.folders import TrialFolders
from tests.search.planted import of, position, runs, study_of

RATE, RANK, ALPHA = "optim.learning_rate", "lora.rank", "lora.alpha"


def planted(count: int = 80) -> optuna.Study:
    """Return trials in which only the learning rate and alpha matter; the worse half was pruned half-way."""
    configs = runs(300)[:count]
    alpha = np.where(of(configs, RANK) > 0, 0.1 * position(configs, ALPHA), 0.05)
    final = 0.5 + 0.1 * position(configs, RATE) + alpha + 0.005 * np.random.default_rng(0).normal(size=count)
    pruned = final < np.median(final)
    curves = [{1: one - 0.1} if stop else {1: one - 0.1, 2: one} for one, stop in zip(final, pruned, strict=True)]
    return study_of(configs, curves, pruned.tolist())


def test_the_summary_in_words() -> None:
    study = planted()
    found = summarise_importance(study)
    basis, *clear, others = found.sentences
    assert basis.startswith("Based on 80 trials, 40 of them pruned and counted with their expected final score: ")
    by_path = {line.partition(":")[0]: line for line in clear}
    assert set(by_path) == {RATE, RANK, ALPHA}
    rate, alpha = by_path[RATE], by_path[ALPHA]
    said = re.fullmatch(
        r"[^ ]+: gap of (.+) \[.+, .+\] between its worst value \((.+)\) and its best \((.+)\); .+ of the variance\.",
        rate,
    )
    assert said is not None
    gap, worst, best = map(float, said.groups())
    assert 0.08 < gap < 0.13
    assert worst < 2e-5
    assert best > 5e-4
    # on average LoRA gains nothing; with a large alpha it does
    assert by_path[RANK].startswith("lora.rank: the best value depends on other settings or is not clear yet; ")
    active = sum(trial.user_attrs["config"].count('"rank":8') for trial in study.trials)
    assert f" in the {active} trials in which it is active." in alpha
    assert others.startswith("No evidence of an effect: ")
    assert "optim.schedule" in others


def test_a_gap_without_a_clear_share_is_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    def unsure(model: ScoreModel) -> list[Importance]:
        return [replace(one, where_active=replace(one.where_active, low=-0.1)) for one in importances(model)]

    monkeypatch.setattr("search.report.importance_summary.importances", unsure)
    _, hint, others = summarise_importance(planted()).sentences
    assert hint.startswith("Weak evidence, a gap above 0 without a clear share: ")
    assert RATE in hint
    assert "optim.schedule" not in hint
    assert others.startswith("No evidence of an effect: ")
    assert RATE not in others


def test_the_table_and_the_figures_have_all_settings() -> None:
    found = summarise_importance(planted())
    assert found.table is not None
    paths = [row[0] for row in found.table.rows]
    assert set(paths) == {
        RATE, RANK, ALPHA, "optim.schedule", "optim.warmup", "heads.sst.dropout", "loss.weights"
    }  # fmt: skip
    assert paths[0] in (RATE, ALPHA)
    assert all(len(row) == len(found.table.headings) for row in found.table.rows)
    assert list(found.figures)[1:] == paths


def test_few_trials_say_so() -> None:
    study = planted()
    few = optuna.create_study(direction="maximize")
    for name, value in study.user_attrs.items():
        few.set_user_attr(name, value)
    few.add_trials(study.trials[:5])
    found = summarise_importance(few)
    assert found.sentences == [
        "Too few trials to say which settings matter: at least 6 with different scores are needed."
    ]
    assert found.table is None
    assert not found.figures


def test_the_report_has_it(tmp_path: Path) -> None:
    study = planted()
    page, words, *_ = write_report(study, TrialFolders(tmp_path / "no-folders"), tmp_path / "report")
    found = summarise_importance(study)
    html, markdown = page.read_text(), words.read_text()
    for line in found.sentences:
        assert f"<p>{line}</p>" in html
        assert line in markdown
    assert found.table is not None
    assert all(f'<th scope="row">{row[0]}</th>' in html for row in found.table.rows)
    section = html[html.index("<h2>What mattered</h2>") : html.index("Trials over each setting")]
    assert section.count('class="figure"') == len(found.figures)
    assert "scatterternary" in section
