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
"""Is told (examples that are done with, examples)."""


def rephrase(plan: RephrasingPlan, on_progress: Progress | None = None) -> Rephrased:
    """Ask for every answer that is still missing, and make the examples.

    Each answer is on disk before the next request of its example is sent, so a run that is stopped or killed loses
    only requests under way. A request that fails leaves its example out of this run.

    Args:
        plan: confirmed by whoever pays for it.
        on_progress: is called from this thread after each example.

    Raises:
        UserError: if the key's variable is not set, another process is filling the cache, or the disk does not take an
            answer.
        EndpointError: if the endpoint fails for good (EndpointDownError: for now); what it has answered before is kept.
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
                f"all answers are kept in '{cache.path}', and the next run goes on from there)"
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
            # Requests under way are paid for: their answers are waited for and kept, but no other is sent.
            endpoint.stop()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
