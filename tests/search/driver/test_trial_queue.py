"""Which trial is started next: retried and resumed ones, then pruned ones that continue, and proposals."""

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

    revive = resume


class Revivals:
    """Pruned trials that are to continue."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = list(numbers)

    @property
    def is_due(self) -> bool:
        return bool(self.numbers)

    def take(self) -> int | None:
        return self.numbers.pop(0) if self.numbers else None


class Budget:
    """A number of trials, and perhaps no time that is left."""

    def __init__(self, trials: int, is_spent: bool) -> None:
        self.trials, self.ended, self.is_spent = trials, 0, is_spent

    def stop_reason(self, started: int) -> str:
        return "enough" if started >= self.trials or self.is_spent else ""


def queue_of(trials: int = 100, workers: int = 2, revivals: tuple[int, ...] = (), *, is_spent: bool = False) -> Any:
    proposals: Any = Proposals()
    pruned: Any = Revivals(*revivals)
    budget: Any = Budget(trials, is_spent)
    return TrialQueue(proposals, pruned, budget, workers)


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


def test_pruned_trials_continue_before_others_begin_even_if_all_have_begun() -> None:
    queue = queue_of(trials=1, revivals=(4, 2))
    queue.retry(Trial(7))
    assert [queue.next(0).number for _ in range(3)] == [7, 4, 2]
    assert not queue.is_waiting
    assert queue.next(0).number == 10
    assert queue.next(1) is None


def test_no_pruned_trial_continues_when_the_time_is_up() -> None:
    queue = queue_of(revivals=(4,), is_spent=True)
    assert not queue.is_waiting
    assert queue.next(0) is None
