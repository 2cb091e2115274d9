"""The counts of crashes and losses, and words for exits."""

from __future__ import annotations

import optuna
from memory_storage import MemoryStorage

from search.driver.retries import RetryCounter, RetryLimits, describe_exit


def test_words_for_exits() -> None:
    assert describe_exit(-9) == "was killed by SIGKILL, perhaps out of memory"
    assert describe_exit(-11) == "was killed by SIGSEGV"
    assert describe_exit(-250) == "was killed by signal 250"
    assert describe_exit(137) == "ended with exit code 137, perhaps out of memory"
    assert describe_exit(1) == "ended with exit code 1"
    assert describe_exit(None) == "was lost"


def test_counts_are_kept_in_the_storage_and_begin_again_at_a_new_rung() -> None:
    study, limits = optuna.create_study(storage=MemoryStorage()), RetryLimits(crashes=1, losses=2)
    trial = study.ask()

    def counter() -> RetryCounter:  # as the next driver finds them
        return RetryCounter(optuna.trial.Trial(study, trial._trial_id))

    assert counter().count_crash(20, "x", limits) == ""
    assert counter().count_crash(20, "y", limits) == "crashed 2 times without reaching another rung; most recently, y"
    assert counter().count_crash(40, "z", limits) == ""
    assert counter().count_crash(0, "z", limits) != ""  # its folder is gone, and it began again: nothing new
    assert [counter().count_loss(40, limits) for _ in range(2)] == ["", ""]
    counter().excuse_next_loss(40)
    assert counter().count_loss(40, limits) == ""
    assert counter().count_loss(40, limits) == (
        "the search was killed 3 times while this trial ran, without reaching another rung"
    )
    assert counter().count_loss(60, limits) == ""
