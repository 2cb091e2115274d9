"""The plan of an ablation: its winner, its rows, its seeds, and what cannot be taken apart."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from inline_study import InlineStudy, comparing
from stub_study import SPEC, changed

from data.errors import UserError
from search.ablate.plan import AblationPlan, new_plan, recorded_plan
from search.recorded.ranking import WinnerByMean, best_trial
from search.recorded.study import create_or_load
from search.trials.record import TrialRecord


@pytest.fixture
def searched(tmp_path: Path) -> InlineStudy:
    return InlineStudy(tmp_path, SPEC).run()


def best(study: optuna.Study) -> TrialRecord:
    trial = best_trial(study)
    assert trial is not None
    return TrialRecord.read(trial)


def test_the_best_trial_is_taken_apart_with_fresh_seeds(searched: InlineStudy) -> None:
    plan = new_plan(searched.study, searched.storage, None, 3)
    winner = best(searched.study)
    assert winner.config is not None
    assert (plan.trial, plan.winner, plan.config) == (winner.number, f"trial {winner.number}", winner.config)
    assert plan.seeds == (1, 2, 3)  # 0 is the search's
    assert {"without warm-up", "plain schedule", "without gradient clipping"} <= set(plan.configs)
    other = next(r for r in searched.records if r.config and r.config.optim.learning_rate != 1e-4)
    plan = new_plan(searched.study, searched.storage, other.number, 1)
    assert plan.configs["default learning rate"].optim.learning_rate == 1e-4  # of the base
    assert AblationPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


def test_the_finalists_winner_goes_before_the_best_trial(searched: InlineStudy) -> None:
    """Once it is named; and its seeds are used ones too."""
    other = next(record for record in searched.records if record.number != best(searched.study).number)
    assert other.config is not None
    config = other.config.model_copy(update={"seed": 1})
    origin = {"finalists": {"of": "stub"}}
    finalists = create_or_load(changed(name="stub-finalists", base=config, trials=1, origin=origin), searched.storage)
    more = create_or_load(changed(name="more", base=config, trials=1, origin=origin), searched.storage)
    run = more.ask()
    run.set_user_attr("config", config.model_copy(update={"seed": 3}).model_dump_json())
    more.tell(run, 0.5)
    trial = finalists.ask()
    trial.set_user_attr("config", config.model_dump_json())
    finalists.tell(trial, 0.5)
    assert new_plan(searched.study, searched.storage, None, 2).winner == f"trial {best(searched.study).number}"
    WinnerByMean("trial 3", {"trial 3": (trial.number,)}).record(finalists)
    plan = new_plan(searched.study, searched.storage, None, 2)
    assert (plan.winner, plan.trial, plan.config) == ("the finalists' winner (trial 3)", None, config)
    assert plan.seeds == (2, 4)  # whatever the finalists' study is called
    assert new_plan(searched.study, searched.storage, 0, 2).winner == "trial 0"


def test_techniques_that_are_asked_for(searched: InlineStudy) -> None:
    plan = new_plan(searched.study, searched.storage, None, 1, ["warm-up", "schedule"])
    assert [row.row for row in plan.rows] == ["without warm-up", "plain schedule"]
    named = new_plan(searched.study, searched.storage, None, 1, ["plain schedule", "warm-up"])
    assert ([row.row for row in named.rows], set(named.techniques)) == (
        [row.row for row in plan.rows],
        {"warm-up", "schedule"},
    )
    for asked in ((), ("schedule", "warm-up"), ("without warm-up", "plain schedule"), ("warm-up", "plain schedule")):
        assert plan.is_of(asked), "in any order, by either name"
    for other in (("warm-up",), ("schedule", "warm-up", "LoRA"), ("LoRA",)):
        assert not plan.is_of(other)
    with pytest.raises(UserError, match=r"^--technique 'warmup': trial \d+ of study 'stub' has no .*'warm-up'\?$"):
        new_plan(searched.study, searched.storage, None, 1, ["warmup"])
    with pytest.raises(UserError, match=r"^--technique 'LoRA': .* no such technique; it has .*warm-up"):
        new_plan(searched.study, searched.storage, None, 1, ["LoRA"])


def test_what_cannot_be_taken_apart(searched: InlineStudy, tmp_path: Path) -> None:
    def refusal(study: optuna.Study, trial: int | None = None) -> str:
        with pytest.raises(UserError) as caught:
            new_plan(study, searched.storage, trial, 3)
        return str(caught.value)

    assert "no trial 99: study 'stub' has trials 0 to 5" in refusal(searched.study, 99)
    failing = InlineStudy(tmp_path, replace(SPEC, name="failing"), searched.storage, failing=frozenset(range(6))).run()
    assert refusal(failing.study) == "study 'failing' has no finished trial yet"
    assert refusal(failing.study, 2) == "--trial 2: it is failed, and only a finished trial can be taken apart"
    variants = InlineStudy(tmp_path, comparing(), searched.storage).run()
    assert refusal(variants.study).startswith("--study variants: it compares ready configurations, ")
    foreign = optuna.create_study(study_name="foreign", storage=searched.storage, direction="maximize")
    assert refusal(foreign) == "--study foreign: it is a study of another program"
    plain = SPEC.base.model_copy(
        update={"optim": SPEC.base.optim.model_copy(update={"warmup": 0.0, "schedule": "constant", "clip_norm": None})}
    )
    nothing = InlineStudy(tmp_path, changed(name="plain", base=plain, trials=1), searched.storage).run()
    assert "trial 0 of study 'plain' has no technique to take out" in refusal(nothing.study)


def test_the_name_of_another_study_is_refused(searched: InlineStudy) -> None:
    assert recorded_plan("new", searched.storage) is None
    with pytest.raises(UserError, match=r"^there is a study 'stub' already, which is no ablation; choose another"):
        recorded_plan("stub", searched.storage)
