"""Numbers that differ between the storage and the trials' folders are named, and nothing is chosen by them."""

from __future__ import annotations

import json
import shutil
import sqlite3
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
import pytest
from inline_executor import InlineExecutor
from stub_study import changed

from core.run.run_folder import RunFolder
from data.errors import UserError
from search.driver.driver import Driver
from search.recorded.disagreements import _of_parameters, check_agreement, find_disagreements
from search.recorded.second_start import SecondStart
from search.space.random_draws import RandomDraws
from search.storage.open import open_storage
from search.study.file import load_study
from search.study.spec import StudySpec
from search.trials.folders import TrialFolders

SPEC = changed(trials=3, pruner="none")
RESTORE = (
    "the storage of studies or the file is damaged, was changed, or belongs to another study: restore it from a copy, "
    "or move the trial's folder away to go by the storage"
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("finished")
    assert Driver(SPEC, open_storage(None, root), InlineExecutor(), root / "stub").run().finished
    return root


@dataclass
class Recorded:
    """A copy of a finished study, to damage."""

    root: Path
    spec: StudySpec = SPEC

    @property
    def study(self) -> optuna.Study:
        return optuna.load_study(study_name="stub", storage=open_storage(None, self.root))

    @property
    def folders(self) -> TrialFolders:
        return TrialFolders(self.root / "stub")

    def execute(self, statement: str, *values: object) -> None:
        with sqlite3.connect(self.root / "studies.db") as database:
            assert database.execute(statement, values).rowcount == 1

    def attribute(self, name: str) -> str:
        return json.dumps(self.study.trials[1].user_attrs[name])

    def found(self) -> list[str]:
        return [one.text for one in find_disagreements(self.study, self.folders)]

    def refusal(self) -> str:
        with pytest.raises(UserError) as caught:
            check_agreement(self.study, self.folders)
        return str(caught.value)


@pytest.fixture
def recorded(finished: Path, tmp_path: Path) -> Recorded:
    return Recorded(Path(shutil.copytree(finished, tmp_path / "runs")))


OF_TRIAL = "WHERE trial_id = (SELECT trial_id FROM trials WHERE number = 1)"


def test_what_a_search_leaves_agrees(recorded: Recorded) -> None:
    assert recorded.found() == []
    check_agreement(recorded.study, recorded.folders)


def test_a_flipped_digit_of_a_score(recorded: Recorded) -> None:
    score = recorded.study.trials[1].value
    assert score is not None
    recorded.execute(f"UPDATE trial_values SET value = ? {OF_TRIAL}", score + 0.1)
    file = recorded.folders.run(1).metrics
    text = f"trial 1: the overall score is {score + 0.1:.4f} in the storage and {score:.4f} in '{file}'"
    assert recorded.refusal() == f"{text}; {RESTORE}"
    start = SecondStart(None, recorded.root)
    with pytest.raises(UserError, match="trial 1: the overall score is"):
        start.check(SPEC)
    SecondStart(None, recorded.root, restart=True).check(SPEC)  # it is moved aside
    recorded.execute(f"UPDATE trial_values SET value = ? {OF_TRIAL}", score + 1e-5)
    assert recorded.found() == [
        f"trial 1: the overall score is {score + 1e-5:.12g} in the storage and {score:.12g} in '{file}'"
    ]


@pytest.mark.parametrize(
    ("name", "changes", "what"),
    [
        ("overall", lambda value: value + 0.1, "the best overall score"),
        ("best_rung", lambda value: value - 1, "the best rung"),
        ("scores", lambda value: {"sst": value["sst"] - 0.1}, "the score in sst"),
    ],
)
def test_a_flipped_digit_of_a_result(recorded: Recorded, name: str, changes: object, what: str) -> None:
    assert callable(changes)
    value = json.dumps(changes(json.loads(recorded.attribute(name))))
    recorded.execute(f"UPDATE trial_user_attributes SET value_json = ? {OF_TRIAL} AND key = ?", value, name)
    (found,) = recorded.found()
    assert found.startswith(f"trial 1: {what} is ")


def test_a_flipped_digit_of_a_parameter(recorded: Recorded) -> None:
    name, value = "optim.learning_rate", recorded.study.trials[1].params["optim.learning_rate"]
    statement = f"UPDATE trial_params SET param_value = ? {OF_TRIAL} AND param_name = ?"
    recorded.execute(statement, value * 1.5, name)
    assert recorded.refusal().startswith(f"trial 1: the parameter {name} is ")
    assert f"in '{recorded.folders.run(1).config}'; {RESTORE}" in recorded.refusal()


def test_a_flipped_digit_of_a_configuration(recorded: Recorded) -> None:
    """In both places where it may be; with the folder moved away, the storage decides."""
    file = recorded.folders.run(1).config
    config = json.loads(file.read_text())
    config["optim"]["learning_rate"] *= 1.5
    file.write_text(json.dumps(config))
    assert recorded.refusal().startswith("trial 1: optim.learning_rate is ")
    shutil.rmtree(file.parent)
    check_agreement(recorded.study, recorded.folders)


def test_a_flipped_digit_of_an_earlier_report(recorded: Recorded) -> None:
    """No result depends on it, and a device may not repeat a run bit for bit."""
    statement = f"UPDATE trial_intermediate_values SET intermediate_value = 0.125 {OF_TRIAL} AND step = ?"
    recorded.execute(statement, SPEC.base.rungs[0])
    with pytest.warns(UserWarning, match=r"^trial 1: the overall score at \d+ examples is 0\.1250 in the storage and "):
        check_agreement(recorded.study, recorded.folders)
    SecondStart(None, recorded.root).make_room(SPEC)


def test_several_are_counted(recorded: Recorded) -> None:
    with sqlite3.connect(recorded.root / "studies.db") as database:
        database.execute("UPDATE trial_values SET value = value + 0.1")
    assert " in '" in recorded.refusal()
    assert " (and 2 more); " in recorded.refusal()


def test_what_cannot_be_read_is_not_compared(recorded: Recorded) -> None:
    """Whoever uses it says so."""
    recorded.folders.run(0).metrics.write_text("{")
    recorded.folders.run(1).metrics.unlink()
    recorded.folders.run(1).config.write_text("{")
    shutil.rmtree(recorded.folders.path(2))
    with sqlite3.connect(recorded.root / "studies.db") as database:
        database.execute("UPDATE trial_values SET value = value + 0.1")
        database.execute("UPDATE study_user_attributes SET value_json = '\"{}\"' WHERE key = 'identity'")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_agreement(recorded.study, recorded.folders)


@pytest.mark.parametrize("name", ["full", "papers", "build-extend-lora", "quickstart"])
def test_no_space_is_a_false_alarm(name: str, tmp_path: Path) -> None:
    """Shares are rounded, and some values are written in another form than they were drawn in."""
    spec, rng = load_study(name, data=None if name == "quickstart" else tmp_path), np.random.default_rng(0)
    for _ in range(3):
        draws = RandomDraws(rng)
        with suppress(UserError):  # some draws make no run
            config = spec.space.suggest(draws, spec.base)
            assert list(_of_parameters(0, draws.params, config, spec.space, RunFolder(tmp_path))) == []
