"""The outcome in words: what intervals and spreads cover."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from search.finalists.final_outcome import FinalOutcome
from search.finalists.final_sentences import outcome_notes, outcome_sentences
from search.finalists.final_tables import difference_tables, final_table
from search.report.parts import Note
from search.report.sections.finalists import finalists_section
from tests.search.finalists.rates_study import read

pytestmark = pytest.mark.usefixtures("stubbed")


def all_words(outcome: FinalOutcome) -> str:
    """Return the texts of the report about an outcome."""
    section = finalists_section(SimpleNamespace(outcome=outcome))  # type: ignore[arg-type]
    assert section is not None
    tables = [table.caption for table in (final_table(outcome), *difference_tables(outcome))]
    notes = [part.text for part in section.parts if isinstance(part, Note)]
    return "\n".join([*outcome_sentences(outcome), *tables, *notes])


def test_one_seed_has_no_spread(final_of_one: Path) -> None:
    outcome = read(final_of_one)
    assert outcome.winner.spreads["overall"] is None
    words = all_words(outcome)
    assert ", from one run with a fresh seed." in words
    assert "trained again with one fresh seed. Bars are 95 % intervals for other dev examples only: with" in words
    assert (
        "± is half the width of a 95 % interval for other dev examples only: with one seed per configuration, the"
        in words
    )
    assert "other seeds" not in words
    assert "standard deviation" not in words
    assert "1 fresh seeds" not in words


def test_without_predictions_intervals_are_for_seeds_alone(finished_final: tuple[Path, str], tmp_path: Path) -> None:
    runs = Path(shutil.copytree(finished_final[0], tmp_path / "runs"))
    words = all_words(read(runs))
    assert (
        "with 3 fresh seeds each. Bars are 95 % intervals for other dev examples and other seeds. To compare" in words
    )
    assert (
        "After a mean, ± is the standard deviation over its seeds. After a difference, ± is half the width of a 95 %"
        in words
    )
    assert "Differences are paired by dev examples." in words
    assert re.search(r"default was dropped: after 2 seeds 0\.\d{4} ± 0\.\d{4} \(a 98\.75 % interval\) behind", words)
    for file in runs.glob("rates-finalists/trial-*/predictions/*"):
        file.unlink()
    words = all_words(read(runs))
    assert "Bars are 95 % intervals for other seeds only, not for other dev examples: '" in words
    assert "for other dev examples and other seeds" not in words
    assert "paired" not in words


def test_a_finalist_with_intervals_of_its_own_is_named(final_of_one: Path) -> None:
    outcome = read(final_of_one)
    assert not any("its own" in note for note in outcome_notes(outcome))
    apart = replace(outcome.winner, name="trial 3", apart=("overall", "sts"))
    said = "The runs of trial 3 vary so much in overall and sts that its interval is based on them alone."
    assert said in outcome_notes(replace(outcome, finalists=(apart,)))
