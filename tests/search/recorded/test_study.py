"""First trials are queued once, whatever happens to the driver."""

from __future__ import annotations

from pathlib import Path

import optuna

from search.recorded.study import create_or_load
from search.trials.record import ROLE
from tests.search.study.comparison_texts import COMPARISON, load


def test_queued_trials_survive_a_kill(tmp_path: Path) -> None:
    """A driver killed while it queues leaves some of them; the next one adds the others, each once."""
    spec = load(tmp_path, COMPARISON)
    for queued in range(7):
        storage = optuna.storages.InMemoryStorage()
        study = create_or_load(spec, storage)
        left = optuna.create_study(storage=storage, study_name="left", direction="maximize")
        for key, value in study.user_attrs.items():
            left.set_user_attr(key, value)
        for first in spec.first_trials[:queued]:
            left.enqueue_trial(first.params, user_attrs={ROLE: first.role})
        optuna.delete_study(study_name=spec.name, storage=storage)
        storage.create_new_study(directions=[optuna.study.StudyDirection.MAXIMIZE], study_name=spec.name)
        taken_up = optuna.load_study(study_name=spec.name, storage=storage)
        for key, value in left.user_attrs.items():
            taken_up.set_user_attr(key, value)
        for trial in left.get_trials():
            taken_up.add_trial(trial)
        roles = [trial.user_attrs[ROLE] for trial in create_or_load(spec, storage).get_trials()]
        assert roles == [first.role for first in spec.first_trials]


def test_fewer_trials_queue_no_more(tmp_path: Path) -> None:
    storage = optuna.storages.InMemoryStorage()
    assert len(create_or_load(load(tmp_path, COMPARISON, trials=2), storage).get_trials()) == 2
    assert len(create_or_load(load(tmp_path, COMPARISON), storage).get_trials()) == 6
