from __future__ import annotations

import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from threading import Timer
from typing import Any

import pytest
from pydantic import ValidationError

from data.augmentation.rephrasing.chat_endpoint import ChatEndpoint, EndpointError, RequestFailedError, StoppedError
from data.augmentation.rephrasing.chat_request import Answer, ChatRequest
from data.augmentation.rephrasing.endpoint_settings import EndpointSettings
from data.augmentation.rephrasing.prompts import Prompt
from data.errors import UserError

REQUEST = ChatRequest("llama", Prompt("p", "You rewrite.", "Rewrite:"), "a film", 0.6, 7, 512)
NICE = Answer("nice a film", "stop")
KEY = "sk-very-secret-0123"


def ask(stub: Any, **settings: Any) -> Answer:
    with ChatEndpoint(stub.settings(**settings)) as endpoint:
        return endpoint.answer(REQUEST)


def test_what_is_sent(stub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUB_KEY", f"{KEY}\n")  # as a file read into a variable ends
    assert ask(stub, key_variable="STUB_KEY") == NICE
    call = stub.calls[0]
    assert call.path == "/v1/chat/completions"
    assert call.headers["Authorization"] == f"Bearer {KEY}"
    assert call.body == {
        "model": "llama",
        "messages": [
            {"role": "system", "content": "You rewrite."},
            {"role": "user", "content": "Rewrite:\n\na film"},
        ],
        "temperature": 0.6,
        "seed": 7,
        "max_tokens": 512,
    }


def test_fields_that_an_endpoint_may_not_know(stub: Any) -> None:
    ask(stub, send_seed=False, answer_tokens_field="max_completion_tokens")
    body = stub.calls[0].body
    assert "seed" not in body
    assert "max_tokens" not in body
    assert body["max_completion_tokens"] == 512
    assert "Authorization" not in stub.calls[0].headers


@pytest.mark.parametrize(
    ("content", "finish", "expected"),
    [
        ("hello", "length", Answer("hello", "length")),
        (None, "stop", Answer("", "stop")),
        (
            [{"type": "text", "text": "a "}, {"type": "image"}, {"type": "text", "text": "b"}],
            "stop",
            Answer("a b", "stop"),
        ),
    ],
)
def test_forms_of_an_answer(stub: Any, reply: Any, content: object, finish: str, expected: Answer) -> None:
    stub.replies(reply.saying(content, finish))
    assert ask(stub) == expected


def test_a_refusal_in_its_own_field(stub: Any, reply: Any) -> None:
    stub.replies(reply(json.dumps({"choices": [{"message": {"content": None, "refusal": "No."}}]}).encode()))
    assert ask(stub).finish == "refusal"


@pytest.mark.parametrize(
    "content",
    [
        b"<html>Welcome</html>",
        b"",
        b"[]",
        b'{"choices": []}',
        b'{"choices": [{}]}',
        b'{"choices": [{"message": {"content": 5}}]}',
        b'{"choices": [{"message": {"content": "cut',
        b"\xff\xfe\x00",
        b'{"choices": ' + b"[" * 100_000,
        b'{"choices": [{"message": {"content": "\\ud800"}}]}',
        b" " * (2**20 + 1),
    ],
)
def test_nonsense_is_asked_again(stub: Any, reply: Any, content: bytes) -> None:
    stub.replies(reply(content))
    assert ask(stub) == NICE
    assert len(stub.calls) == 2


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_what_may_pass_is_tried_again(stub: Any, reply: Any, status: int) -> None:
    stub.replies(reply.failing(status), reply.failing(status))
    assert ask(stub) == NICE
    assert len(stub.calls) == 3


def test_attempts_are_bounded_and_wait_longer_each_time(stub: Any, reply: Any) -> None:
    stub.behave = lambda _: reply.failing(500, "out of order")
    with pytest.raises(RequestFailedError, match=r"status 500 .*out of order"):
        ask(stub, attempts=4, first_wait_s=0.05)
    at = [call.at for call in stub.calls]
    assert len(at) == 4
    for wait, (before, after) in zip((0.05, 0.1, 0.2), pairwise(at), strict=True):
        assert after - before >= wait


@pytest.mark.parametrize(
    ("status", "header", "value"),
    [
        (429, "retry_after", lambda: "1"),
        (500, "retry_after", lambda: "1"),
        (429, "retry_after_ms", lambda: "1000"),
        # A date has whole seconds.
        (503, "retry_after", lambda: format_datetime(datetime.now(UTC) + timedelta(seconds=4), usegmt=True)),
    ],
)
def test_retry_after_is_waited_for(stub: Any, reply: Any, status: int, header: str, value: Any) -> None:
    stub.replies(reply.failing(status, **{header: value()}))
    assert ask(stub) == NICE
    assert stub.calls[1].at - stub.calls[0].at >= 0.9


@pytest.mark.parametrize("value", ["soon", "nan", "inf", "-5", "0", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_retry_after_that_says_nothing(stub: Any, reply: Any, value: str) -> None:
    stub.replies(reply.failing(429, retry_after=value))
    before = time.monotonic()
    assert ask(stub) == NICE
    assert time.monotonic() - before < 2


def test_all_threads_wait_when_one_must(stub: Any, reply: Any) -> None:
    stub.replies(reply.failing(429, retry_after="1"))
    with ChatEndpoint(stub.settings(concurrency=4)) as endpoint, ThreadPoolExecutor(4) as pool:
        first = pool.submit(endpoint.answer, REQUEST)
        while not stub.calls:
            time.sleep(0.005)
        time.sleep(0.1)  # for the reply to arrive
        list(pool.map(endpoint.answer, [REQUEST] * 3))
        first.result()
    assert min(call.at for call in stub.calls[1:]) - stub.calls[0].at >= 0.9


def test_a_very_long_retry_after_is_not_sat_out(stub: Any, reply: Any) -> None:
    stub.replies(reply.failing(429, retry_after="7200"))
    with pytest.raises(EndpointError, match=r"asks to wait 7,200 s; run this again later, or increase longest_wait_s"):
        ask(stub)
    assert len(stub.calls) == 1


@pytest.mark.parametrize("slow", [{"delay": 1.0}, {"trickle": 0.05}])
def test_time_outs(stub: Any, reply: Any, slow: dict[str, float]) -> None:
    """Of the whole request: a client that limits each read alone would wait for a trickle to the end."""
    stub.replies(reply.saying("late" * 20, **slow))
    before = time.monotonic()
    assert ask(stub, timeout_s=0.3) == NICE
    assert time.monotonic() - before < 1.5
    assert len(stub.calls) == 2


def test_an_endpoint_that_does_not_listen() -> None:
    settings = EndpointSettings(base_url="http://127.0.0.1:9/v1", attempts=2, first_wait_s=0.01)
    with ChatEndpoint(settings) as endpoint:
        for _ in range(2):
            with pytest.raises(RequestFailedError, match="ConnectError"):
                endpoint.answer(REQUEST)
        with pytest.raises(
            EndpointError, match=r"http://127.0.0.1:9/v1/chat/completions: ConnectError.*check base_url"
        ):
            endpoint.answer(REQUEST)


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "check the key in STUB_KEY"),
        (403, "allows model 'llama'"),
        (404, "usually ends in /v1, and the model name 'llama'"),
        (301, "check base_url"),
        (405, "check base_url"),
    ],
)
def test_what_will_not_pass_ends_at_once(
    stub: Any, reply: Any, monkeypatch: pytest.MonkeyPatch, status: int, advice: str
) -> None:
    monkeypatch.setenv("STUB_KEY", KEY)
    stub.behave = lambda _: reply.failing(status, "because\n of that", location="/")
    with pytest.raises(EndpointError) as error:
        ask(stub, key_variable="STUB_KEY")
    message = str(error.value)
    assert message.startswith(f"{stub.base_url}/chat/completions: status {status} (")
    assert advice in message
    assert "\n" not in message
    assert len(stub.calls) == 1


