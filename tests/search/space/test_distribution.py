"""A new kind of searched value, defined here, goes everywhere that the known kinds go, and nothing else changes."""

# ruff: noqa: ARG002  # the interface gives more than this kind needs

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import optuna
import pytest
from optuna.trial import FixedTrial

from core.config import RunConfig
from data.errors import UserError
from data.task_files import builtin_tasks
from search.analysis.importance.effects import effects
from search.analysis.importance.model import fit_score_model
from search.analysis.importance.settings import setting_table
from search.parsing.errors import StudyFileError
from search.recorded.study import IDENTITY
from search.recorded.trial_table import SETTING, trial_table
from search.space.conditions import Condition
from search.space.distribution import Distribution, Numbers, Probe, Suggester
from search.space.entry import SpaceEntry
from search.space.feasibility import try_space
from search.space.kinds import KINDS
from search.space.parsing import parse_space
from search.space.paths import get_value, set_value
from search.space.random_draws import RandomDraws
from search.space.ranges import FloatRange
from search.space.space import Dimension, Space
from search.trials.record import CONFIG, TrialResult

optuna.logging.set_verbosity(optuna.logging.ERROR)


@dataclass(frozen=True)
class Tied(Distribution):
    """One number from 0 to ``high`` that several settings have together."""

    paths: tuple[str, ...]
    high: float
    kind: ClassVar[str] = "tied"
    noun: ClassVar[str] = "one number for several settings"
    keys: ClassVar[tuple[str, ...]] = ("tied", "up_to")

    @classmethod
    def parse(cls, entry: SpaceEntry) -> Tied:
        entry.check_keys(cls.keys)
        return cls(tuple(entry.table["tied"]), entry.table["up_to"])

    def to_json(self) -> dict[str, Any]:
        return {"tied": list(self.paths), "up_to": self.high}

    def describe(self) -> str:
        return f"{' = '.join(self.paths)} up to {self.high}"

    def suggest(self, trial: Suggester, path: str) -> float:
        return trial.suggest_float(path, 0.0, self.high, step=None, log=False)

    def contains(self, value: object) -> bool:
        return isinstance(value, float) and 0.0 <= value <= self.high

    def put(self, tree: dict[str, Any], path: str, value: Any) -> None:
        for one in self.paths:
            set_value(tree, one, value)

    def read(self, config: RunConfig, path: str) -> Any:
        values = {get_value(config, one) for one in self.paths}
        return values.pop() if len(values) == 1 else None

    def settings(self, path: str) -> set[str]:
        return set(self.paths)

    def probes(self, path: str) -> tuple[Probe, ...]:
        return ((("space", path, "up_to"), self.high),)

    def narrowed(self, config: RunConfig, path: str, rules: Sequence[Condition]) -> Tied:
        return Tied(self.paths, self.high / 2)

    def numbers(self, values: Sequence[Any]) -> Numbers:
        return Numbers("number", np.array([[(value or 0.0) / self.high] for value in values], np.float32))


NAME = "dropouts"
TIED = Tied(("heads.sst.dropout", "heads.sts.dropout"), 0.4)
TASKS = {name: {"spec": builtin_tasks()[name]} for name in ("sst", "sts")}
BASE = RunConfig.model_validate(
    {"tasks": TASKS, "heads": {"sst": {"dropout": 0.2, "layers": 2}, "sts": {"dropout": 0.2}}}
)


def space_of(tied: Tied) -> Space:
    return Space((Dimension(NAME, tied), Dimension("optim.learning_rate", FloatRange(1e-5, 1e-3, log=True))))


def run_of(value: float, rate: float = 1e-4) -> RunConfig:
    return space_of(TIED).suggest(FixedTrial({NAME: value, "optim.learning_rate": rate}), BASE)


def test_propose_and_encode() -> None:
    config = run_of(0.3)
    assert config.heads["sst"].dropout == config.heads["sts"].dropout == 0.3
    assert space_of(TIED).encode(config).params == {NAME: 0.3, "optim.learning_rate": 1e-4}
    draws = RandomDraws(np.random.default_rng(0))
    drawn = space_of(TIED).suggest(draws, BASE)
    assert space_of(TIED).encode(drawn).params == draws.params


