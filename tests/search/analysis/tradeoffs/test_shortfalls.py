"""What the winner gives up on each task."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from search.analysis.dev_bootstrap import task_replicates
from search.analysis.tradeoffs.shortfalls import winner_shortfalls
from search.recorded.study import IDENTITY
from search.report.context import ReportContext
from search.trials.folders import TrialFolders
from search.trials.record import TrialRecord
from tests.search.made_study import SPECS, TASKS, MadeStudy, make_study

RATE = {"optim.learning_rate": {"low": 1e-5, "high": 1e-3, "log": True}}


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