def test_no_money_left_ends_at_once(stub: Any, reply: Any) -> None:
    stub.behave = lambda _: reply(b'{"error": {"code": "insufficient_quota"}}', 429)
    with pytest.raises(EndpointError, match="no credit left"):
        ask(stub)
    assert len(stub.calls) == 1


def test_one_bad_request_is_not_the_end_but_three_in_a_row_are(stub: Any, reply: Any) -> None:
    """A content filter dislikes single sentences; a wrong setting fails every request."""
    bad, good = reply.failing(400, "filtered"), reply.saying("fine")
    stub.replies(bad, bad, good, bad, bad, bad)
    with ChatEndpoint(stub.settings()) as endpoint:
        for failing in (True, True, False, True, True):
            if failing:
                with pytest.raises(RequestFailedError, match="filtered"):
                    endpoint.answer(REQUEST)
            else:
                assert endpoint.answer(REQUEST).text == "fine"
        with pytest.raises(EndpointError, match=r"status 400 .*send_seed"):
            endpoint.answer(REQUEST)
    assert len(stub.calls) == endpoint.sent == 6  # none was tried again


def test_requests_a_minute(stub: Any, reply: Any) -> None:
    """Repeated attempts count too."""
    stub.replies(reply.failing(500))
    settings = stub.settings(requests_per_minute=600, concurrency=4)
    with ChatEndpoint(settings) as endpoint, ThreadPoolExecutor(4) as pool:
        list(pool.map(endpoint.answer, [REQUEST] * 5))
    at = [call.at for call in stub.calls]
    assert len(at) == 6
    assert at[-1] - at[0] >= 5 * 0.1 - 0.05


