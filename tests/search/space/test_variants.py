"""Ready configurations as one setting: what tells them apart, and how a recorded study differs."""

from __future__ import annotations

from typing import Any

import pytest

from core.config import RunConfig
from search.parsing.errors import StudyFileError
from search.space.entry import SpaceEntry
from search.space.variants import VARIANT, Variants
from tests.search.space.made_spaces import base

RATE, PAIR = "optim.learning_rate", "heads.sts.pair"
RUNS = {
    "slow": base(optim={"learning_rate": 1e-5}, seed=3),
    "fast": base(optim={"learning_rate": 1e-3}, seed=4),
    "pairs": base(optim={"learning_rate": 1e-3}, heads={"sts": {"pair": "siamese"}}),
}
VARIANTS = Variants.of(RUNS)


def settings(**values: Any) -> dict[str, dict[str, Any]]:
    return {"variants": values}


def test_settings_that_differ_without_the_seed() -> None:
    assert VARIANTS.configs == {
        "slow": {RATE: 1e-5, PAIR: "cross"},
        "fast": {RATE: 1e-3, PAIR: "cross"},
        "pairs": {RATE: 1e-3, PAIR: "siamese"},
    }
    assert VARIANTS.settings(VARIANT) == {RATE, PAIR}
    assert VARIANTS.listed() == ["slow", "fast", "pairs"]
    assert VARIANTS.probes(VARIANT)[0] == (("variants", "slow"), "slow")


@pytest.mark.parametrize("name", RUNS)
def test_a_run_that_takes_a_variant_is_that_variant(name: str) -> None:
    tree = base().model_dump()
    VARIANTS.put(tree, VARIANT, name)
    run = RunConfig.model_validate(tree)
    assert VARIANTS.read(run, VARIANT) == name
    assert run == RUNS[name].model_copy(update={"seed": run.seed})


def test_a_run_that_equals_no_variant() -> None:
    assert VARIANTS.read(base(optim={"learning_rate": 2e-4}), VARIANT) is None


def test_they_are_read_back_but_not_from_the_space_of_a_study_file() -> None:
    assert Variants.parse(SpaceEntry(VARIANT, VARIANTS.to_json(), base(), ())) == VARIANTS
    with pytest.raises(StudyFileError) as caught:
        Variants.parse(SpaceEntry(RATE, {"variants": {}}, base(), ()))
    assert str(caught.value) == 'space."optim.learning_rate".variants: unknown key; variants are tables [variants.NAME]'


def test_differences_from_a_recorded_study() -> None:
    old = settings(a={"x": 1, "y": 1}, b={"x": 2, "y": 2}, gone={})
    new = settings(a={"x": 1, "z": 0}, b={"x": 3, "z": 1}, c={"x": 5})
    assert list(VARIANTS.differences(old, new)) == [
        "gone is gone",
        "c is new",
        "a: y no longer differs between them",
        "a: z now differs between them",
        "b: x was 2, is now 3",
        "b: y no longer differs between them",
        "b: z now differs between them",
    ]
    assert list(VARIANTS.differences(old, old)) == []
