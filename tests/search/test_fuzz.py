"""Whatever is in study files, data, recorded files and command lines, a command ends in time, and with one line."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.search.fuzzing.house import House, make_house
from tests.search.fuzzing.inputs import CLASSES

FEW, MANY = 6, 120  # inputs of each class


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        yield make_house(tmp_path_factory.mktemp("fuzz") / "house", patch)


def fuzz(house: House, name: str, most: int) -> None:
    @settings(max_examples=most, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
    @given(st.randoms(use_true_random=False))
    def search(rng: Random) -> None:
        with house.copied(house.folder.parent / "copy"):
            ended, shown = CLASSES[name][0](house, rng)
        assert ended.fault is None, shown

    search()


@pytest.mark.parametrize("name", CLASSES)
def test_a_few_inputs(house: House, name: str) -> None:
    fuzz(house, name, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("name", CLASSES)
def test_many_inputs(house: House, name: str) -> None:
    fuzz(house, name, MANY)
