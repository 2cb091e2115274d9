"""Estimate the cost of a rephrasing before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass

from data.augmentation.rephrasing.answer_cache import AnswerCache
from data.augmentation.rephrasing.chat_request import Answer, ChatRequest, estimated_tokens
from data.augmentation.rephrasing.endpoint_settings import EndpointSettings
from data.augmentation.rephrasing.example_rewriter import ExampleRewriter
from data.augmentation.rephrasing.job import RephrasingJob

__all__ = ["RephrasingPlan", "plan_rephrasing"]


@dataclass(frozen=True)
class RephrasingPlan:
    """A job, its endpoint, and its cost if no answer is rejected.

    Tokens are estimated without a tokenizer, one per four characters; an answer is assumed to be as long as its
    sentence. Repeated attempts at one request are not counted.

    Attributes:
        job: the job.
        endpoint: where its requests are sent.
        requests: remaining requests.
        requests_at_most: remaining requests if only the last try of every sentence is accepted.
        prompt_tokens: estimated prompt tokens of the remaining requests.
        answer_tokens: estimated answer tokens of the remaining requests.
    """

    job: RephrasingJob
    endpoint: EndpointSettings
    requests: int
    requests_at_most: int
    prompt_tokens: int
    answer_tokens: int

    @property
    def cost(self) -> float | None:
        """Return the cost of the remaining requests in the prices' currency; None without prices."""
        prompt, answer = self.endpoint.prompt_price, self.endpoint.answer_price
        if prompt is None or answer is None:
            return None
        return (self.prompt_tokens * prompt + self.answer_tokens * answer) / 1e6

    @property
    def minutes(self) -> float:
        """Return the minimum duration under the rate limit, minutes; 0 without a limit."""
        return self.requests / (self.endpoint.requests_per_minute or float("inf"))

    def describe(self) -> str:
        """Return one line for the user to decide on."""
        examples = len(self.job.chosen)
        if self.requests == 0:
            return f"{examples:,} examples: all answers are cached, no requests needed"
        model, most = self.job.settings.model, self.requests_at_most
        parts = [
            f"{examples:,} examples: {self.requests:,} requests to '{model}' at {self.endpoint.url}",
            f"at most {most:,} if answers are rejected",
            f"about {self.prompt_tokens:,} prompt and {self.answer_tokens:,} answer tokens",
        ]
        if self.cost is not None:
            parts.append(f"about {self.cost:,.2f} at the given prices, at most {self.cost * self._growth:,.2f}")
        if self.minutes:
            parts.append(f"at least {self.minutes:,.0f} minutes at {self.endpoint.requests_per_minute:g} per minute")
        return "; ".join(parts)

    @property
    def _growth(self) -> float:
        return self.requests_at_most / self.requests


def plan_rephrasing(job: RephrasingJob, endpoint: EndpointSettings) -> RephrasingPlan:
    """Count the remaining requests; nothing is sent, and no key is needed.

    Raises:
        UserError: if the cached answers cannot be read.
    """
    cache, rewriter = AnswerCache(job.cache_folder), ExampleRewriter(job.settings)
    missing: list[ChatRequest] = []

    def ask(request: ChatRequest) -> Answer | None:
        answer = cache.get(request)
        if answer is None:
            missing.append(request)
        return answer

    for position in job.chosen:
        rewriter.rewrite(position, job.train.sentences[position], ask)
    return RephrasingPlan(
        job=job,
        endpoint=endpoint,
        requests=len(missing),
        requests_at_most=len(missing) * job.settings.tries,
        prompt_tokens=sum(estimated_tokens(message["content"]) for request in missing for message in request.messages),
        answer_tokens=sum(estimated_tokens(request.sentence) for request in missing),
    )
