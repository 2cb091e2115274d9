"""Proposals: drawn again where they would duplicate an earlier trial."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from inline_study import TPE, InlineStudy, layers
from stub_study import changed

from search.driver.proposals import Duplicates, Proposals
from search.samplers.registry import SamplerChoice
from search.study.first_trials import FirstTrial


def test_given_trials_and_grids_are_not_drawn_again(tmp_path: Path) -> None:
    spec = changed(space=layers(3), sampler=SamplerChoice("grid"), trials=4)
    again = FirstTrial("first again", {"heads.sst.layers": 2})
    spec = replace(spec, first_trials=(*spec.first_trials, replace(again, role="first two"), again))
    study = InlineStudy(tmp_path, spec).run()
    assert [trial.params["heads.sst.layers"] for trial in study.trials][:3] == [1, 2, 2]
    assert study.records[2].repeat_of == 1


def test_what_is_left_is_found_after_the_sampler_s_own_redraws(tmp_path: Path) -> None:
    """A sampler that always says the same is helped out, and asked no more than is useful."""
    asked: list[int] = []

    class Stubborn(optuna.samplers.RandomSampler):
        def sample_independent(self, *_: Any) -> Any:
            asked.append(0)
            return 1

    study = InlineStudy(tmp_path, changed(space=layers(4), sampler=SamplerChoice("random"), trials=1)).run()
    proposals = Proposals(study.spec, study.study, study.folders, Duplicates(study.study))
    object.__setattr__(proposals, "_sampler", lambda *_: Stubborn(seed=0))
    found = [proposals.ask() for _ in range(3)]
    assert sorted(one.config.heads["sst"].layers for one in found) == [2, 3, 4]
    assert len(asked) == 3 * 11
    last = proposals.ask()  # nothing is left
    assert len(asked) == 4 * 11
    assert last.config.digest in study.digests()


def test_an_abandoned_proposal_leaves_nothing(tmp_path: Path) -> None:
    study = InlineStudy(tmp_path, changed(space=layers(4), sampler=TPE, trials=4)).run()
    for trial in study.trials:
        assert list(trial.params) == ["heads.sst.layers"]
        assert json.loads(trial.user_attrs["config"])["heads"]["sst"]["layers"] == trial.params["heads.sst.layers"]
        # What TPE notes is of the proposal that stayed.
        noted = json.loads(trial.system_attrs.get("tpe:relative_params:0", "{}"))
        assert noted in ({}, trial.params)
