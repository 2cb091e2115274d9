"""Which costs are shown, the tables of a front, and the files."""

from __future__ import annotations

from pathlib import Path

import optuna
import pandas as pd
import pytest

from data.errors import UserError
from search.pareto.costs import COSTS
from search.pareto.output import (
    _front_table,
    _known_costs,
    _terminal_table,
    _varying_settings,
    _without_constant,
    _write,
    write_and_show,
)
from search.pareto.tradeoff import tradeoff

TABLE = pd.DataFrame(
    {
        "trial": [0, 1, 2],
        "state": ["complete", "complete", "pruned"],
        "overall": [0.5, 0.61234, 0.9],
        "score sst": [0.25, 0.5, 0.9],
        "setting optim.learning_rate": [1e-3, 2e-5, 3e-3],
        "setting lora.rank": [None, 8, 4],
        "setting optim.schedule": ["linear", "linear", "cosine"],
        "seconds": [10.0, 2000.0, 1.0],
        "examples": [100, 100, 50],
        **{name: [None, None, 3] for name in COSTS if name not in ("seconds", "examples")},
    }
)
SECONDS, EXAMPLES = (tradeoff(TABLE, {0, 1}, cost) for cost in ("seconds", "examples"))


def test_costs_that_some_finished_trial_has() -> None:
    assert _known_costs(TABLE, {0, 1}) == ["seconds", "examples"]
    assert set(_known_costs(TABLE, {2})) == set(COSTS)


def test_a_cost_that_is_the_same_for_all_is_a_line() -> None:
    shown, notes = _without_constant([SECONDS, EXAMPLES])
    assert shown == [SECONDS]
    assert notes == ["All finished trials cost the same in: training examples (100)."]
    shown, notes = _without_constant([EXAMPLES])
    assert shown == [EXAMPLES]  # else nothing would be shown
    assert len(notes) == 1
    assert _without_constant([SECONDS]) == ([SECONDS], [])


def test_the_front_with_the_settings_that_differ() -> None:
    """A setting that some trials do not have differs too; the schedule is that of both trials on the front."""
    assert _varying_settings(SECONDS.front) == ["setting optim.learning_rate", "setting lora.rank"]
    shown = _front_table(SECONDS)
    assert list(shown.columns) == ["trial", "seconds", "overall", "sst", "optim.learning_rate", "lora.rank"]
    assert shown["trial"].tolist() == ["0", "1"]
    assert shown["overall"].tolist() == ["0.5000", "0.6123"]
    assert shown["sst"].tolist() == ["0.2500", "0.5000"]
    assert shown["lora.rank"].tolist()[0] == ""
    table = _terminal_table(SECONDS)
    assert table.headings == ("trial", "seconds", "overall", "settings that differ")
    assert table.rows[0][2:] == ("0.5000", "optim.learning_rate = 0.001")
    assert table.rows[1][3] == "optim.learning_rate = 2e-05, lora.rank = 8"


def test_a_front_of_one_trial_has_no_settings_that_differ() -> None:
    table = _terminal_table(EXAMPLES)
    assert table.headings == ("trial", "examples", "overall")
    assert table.rows == (("1", "100", "0.6123"),)


def test_the_files_hold_every_front(tmp_path: Path) -> None:
    page, table = _write("mine", [SECONDS, EXAMPLES], ["a note"], tmp_path / "out")
    assert [page.name, table.name] == ["pareto.html", "pareto.csv"]
    written = pd.read_csv(table)
    assert list(zip(written["cost"], written["trial"], strict=True)) == [
        ("seconds", 0),
        ("seconds", 1),
        ("examples", 1),
    ]
    assert written["overall"].tolist() == [0.5, 0.61234, 0.61234]  # unrounded
    text = page.read_text(encoding="utf-8")
    assert "a note" in text
    assert all(COSTS[cost] in text for cost in ("seconds", "examples"))


def test_a_study_without_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.pareto.output.open_study", lambda *_: optuna.create_study())
    with pytest.raises(UserError, match="study 'mine' has no trials yet"):
        write_and_show("mine", None, None, None, tmp_path)
    assert not list(tmp_path.iterdir())
