"""Decide which trial is started next."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from search.driver.budget import Budget
from search.driver.proposals import Proposals
from search.driver.revivals import Revivals
from search.driver.running_trial import RunningTrial

__all__ = ["TrialQueue"]


@dataclass(frozen=True)
class TrialQueue:
    """Hand out trials: retried and resumed ones first; then, while the budget lasts, pruned ones that are to continue
    after all, and new proposals.

    Attributes:
        workers: number of trials that run at the same time.
    """

    proposals: Proposals
    revivals: Revivals
    budget: Budget
    workers: int
    _waiting: deque[RunningTrial] = field(default_factory=deque)  # started before
    _held: list[RunningTrial] = field(default_factory=list)  # duplicates of running trials, until one of these ends

    def resume(self, numbers: Iterable[int]) -> None:
        """Append trials that an earlier driver left running."""
        self._waiting.extend(self.proposals.resume(number) for number in numbers)

    def retry(self, running: RunningTrial) -> None:
        """Start a trial again, from its checkpoint, before any other."""
        running.resumed = True
        self._waiting.appendleft(running)

    def hold(self, running: RunningTrial) -> None:
        """Keep a trial back until a running trial ends, which may be the one that it duplicates."""
        self._held.append(running)

    def release(self) -> None:
        """Hand out the held trials next, because a trial has ended."""
        self._waiting.extendleft(reversed(self._held))
        self._held.clear()

    @property
    def is_waiting(self) -> bool:
        """Whether a trial that was started before is to be handed out."""
        return bool(self._waiting) or (self.revivals.is_due and not self.budget.is_spent)

    def next(self, running: int) -> RunningTrial | None:
        """Return the next trial; None if no other is to be started now.

        Args:
            running: number of trials with a worker.
        """
        if self._waiting:
            return self._waiting.popleft()
        # A revived trial is not a further one: it continues even if all trials of the study have been started.
        if not self.budget.is_spent and (revived := self.revivals.take()) is not None:
            return self.proposals.revive(revived)
        # Once every worker's share of proposals duplicates running trials, further ones would do the same.
        if len(self._held) >= self.workers:
            return None
        if self.budget.stop_reason(self.budget.ended + running + len(self._held)):
            return None
        return self.proposals.ask()
