"""What a rephrasing will cost, before anything is sent."""

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
    """A job, where its requests go, and what they cost if no answer is refused.

    Tokens are estimated without a tokenizer, a token for every four characters; an answer is taken to be as long as the
    sentence it is about. Repeated attempts at one request are not counted.

    Attributes:
        job: the job.
        endpoint: where its requests go.
        requests: still to do.
        requests_at_most: if all answers but the last of every sentence's tries are refused.
        prompt_tokens: of the requests still to do.
        answer_tokens: of their answers.
    """

    job: RephrasingJob
    endpoint: EndpointSettings
    requests: int
    requests_at_most: int
    prompt_tokens: int
    answer_tokens: int

    @property
    def cost(self) -> float | None:
        """Money for the requests still to do, in the prices' currency; None without prices."""
        prompt, answer = self.endpoint.prompt_price, self.endpoint.answer_price
        if prompt is None or answer is None:
            return None
        return (self.prompt_tokens * prompt + self.answer_tokens * answer) / 1e6

    @property
    def minutes(self) -> float:
        """Least time for them, by the rate limit alone; 0 without one."""
        return self.requests / (self.endpoint.requests_per_minute or float("inf"))

    def describe(self) -> str:
        """One line for the user to decide on."""
        examples = len(self.job.chosen)
        if self.requests == 0:
            return f"{examples:,} examples: every answer is there, no request to do"
        model, most = self.job.settings.model, self.requests_at_most
        parts = [
            f"{examples:,} examples: {self.requests:,} requests to '{model}' at {self.endpoint.url}",
            f"at most {most:,} if answers are refused",
            f"about {self.prompt_tokens:,} prompt and {self.answer_tokens:,} answer tokens",
        ]
        if self.cost is not None:
            parts.append(f"about {self.cost:,.2f} at the given prices, at most {self.cost * self._growth:,.2f}")
        if self.minutes:
            parts.append(f"{self.minutes:,.0f} minutes or more at {self.endpoint.requests_per_minute:g} a minute")
        return "; ".join(parts)

    @property
    def _growth(self) -> float:
        return self.requests_at_most / self.requests


def plan_rephrasing(job: RephrasingJob, endpoint: EndpointSettings) -> RephrasingPlan:
    """Count what is still to do; nothing is sent, and no key is needed.

    Raises:
        UserError: if the answers that are there cannot be read.
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
