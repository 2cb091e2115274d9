"""Further training examples from a language model: rephrased and back-translated ones, with the labels of the original.

First :func:`plan_rephrasing` says what it would cost, then :func:`rephrase` sends the requests of a plan, then
:func:`replay` makes the examples of the answers on disk, as often as they are needed and without a network::

    job = RephrasingJob(train, RephrasingSettings(model="llama3"), cache_folder)
    plan = plan_rephrasing(job, EndpointSettings(base_url="http://localhost:11434/v1"))
    print(plan.describe())
    rephrase(plan)
    extra = replay(job).extra

The same answers on disk give the same examples, whatever the order in which they came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

import numpy as np

from data.augmentation.answer_cache import AnswerCache
from data.augmentation.answer_check import Refusal
from data.augmentation.chat_endpoint import ChatEndpoint, EndpointError, RequestFailedError
from data.augmentation.chat_request import Answer, ChatRequest
from data.augmentation.endpoint_settings import EndpointSettings
from data.augmentation.example_rewriter import ExampleRewriter, Rewritten
from data.augmentation.extra import Extra
from data.augmentation.rephrasing_plan import RephrasingJob, RephrasingPlan, plan_rephrasing
from data.augmentation.rephrasing_settings import RephrasingSettings

__all__ = [
    "EndpointSettings",
    "Rephrased",
    "RephrasingJob",
    "RephrasingPlan",
    "RephrasingSettings",
    "Summary",
    "plan_rephrasing",
    "rephrase",
    "replay",
]

Progress = Callable[[int, int], None]
"""Is told (examples that are done with, examples)."""


@dataclass(frozen=True)
class Summary:
    """What became of a job's examples; ``made + left_out + failed + unanswered`` is their number.

    Attributes:
        made: have a rephrasing.
        cached: of these, made without a request.
        left_out: all tries were refused.
        failed: the endpoint did not answer; asked again in the next run.
        unanswered: not asked yet (only when replaying).
        refused: answers refused, by reason; one that another try made up for counts too.
        requests: sent, repeated attempts too.
        failure: why one of the failed ones did, in the endpoint's words.
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
        """One line."""
        parts = [
            f"{self.made:,} examples made ({self.cached:,} of answers that were there, {self.requests:,} requests)"
        ]
        if self.left_out:
            parts.append(f"{self.left_out:,} left out because every answer was refused")
        if self.failed:
            parts.append(f"{self.failed:,} without an answer ({self.failure}): run this again for them")
        if self.unanswered:
            parts.append(f"{self.unanswered:,} not asked yet")
        if self.refused:
            reasons = (f"{count:,} {reason}" for reason, count in sorted(self.refused.items()))
            parts.append(f"answers refused: {', '.join(reasons)}")
        return "; ".join(parts)


@dataclass(frozen=True)
class Rephrased:
    """The made examples in the order of the split, and what became of the others."""

    extra: Extra
    summary: Summary


def replay(job: RephrasingJob) -> Rephrased:
    """The examples that the answers on disk make; nothing is sent.

    Raises:
        UserError: if the answers cannot be read.
    """
    return _replay(job, AnswerCache(job.cache_folder)).result(job)


def rephrase(plan: RephrasingPlan, on_progress: Progress | None = None) -> Rephrased:
    """Ask for every answer that is still missing, and make the examples.

    Each answer is on disk before the next request of its example is sent, so a run that is stopped or killed loses
    only requests under way. A request that fails leaves its example out of this run.

    Args:
        plan: confirmed by whoever pays for it.
        on_progress: is called from this thread after each example.

    Raises:
        UserError: if the key's variable is not set, another process is filling the cache, the disk does not take an
            answer, or the endpoint fails for good; what it has answered before is kept.
    """
    job = plan.job
    cache = AnswerCache(job.cache_folder)
    with ChatEndpoint(plan.endpoint) as endpoint, cache.writing():
        tally = _replay(job, cache)
        try:
            _ask_for_missing(job, cache, endpoint, tally, on_progress)
        except EndpointError as error:
            raise EndpointError(
                f"{error} ({len(tally.outcomes):,} of {len(job.chosen):,} examples are done; "
                f"all answers are kept in '{cache.path}', and the next run goes on from there)"
            ) from None
        return tally.result(job, requests=endpoint.sent)


@dataclass
class _Tally:
    """What became of examples so far, by their position."""

    outcomes: dict[int, Rewritten] = field(default_factory=dict)
    missing: list[int] = field(default_factory=list)
    cached: int = 0
    failed: int = 0
    failure: str | None = None

    def result(self, job: RephrasingJob, requests: int = 0) -> Rephrased:
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
        return Rephrased(Extra([sentences for _, sentences in kept], job.train.labels[sources], sources), summary)


class _MissingAnswerError(Exception):
    """The answer is not in the cache."""


def _replay(job: RephrasingJob, cache: AnswerCache) -> _Tally:
    rewriter, tally = ExampleRewriter(job.settings), _Tally()

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


def _ask_for_missing(
    job: RephrasingJob, cache: AnswerCache, endpoint: ChatEndpoint, tally: _Tally, on_progress: Progress | None
) -> None:
    """Send the requests of the tally's missing examples, several at a time, and add the outcomes."""
    rewriter, examples = ExampleRewriter(job.settings), len(job.chosen)

    def ask(request: ChatRequest) -> Answer:
        answer = cache.get(request)
        if answer is None:
            answer = endpoint.answer(request)
            cache.put(request, answer)
        return answer

    def rewrite(position: int) -> tuple[int, Rewritten]:
        return position, rewriter.rewrite(position, job.train.sentences[position], ask)

    with ThreadPoolExecutor(endpoint.concurrency, thread_name_prefix="rephrasing") as pool:
        futures = [pool.submit(rewrite, position) for position in tally.missing]
        try:
            for future in as_completed(futures):
                try:
                    position, outcome = future.result()
                    tally.outcomes[position] = outcome
                except RequestFailedError as error:
                    tally.failed += 1
                    tally.failure = str(error)
                if on_progress is not None:
                    on_progress(len(tally.outcomes) + tally.failed, examples)
        except BaseException:
            # Requests under way are paid for: their answers are waited for and kept, but no other is sent.
            endpoint.stop()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
