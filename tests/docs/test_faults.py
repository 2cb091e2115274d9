"""``docs/faults.md`` names, for every fault, tests that exist."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT, text

ROWS = [line.strip("| ").split(" | ") for line in text("faults.md").splitlines() if line.startswith("| ")]


def test_every_fault_has_tests() -> None:
    written = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    faults = [row for row in ROWS if row[-1] != "tested by"]
    assert len(faults) > 15
    for row in faults:
        named = re.findall(r"`(test_\w+)`", row[-1])
        assert len(row) == 3, row
        assert named, row
        assert set(named) <= written, row
