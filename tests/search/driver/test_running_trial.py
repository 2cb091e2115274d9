"""When a trial is pruned: after the warm-up of the learning rate, never the default, never at the last rung."""

from pathlib import Path

import optuna
import pytest
from memory_storage import MemoryStorage
from scripted_executor import ScriptedExecutor
from stub_study import BASE, SPACE, StubStudy, changed

from core.run.evaluation import Evaluation
from search.driver.driver import Driver
from search.driver.running_trial import RunningTrial
from search.samplers.registry import SamplerChoice
from search.storage import optuna_internals

optuna.logging.set_verbosity(optuna.logging.WARNING)


@pytest.mark.parametrize(("warmup", "pruned_at"), [(0.0, 20), (0.2, 20), (0.21, 40), (0.4, 40), (0.5, 60), (0.9, None)])
def test_the_first_rung_at_which_a_hopeless_trial_is_pruned(
    tmp_path: Path, warmup: float, pruned_at: int | None
) -> None:
    """Rungs are at 20, 40, 60, 80 and 100 of 100 examples; the second trial is behind at all of them."""
    base = BASE.model_copy(update={"optim": BASE.optim.model_copy(update={"warmup": warmup})})
    spec = changed(base=base, space=SPACE, trials=2, pruner="halving", sampler=SamplerChoice("random"))
    executor = ScriptedExecutor(lambda number, _: {"sst": 0.8 if number == 0 else 0.3})
    _, hopeless = Driver(spec, MemoryStorage(), executor, tmp_path).run().study.get_trials()
    assert (hopeless.last_step if hopeless.state.name == "PRUNED" else None) == pruned_at
    assert list(hopeless.intermediate_values) == list(range(20, (pruned_at or 100) + 1, 20))


def test_the_default_is_never_pruned_and_no_trial_at_its_last_rung(tmp_path: Path) -> None:
    study = StubStudy(tmp_path, changed(pruner="threshold", trials=3))
    choice = type(study.spec.pruner)("threshold", {"lower": 0.99, "n_warmup_steps": 100})
    study.spec = changed(pruner=choice, trials=2)
    study.run()
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "COMPLETE"]
    study = StubStudy(tmp_path / "b", changed(pruner=type(choice)("threshold", {"lower": 0.99}), trials=2))
    study.run()
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "PRUNED"]


def test_a_resumed_trial_is_not_pruned_at_a_rung_that_it_has_passed(tmp_path: Path) -> None:
    """It was killed after the rung at 40, perhaps after it had trained to 60; then another trial overtook it.

    Its resumed run reports the rung at 40 a second time. The pruner would decide otherwise now.
    """
    pruner = optuna.pruners.MedianPruner(n_startup_trials=0)
    study = optuna.create_study(storage=MemoryStorage(), direction="maximize", pruner=pruner)

    def running(trial: optuna.trial.Trial) -> RunningTrial:
        return RunningTrial(trial, optuna.samplers.RandomSampler(seed=0), BASE, tmp_path)

    def evaluation(rung: int, score: float) -> Evaluation:
        return Evaluation(rung, rung, 0, score, {"sst": score}, {}, {}, 1.0, 100.0)

    killed, other = running(study.ask()), running(study.ask())
    assert all(killed.judge(evaluation(rung, 0.5)) for rung in (20, 40))
    assert all(other.judge(evaluation(rung, 0.9)) for rung in (20, 40, 60))
    optuna_internals.tell(study, other.trial, other.sampler, optuna.trial.TrialState.COMPLETE, 0.9)
    resumed = running(optuna_internals.resume(study, killed.number))
    assert [resumed.judge(evaluation(rung, 0.5)) for rung in (20, 40, 60)] == [True, True, False]
    assert resumed.pruned_because == "pruned at 60 examples"
