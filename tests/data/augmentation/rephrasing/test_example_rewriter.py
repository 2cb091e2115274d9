"""Requests of an example: drawn from seed and position, repeated where answers are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.augmentation.rephrasing.answer_check import Refusal
from data.augmentation.rephrasing.plan import plan_rephrasing
from data.augmentation.rephrasing.replay import replay
from tests.data.augmentation.rephrasing.jobs import job, run, split


def test_temperature_and_seed_are_of_the_seed_and_the_position(stub: Any, tmp_path: Path) -> None:
    same = split(*["a film with the same plot ."] * 40)

    def drawn(folder: str, **fields: Any) -> list[tuple[float, int]]:
        stub.calls.clear()
        run(stub, job(tmp_path / folder, same, **fields), concurrency=1)
        return [(call.body["temperature"], call.body["seed"]) for call in stub.calls]

    first = drawn("a", seed=1)
    assert drawn("b", seed=1) == first
    assert drawn("c", seed=1, positions=[3, 30]) == [first[3], first[30]]  # a part asks what the whole would
    assert not set(drawn("d", seed=2)) & set(first)
    temperatures = [temperature for temperature, _ in first]
    assert min(temperatures) >= 0.55
    assert max(temperatures) <= 0.85
    assert max(temperatures) - min(temperatures) > 0.2
    assert len({seed for _, seed in first}) == 40


def test_a_refused_answer_is_asked_for_again_with_another_seed(stub: Any, reply: Any, tmp_path: Path) -> None:
    train = split("a film with Jeff Bridges .")
    stub.replies(reply.saying(""), reply.saying("a movie with Jeff Bridge ."), reply.saying("Jeff Bridges' movie !"))
    made = run(stub, job(tmp_path, train, tries=3))
    assert made.extra.sentences == [("Jeff Bridges' movie !",)]
    assert made.summary.refused == {Refusal.EMPTY: 1, Refusal.LOST_NAME: 1}
    assert len({call.body["seed"] for call in stub.calls}) == 3


def test_all_tries_refused_leaves_the_example_out(stub: Any, reply: Any, tmp_path: Path) -> None:
    stub.behave = lambda call: reply.saying(call.sentence)  # an echo
    made = run(stub, job(tmp_path, tries=2))
    assert len(made.extra) == 0
    assert made.extra.labels.dtype == np.int64
    assert made.summary.left_out == 8
    assert made.summary.refused == {Refusal.UNCHANGED: 16}
    assert len(stub.calls) == 16
    assert "8 left out" in made.summary.describe()
    assert "16 unchanged" in made.summary.describe()


def test_back_translation_takes_two_requests(stub: Any, reply: Any, tmp_path: Path) -> None:
    def translate(call: Any) -> Any:
        asked = call.body["messages"][-1]["content"]
        if "from English to French" in asked:
            return reply.saying('"le film d\'Allen est bon"')
        assert "from French to English" in asked
        return reply.saying("the Allen movie is good")

    stub.behave = translate
    train = split("the film of Allen is good .")
    back = job(tmp_path, train, operations={"back-translation": 1}, pivot="French")
    assert plan_rephrasing(back, stub.settings()).requests == 2
    assert run(stub, back).extra.sentences == [("the Allen movie is good",)]
    assert [call.sentence for call in stub.calls] == ["the film of Allen is good .", "le film d'Allen est bon"]


def test_operations_are_drawn_by_their_weights(stub: Any, tmp_path: Path) -> None:
    weights = {"synonyms": 0.3, "insertion": 0.2, "deletion": 0.2, "swap": 0.2, "back-translation": 0.1}
    train = split(*(f"plot {number}" for number in range(2000)))
    mixed = job(tmp_path, train, operations=weights)
    plan = plan_rephrasing(mixed, stub.settings())
    assert plan.requests == pytest.approx(2000 * 1.1, abs=4 * np.sqrt(2000 * 0.09))  # one in ten takes two
    few = job(tmp_path, train, list(range(60)), operations=weights)
    run(stub, few, concurrency=8)
    words = ("synonyms", "Insert", "Delete", "Swap", "from English")
    asked = [call.body["messages"][-1]["content"] for call in stub.calls]
    assert all(any(word in text for text in asked) for word in words)
    assert len(replay(few).extra) == 60


def test_pairs_are_made_of_both_sentences(stub: Any, tmp_path: Path) -> None:
    train = split(("is it good ?", "is it fine ?"), ("what is bad ?", "what is refused ?"))
    stub.declines("refused")
    made = run(stub, job(tmp_path, train))
    assert made.extra.sentences == [("nice is it good ?", "nice is it fine ?")]
    assert made.summary.left_out == 1
