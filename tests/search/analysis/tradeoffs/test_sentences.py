"""Sentences on tasks that compete, on what the winner gives up, and on shares of the loss."""

from __future__ import annotations

import pandas as pd

from core.statistics import Interval
from search.analysis.tradeoffs.correlations import FirstRung, TaskPair, TaskShare
from search.analysis.tradeoffs.sentences import (
    correlation_text,
    first_rung_sentence,
    pair_sentences,
    share_sentences,
    shortfall_sentences,
)
from search.analysis.tradeoffs.shortfalls import Shortfall

UP, DOWN, UNCLEAR = Interval(0.5, 0.2, 0.7), Interval(-0.41, -0.6, -0.2), Interval(0.1, -0.3, 0.4)
EARLY = FirstRung(4000, pd.DataFrame())


def test_a_correlation_has_its_sign_and_its_interval() -> None:
    assert correlation_text(DOWN) == "-0.41 [-0.60, -0.20]"
    assert correlation_text(UP) == "+0.50 [+0.20, +0.70]"


def test_clear_pairs_have_a_sentence_each_and_the_others_share_one() -> None:
    pairs = [TaskPair("sst", "para", 20, UP), TaskPair("sst", "sts", 20, DOWN), TaskPair("para", "sts", 20, UNCLEAR)]
    assert pair_sentences([*pairs, TaskPair("sst", "mood", 20, None)]) == [
        "Trials that score higher on sst also score higher on para (Spearman +0.50 [+0.20, +0.70] over 20 finished "
        "trials).",
        "Trials that score higher on sst score lower on sts: the two tasks compete (Spearman -0.41 [-0.60, -0.20] over "
        "20 finished trials).",
        "No clear relation over 20 finished trials: para and sts (+0.10 [-0.30, +0.40]), sst and mood.",
    ]
    assert pair_sentences([TaskPair("sst", "sts", 3, None)]) == [
        "Too few finished trials (3) to say whether tasks compete: at least 6 with different scores are needed."
    ]


def test_of_many_unclear_pairs_eight_are_named() -> None:
    (line,) = pair_sentences([TaskPair("a", f"b{number}", 20, UNCLEAR) for number in range(11)])
    assert line.count("a and b") == 8
    assert line.endswith(", and 3 other pairs.")


def test_the_first_rung_is_explained_where_pruning_makes_rivals() -> None:
    known = "Over all 40 trials at 4,000 examples, before any was pruned, Spearman's correlations are: a and b +0.50 "
    friends, rivals = TaskPair("a", "b", 20, UNCLEAR, UP, 40), TaskPair("a", "b", 20, DOWN, UP, 40)
    assert first_rung_sentence([friends], EARLY) == f"{known}[+0.20, +0.70]."
    assert first_rung_sentence([rivals], EARLY) == (
        "Pruning keeps trials for their overall score, which alone makes tasks look like rivals: a trial that is bad "
        f"at one task remains only if it is good at another. {known}[+0.20, +0.70]."
    )
    assert first_rung_sentence([TaskPair("a", "b", 20, DOWN)], EARLY) == ""


def test_what_the_winner_is_best_at_and_what_it_gives_up() -> None:
    gap = Shortfall("sts", "Pearson", 4, 0.02, Interval(0.02, 0.005, 0.035))
    assert shortfall_sentences([Shortfall("sst", "accuracy", 7, 0.0), gap], 7) == [
        "Trial 7, the overall winner, is also the best on sst.",
        "Trial 7, the overall winner, gives up 0.020 [0.005, 0.035] Pearson on sts compared with trial 4.",
    ]
    best = [Shortfall(task, "accuracy", 7, 0.0) for task in ("a", "b", "c")]
    assert shortfall_sentences(best, 7) == ["Trial 7, the overall winner, is also the best on a, b and c."]
    (line,) = shortfall_sentences([Shortfall("sts", "Pearson", 4, 0.02)], 7)
    assert "gives up 0.020 Pearson on sts" in line


def test_shares_of_the_loss() -> None:
    shares = [TaskShare("a", 20, UP), TaskShare("b", 20, DOWN), TaskShare("c", 20, UNCLEAR), TaskShare("d", 2, None)]
    assert share_sentences(shares, EARLY) == [
        "With a larger share of the loss, a scores higher (Spearman +0.50 [+0.20, +0.70] over 20 trials, at 4,000 "
        "examples).",
        "With a larger share of the loss, b scores lower (Spearman -0.41 [-0.60, -0.20] over 20 trials, at 4,000 "
        "examples).",
        "No clear relation between a task's share of the loss and its score, at 4,000 examples: c (+0.10 [-0.30, "
        "+0.40]).",
    ]
    assert share_sentences(shares[:1], None) == [
        "With a larger share of the loss, a scores higher (Spearman +0.50 [+0.20, +0.70] over 20 trials)."
    ]
