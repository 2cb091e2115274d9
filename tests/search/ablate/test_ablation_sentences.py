"""An ablation described in sentences."""

from __future__ import annotations

from search.ablate.ablation_sentences import ablation_notes, ablation_sentences
from search.ablate.outcome import AblationOutcome
from tests.search.ablate.rows import rows


def test_the_sentences_say_what_is_clear_and_what_is_not(outcome: AblationOutcome) -> None:
    basis, helps, harms, unclear = ablation_sentences(outcome)
    assert basis.startswith("Trial 7, trained again with 3 fresh seeds, has an overall dev score of 0.")
    gain = rows(outcome)["without SMART smoothness"].gains["overall"]
    assert helps.startswith(f"SMART smoothness: {gain.value:+.4f} ± {gain.half_width:.4f} overall (sst +0.")
    assert harms.startswith("LoRA does harm: -0.")
    assert unclear == (
        "No evidence of an effect: learning rate, R-Drop. Cheaper runs: without R-Drop (0.50 of the time)."
    )
    told = ablation_notes(outcome)
    assert "half the width of a 95 % interval for other dev examples and other seeds" in told[0]
    assert told[-1] == "1 unfinished run is not included."
