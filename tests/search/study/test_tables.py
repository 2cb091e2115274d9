"""Which of a study file's tables decides a setting."""

from __future__ import annotations

from pathlib import Path

from tests.search.study.comparison_texts import COMPARISON, load, run_of


def test_who_has_the_last_word(tmp_path: Path) -> None:
    """The base, then the preset, then the override, then the variant's own line."""
    spec = load(tmp_path, COMPARISON)
    plain, cooked, own = (run_of(spec, {"variant": name, "seed": 3}) for name in ("plain", "cooked", "own"))
    assert plain == spec.base
    assert [run.optim.learning_rate for run in (plain, cooked, own)] == [3e-5, 1e-5, 3e-5]
    assert [run.budget.epochs for run in (plain, cooked, own)] == [4, 4, 4]
    assert [run.heads["sst"].layers for run in (plain, cooked, own)] == [1, 2, 2]
    assert own.heads["sst"].hidden_size == 7
    assert cooked.sampler.order == "shuffled"
    assert run_of(spec, {"variant": "own", "seed": 4}) == own.model_copy(update={"seed": 4})
