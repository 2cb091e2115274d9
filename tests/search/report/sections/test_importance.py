"""The section on what mattered: its parts, and the numbers that it writes unrounded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from core.statistics import Interval
from search.analysis.importance.effects import Effect
from search.analysis.importance.importance import Importance
from search.display.table import Table
from search.report.context import ReportContext
from search.report.importance_summary import ImportanceSummary
from search.report.parts import Chart, Fold, Note
from search.report.sections.importance import importance_section
from search.trials.folders import TrialFolders
from tests.search.reported import a_study

RATE = Importance("optim.learning_rate", 9, Interval(0.5, 0.25, 0.75), Interval(0.5, 0.25, 0.75))
RANK = Importance("lora.rank", 9, Interval(0.0625, -0.125, 0.25), Interval(0.125, -0.25, 0.5))
EFFECT = Effect(
    setting="optim.learning_rate",
    label="optim.learning_rate",
    kind="number",
    trials=9,
    values=(1e-5, 1e-3),
    means=(0.5, 0.75),
    lows=(0.25, 0.5),
    highs=(0.625, 0.875),
    best=1,
    worst=0,
    gap_half_widths=np.zeros((2, 2)),
)
SHARES = Effect(
    setting="loss.weights",
    label="loss.weights",
    kind="shares",
    trials=9,
    values=((0.25, 0.75),),
    means=(0.5,),
    lows=(0.25,),
    highs=(0.75,),
    best=0,
    worst=0,
    gap_half_widths=np.zeros((1, 1)),
    tasks=("sst", "sts"),
)
TABLE = Table("", ("setting", "share"), (("optim.learning_rate", "50 %"),))
FOUND = ImportanceSummary(["The rate matters."], TABLE, {"Shares": go.Figure()}, (RATE, RANK), (EFFECT, SHARES))


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReportContext:
    monkeypatch.setattr("search.report.context.summarise_importance", lambda _: FOUND)
    return ReportContext(a_study(0.5, 0.7, 0.6), TrialFolders(tmp_path))


def test_sentences_come_first_and_all_trials_are_folded(context: ReportContext) -> None:
    section = importance_section(context)
    sentence, table, note, chart, fold = section.parts
    assert (sentence, table) == ("The rate matters.", TABLE)
    assert isinstance(note, Note)
    assert isinstance(chart, Chart)
    assert chart.caption == "Shares"
    assert isinstance(fold, Fold)
    captions = [part.caption for part in fold.parts if isinstance(part, Chart)]
    assert "optim.learning_rate" in captions
    rate = next(part.figure for part in fold.parts if isinstance(part, Chart) and part.caption == "optim.learning_rate")
    assert rate.layout.xaxis.type == "log"  # as it was searched


def test_shares_and_effects_are_written_unrounded(context: ReportContext) -> None:
    frames = importance_section(context).frames
    shares = frames["importance.csv"].set_index("setting")
    assert shares.loc["lora.rank", ["share", "share_low", "share_high"]].tolist() == [0.0625, -0.125, 0.25]
    assert shares.loc["lora.rank", "share_where_active"] == 0.125
    assert shares["is_clear"].tolist() == [RATE.is_clear, RANK.is_clear] == [True, False]
    effects = frames["effects.csv"]
    assert effects["value"].tolist()[:2] == [1e-5, 1e-3]
    assert json.loads(effects["value"].tolist()[2]) == {"sst": 0.25, "sts": 0.75}
    assert effects[["mean", "low", "high"]].to_numpy().tolist() == [
        [0.5, 0.25, 0.625],
        [0.75, 0.5, 0.875],
        [0.5, 0.25, 0.75],
    ]


def test_too_few_trials_leave_a_sentence_and_the_trials(tmp_path: Path) -> None:
    section = importance_section(ReportContext(a_study(0.5, 0.7), TrialFolders(tmp_path)))
    sentence, fold = section.parts
    assert isinstance(sentence, str)
    assert sentence.startswith("Too few trials to say which settings matter")
    assert isinstance(fold, Fold)
    assert section.frames == {}
