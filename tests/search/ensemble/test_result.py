"""An ensemble's scores, its table, its record, and the files that are written of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.config import RunConfig
from core.run.run_folder import RunFolder
from core.scoring import DevScores
from data.task_files import builtin_tasks
from search.ensemble.members import Member
from search.ensemble.result import Ensemble, Output, ensemble_record, ensemble_table, write_ensemble
from search.trials.prediction_files import read_predictions
from search.trials.record import TrialResult

SST, STS = (builtin_tasks()[name] for name in ("sst", "sts"))
CONFIG = RunConfig.model_validate({"tasks": {"sst": {"spec": SST}, "sts": {"spec": STS}}})
GOLD = {"sst": np.array([0, 1, 2, 3]), "sts": np.array([0.0, 1.0, 2.0, 3.0], dtype=np.float32)}
PREDICTIONS = {"sst": np.eye(5)[[0, 1, 2, 4]], "sts": GOLD["sts"]}  # accuracy 3/4, correlation 1


def member(number: int, overall: float) -> Member:
    result = TrialResult(overall, {"sst": 0.5, "sts": 0.75}, 100, 100, 1.0)
    return Member(number, {"optim.learning_rate": 1e-4}, RunFolder(Path(str(number))), CONFIG, result, PREDICTIONS)


SCORES = DevScores(CONFIG, PREDICTIONS, GOLD)
IDS = ["a", "b", "c", "d"]
OUTPUTS = [
    Output(SST, "dev", IDS, GOLD["sst"], PREDICTIONS["sst"]),
    Output(SST, "test", ["t"], None, np.eye(5)[[3]]),
    Output(STS, "dev", IDS, GOLD["sts"], PREDICTIONS["sts"]),
]
ENSEMBLE = Ensemble(
    method="averaged predictions",
    members=[member(3, 0.625), member(7, 0.75), member(9, 0.75)],
    shares={"sst": {3: 0.5, 7: 0.5}, "sts": {7: 0.5, 9: 0.5}},
    scores=SCORES,
    outputs=OUTPUTS,
)


def test_the_gain_is_over_the_best_member() -> None:
    """Trials 7 and 9 are equal: the earlier one is the best. A correlation of 1 counts as 1, an accuracy of 3/4 so."""
    assert ENSEMBLE.best.number == 7
    assert SCORES.overall == (0.75 + 1.0) / 2
    assert ENSEMBLE.gain == 0.125


def test_the_table_has_the_shares_and_the_gain_in_every_task() -> None:
    table = ensemble_table("mine", ENSEMBLE)
    assert table.caption == "Study mine, averaged predictions of 3 trials: dev scores"
    assert table.headings[-2:] == ("overall", "share")
    assert [row[0] for row in table.rows] == ["trial 3", "trial 7", "trial 9"]
    assert [row[-1] for row in table.rows] == ["sst 0.50", "0.50", "sts 0.50"]
    assert table.rows[0][1:-1] == ("0.5000", "0.7500", "0.6250")
    assert table.footer == (
        ("ensemble", "0.7500", "1.0000", "0.8750", ""),
        ("gain over trial 7", "+0.2500", "+0.2500", "+0.1250", ""),
    )
    alone = replace(ENSEMBLE, members=[member(7, 0.75)], shares={"sst": {7: 1.0}, "sts": {7: 1.0}})
    assert "of 1 trial:" in ensemble_table("mine", alone).caption
    different = replace(ENSEMBLE, shares={"sst": {7: 0.25}, "sts": {7: 0.75}})
    assert ensemble_table("mine", different).rows[1][-1] == "sst 0.25\nsts 0.75"


def test_all_of_dev_is_scored_where_trials_saw_a_part() -> None:
    assert ENSEMBLE.whole_dev is None
    assert "whole_dev" not in ensemble_record(ENSEMBLE)
    longer = Output(SST, "dev", [*IDS, "e"], np.array([*GOLD["sst"], 1]), np.eye(5)[[0, 1, 2, 4, 4]])
    partly = replace(ENSEMBLE, outputs=[longer, OUTPUTS[2]])
    assert partly.whole_dev is not None
    assert partly.whole_dev.scores["sst"] == pytest.approx(3 / 5)
    assert ensemble_record(partly)["whole_dev"]["overall"] == pytest.approx((0.6 + 1.0) / 2)


def test_the_record_of_the_members() -> None:
    record = ensemble_record(ENSEMBLE)
    assert [(one["trial"], one["shares"]) for one in record["members"]] == [
        (3, {"sst": 0.5, "sts": 0.0}),
        (7, {"sst": 0.5, "sts": 0.5}),
        (9, {"sst": 0.0, "sts": 0.5}),
    ]
    assert record["members"][0]["dev"] == {"overall": 0.625, "sst": 0.5, "sts": 0.75}
    assert record["members"][0]["config_sha256"] == CONFIG.digest
    assert (record["best_member"], record["gain"]) == (7, 0.125)
    assert record["dev_examples"] == {"sst": 4, "sts": 4}
    assert json.loads(json.dumps(record)) == record


def test_the_files(tmp_path: Path) -> None:
    """What an earlier ensemble left is removed; a model folder of somebody else is not."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("mine")
    for _ in range(2):
        write_ensemble(tmp_path, ENSEMBLE, {"study": "mine"})
        assert (tmp_path / "model" / "config.json").read_text() == "mine"
    assert read_predictions(tmp_path / "predictions" / "sst-test-output.csv", SST)[0] == ["t"]
    ids, values = read_predictions(tmp_path / "predictions" / "sst-dev-output.csv", SST)
    assert ids == IDS
    assert values.argmax(axis=1).tolist() == [0, 1, 2, 4]
    record = json.loads((tmp_path / "ensemble.json").read_text())
    assert (record["study"], record["method"]) == ("mine", "averaged predictions")
    write_ensemble(tmp_path, replace(ENSEMBLE, outputs=OUTPUTS[:1]), {"study": "other"})
    assert {path.name for path in (tmp_path / "predictions").iterdir()} == {"sst-dev-output.csv", "checksums.json"}
    assert json.loads((tmp_path / "ensemble.json").read_text())["study"] == "other"