def test_a_run_that_lies_outside_is_named() -> None:
    uneven = RunConfig.model_validate(BASE.model_dump() | {"heads": {"sst": {"dropout": 0.1}, "sts": {"dropout": 0.2}}})
    encoding = space_of(TIED).encode(uneven)
    assert NAME not in encoding.params
    assert encoding.notes[0] == f"{NAME} = none lies outside {TIED.describe()}"
    with pytest.raises(UserError, match="a grid needs settings with finitely many values; give dropouts choices"):
        space_of(TIED).grid()


def test_a_condition_switches_it_off() -> None:
    rate = "optim.learning_rate"
    rule = Condition(rate, above=1e-4)
    space = Space((Dimension(rate, FloatRange(1e-5, 1e-3, log=True)), Dimension(NAME, TIED, (rule,))))
    off = space.suggest(FixedTrial({rate: 5e-5}), BASE)
    assert (off.heads["sst"].dropout, space.chosen(off)) == (0.2, {rate: 5e-5})
    on = space.suggest(FixedTrial({rate: 5e-4, NAME: 0.4}), BASE)
    assert space.chosen(on) == {rate: 5e-4, NAME: 0.4}
    assert space.has_conditions
    assert TIED.meeting(Condition(NAME, above=0.3)) == (0.4,)


def test_describe_and_difference() -> None:
    row = space_of(TIED).describe()[0]
    assert (row.path, row.kind, row.values) == (NAME, "tied", "heads.sst.dropout = heads.sts.dropout up to 0.4")
    stored = json.loads(json.dumps(space_of(TIED).to_json()))
    assert space_of(TIED).differences(stored) == []
    assert space_of(Tied(TIED.paths, 0.5)).differences(stored) == [f"{NAME}: up_to was 0.4, is now 0.5"]
    ranged = {**stored, NAME: {"low": 0.0, "high": 0.4}}
    assert space_of(TIED).differences(ranged) == [f"{NAME}: was a range, is now {TIED.noun}"]
    del ranged[NAME]
    assert space_of(TIED).differences(ranged) == [f"{NAME}: was not searched, now is"]


def test_feasibility() -> None:
    runs = try_space(space_of(TIED), BASE)
    assert [(run.key, run.value) for run in runs if NAME in run.key] == [(("space", NAME, "up_to"), "0.4")]
    with pytest.raises(StudyFileError) as caught:
        try_space(space_of(Tied(TIED.paths, 1.5)), BASE)
    assert caught.value.key == ("space", NAME, "up_to")
    assert caught.value.what.startswith("1.5 is not allowed here: must be ")


def test_narrowing() -> None:
    narrow = space_of(TIED).narrowed(run_of(0.1))
    assert narrow.dimensions[0] == Dimension(NAME, Tied(TIED.paths, 0.2))


def test_importance() -> None:
    rng = np.random.default_rng(3)
    values = rng.uniform(0.0, 0.4, 60).tolist()
    configs = [run_of(value, 10.0 ** float(rng.uniform(-5, -3))) for value in values]
    (setting, _) = setting_table(space_of(TIED), configs).settings
    assert (setting.path, setting.kind, setting.values) == (NAME, "number", tuple(values))
    assert setting.columns[:, 0] == pytest.approx(np.array(values) / 0.4)
    scores = 0.5 + np.array(values) / 2 + rng.normal(0.0, 0.001, 60)
    model = fit_score_model(space_of(TIED), configs, scores)
    assert model.explained > 0.8
    assert [effect.label for effect in effects(model) if effect.label == NAME] == [NAME]


def test_the_table_of_a_report_reads_it_back_once_it_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.space.kinds.KINDS", [Tied, *KINDS])
    space = space_of(TIED)
    assert parse_space(json.loads(json.dumps(space.to_json())), BASE) == space
    study = optuna.create_study(direction="maximize")
    study.set_user_attr(IDENTITY, json.dumps({"space": space.to_json()}))
    trial = study.ask()
    trial.set_user_attr(CONFIG, space.suggest(trial, BASE).canonical_json())
    TrialResult(0.5, {"sst": 0.5}, 200, 208, 8.0).write(trial)
    study.tell(trial, 0.5)
    assert trial_table(study).loc[0, SETTING + NAME] == trial.params[NAME]


def test_settings_inside_it_cannot_be_searched_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.space.kinds.KINDS", [Tied, *KINDS])
    table = {NAME: TIED.to_json(), "heads.sst.dropout": {"low": 0.0, "high": 0.1}}
    with pytest.raises(StudyFileError, match='is already searched as a part of "dropouts"; keep one'):
        parse_space(table, BASE)
