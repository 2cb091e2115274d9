"""Send requests to a language model at any endpoint with OpenAI's chat interface."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from queue import Empty, LifoQueue
from threading import Event, Lock
from types import TracebackType
from typing import Any, Self

import httpx2
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from data.augmentation.rephrasing.chat_request import Answer, ChatRequest
from data.augmentation.rephrasing.connection import Connection, NoReplyError
from data.augmentation.rephrasing.endpoint_settings import EndpointSettings
from data.augmentation.rephrasing.rate_limit import RateLimit
from data.errors import UserError

__all__ = ["ChatEndpoint", "EndpointDownError", "EndpointError", "RequestFailedError", "StoppedError"]

_FAILURES_IN_A_ROW = 3  # consecutive failed requests after which the endpoint itself is considered faulty
_LONGEST_BACKOFF_S = 60.0
_QUOTED = 160  # characters of a reply to quote in a message
_SHORTEST_SECRET = 8  # characters; placeholders such as "none" are words that may occur in answers

_ADVICE = {
    401: "check the key in {key}",
    403: "check the key in {key}, and that it allows model '{model}'",
    404: "check base_url, which usually ends in /v1, and the model name '{model}'",
}
_REFUSED_SETTINGS = "check the model name '{model}', send_seed, answer_tokens_field and the temperature"


class EndpointError(UserError):
    """The endpoint fails permanently; the message gives its address, its reply and what to do."""


class EndpointDownError(EndpointError):
    """The endpoint fails temporarily, and may answer later without any change."""


class RequestFailedError(Exception):
    """This request failed, but others may succeed."""


class StoppedError(Exception):
    """Requests were stopped before there was an answer."""


class ChatEndpoint:
    """A connection for any number of threads, to be used in a ``with`` block.

    The key is only in the header of requests; if a reply repeats it, it is masked.

    Attributes:
        sent: requests sent so far, including retries.
        concurrency: maximum number of concurrent requests.

    Raises:
        UserError: if the key's environment variable is not set.
    """

    def __init__(self, settings: EndpointSettings) -> None:
        key = settings.key()
        self.sent = 0
        self.concurrency = settings.concurrency
        self._settings = settings
        self._secret = key if key is not None and len(key) >= _SHORTEST_SECRET else None
        self._headers = httpx2.Headers({} if key is None else {"Authorization": f"Bearer {key}"})
        self._idle: LifoQueue[Connection] = LifoQueue()  # the one used last is the least likely to be closed
        self._lock = Lock()
        self._failures = 0
        self._stopped = Event()
        self._limit = RateLimit(settings.requests_per_minute, self._stopped)
        self._retrying = Retrying(
            retry=retry_if_exception_type(_TransientError),
            stop=stop_after_attempt(settings.attempts),
            wait=_wait_as_asked(
                wait_exponential(multiplier=settings.first_wait_s, max=_LONGEST_BACKOFF_S)
                + wait_random(0.0, settings.first_wait_s)
            ),
            sleep=sleep_using_event(self._stopped),
            reraise=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while not self._idle.empty():
            self._idle.get_nowait().close()

    def stop(self) -> None:
        """End all waiting; requests in progress still get their answers, but no others are sent."""
        self._stopped.set()

    def answer(self, request: ChatRequest) -> Answer:
        """Return the model's answer, with retries as configured.

        Raises:
            RequestFailedError: if this request fails permanently.
            EndpointError: if the endpoint fails: every request would fail, or several in a row have failed.
            StoppedError: after :meth:`stop`.
        """
        try:
            answer = self._retrying(self._attempt, request)
        except _FailedError as failure:
            if self._stopped.is_set():
                raise StoppedError from None
            with self._lock:
                self._failures += 1
                if self._failures >= _FAILURES_IN_A_ROW:
                    kind = EndpointDownError if isinstance(failure, _TransientError) else EndpointError
                    raise self._gave_up(request, str(failure), failure.advice, kind) from None
            raise RequestFailedError(str(failure)) from None
        with self._lock:
            self._failures = 0
        return answer

    def _attempt(self, request: ChatRequest) -> Answer:
        with self._connection() as connection:  # before a request is due, because opening takes time
            self._limit.take()
            if self._stopped.is_set():
                raise StoppedError
            with self._lock:
                self.sent += 1
            try:
                status, headers, content = connection.post(self._settings.url, self._body(request))
            except NoReplyError as error:
                raise _TransientError(self._quoted(str(error))) from None
        if status != httpx2.codes.OK:
            raise self._failure(request, status, headers, content)
        return self._answer_in(content)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """Lend a connection that no other thread uses."""
        try:
            connection = self._idle.get_nowait()
        except Empty:
            connection = Connection(self._headers, self._settings.timeout_s)
        try:
            yield connection
        finally:
            self._idle.put(connection)

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        return {
            "model": request.model,
            "messages": request.messages,
            "temperature": request.temperature,
            self._settings.answer_tokens_field: request.answer_tokens,
            **({"seed": request.seed} if self._settings.send_seed else {}),
        }

    def _failure(self, request: ChatRequest, status: int, headers: httpx2.Headers, content: bytes) -> Exception:
        """Return the error for a reply with a status other than 200."""
        said = self._quoted(content.decode("utf-8", errors="replace"))
        what = f"status {status}" + (f" ('{said}')" if said else "")
        if b"insufficient_quota" in content:
            return self._gave_up(request, what, "the account has no credit left; add credit, then run this again")
        if status in (408, 409, 429) or status >= 500:
            return self._later(request, what, headers, everyone=status in (429, 503))
        if status in (400, 413, 422):  # may concern only this sentence, for example because of a content filter
            return _FailedError(what, _REFUSED_SETTINGS)
        return self._gave_up(request, what, _ADVICE.get(status, "check base_url"))

    def _later(self, request: ChatRequest, what: str, headers: httpx2.Headers, everyone: bool) -> Exception:
        asked = _retry_after(headers)
        longest = self._settings.longest_wait_s
        if asked is not None and asked > longest:
            advice = "run this again later, or increase longest_wait_s"
            return self._gave_up(request, f"{what}: asks to wait {asked:,.0f} s", advice, EndpointDownError)
        if asked is not None and everyone:
            self._limit.hold(asked)
        return _TransientError(what, asked)

    def _answer_in(self, content: bytes) -> Answer:
        """Return the answer in a reply.

        Raises:
            _TransientError: if the reply is not a chat completion.
        """
        try:
            choice = json.loads(content)["choices"][0]
            message = choice["message"]
            text = _text(message.get("content"))
            text.encode()  # half a surrogate pair is no character
            finish = "refusal" if message.get("refusal") else str(choice.get("finish_reason") or "stop")
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
            said = self._quoted(content.decode("utf-8", errors="replace"))
            raise _TransientError(f"not a chat completion: '{said}'") from None
        return Answer(self._without_secret(text), finish)

    def _gave_up(
        self, request: ChatRequest, what: str, advice: str, kind: type[EndpointError] = EndpointError
    ) -> EndpointError:
        named = {"key": self._settings.key_variable or "key_variable", "model": request.model}
        return kind(f"{self._settings.url}: {what}; {advice.format(**named)}")

    def _quoted(self, text: str) -> str:
        """Return the beginning of a text on one line, without the key."""
        line = " ".join(self._without_secret(text).split())
        return line if len(line) <= _QUOTED else f"{line[:_QUOTED]}…"

    def _without_secret(self, text: str) -> str:
        return text if self._secret is None else text.replace(self._secret, "***")


class _FailedError(Exception):
    """An attempt failed; ``advice`` is shown if no other attempt succeeds."""

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(what)
        self.advice = advice


class _TransientError(_FailedError):
    """An attempt failed that may succeed later, after ``retry_after`` seconds if the endpoint gives a time."""

    def __init__(self, what: str, retry_after: float | None = None) -> None:
        super().__init__(what, "check base_url and that the endpoint is running, then run this again")
        self.retry_after = retry_after


def _wait_as_asked(otherwise: Callable[[RetryCallState], float]) -> Callable[[RetryCallState], float]:
    """Return a wait function that waits as long as the endpoint asks for, or else as long as the backoff."""

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, _TransientError) else None
        return otherwise(state) if asked is None else asked

    return wait


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Return the seconds that the endpoint asks to wait; the header has seconds or a date (RFC 9110, sec. 10.2.3)."""
    try:
        if (milliseconds := headers.get("retry-after-ms")) is not None:
            seconds = float(milliseconds) / 1000
        elif (value := headers.get("retry-after")) is None:
            return None
        else:
            seconds = _seconds_until(value)
    except (ValueError, TypeError):
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _seconds_until(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        date = parsedate_to_datetime(value)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - datetime.now(UTC).timestamp()


def _text(content: object) -> str:
    """Return the text of a message, which may be a string, nothing, or a list of parts.

    Raises:
        TypeError: for anything else.
    """
    if content is None:
        return ""
    if isinstance(content, list):
        return "".join(_text(part["text"]) for part in content if part.get("type") == "text")
    if isinstance(content, str):
        return content
    raise TypeError(f"content is {type(content).__name__}")
