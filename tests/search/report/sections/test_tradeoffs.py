"""The report's section on tasks against each other, on planted and on made studies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial
from scipy import stats

from core.config import RunConfig
from core.run.evaluation import Evaluation
from data.task_files import builtin_tasks
from search.display.table import Table
from search.recorded.study import IDENTITY
from search.report.context import ReportContext
from search.report.parts import Chart, Fold, ReportSection
from search.report.sections.tradeoffs import tradeoffs_section
from search.trials.folders import TrialFolders
from search.trials.record import TrialResult

RATE = {"optim.learning_rate": {"low": 1e-5, "high": 1e-3, "log": True}}


def config_of(tasks: Sequence[str], weights: dict[str, float] | None = None) -> RunConfig:
    spec = builtin_tasks()["sst"].model_dump()
    specs = {name: {"spec": {**spec, "name": name}} for name in tasks}
    return RunConfig.model_validate({"tasks": specs, "loss": {"weights": weights or {}}})


def planted(
    root: Path, scores: np.ndarray, early: np.ndarray | None = None, space: dict[str, Any] | None = None,
    weights: np.ndarray | None = None,
) -> ReportContext:  # fmt: skip
    """Record a trial per row of scores (n, tasks); with early scores the worse half is pruned at the first rung."""
    tasks = [f"t{index}" for index in range(scores.shape[1])]
    study, folders = optuna.create_study(direction="maximize"), TrialFolders(root / "runs" / "planted")
    study.set_user_attr(IDENTITY, json.dumps({"space": space or RATE}))
    base = config_of(tasks)
    for number, row in enumerate(scores):
        stopped = early is not None and row.mean() < np.median(scores.mean(axis=1))
        points = [] if early is None else [(100, early[number])]
        points += [] if stopped else [(200, row)]
        curve = [
            Evaluation(
                rung, rung, rung, float(one.mean()), dict(zip(tasks, one.tolist(), strict=True)), {}, {}, 1.0, 1.0
            )
            for rung, one in points
        ]
        folders.run(number).make()
        folders.run(number).write_metrics(curve)
        config = base if weights is None else config_of(tasks, dict(zip(tasks, weights[number].tolist(), strict=True)))
        result = TrialResult.of(curve, "")
        state = TrialState.PRUNED if stopped else TrialState.COMPLETE
        attrs = {"config": config.canonical_json(), **asdict(result)}
        study.add_trial(create_trial(state=state, value=None if stopped else result.overall, user_attrs=attrs))
    return ReportContext(study, folders)


def section_of(context: ReportContext) -> ReportSection:
    section = tradeoffs_section(context)
    assert section is not None
    return section


def words_of(section: ReportSection) -> str:
    return " ".join(part for part in section.parts if isinstance(part, str))


def charts_of(section: ReportSection) -> list[Chart]:
    return [part for part in section.parts if isinstance(part, Chart)]


def test_tasks_that_compete(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    a = rng.uniform(0.4, 0.6, 40)
    scores = np.stack([a, 1.0 - a + 0.05 * rng.normal(size=40), 0.8 * a + 0.05 * rng.normal(size=40)], axis=1)
    section = section_of(planted(tmp_path, scores))
    words = words_of(section)
    r = stats.spearmanr(scores[:, 0], scores[:, 1]).statistic
    assert f"Trials that score higher on t0 score lower on t1: the two tasks compete (Spearman {r:+.2f} [" in words
    assert "Trials that score higher on t0 also score higher on t2 (" in words
    assert "over 40 finished trials)" in words
    winner = int(scores.mean(axis=1).argmax())
    gap = scores[:, 0].max() - scores[winner, 0]
    assert f"gives up {gap:.3f} accuracy on t0 compared with trial {scores[:, 0].argmax()}." in words
    assert "before any was pruned" not in words  # nothing was
    frame = section.frames["tradeoffs.csv"].set_index(["a", "b"])
    assert frame.loc[("t0", "t1"), "spearman"] == pytest.approx(r)
    charts = charts_of(section)
    assert len(charts) == 3
    for chart in charts:
        points = {trace.name: len(trace.x) for trace in chart.figure.data}
        assert (points["complete"], points["pruned"], points["winner"]) == (40, 0, 1)
        assert points["front"] >= 2


def test_the_effect_of_pruning_on_tasks_is_reported(tmp_path: Path) -> None:
    """Two tasks without any relation; among the better half by their mean they look like rivals."""
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.3, 0.7, (120, 2))
    section = section_of(planted(tmp_path, scores, early=scores - 0.1))
    words = words_of(section)
    assert "the two tasks compete" in words
    assert "which alone makes tasks look like rivals" in words
    assert "Over all 120 trials at 100 examples, before any was pruned" in words
    row = section.frames["tradeoffs.csv"].iloc[0]
    assert row["spearman_high"] < 0 < row["spearman_first_rung_high"]
    assert row["spearman_first_rung_low"] < 0
    (chart,) = charts_of(section)
    points = {trace.name: len(trace.x) for trace in chart.figure.data}
    assert (points["complete"], points["pruned"]) == (60, 60)


def test_of_many_tasks_those_with_most_evidence_are_drawn(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.4, 0.6, (30, 8))
    scores[:, 7] = 1.0 - scores[:, 3]
    section = section_of(planted(tmp_path, scores))
    charts = charts_of(section)
    assert len(charts) == 6
    assert charts[0].caption == "t7 against t3"
    assert len(section.frames["tradeoffs.csv"]) == 28
    fold = section.parts[-1]
    assert isinstance(fold, Fold)
    assert isinstance(fold.parts[0], Table)
    assert len(fold.parts[0].rows) == 28
    front = next(part for part in section.parts if isinstance(part, Table))
    assert len(front.rows) <= 10
    assert front.headings == ("trial", "overall", *(f"t{index}" for index in range(8)))


def test_shares_of_the_loss(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    weights = rng.dirichlet([2.0, 2.0], 40).round(6)
    scores = np.stack([0.5 + 0.1 * weights[:, 0], rng.uniform(0.5, 0.6, 40)], axis=1)
    space = {"loss.weights": {"simplex": ["t0", "t1"], "min": 0.0}}
    section = section_of(planted(tmp_path, scores, space=space, weights=weights))
    words = words_of(section)
    assert "With a larger share of the loss, t0 scores higher (Spearman +1.00 [" in words
    assert "No clear relation between a task's share of the loss and its score: t1 (" in words
    captions = [chart.caption for chart in charts_of(section)]
    assert captions == ["t1 against t0", "t0 over its loss weight", "t1 over its loss weight"]
    # with pruned trials, over all of them at the first rung
    pruned = section_of(planted(tmp_path / "b", scores, early=scores - 0.2, space=space, weights=weights))
    assert "over 40 trials, at 100 examples)" in words_of(pruned)


def test_there_is_no_section_without_a_tradeoff(tmp_path: Path) -> None:
    assert tradeoffs_section(planted(tmp_path, np.full((8, 1), 0.5))) is None
    assert tradeoffs_section(planted(tmp_path / "b", np.full((1, 2), 0.5))) is None
    few = section_of(planted(tmp_path / "c", np.array([[0.5, 0.4], [0.4, 0.6]])))
    assert "Too few finished trials (2) to say whether tasks compete" in words_of(few)
