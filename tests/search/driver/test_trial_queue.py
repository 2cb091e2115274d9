"""Which trial is started next: retried and resumed ones, then proposals while the budget lasts."""

from __future__ import annotations

from typing import Any

import pytest

from search.driver.trial_queue import TrialQueue


class Trial:
    """Stands for a running trial."""

    def __init__(self, number: int) -> None:
        self.number, self.resumed = number, False


class Proposals:
    """New trials from 10 on."""

    def __init__(self) -> None:
        self.asked = 9

    def ask(self) -> Trial:
        self.asked += 1
        return Trial(self.asked)

    def resume(self, number: int) -> Trial:
        return Trial(number)


class Budget:
    """A number of trials."""

    def __init__(self, trials: int) -> None:
        self.trials, self.ended = trials, 0

    def stop_reason(self, started: int) -> str:
        return "enough" if started >= self.trials else ""


def queue_of(trials: int = 100, workers: int = 2) -> Any:
    proposals: Any = Proposals()
    budget: Any = Budget(trials)
    return TrialQueue(proposals, budget, workers)


def test_resumed_trials_come_before_proposals_and_retried_ones_before_both() -> None:
    queue, again = queue_of(), Trial(7)
    queue.resume([3, 4])
    queue.retry(again)
    assert again.resumed
    assert queue.is_waiting
    assert [queue.next(0).number for _ in range(4)] == [7, 3, 4, 10]
    assert not queue.is_waiting


@pytest.mark.parametrize(("running", "held"), [(2, 0), (1, 1)])
def test_running_and_held_trials_count_against_the_budget(running: int, held: int) -> None:
    queue = queue_of(trials=3, workers=3)
    for number in range(held):
        queue.hold(Trial(number))
    assert queue.next(running).number == 10
    assert queue.next(running + 1) is None


def test_a_retried_trial_is_started_beyond_the_budget() -> None:
    queue = queue_of(trials=0)
    queue.retry(Trial(1))
    assert queue.next(0).number == 1
    assert queue.next(0) is None


def test_held_trials_return_in_their_order_when_one_ends() -> None:
    queue = queue_of(workers=2)
    queue.resume([3])
    queue.hold(Trial(5))
    queue.hold(Trial(6))
    queue.release()
    assert [queue.next(0).number for _ in range(4)] == [5, 6, 3, 10]


def test_no_proposal_once_every_worker_has_a_duplicate() -> None:
    queue = queue_of(workers=2)
    queue.hold(Trial(5))
    assert queue.next(1).number == 10
    queue.hold(Trial(6))
    assert queue.next(1) is None
    queue.release()
    assert queue.next(1).number == 5
