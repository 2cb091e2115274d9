"""One line when runs begin to wait for their inputs, and one when none waits any more."""

from __future__ import annotations

import re
import warnings

from search.driver.outages import InputOutages


def test_what_is_shown() -> None:
    restored: list[int] = []
    outages = InputOutages(lambda: restored.append(1))
    with warnings.catch_warnings(record=True) as shown:
        outages.advanced(0)
        for number in (0, 1, 0, 1):
            outages.away(number, "no data folder")
        outages.away(1, "no encoder")
        outages.advanced(0)
        outages.advanced(1)
        outages.away(2, "no data folder")
        outages.ended(2)
        outages.advanced(2)
    assert [re.sub(r"\d+ s$", "N s", str(one.message)) for one in shown] == [
        "no data folder; trying again for 10 min",
        "no encoder; trying again for 10 min",
        "all inputs can be read again after N s",
        "no data folder; trying again for 10 min",
    ]
    assert len(restored) == 3
