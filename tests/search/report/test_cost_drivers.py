"""Settings that make trials slow."""

from __future__ import annotations

import numpy as np
import pandas as pd

from search.report.cost_drivers import cost_drivers
from tests.search.reported import table_of


def slow_table(rng: np.random.Generator, trials: int = 60) -> pd.DataFrame:
    """Return trials in which SMART doubles the time of an example, and nothing else matters."""
    smart = rng.choice(["off", "on"], trials)
    rate = rng.uniform(0.0, 1.0, trials)
    seconds = 10.0 * np.where(smart == "on", 2.0, 1.0) * np.exp(rng.normal(0.0, 0.05, trials))
    rows = [(number, "complete", None, 0.5, 1000, time, 0, "") for number, time in enumerate(seconds.tolist())]
    return table_of(*rows, **{"setting smart": smart.tolist(), "setting rate": rate.tolist()})


def test_what_makes_trials_slow_is_found_and_nothing_else() -> None:
    others = 0
    for seed in range(40):
        found = cost_drivers(slow_table(np.random.default_rng(seed)))
        assert (found[0].path, found[0].slowest, found[0].fastest) == ("smart", "on", "off")
        assert found[0].low < 2.0 < found[0].high
        others += len(found) - 1
    assert others <= 4  # one in twenty studies, and that only above a ratio of 1.05
    assert cost_drivers(slow_table(np.random.default_rng(0)), linked=["smart"]) == []
