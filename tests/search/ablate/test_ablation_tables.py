"""An ablation's tables and its CSV file."""

from __future__ import annotations

from statistics import fmean
from typing import Any

import pytest

from search.ablate.ablation_tables import ablation_frame, overall_table, plan_table, task_gains_table
from search.ablate.outcome import AblationOutcome
from search.ablate.plan import WINNER
from tests.search.ablate.rows import rows


def test_tables_and_numbers_in_full(made: Any, outcome: AblationOutcome) -> None:
    table = {row[0]: row for row in overall_table(outcome).rows}
    smart = rows(outcome)["without SMART smoothness"]
    gain = smart.gains["overall"]
    assert smart.scores is not None
    mean, spread = smart.scores.means["overall"], smart.scores.spreads["overall"]
    numbers = (f"{gain.value:+.4f} ± {gain.half_width:.4f}", "1.00", f"{mean:.4f} ± {spread:.4f}", "3")
    assert table["without SMART smoothness"][1:] == numbers
    assert table["default learning rate"][4] == "2"
    assert table["without R-Drop"][2] == "0.50"
    assert task_gains_table(outcome).headings == ("run", "sst: gain", "sts: gain")
    changed = {row[0]: row[1] for row in plan_table(outcome.plan).rows}
    assert changed["default learning rate"] == "optim.learning_rate: 0.0001 → 5e-05"
    assert changed["without LoRA"] == "lora.rank: 8 → 0"
    frame = ablation_frame(outcome).set_index("run")
    assert list(frame.index) == [WINNER, *(row.ablation.row for row in outcome.rows)]
    assert frame.loc["without SMART smoothness", "gain sst"] == smart.gains["sst"].value
    assert frame.loc["without SMART smoothness", "gain_half_width overall"] == gain.half_width
    assert frame.loc[WINNER, "overall"] == pytest.approx(fmean(run["overall"] for run in made.scores[WINNER]))
    assert frame.loc["without R-Drop", "seconds"] == 5.0