def test_stopping_ends_waiting(stub: Any, reply: Any) -> None:
    with ChatEndpoint(stub.settings()) as endpoint:

        def behave(_: Any) -> Any:
            Timer(0.2, endpoint.stop).start()
            return reply.failing(429, retry_after="60")

        stub.behave = behave
        before = time.monotonic()
        with pytest.raises(StoppedError):
            endpoint.answer(REQUEST)
        assert time.monotonic() - before < 10
        with pytest.raises(StoppedError):
            endpoint.answer(REQUEST)
    assert len(stub.calls) == 1


def test_the_key_is_seen_nowhere_but_in_the_header(
    stub: Any, reply: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("STUB_KEY", KEY)
    settings = stub.settings(key_variable="STUB_KEY", attempts=1)
    with caplog.at_level(logging.DEBUG), ChatEndpoint(settings) as endpoint:
        stub.behave = lambda call: reply.saying(f"the key is {call.headers['Authorization']}")
        answer = endpoint.answer(REQUEST)
        stub.behave = lambda call: reply(f"nonsense {call.headers['Authorization']}".encode())
        with pytest.raises(RequestFailedError) as failed:
            endpoint.answer(REQUEST)
        stub.behave = lambda call: reply.failing(401, f"wrong key {call.headers['Authorization']}")
        with pytest.raises(EndpointError) as error:
            endpoint.answer(REQUEST)
        shown = [repr(settings), settings.model_dump_json(), repr(endpoint), repr(vars(endpoint)["_headers"])]
    assert answer.text == "the key is Bearer ***"
    assert "***" in str(failed.value)
    assert "***" in str(error.value)
    assert all(KEY not in text for text in (*shown, caplog.text, str(failed.value), str(error.value)))


@pytest.mark.parametrize(
    ("value", "why"), [(None, "is not set"), (" ", "is not set"), ("two words", "spaces"), ("sk\x07", "spaces")]
)
def test_a_key_that_cannot_be_sent(stub: Any, monkeypatch: pytest.MonkeyPatch, value: str | None, why: str) -> None:
    monkeypatch.delenv("STUB_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("STUB_KEY", value)
    with pytest.raises(UserError, match=f"STUB_KEY.*{why}"):
        ask(stub, key_variable="STUB_KEY")
    assert not stub.calls


@pytest.mark.parametrize(
    "fields",
    [
        {"base_url": "localhost:11434/v1"},
        {"base_url": "ftp://host/v1"},
        {"base_url": "http://"},
        {"base_url": "http://host:port/v1"},
        {"base_url": "https://user:pass@host/v1"},
        {"base_url": "https://host/v1?key=abc"},
        {"base_url": "https://host/v1/chat/completions"},
        {"key_variable": "sk-abc"},  # the key in the place of its variable's name
        {"prompt_price": 1.0},
        {"concurrency": 0},
        {"requests_per_minute": 0},
        {"timeout_s": float("inf")},
    ],
)
def test_settings_that_cannot_be(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EndpointSettings.model_validate({"base_url": "http://host/v1", **fields})


def test_the_address_may_end_in_a_slash() -> None:
    assert EndpointSettings(base_url="http://host/v1/").url == "http://host/v1/chat/completions"
