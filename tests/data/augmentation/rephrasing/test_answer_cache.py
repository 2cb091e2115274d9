from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from data.augmentation.rephrasing.answer_cache import AnswerCache
from data.augmentation.rephrasing.chat_request import Answer, ChatRequest
from data.augmentation.rephrasing.prompts import Prompt
from data.errors import UserError

REQUEST = ChatRequest("llama", Prompt("p", "You rewrite.", "Rewrite:"), "a film", 0.6, 7, 512)


def other(number: int) -> ChatRequest:
    return replace(REQUEST, seed=number)


def fill(folder: Path, numbers: range) -> None:
    cache = AnswerCache(folder)
    with cache.writing():
        for number in numbers:
            cache.put(other(number), Answer(f"answer {number}\n\ud800 “é”", "stop"))


def test_answers_are_there_for_the_next_process(tmp_path: Path) -> None:
    fill(tmp_path, range(3))
    cache = AnswerCache(tmp_path)
    assert [cache.get(other(number)) for number in range(2)] == [
        Answer(f"answer {number}\n\ud800 “é”", "stop") for number in range(2)
    ]
    assert cache.get(REQUEST) is None
    assert len(cache) == 3


@pytest.mark.parametrize(
    "changed",
    [
        replace(REQUEST, model="qwen"),
        replace(REQUEST, prompt=Prompt("p", "You rewrite!", "Rewrite:")),
        replace(REQUEST, prompt=Prompt("p", "You rewrite.", "Please rewrite:")),
        replace(REQUEST, sentence="a movie"),
        replace(REQUEST, temperature=0.61),
        replace(REQUEST, seed=8),
        replace(REQUEST, answer_tokens=100),
    ],
)
def test_whatever_is_sent_is_in_the_key(changed: ChatRequest) -> None:
    assert changed.key != REQUEST.key == replace(REQUEST).key


def test_killed_at_any_byte_of_a_line(tmp_path: Path) -> None:
    """What a killed writer leaves is read without its half line, and written on as if that were not there."""
    fill(tmp_path, range(2))
    path = tmp_path / "answers.jsonl"
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for cut in range(first, len(whole)):
        path.write_bytes(whole[:cut])
        assert len(AnswerCache(tmp_path)) == 1
        fill(tmp_path, range(1, 2))
        assert path.read_bytes() == whole


def test_damaged_lines_are_passed_over(tmp_path: Path) -> None:
    fill(tmp_path, range(3))
    path = tmp_path / "answers.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b'\xff\xfe\n[1]\n{"key": 3}\n{"key": "a", "answer": 4, "finish": "x"}\n' + lines[2])
    cache = AnswerCache(tmp_path)
    assert [cache.get(other(number)) is not None for number in range(3)] == [True, False, True]


def test_of_two_answers_the_first_counts(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path)
    with cache.writing():
        cache.put(REQUEST, Answer("first", "stop"))
        cache.put(REQUEST, Answer("second", "stop"))
    assert cache.get(REQUEST) == AnswerCache(tmp_path).get(REQUEST) == Answer("first", "stop")


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    first, second = AnswerCache(tmp_path), AnswerCache(tmp_path)
    with first.writing():
        first.put(REQUEST, Answer("first", "stop"))
        with pytest.raises(UserError, match="another process is writing to"), second.writing():
            pass
        assert len(AnswerCache(tmp_path)) == 1  # reading needs no lock
    with second.writing():
        assert second.get(REQUEST) == Answer("first", "stop")  # what was added meanwhile is known


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, range(1))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    cache = AnswerCache(tmp_path)
    with cache.writing():
        with monkeypatch.context() as patch:
            patch.setattr("os.fsync", full)
            with pytest.raises(UserError, match="No space left"):
                cache.put(other(1), Answer("lost", "stop"))
        assert cache.get(other(1)) is None
        cache.put(other(2), Answer("kept", "stop"))
    assert [json.loads(line)["seed"] for line in (tmp_path / "answers.jsonl").read_text().splitlines()] == [0, 2]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot"), AnswerCache(tmp_path / "file" / "cache").writing():
        pass
