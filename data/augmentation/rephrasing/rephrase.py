"""Rephrase and back-translate training examples with a language model; the new examples keep their labels.

First :func:`~data.augmentation.rephrasing.plan.plan_rephrasing` estimates the cost, then :func:`rephrase` sends the
requests of the plan, then :func:`~data.augmentation.rephrasing.replay.replay` makes the examples from the answers on
disk, as often as necessary and without a network::

    job = RephrasingJob(train, RephrasingSettings(model="llama3"), cache_folder)
    plan = plan_rephrasing(job, EndpointSettings(base_url="http://localhost:11434/v1"))
    print(plan.describe())
    rephrase(plan)
    extra = replay(job).extra

The same answers on disk give the same examples, in whatever order they arrived.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed

from data.augmentation.rephrasing.answer_cache import AnswerCache
from data.augmentation.rephrasing.chat_endpoint import ChatEndpoint, EndpointError, RequestFailedError
from data.augmentation.rephrasing.chat_request import Answer, ChatRequest
from data.augmentation.rephrasing.example_rewriter import ExampleRewriter, Rewritten
from data.augmentation.rephrasing.job import RephrasingJob
from data.augmentation.rephrasing.plan import RephrasingPlan
from data.augmentation.rephrasing.replay import Rephrased, Tally, tally_answers

__all__ = ["rephrase"]

Progress = Callable[[int, int], None]
"""Called with (finished examples, all examples)."""


def rephrase(plan: RephrasingPlan, on_progress: Progress | None = None) -> Rephrased:
    """Request every answer that is still missing, and make the examples.

    Each answer is on disk before the next request of its example is sent, so a run that is stopped or killed loses
    only requests in progress. An example whose request fails is left out of this run.

    Args:
        plan: the plan, with its cost confirmed by the user.
        on_progress: called from this thread after each example.

    Raises:
        UserError: if the key's variable is not set, another process is filling the cache, or an answer cannot be
            written.
        EndpointError: if the endpoint fails permanently (EndpointDownError: temporarily); earlier answers are kept.
    """
    job = plan.job
    cache = AnswerCache(job.cache_folder)
    with ChatEndpoint(plan.endpoint) as endpoint, cache.writing():
        tally = tally_answers(job, cache)
        try:
            _ask_for_missing(job, cache, endpoint, tally, on_progress)
        except EndpointError as error:
            raise type(error)(
                f"{error} ({len(tally.outcomes):,} of {len(job.chosen):,} examples are done; "
                f"all answers are kept in '{cache.path}', and the next run resumes from there)"
            ) from None
        return tally.result(job, requests=endpoint.sent)


def _ask_for_missing(
    job: RephrasingJob, cache: AnswerCache, endpoint: ChatEndpoint, tally: Tally, on_progress: Progress | None
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
            # Requests in progress are paid for: wait for their answers and keep them, but send no others.
            endpoint.stop()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
