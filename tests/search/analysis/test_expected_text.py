"""Sentences and tables about the score that is expected on new data."""

from __future__ import annotations

import pandas as pd

from core.statistics import Expectation, Expectations
from search.analysis.expected_score import Estimate
from search.analysis.expected_text import (
    estimate_sentence,
    estimate_sentences,
    expectations_table,
    gone_sentence,
    with_expected,
)
from search.analysis.ties import Ties

ESTIMATE = Estimate(
    7, Expectations(Expectation(0.732, 0.718, 0.703, 0.733), {"sst": Expectation(0.5, 0.49, 0.47, 0.51)}), 40, 240, 1000
)


def test_in_words() -> None:
    assert estimate_sentence(ESTIMATE) == (
        "Overall dev score: 0.7320; expected on new data: 0.7180 [0.7030, 0.7330]. "
        "Selecting the best of 40 trials inflates the dev score by 0.0140."
    )
    clear = Estimate(7, Expectations(Expectation(0.732, 0.732, 0.7, 0.8), {}), 40, 240, 1000)
    assert estimate_sentence(clear).endswith(
        "Selecting the best of 40 trials does not inflate the dev score, since the lead is clear."
    )
    assert gone_sentence(ESTIMATE.gone) == ""
    gone = Estimate(7, ESTIMATE.scores, 40, 240, 1000, tuple(range(8)))
    assert gone_sentence(gone.gone).endswith("are missing: trials 0, 1, 2, 3, 4 and 3 more.")
    assert expectations_table(ESTIMATE.scores).rows == (
        ("overall", "0.7320", "0.7180", "0.7030 to 0.7330", "+0.0140"),
        ("sst", "0.5000", "0.4900", "0.4700 to 0.5100", "+0.0100"),
    )


def test_in_the_trials_csv() -> None:
    table = with_expected(pd.DataFrame({"trial": [0, 7]}), ESTIMATE)
    assert table["expected"].isna().tolist() == [True, False]
    assert table.loc[1, ["expected", "expected_low", "expected_high"]].tolist() == [0.718, 0.703, 0.733]


def test_the_selection_is_named() -> None:
    scores = ESTIMATE.scores
    nothing, rungs = Estimate(7, scores, 1, 1, 1000), Estimate(7, scores, 1, 6, 1000)
    assert estimate_sentence(nothing).endswith("Nothing was selected by this score, so it is not inflated.")
    assert estimate_sentence(rungs).endswith("the best of its 6 checkpoints inflates the dev score by 0.0140.")


def test_ties_are_no_lead() -> None:
    scores = Expectations(Expectation(0.5, 0.5, 0.4, 0.6), {})
    tied = Estimate(0, scores, 6, 12, 1000, ties=Ties(5, 6))
    first, second = estimate_sentences(tied, "")
    assert first == "All 6 trials have the same overall dev score: none of them is better."
    assert second.endswith("Selecting the best of 6 trials does not inflate the dev score.")


def test_sentences_on_the_best_trial() -> None:
    one_gone = Estimate(7, ESTIMATE.scores, 40, 240, 1000, (3,))
    assert estimate_sentences(ESTIMATE, "") == [estimate_sentence(ESTIMATE)]
    assert estimate_sentences(one_gone, "") == [estimate_sentence(ESTIMATE), gone_sentence((3,))]
    assert gone_sentence((3,)).endswith("missing: trial 3.")
    assert estimate_sentences(None, "no dev file") == [
        "The best dev score is optimistic, but by how much cannot be estimated: no dev file."
    ]
    assert estimate_sentences(None, "") == []


def test_a_table_without_an_estimate_has_no_new_column() -> None:
    assert list(with_expected(pd.DataFrame({"trial": [0]}), None)) == ["trial"]


def test_an_optimism_that_rounds_to_0_has_no_minus_sign() -> None:
    (row,) = expectations_table(Expectations(Expectation(0.5, 0.50001, 0.4, 0.6), {})).rows
    assert row[-1] == "+0.0000"
