"""Make examples from a language model's answers on disk; nothing is sent, and no HTTP package is needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from data.augmentation.additional_examples import AdditionalExamples
from data.augmentation.rephrasing.answer_cache import AnswerCache
from data.augmentation.rephrasing.answer_check import Refusal
from data.augmentation.rephrasing.chat_request import Answer, ChatRequest
from data.augmentation.rephrasing.example_rewriter import ExampleRewriter, Rewritten
from data.augmentation.rephrasing.job import RephrasingJob

__all__ = ["Rephrased", "Summary", "Tally", "replay", "tally_answers"]


@dataclass(frozen=True)
class Summary:
    """Counts of a job's examples by outcome; ``made + left_out + failed + unanswered`` is their number.

    Attributes:
        made: examples that were rephrased.
        cached: those of them that needed no request.
        left_out: examples for which all answers were rejected.
        failed: examples without an answer because the endpoint failed; the next run asks again.
        unanswered: examples that have not been asked about yet (only in a replay).
        refused: rejected answers by reason, including those followed by an accepted one.
        requests: requests sent, including retries.
        failure: the endpoint's message for one of the failed requests.
    """

    made: int
    cached: int
    left_out: int
    failed: int
    unanswered: int
    refused: Mapping[Refusal, int]
    requests: int = 0
    failure: str | None = None

    def describe(self) -> str:
        """Return one line for the user."""
        parts = [f"{self.made:,} examples made ({self.cached:,} from cached answers, {self.requests:,} requests)"]
        if self.left_out:
            parts.append(f"{self.left_out:,} left out because every answer was rejected")
        if self.failed:
            parts.append(f"{self.failed:,} without an answer ({self.failure}): run this again to retry")
        if self.unanswered:
            parts.append(f"{self.unanswered:,} not asked yet")
        if self.refused:
            reasons = (f"{count:,} {reason}" for reason, count in sorted(self.refused.items()))
            parts.append(f"answers rejected: {', '.join(reasons)}")
        return "; ".join(parts)


@dataclass(frozen=True)
class Rephrased:
    """The new examples in the order of the split, and a summary of all examples."""

    extra: AdditionalExamples
    summary: Summary


def replay(job: RephrasingJob) -> Rephrased:
    """Make the examples from the answers on disk; nothing is sent.

    Raises:
        UserError: if the answers cannot be read.
    """
    return tally_answers(job, AnswerCache(job.cache_folder)).result(job)


@dataclass
class Tally:
    """Outcomes of examples so far, by position."""

    outcomes: dict[int, Rewritten] = field(default_factory=dict)
    missing: list[int] = field(default_factory=list)
    cached: int = 0
    failed: int = 0
    failure: str | None = None

    def result(self, job: RephrasingJob, requests: int = 0) -> Rephrased:
        """Return the new examples in the order of the split, with a summary."""
        assert job.train.labels is not None  # the job checks it
        made = [(position, self.outcomes[position].sentences) for position in job.chosen if position in self.outcomes]
        kept = [(position, sentences) for position, sentences in made if sentences is not None]
        sources = np.array([position for position, _ in kept], dtype=np.int64)
        summary = Summary(
            made=len(kept),
            cached=self.cached,
            left_out=len(made) - len(kept),
            failed=self.failed,
            unanswered=len(job.chosen) - len(made) - self.failed,
            refused=Counter(reason for outcome in self.outcomes.values() for reason in outcome.refusals),
            requests=requests,
            failure=self.failure,
        )
        return Rephrased(
            AdditionalExamples([sentences for _, sentences in kept], job.train.labels[sources], sources), summary
        )


class _MissingAnswerError(Exception):
    """The answer is not in the cache."""


def tally_answers(job: RephrasingJob, cache: AnswerCache) -> Tally:
    """Collect the outcomes of a job's examples from the answers in the cache."""
    rewriter, tally = ExampleRewriter(job.settings), Tally()

    def ask(request: ChatRequest) -> Answer:
        answer = cache.get(request)
        if answer is None:
            raise _MissingAnswerError
        return answer

    for position in job.chosen:
        try:
            tally.outcomes[position] = rewriter.rewrite(position, job.train.sentences[position], ask)
        except _MissingAnswerError:
            tally.missing.append(position)
    tally.cached = sum(outcome.sentences is not None for outcome in tally.outcomes.values())
    return tally
