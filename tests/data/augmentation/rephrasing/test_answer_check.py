from __future__ import annotations

import pytest

from data.augmentation.rephrasing.answer_check import (
    Refusal,
    RefusedAnswerError,
    rewritten_sentence,
    translated_sentence,
)
from data.augmentation.rephrasing.chat_request import Answer

SENTENCE = "You walk out of The Good Girl with 2 mixed emotions ."
GOOD = "You leave The Good Girl with 2 conflicting feelings ."


def check(text: str, sentence: str = SENTENCE, finish: str = "stop") -> str:
    return rewritten_sentence(Answer(text, finish), sentence, shortest=0.5, longest=2.0)


def reason(text: str, sentence: str = SENTENCE, finish: str = "stop") -> Refusal:
    with pytest.raises(RefusedAnswerError) as refused:
        check(text, sentence, finish)
    return refused.value.reason


@pytest.mark.parametrize(
    "answer",
    [
        GOOD,
        f"  {GOOD}\n",
        f'"{GOOD}"',
        f"“{GOOD}”",
        f"``{GOOD}''",
        f"**{GOOD}**",
        f"```\n{GOOD}\n```",
        f"Sure, here is the rephrased sentence:\n\n{GOOD}",
        f"Sure! {GOOD}",
        f'Certainly! Here\'s a rewritten version: "{GOOD}"',
        f"Here\u2019s one with synonyms: {GOOD}",
        f"Rephrased sentence: {GOOD}",
        f"Answer: {GOOD}",
        f"1. {GOOD}",
        f"<think>The user wants\n\nsynonyms.</think>\n\n{GOOD}",
        GOOD.replace(" ", "  "),
    ],
)
def test_what_models_put_around_a_sentence_goes(answer: str) -> None:
    assert check(answer) == GOOD


@pytest.mark.parametrize(
    ("sentence", "answer"),
    [
        ("Sure , it has a plot : a thin one .", "Sure , there is a story : a slight one ."),
        ("`` Frailty '' has been written `` so well ''", "`` Frailty '' was authored `` very well ''"),
        ('" a fine film , " he says', '"Good" and "bad" are words he says'),
        ("it is good , or bad", '"fine" , or "poor"'),
        ("I can not recommend it .", "I cannot endorse it ."),
        ("a paraphrase of better films", "merely a paraphrase of finer movies"),
    ],
)
def test_what_the_sentence_itself_has_there_stays(sentence: str, answer: str) -> None:
    """A version that always stripped would spoil these."""
    assert check(answer, sentence) == answer


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", Refusal.EMPTY),
        ("  \n ", Refusal.EMPTY),
        ('""', Refusal.NOT_TEXT),
        (SENTENCE, Refusal.UNCHANGED),
        ("you walk  out of the good girl, with 2 mixed emotions", Refusal.UNCHANGED),
        (f"{GOOD} {GOOD} {GOOD}", Refusal.TOO_LONG),
        ("The Good Girl 2", Refusal.TOO_SHORT),
        (f"{GOOD}\n{GOOD}", Refusal.SEVERAL_LINES),
        (f"{GOOD}\n\nI kept the title.", Refusal.SEVERAL_LINES),
        (f"{GOOD} (Note: title kept)", Refusal.CHATTER),
        ("You leave The Good Girl with 2 feelings<|eot_id|>", Refusal.CHATTER),
        ("You leave The Good Woman with 2 conflicting feelings .", Refusal.LOST_NAME),
        ("You leave The Good Girl with two conflicting feelings .", Refusal.LOST_NAME),
        ("I'm sorry, but I can't help with The Good Girl 2 .", Refusal.DECLINED),
        ("I cannot assist with The Good Girl or its 2 emotions .", Refusal.DECLINED),
        ("As an AI, I have no emotions about The Good Girl 2 .", Refusal.DECLINED),
        ("... !!! ...", Refusal.NOT_TEXT),
        ("You leave The Good Girl \ufffd with 2 conflicting \x00 feelings", Refusal.NOT_TEXT),
        ("You leave The Good Girl \ud800 with 2 conflicting feelings", Refusal.NOT_TEXT),
        ("You leave The Good Girl with 2 смешанные feelings", Refusal.NOT_TEXT),
    ],
)
def test_answers_that_are_not_a_rewriting_are_refused(answer: str, why: Refusal) -> None:
    assert reason(answer) is why


def test_how_the_answer_ended_counts() -> None:
    assert reason(GOOD, finish="length") is Refusal.CUT_OFF
    assert reason("", finish="length") is Refusal.CUT_OFF  # all tokens went into thoughts
    assert reason(GOOD, finish="content_filter") is Refusal.DECLINED
    assert reason("", finish="refusal") is Refusal.DECLINED


def test_two_more_words_are_let_pass() -> None:
    assert check("That is truly cool .", "Cool .") == "That is truly cool ."
    assert reason("That is truly so cool .", "Cool .") is Refusal.TOO_LONG


def test_a_translation_may_spell_names_otherwise_and_have_another_script() -> None:
    answer = Answer("你带着两种复杂的情绪走出了好女孩。", "stop")
    assert translated_sentence(answer, SENTENCE, longest=2.0) == answer.text
    for text, why in (("", Refusal.EMPTY), ("a\nb", Refusal.SEVERAL_LINES), ("wort " * 40, Refusal.TOO_LONG)):
        with pytest.raises(RefusedAnswerError) as refused:
            translated_sentence(Answer(text, "stop"), SENTENCE, longest=2.0)
        assert refused.value.reason is why
