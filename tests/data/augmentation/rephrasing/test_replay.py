"""Examples made of the answers on disk, and counts of all outcomes."""

from __future__ import annotations

from pathlib import Path

from data.augmentation.rephrasing.answer_cache import AnswerCache
from data.augmentation.rephrasing.answer_check import Refusal
from data.augmentation.rephrasing.chat_request import Answer, ChatRequest
from data.augmentation.rephrasing.example_rewriter import ExampleRewriter, Rewritten
from data.augmentation.rephrasing.job import RephrasingJob
from data.augmentation.rephrasing.replay import Summary, Tally, replay, tally_answers
from tests.data.augmentation.rephrasing.jobs import job


def answer(job: RephrasingJob, position: int, text: str) -> None:
    """Put an answer to the first request of an example on disk."""
    asked: list[ChatRequest] = []

    def ask(request: ChatRequest) -> None:
        asked.append(request)

    ExampleRewriter(job.settings).rewrite(position, job.train.sentences[position], ask)
    cache = AnswerCache(job.cache_folder)
    with cache.writing():
        cache.put(asked[0], Answer(text, "stop"))


def test_examples_are_made_of_the_answers_on_disk(tmp_path: Path) -> None:
    films = job(tmp_path, tries=1)
    for position in (6, 2):
        answer(films, position, f"a movie with plot {position} !")
    answer(films, 4, films.train.sentences[4][0])  # an echo
    found = replay(films)
    assert found.extra.sentences == [("a movie with plot 2 !",), ("a movie with plot 6 !",)]
    assert found.extra.labels.tolist() == [2, 1]  # position mod 5
    assert found.extra.sources.tolist() == [2, 6]
    summary = found.summary
    assert (summary.made, summary.cached, summary.left_out, summary.failed, summary.unanswered) == (2, 2, 1, 0, 5)
    assert summary.refused == {Refusal.UNCHANGED: 1}
    assert summary.requests == 0


def test_only_chosen_examples_count(tmp_path: Path) -> None:
    answer(job(tmp_path), 6, "a movie with plot 6 !")
    assert replay(job(tmp_path, positions=[0, 1])).summary.unanswered == 2
    assert replay(job(tmp_path, positions=[6])).summary.unanswered == 0


def test_missing_answers_are_listed_in_the_order_of_the_job(tmp_path: Path) -> None:
    films = job(tmp_path, positions=[5, 2, 7])
    answer(films, 2, "a movie with plot 2 !")
    tally = tally_answers(films, AnswerCache(tmp_path))
    assert (tally.missing, list(tally.outcomes), tally.cached) == ([5, 7], [2], 1)


def test_a_job_without_any_answer(tmp_path: Path) -> None:
    found = replay(job(tmp_path))
    assert len(found.extra) == 0
    assert found.summary.unanswered == 8
    assert found.summary.describe() == "0 examples made (0 from cached answers, 0 requests); 8 not asked yet"


def test_outcomes_add_up_to_the_examples(tmp_path: Path) -> None:
    outcomes = {0: Rewritten(("x",), (Refusal.EMPTY,)), 3: Rewritten(None, (Refusal.EMPTY, Refusal.CUT_OFF))}
    tally = Tally(outcomes, missing=[1, 2], cached=1, failed=2, failure="HTTP 500")
    summary = tally.result(job(tmp_path), requests=7).summary
    assert summary.made + summary.left_out + summary.failed + summary.unanswered == 8
    assert summary == Summary(1, 1, 1, 2, 4, {Refusal.EMPTY: 2, Refusal.CUT_OFF: 1}, 7, "HTTP 500")
    assert summary.describe() == (
        "1 examples made (1 from cached answers, 7 requests); 1 left out because every answer was rejected; 2 without "
        "an answer (HTTP 500): run this again to retry; 4 not asked yet; answers rejected: 1 cut off, 2 empty"
    )
