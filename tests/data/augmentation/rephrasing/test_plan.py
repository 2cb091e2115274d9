"""What a rephrasing costs is known before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data.augmentation.rephrasing.plan import plan_rephrasing
from data.augmentation.rephrasing.replay import replay
from tests.data.augmentation.rephrasing.jobs import job, run


def test_the_cost_is_known_before_anything_is_sent(stub: Any, tmp_path: Path) -> None:
    priced = stub.settings(prompt_price=10.0, answer_price=30.0, requests_per_minute=2, key_variable="NOT_SET")
    plan = plan_rephrasing(job(tmp_path), priced)
    assert not stub.calls
    assert plan.requests == 8
    assert plan.requests_at_most == 24
    assert plan.answer_tokens == 8 * 5  # 20 characters each
    assert plan.minutes == 4
    assert plan.cost == pytest.approx((plan.prompt_tokens * 10 + 40 * 30) / 1e6)
    assert plan_rephrasing(job(tmp_path), stub.settings()).cost is None
    told = plan.describe()
    for part in (
        "8 examples",
        "8 requests",
        "'llama'",
        stub.base_url,
        "at most 24",
        f"{plan.prompt_tokens:,} prompt",
        "4 min",
    ):
        assert part in told
    assert "\n" not in told


def test_the_prompt_is_estimated_by_its_characters(stub: Any, tmp_path: Path) -> None:
    plan = plan_rephrasing(job(tmp_path), stub.settings())
    run(stub, job(tmp_path))
    characters = sum(len(message["content"]) for call in stub.calls for message in call.body["messages"])
    assert characters / 4 <= plan.prompt_tokens <= characters / 4 + 2 * 8  # each message is rounded up


def test_only_what_is_missing_is_planned(stub: Any, tmp_path: Path) -> None:
    run(stub, job(tmp_path, positions=[0, 1, 2]))
    assert plan_rephrasing(job(tmp_path), stub.settings()).requests == 5
    assert replay(job(tmp_path)).summary.unanswered == 5
    changed = job(tmp_path, pivot="French", tries=5, longest=3.0)  # nothing of it is in the requests made
    assert plan_rephrasing(changed, stub.settings()).requests == 5
    assert plan_rephrasing(job(tmp_path, model="qwen"), stub.settings()).requests == 8
