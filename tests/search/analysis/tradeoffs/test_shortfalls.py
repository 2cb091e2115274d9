"""The front over several tasks, by its definition, and what the winner gives up on each task."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from search.analysis.dev_bootstrap import task_replicates
from search.analysis.tradeoffs.shortfalls import nondominated, winner_shortfalls
from search.pareto.tradeoff import pareto_front
from search.recorded.study import IDENTITY
from search.report.context import ReportContext
from search.trials.folders import TrialFolders
from search.trials.record import TrialRecord
from tests.search.made_study import SPECS, TASKS, MadeStudy, make_study

RATE = {"optim.learning_rate": {"low": 1e-5, "high": 1e-3, "log": True}}


def test_by_hand() -> None:
    scores = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0.5], [0.5, 0.5, 0.4], [1, 0, 0]])
    assert nondominated(scores).tolist() == [True, True, True, True, False, True]  # equals do not beat each other


@given(arrays(np.int64, st.tuples(st.integers(1, 12), st.just(2)), elements=st.integers(0, 4)))
def test_with_two_tasks_it_is_the_front_of_score_and_cost(scores: np.ndarray) -> None:
    found = np.flatnonzero(nondominated(scores)).tolist()
    assert found == sorted(pareto_front((-scores[:, 0]).tolist(), scores[:, 1].tolist()))


@given(arrays(np.int64, st.tuples(st.integers(1, 10), st.integers(1, 4)), elements=st.integers(0, 3)))
def test_every_other_trial_is_beaten_by_one_on_the_front(scores: np.ndarray) -> None:
    on_front = nondominated(scores)
    assert on_front.any()
    for row in scores[~on_front]:
        assert any((one >= row).all() and (one > row).any() for one in scores[on_front])


@pytest.fixture
def made(tmp_path: Path) -> MadeStudy:
    study = make_study(tmp_path, [[0.3, 0.2], *[[0.3]] * 7])
    study.study.set_user_attr(IDENTITY, json.dumps({"space": RATE}))
    return study


def test_what_the_winner_gives_up_has_its_interval(made: MadeStudy) -> None:
    context = ReportContext(made.study, made.folders)
    assert context.best is not None
    found = winner_shortfalls(made.study, context.table, context.best, made.folders)
    assert [one.task for one in found] == list(TASKS)
    records = [TrialRecord.read(trial) for trial in made.study.trials]
    for one in found:
        scores = [record.result.scores[one.task] for record in records]
        best = int(np.argmax(scores))
        assert one.gap == pytest.approx(scores[best] - scores[context.best.number])
        if one.gap == 0.0:
            assert (one.best, one.interval) == (context.best.number, None)
            continue
        assert one.best == best
        pair = [
            np.load(made.folders.run(number).predictions(one.task, records[number].result.best_rung or 0))
            for number in (best, context.best.number)
        ]
        drawn = task_replicates(SPECS[one.task], pair, made.gold[one.task])
        assert one.interval is not None
        ends = np.quantile(drawn[:, 0] - drawn[:, 1], [0.025, 0.975])
        assert (one.interval.low, one.interval.high) == pytest.approx(tuple(ends))
    assert any(one.interval is not None for one in found)
    gone = winner_shortfalls(made.study, context.table, context.best, TrialFolders(made.data))
    assert [one.gap for one in gone] == [one.gap for one in found]
    assert all(one.interval is None for one in gone)
