"""Whatever RunConfig allows can be trained and scored: it repeats itself, and an interruption changes nothing.

Techniques are switches with a few values each. Every pair of values that RunConfig allows is trained, in as few runs as
a greedy search finds, and random combinations with many other settings too. Settings are found by walking
RunConfig (``drawn_settings.py``), so that a new technique takes part as soon as it has a section.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from core.config import DataConfig, RunConfig
from core.inputs.resources import Resources
from tests.core.config.drawn_settings import (
    DRAWN,
    OTHERS,
    SWITCHES,
    TASKS,
    Settings,
    differing,
    made,
    with_settings,
)
from tests.core.config.interrupted_training import check
from tests.core.config.pair_coverage import SWITCH_VALUES, Row, covering_rows, legal_pairs, pairs_of, settings_of


def placed(config: RunConfig, corpus: Path) -> RunConfig:
    return config.model_copy(update={"data": DataConfig(directory=str(corpus))})


PARTS = 10


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*the correlation counts as 0")
@pytest.mark.parametrize("part", range(PARTS))
def test_every_legal_pair_of_techniques_trains_repeats_itself_and_resumes(
    resources: Resources, corpus: Path, part: int
) -> None:
    """Every task has a batch in every run, so that heads whose turn comes late are trained too."""
    for row in covering_rows()[part::PARTS]:
        config = made(settings_of(row))
        assert config is not None
        assert check(placed(config, corpus), resources) == set(TASKS), differing(config)


def test_the_runs_above_are_all_legal_pairs() -> None:
    covered = {pair for row in covering_rows() for pair in pairs_of(row)}
    assert covered == set(legal_pairs())
    assert {value for pair in covered for value in pair} == set(SWITCH_VALUES)
    every = [pair for pair in combinations(SWITCH_VALUES, 2) if pair[0][0] != pair[1][0]]
    assert len(covered) > 0.99 * len(every)  # what goes together is the rule
    assert len(covering_rows()) < 150  # a search that became poor would make the test slow


def test_every_section_takes_part() -> None:
    """An empty walk would pass everything else."""
    sections = {path.partition(".")[0] for path in DRAWN}
    switched = {path.partition(".")[0] for values in SWITCHES.values() for value in values for path in value}
    missing = ", ".join(sorted(sections - switched))
    assert not missing, f"say in SWITCHES_BY_HAND of drawn_settings.py which settings turn on: {missing}"
    assert {"smart", "lora", "gradients", "heads", "swa", "optim"} <= switched


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*the correlation counts as 0")
@given(
    row=st.fixed_dictionaries({name: st.sampled_from(range(len(values))) for name, values in SWITCHES.items()}),
    others=st.lists(st.sampled_from(OTHERS), min_size=10, max_size=25, unique=True).flatmap(
        lambda paths: st.fixed_dictionaries({path: st.sampled_from(DRAWN[path]) for path in paths})
    ),
)
@settings(
    max_examples=25,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # making a failure smaller takes longer than the time limit
)
def test_any_valid_config_trains_repeats_itself_and_resumes(
    resources: Resources, corpus: Path, row: Row, others: Settings
) -> None:
    """Draw other configurations in every run of the tests."""
    config = with_settings([SWITCHES[name][which] for name, which in row.items()] + [{p: v} for p, v in others.items()])
    note(str(differing(config)))
    check(placed(config, corpus), resources)
