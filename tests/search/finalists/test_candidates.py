"""Which configurations come into the final, and that what was chosen stays so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import optuna
import pytest
from predicting_executor import PredictingExecutor

from core.config import RunConfig
from data.errors import UserError
from search.finalists import finalists_request
from search.finalists.candidates import Candidate, choose_candidates, preset_configuration, recorded_candidates
from search.finalists.finalists_request import FinalistsRequest
from search.recorded.ranking import best_trial, open_study
from search.recorded.second_start import SecondStart
from search.run import main as run_main
from search.storage.open import open_storage
from search.trials.record import CONFIG, ROLE

PRESETS = {
    "mine": "[optim]\nlearning_rate = 2e-3\nwarmup = 0.1\n",
    "other": "[optim]\nlearning_rate = 8e-3\nwarmup = 0.1\n",
    "fresh": "[optim]\nlearning_rate = 7e-4\nwarmup = 0.1\n[eval]\nrungs = 2\n"
    "[budget]\npasses = 3\n[pretraining.mnrl]\npasses = 1\n",
}


@pytest.fixture(scope="module")
def searched_once(tmp_path_factory: pytest.TempPathFactory, tiny_study: str) -> Path:
    """Return the folder of a study ``warm`` that begins with two presets and overrides what they say of the warm-up."""
    folder = tmp_path_factory.mktemp("searched")
    (folder / "studies" / "presets").mkdir(parents=True)
    for name, text in PRESETS.items():
        (folder / "studies" / "presets" / f"{name}.toml").write_text(text)
    text = tiny_study[: tiny_study.index("[space]")].replace("trials = 4\n", 'trials = 5\nfirst = ["other", "mine"]\n')
    space = '[override.optim]\nwarmup = 0.3\n[space]\n"optim.learning_rate" = { low = 1e-6, high = 1e-2, log = true }\n'
    (folder / "warm.toml").write_text(text.replace("learning_rate = 1e-3", "learning_rate = 5e-3") + space)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("search.console.executor_choice.LocalExecutor", lambda *_, **__: PredictingExecutor())
        run_main(str(folder / "warm.toml"), runs_dir=folder / "runs", quiet=True)
    return folder


@pytest.fixture
def folder(searched_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy that a test may change, and run commands there."""
    monkeypatch.chdir(shutil.copytree(searched_once, tmp_path / "copy"))
    return Path.cwd()


def study_in(folder: Path) -> optuna.Study:
    return open_study("warm", None, folder / "runs")


def made(folder: Path, **options: Any) -> FinalistsRequest:
    options = {"top": 1, "seeds": 2, "presets": (), "storage": open_storage(None, folder / "runs")} | options
    start = SecondStart(None, folder / "runs", restart=False)
    return FinalistsRequest.make(study_in(folder), "warm-finalists", **options, start=start)


def first_trial(study: optuna.Study, name: str) -> int:
    return next(trial.number for trial in study.get_trials() if trial.user_attrs[ROLE] == f"first {name}")


def test_a_preset_that_the_study_began_with_is_as_it_was_there(folder: Path) -> None:
    """Also one that is not the best of these; and two of one name remove none."""
    study = study_in(folder)
    chosen = {one.name: one for one in choose_candidates(study, 3, ["mine", "other", "mine"])}
    for name in ("mine", "other"):
        one = chosen[f"preset {name}"]
        assert (one.trial, one.config.optim.warmup) == (first_trial(study, name), 0.3)
    spec = made(folder, top=3, presets=["mine", "other", "mine"]).spec(None, 1, None)
    assert len({trial.params["variant"] for trial in spec.first_trials}) == len(chosen)
    best = best_trial(study)
    assert best is not None
    assert best.number in {one.trial for one in chosen.values()}


def test_the_best_preset_is_among_them_unasked(folder: Path) -> None:
    chosen = choose_candidates(study_in(folder), 1, [])
    assert chosen[0].is_default
    assert [one.preset for one in chosen if one.preset] == ["mine"]  # other is further from what is best


def test_a_new_preset_is_laid_over_the_default_configuration(folder: Path) -> None:
    default = choose_candidates(study_in(folder), 1, [])[0].config
    config = preset_configuration("fresh", default)
    assert (config.optim.warmup, config.optim.learning_rate) == (0.1, 7e-4)
    assert (config.eval, config.budget) == (default.eval, default.budget)  # how runs are scored is the study's
    assert (config.pretraining.mnrl.passes, config.pretraining.mnrl.examples) == (1.0, 0)
    with_stage = RunConfig.model_validate({**default.model_dump(), "pretraining": {"mnrl": {"examples": 50}}})
    assert preset_configuration("fresh", with_stage).pretraining.mnrl == config.pretraining.mnrl
    assert config.model == default.model
    (fresh,) = [one for one in choose_candidates(study_in(folder), 1, ["fresh"]) if one.preset == "fresh"]
    assert (fresh.name, fresh.trial, fresh.config) == ("preset fresh", None, config)


def test_what_was_chosen_does_not_change_with_presets(folder: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """Their files may be edited, or be somewhere else."""
    chosen = choose_candidates(study_in(folder), 2, ["fresh"])
    stored = json.loads(json.dumps([one.to_json() for one in chosen], sort_keys=True))
    (folder / "studies" / "presets" / "fresh.toml").write_text("[optim]\nwarmup = 0.2\n")
    monkeypatch.chdir(tmp_path)
    assert recorded_candidates(stored) == chosen
    assert [list(one.config.tasks) for one in recorded_candidates(stored)] == [["sst", "para", "sts"]] * len(chosen)


def test_two_of_one_name_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = choose_candidates(study_in(folder), 1, [])[0].config
    twice = [Candidate(config, preset="mine"), Candidate(config.model_copy(update={"seed": 1}), preset="mine")]
    monkeypatch.setattr(finalists_request, "choose_candidates", lambda *_: twice)
    with pytest.raises(UserError, match=r"^two different configurations to train are called 'preset mine'; "):
        made(folder)


def test_newcomers_are_the_best_ones_that_were_not_chosen(folder: Path) -> None:
    asked = made(folder)
    study = study_in(folder)
    assert asked.newcomers(study) == []
    best, trial = best_trial(study), study.ask()
    assert best is not None
    config = json.loads(best.user_attrs[CONFIG])
    config["optim"]["learning_rate"] = 9e-4
    for key, value in {**best.user_attrs, CONFIG: json.dumps(config), ROLE: "proposed"}.items():
        trial.set_user_attr(key, value)
    study.tell(trial, 0.999)
    assert asked.newcomers(study_in(folder)) == [trial.number]
