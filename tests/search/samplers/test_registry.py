"""Samplers by name; proposals that survive a restart."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from memory_storage import MemoryStorage
from optuna.distributions import IntDistribution

from core.config import RunConfig
from data.errors import UserError
from data.task_files import builtin_tasks
from search.samplers.registry import SAMPLERS, SamplerChoice, can_redraw, make_sampler
from search.space.parsing import parse_space
from search.space.space import Space

optuna.logging.set_verbosity(optuna.logging.ERROR)

BASE = RunConfig.model_validate({"tasks": {name: {"spec": builtin_tasks()[name]} for name in ("sst", "para", "sts")}})
CONDITIONAL = parse_space(
    {
        "optim.learning_rate": {"low": 1e-5, "high": 1e-2, "log": True},
        "heads.sst.layers": {"low": 1, "high": 3},
        "heads.sst.dropout_hidden": {"low": 0.0, "high": 0.5, "when": {"heads.sst.layers": {"above": 1}}},
        "heads.sst.pooling": ["cls", "mean", "max"],
        "loss.weights": {"simplex": True},
    },
    BASE,
)
FINITE = parse_space(
    {"sampler.alpha": {"low": 0.0, "high": 1.0, "step": 0.25}, "heads.sst.pooling": ["cls", "mean"]}, BASE
)
CONTINUOUS = parse_space({"sampler.alpha": {"low": 0.0, "high": 1.0}, "loss.weights": {"simplex": True}}, BASE)


def score(config: RunConfig) -> float:
    return -abs(np.log10(config.optim.learning_rate) + 3) - 0.1 * config.heads["sst"].layers + config.sampler.alpha


def run_trials(storage: str, choice: SamplerChoice, space: Space, count: int, seed: int = 7) -> list[dict[str, Any]]:
    """Run trials as the driver does, with a new sampler for every trial."""
    study = optuna.create_study(study_name="s", storage=storage, direction="maximize", load_if_exists=True)
    begun = [trial for trial in study.trials if trial.state != optuna.trial.TrialState.WAITING]
    for number in range(len(begun), count):
        study.sampler = make_sampler(choice, seed, number, space)
        trial = study.ask()
        assert trial.number == number
        study.tell(trial, score(space.suggest(trial, BASE)))
    return [trial.params for trial in study.trials]


def test_tpe_proposes_the_same_with_a_new_process_in_the_middle(tmp_path: Path) -> None:
    choice = SamplerChoice("tpe", {"n_startup_trials": 4})
    undisturbed = run_trials(f"sqlite:///{tmp_path}/one.db", choice, CONDITIONAL, 12)
    storage = f"sqlite:///{tmp_path}/two.db"
    tpe = "t.SamplerChoice('tpe', {'n_startup_trials': 4})"
    code = f"import test_registry as t; t.run_trials({storage!r}, {tpe}, t.CONDITIONAL, 6)"
    here = Path(__file__).parent
    environment = {"PYTHONPATH": f"{here}:{here.parent / 'stubs'}:{here.parents[2]}", "PYTHONHASHSEED": "123"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=120)
    assert len(optuna.load_study(study_name="s", storage=storage).trials) == 6
    assert run_trials(storage, choice, CONDITIONAL, 12) == undisturbed


def test_tpe_leaves_the_random_start_and_differs_from_random(tmp_path: Path) -> None:
    tpe = run_trials(f"sqlite:///{tmp_path}/t.db", SamplerChoice("tpe", {"n_startup_trials": 4}), CONDITIONAL, 12)
    random = run_trials(f"sqlite:///{tmp_path}/r.db", SamplerChoice("random"), CONDITIONAL, 12)
    rates = [[params["optim.learning_rate"] for params in run] for run in (tpe, random)]
    assert rates[0][:4] == rates[1][:4]
    assert not set(rates[0][4:]) & set(rates[1][4:])


@pytest.mark.parametrize(
    ("choice", "space"),
    [
        (SamplerChoice("random"), CONDITIONAL),
        (SamplerChoice("gp", {"n_startup_trials": 3}), CONTINUOUS),
        (SamplerChoice("qmc"), CONTINUOUS),
        (SamplerChoice("qmc", {"qmc_type": "halton"}), CONDITIONAL),
        (SamplerChoice("nsgaii", {"population_size": 3}), CONDITIONAL),
        (SamplerChoice("grid"), FINITE),
        (SamplerChoice("optuna.samplers:TPESampler", {"n_startup_trials": 3}), CONTINUOUS),
    ],
)
def test_every_sampler_repeats_itself_across_a_restart_and_not_within_a_study(
    tmp_path: Path, choice: SamplerChoice, space: Space
) -> None:
    whole = run_trials(f"sqlite:///{tmp_path}/whole.db", choice, space, 7)
    storage = f"sqlite:///{tmp_path}/parts.db"
    run_trials(storage, choice, space, 3)
    assert run_trials(storage, choice, space, 7) == whole
    assert len({str(params) for params in whole}) == 7
    other = run_trials(f"sqlite:///{tmp_path}/other.db", choice, space, 7, seed=8)
    assert other != whole


def test_settings_drawn_outside_a_qmc_sequence_do_not_repeat(tmp_path: Path) -> None:
    params = run_trials(f"sqlite:///{tmp_path}/q.db", SamplerChoice("qmc"), CONDITIONAL, 12)
    dropouts = [one["heads.sst.dropout_hidden"] for one in params if "heads.sst.dropout_hidden" in one]
    assert len(dropouts) >= 4
    assert len(set(dropouts)) == len(dropouts)


def test_grid_visits_every_point_and_continues(tmp_path: Path) -> None:
    params = run_trials(f"sqlite:///{tmp_path}/g.db", SamplerChoice("grid"), FINITE, 11)
    assert len({str(sorted(one.items())) for one in params[:10]}) == 10  # 5 alphas x 2 poolings


@pytest.mark.filterwarnings("ignore:Fixed parameter")
def test_grid_takes_an_enqueued_trial_that_leaves_settings_open(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path}/g.db"
    study = optuna.create_study(study_name="s", storage=storage, direction="maximize")
    study.enqueue_trial({"sampler.alpha": 0.4})  # between two points of the grid
    params = run_trials(storage, SamplerChoice("grid"), FINITE, 1)
    assert params[0]["sampler.alpha"] == 0.4
    assert params[0]["heads.sst.pooling"] in ("cls", "mean")
    params = run_trials(storage, SamplerChoice("grid"), FINITE, 11)
    assert len({str(sorted(one.items())) for one in params}) == 11


@pytest.mark.parametrize(
    ("name", "options", "space", "message"),
    [
        ("tpee", {}, CONTINUOUS, "sampler: unknown name 'tpee'; did you mean 'tpe'? Known: "),
        (
            "xyz",
            {},
            CONTINUOUS,
            "sampler: unknown name 'xyz'. Known: tpe, gp, random, grid, qmc, cmaes, nsgaii, or 'package.module:Class'",
        ),
        ("tpe", {"n_startup": 3}, CONTINUOUS, "sampler.n_startup: unknown key; did you mean 'n_startup_trials'?"),
        ("tpe", {"n_startup_trials": 0}, CONTINUOUS, "sampler.n_startup_trials: must be at least 1, got 0"),
        ("tpe", {"n_startup_trials": "5"}, CONTINUOUS, "sampler.n_startup_trials: must be a whole number, got '5'"),
        ("tpe", {"multivariate": False, "group": True}, CONTINUOUS, "sampler.group: needs multivariate = true"),
        ("random", {"seed": 3}, CONTINUOUS, "sampler.seed: unknown key; known: none"),
        ("qmc", {"qmc_type": "sobl"}, CONTINUOUS, "sampler.qmc_type: must be one of 'sobol' or 'halton', got 'sobl'"),
        (
            "grid",
            {},
            CONTINUOUS,
            "sampler: a grid needs settings with finitely many values; give sampler.alpha choices or a step",
        ),
        (
            "grid",
            {},
            CONDITIONAL,
            "sampler: a grid needs settings with finitely many values; give optim.learning_rate choices or a step",
        ),
        (
            "optuna.samplers:TPE",
            {},
            CONTINUOUS,
            "sampler: cannot import 'optuna.samplers:TPE': module 'optuna.samplers' has no attribute 'TPE'",
        ),
        ("no.such:Sampler", {}, CONTINUOUS, "sampler: cannot import 'no.such:Sampler': No module named 'no'"),
        (
            "builtins:dict",
            {},
            CONTINUOUS,
            "sampler: 'builtins:dict' is not a class derived from optuna.samplers._base.BaseSampler",
        ),
    ],
)
def test_mistakes_are_named(name: str, options: dict[str, Any], space: Space, message: str) -> None:
    with pytest.raises(UserError) as caught:
        make_sampler(SamplerChoice(name, options), 0, 0, space)
    assert str(caught.value).startswith(message)


def test_a_class_that_refuses_its_options_is_named() -> None:
    choice = SamplerChoice("optuna.samplers:RandomSampler", {"size": 3})
    with pytest.raises(
        UserError, match=r"^sampler: 'optuna.samplers:RandomSampler' does not accept its options: .*'size'"
    ):
        make_sampler(choice, 0, 0, CONTINUOUS)


def test_cmaes_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UserError) as caught:
        make_sampler(SamplerChoice("cmaes"), 0, 0, CONTINUOUS)
    assert str(caught.value) == "sampler: 'cmaes' needs the package cmaes; install it with: pip install cmaes"


def test_options_are_those_that_optuna_takes() -> None:
    """A sampler is built with every option spelled out, so a name that Optuna dropped would raise here."""
    for name, (model, _) in SAMPLERS.items():
        if name not in ("cmaes", "grid"):
            make_sampler(SamplerChoice(name, model().model_dump(exclude_none=True)), 0, 0, CONTINUOUS)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *[("tpe", True), ("random", True), ("gp", True), ("nsgaii", True), ("optuna.samplers:TPESampler", True)],
        *[("grid", False), ("qmc", False), ("optuna.samplers:BruteForceSampler", False)],
    ],
)
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_which_samplers_are_asked_again(name: str, expected: bool) -> None:
    assert can_redraw(make_sampler(SamplerChoice(name), 0, 0, FINITE)) == expected


def test_attempts_have_seeds_of_their_own() -> None:
    study = optuna.create_study(storage=MemoryStorage())
    drawn = {
        make_sampler(SamplerChoice("random"), 3, 5, FINITE, attempt).sample_independent(
            study, study.ask(), "x", IntDistribution(0, 10**9)
        )
        for attempt in range(41)
    }
    assert len(drawn) == 41
