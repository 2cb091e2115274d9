"""What a report says of cost: sums, slow settings, failures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from search.display.table import Table
from search.report.answer_text import cost_sentences
from search.report.context import ReportContext
from search.report.cost_drivers import cost_drivers
from search.report.failures import failures
from search.report.search_cost import search_cost
from search.report.sections.cost import cost_section
from search.trials.folders import TrialFolders
from tests.search.reported import TABLE, a_study, record, table_of


def slow_table(rng: np.random.Generator, trials: int = 60) -> pd.DataFrame:
    """SMART doubles the time of an example, nothing else does anything."""
    smart = rng.choice(["off", "on"], trials)
    rate = rng.uniform(0.0, 1.0, trials)
    seconds = 10.0 * np.where(smart == "on", 2.0, 1.0) * np.exp(rng.normal(0.0, 0.05, trials))
    rows = [(number, "complete", None, 0.5, 1000, time, 0, "") for number, time in enumerate(seconds.tolist())]
    return table_of(*rows, **{"setting smart": smart.tolist(), "setting rate": rate.tolist()})


def test_what_makes_trials_slow_is_found_and_nothing_else() -> None:
    others = 0
    for seed in range(40):
        found = cost_drivers(slow_table(np.random.default_rng(seed)))
        assert (found[0].path, found[0].dear, found[0].cheap) == ("smart", "on", "off")
        assert found[0].low < 2.0 < found[0].high
        others += len(found) - 1
    assert others <= 4  # one in twenty studies, and that only above a ratio of 1.05
    assert cost_drivers(slow_table(np.random.default_rng(0)), linked=["smart"]) == []


def test_failures_that_differ_in_numbers_only_are_one() -> None:
    found = failures(
        table_of(
            (0, "failed", None, None, 0, 1.0, 0, "the loss is not finite at step 17"),
            (1, "failed", None, None, 0, 1.0, 0, "CUDA out of memory. Tried to allocate 20.00 MiB"),
            (2, "failed", None, None, 0, 1.0, 0, "CUDA out of memory. Tried to allocate 1.5 GiB\nmore"),
            (3, "failed", None, None, 0, 1.0, 0, "CUDA out of memory. Tried to allocate 30.00 MiB"),
            (4, "complete", None, 0.5, 10, 1.0, 0, ""),
            (5, "failed", None, None, 0, 1.0, 0, ""),
        )
    )
    assert [one.trials for one in found] == [(1, 3), (0,), (2,), (5,)]
    assert "batch_size" in found[0].hint
    assert "learning rate" in found[1].hint
    assert (found[3].reason, found[3].hint) == ("no reason is recorded", "")


def test_a_number_that_is_none_is_told_from_names_with_the_same_letters() -> None:
    reasons = ("overall is NaN", "resonance.local: connection lost", "fernando's worker was killed")
    rows = ((number, "failed", None, None, 0, 1.0, 0, reason) for number, reason in enumerate(reasons))
    assert [bool(one.hint) for one in failures(table_of(*rows))] == [True, False, False]


def test_where_the_time_went_and_who_broke_off(tmp_path: Path) -> None:
    section = cost_section(ReportContext(a_study(0.5, 0.7, 0.6), TrialFolders(tmp_path)))
    table = section.parts[0]
    assert isinstance(table, Table)
    assert table.rows == (("were trained to the end", "3", "3 s", "100 %", "300"),)
    assert "1 trial broke off, by a crash or with the search, and went on from a checkpoint: 2." in section.parts


def test_what_was_spent_and_saved() -> None:
    spent = search_cost(TABLE, {number: record(number) for number in range(5)})
    assert spent.states == {"complete": 2, "pruned": 1, "failed": 1}
    assert (spent.repeats, spent.seconds, spent.examples) == (1, 255.0, 2250)
    assert (spent.saved_examples, spent.saved_seconds) == (750, 150.0)  # at 0.2 s an example
    assert spent.saved_share == 0.25
    words = cost_sentences(spent, TABLE)
    assert words == (
        "5 trials (2 trained to the end, 1 stopped early, 1 failed, 1 the same as an earlier one) took 4 min of "
        "training and 2,250 training examples. Stopping early saved 25 % of the examples that training all of them to "
        "the end would have taken: 750, or 2 min."
    )
