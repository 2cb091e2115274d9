"""The report's first sentences."""

from __future__ import annotations

from pathlib import Path

from search.analysis.expected_score import estimate_best
from search.report.parts import Headline
from search.report.sections.answer import certainty_sentences, headline, lead_sentence, winner_sentences
from tests.search.made_study import make_study
from tests.search.reported import TABLE, record


def test_a_default_that_wins_and_one_that_loses() -> None:
    worse, best = record(0, 0.60), record(4, 0.64)
    assert lead_sentence(best, best) == "The default configuration won: nothing else that was tried scored better."
    assert lead_sentence(best, record(0, 0.64)) == (
        "On dev, the winner scores the same as the default configuration (trial 0)."
    )
    lead = lead_sentence(best, worse)
    assert lead == "On dev, the winner scores 0.040 higher than the default configuration (trial 0, 0.600)."


def test_the_winner_without_an_estimate_and_with_one(tmp_path: Path) -> None:
    best = record(4, 0.64)
    assert headline(best.result.overall, None, "trial 4") == Headline(
        "Overall dev score", "0.640", "(optimistic, see below), trial 4"
    )
    first, unknown = winner_sentences(best, TABLE, None, "trial 4's dev predictions are gone")
    assert first.startswith(
        "Winner: trial 4, the best of 2 trials that were trained to the end. Its overall dev score is 0.640 ("
    )
    assert "luck" not in first
    assert unknown.endswith("by how much cannot be estimated: trial 4's dev predictions are gone.")
    made = make_study(tmp_path, [[0.5, 0.6], [0.5, 0.55], [0.5, 0.58]])
    estimate, _ = estimate_best(made.study, made.folders)
    assert estimate is not None
    overall = estimate.scores.overall
    interval = f"{overall.low:.3f}\N{EN DASH}{overall.high:.3f}"
    assert headline(best.result.overall, estimate.scores, "trial 4") == Headline(
        "Expected overall score on new data", f"{overall.expected:.3f}", f"(95 % interval {interval}), trial 4"
    )
    (line,) = winner_sentences(best, TABLE, estimate, "")
    assert f"Selection inflates this score by {overall.optimism:.3f}: " in line
    assert "is partly luck" in line
    near = TABLE.assign(overall=[overall.dev - 0.001, 0.1, 0.1, None, overall.dev])
    tied = TABLE.assign(overall=TABLE["overall"].where(TABLE["overall"].isna(), overall.dev))
    (line,) = winner_sentences(best, tied, estimate, "")
    assert line.startswith(
        "Winner: trial 4, the first of 2 trials that were trained to the end, which all have the same overall dev score"
    )
    (line,) = certainty_sentences(best, tied, estimate, "")
    assert "One other trial scores the same on dev: none of them is ahead." in line
    assert "less than" not in line
    (line,) = certainty_sentences(best, near, estimate, "python -m search.finalists --study s")
    assert "One other trial scores less than" in line
    assert "and may be as good." in line
    assert "python -m search.finalists" in line
