"""Tables and the CSV file of finalists, from made-up numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from stub_study import BASE

from search.analysis.seed_intervals import Difference
from search.finalists.final_outcome import FinalOutcome
from search.finalists.final_tables import difference_tables, difference_text, final_frame, final_table, mean_text
from search.finalists.finalist import Finalist

WINNER = Finalist(
    name="trial 7",
    config=BASE,
    source=7,
    preset="",
    is_default=False,
    runs=(0, 2),
    means={"overall": 0.71234, "sst": 0.51},
    spreads={"overall": 0.012, "sst": 0.02},
    half_width=0.03,
    apart=(),
    to_default={"overall": Difference(0.021, 0.01), "sst": Difference(-0.01, 0.02)},
    to_preset={},
    dropped="",
)
DEFAULT = replace(
    WINNER,
    name="default",
    source=None,
    is_default=True,
    runs=(1,),
    means={"overall": 0.69134, "sst": 0.52},
    spreads={"overall": None, "sst": None},
    to_default={},
    dropped="after 1 seed",
)


def outcome(*finalists: Finalist, **changes: Any) -> FinalOutcome:
    known = FinalOutcome("s-finalists", "s", (1, 2), finalists, ("trial 7",), {}, {}, 7, None, "", "")
    return replace(known, **changes)


def test_means_and_spreads() -> None:
    table = final_table(outcome(WINNER, DEFAULT))
    assert table.caption == "Dev scores, mean ± standard deviation over seeds"
    assert table.headings == ("", "seeds", "overall", "sst")
    assert table.rows == (
        ("trial 7", "2", "0.7123 ± 0.0120", "0.510 ± 0.020"),
        ("default", "1", "0.6913", "0.520"),
    )
    assert final_table(outcome(DEFAULT)).caption == "Dev scores of one run each"
    assert mean_text(DEFAULT, "overall") == "0.6913"


def test_differences() -> None:
    (table,) = difference_tables(outcome(WINNER, DEFAULT))
    assert table.caption == "Difference from the default configuration, with 95 % interval"
    assert table.rows == (("trial 7", "+0.0210 ± 0.0100", "-0.010 ± 0.020"),)
    assert difference_text(Difference(0.5, None), 2) == "+0.50"
    (unknown,) = difference_tables(outcome(replace(WINNER, runs=(0,)), DEFAULT, examples_unknown="they are gone"))
    assert unknown.caption == "Difference from the default configuration"
    preset = replace(WINNER, name="preset a", preset="a", to_preset={}, to_default={})
    ahead = replace(WINNER, to_preset=WINNER.to_default)
    captions = [one.caption for one in difference_tables(outcome(ahead, preset, DEFAULT))]
    assert captions[1] == "Difference from preset a, with 95 % interval"


def test_numbers_in_full() -> None:
    frame = final_frame(outcome(WINNER, DEFAULT)).set_index("finalist")
    assert frame.loc["trial 7", "is_winner"]
    assert not frame.loc["default", "is_winner"]
    assert frame["runs"].tolist() == ["0 2", "1"]
    assert frame["mean_overall"].tolist() == [0.71234, 0.69134]
    assert frame.loc["trial 7", "minus_default_sst"] == pytest.approx(-0.01)
    assert frame.loc["trial 7", "minus_default_sst_half_width"] == pytest.approx(0.02)
    assert pd.isna(frame.loc["default", "sd_overall"])
    assert pd.isna(frame.loc["default", "minus_default_overall"])
    assert frame.loc["default", "dropped"] == "after 1 seed"
