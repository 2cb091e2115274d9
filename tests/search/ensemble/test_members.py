"""Which trials may be members: finished and pruned ones with dev scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from data.errors import UserError
from search.ensemble.members import CandidateTrials
from search.recorded.ranking import open_study
from search.trials.folders import TrialFolders

STATES = (TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING, TrialState.COMPLETE, TrialState.PRUNED)


@pytest.fixture
def library(trials: Any) -> CandidateTrials:
    """Record trials 0 to 4 in these states, in the tiny study's folders; the last and the running one have no score."""
    study = optuna.create_study(direction="maximize")
    recorded = open_study("tiny", None, trials.runs).trials
    for number, state in enumerate(STATES):
        scored = recorded[number].user_attrs if number < 4 and state != TrialState.RUNNING else {}
        value = 0.5 if state == TrialState.COMPLETE else None
        study.add_trial(create_trial(state=state, value=value, user_attrs=scored))
    return CandidateTrials(study, TrialFolders(Path(trials.runs) / "tiny"), None, None, needs_models=False)


def test_pruned_trials_are_members_at_their_best_rung(library: CandidateTrials) -> None:
    assert library.scored == library.candidates() == [0, 3]
    assert library.tasks == ["para", "sst", "sts"]
    pruned, complete = library.members([3, 0, 3])
    assert (pruned.number, complete.number) == (0, 3)
    assert pruned.overall == pruned.result.overall
    assert pruned.predictions["sst"].shape == (60, 5)


@pytest.mark.parametrize(
    ("number", "message"),
    [(1, "trial 1 failed"), (2, "trial 2 has not ended yet"), (4, "trial 4 has no dev scores")],
)
def test_others_are_not(library: CandidateTrials, number: int, message: str) -> None:
    with pytest.raises(UserError, match=f"{message}: it cannot be a member"):
        library.members([0, number])


def test_a_study_that_has_just_begun() -> None:
    library = CandidateTrials(optuna.create_study(), TrialFolders(Path("nowhere")), None, None, needs_models=False)
    with pytest.raises(UserError, match="has no trial with dev scores yet"):
        _ = library.tasks
    with pytest.raises(UserError, match=r"has 0 scored trial\(s\): nothing to select from"):
        library.candidates()
