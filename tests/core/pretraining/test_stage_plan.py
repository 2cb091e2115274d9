"""Which stages are still to be trained, and the weights that the first of them begins with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from core.config import RunConfig
from core.config.pretraining import PretrainingConfig
from core.inputs.resources import Resources
from core.model.multitask import build_encoder
from core.pretraining.stage_plan import StagePlan, plan_stages

MakeConfig = Callable[..., RunConfig]
Plan = Callable[[], StagePlan]

STAGES = PretrainingConfig.model_validate(
    {"mlm": {"examples": 40}, "simcse": {"examples": 40}, "mnrl": {"examples": 40}}
)


@pytest.fixture
def plan(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> Plan:
    """Return a function that plans three stages with the results that are in the cache by then."""

    def make() -> StagePlan:
        found = plan_stages(small_config(), STAGES, resources, tmp_path, torch.device("cpu"))
        assert found is not None
        return found

    return make


def filled(weights: dict[str, Tensor], value: float) -> dict[str, Tensor]:
    return {name: torch.full_like(weight, value) for name, weight in weights.items()}


def names(plan: StagePlan) -> list[str]:
    return [link.stage.name for link, _ in plan.left]


def test_a_run_without_stages_has_no_plan(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    assert plan_stages(small_config(), PretrainingConfig(), resources, tmp_path, torch.device("cpu")) is None


def test_nothing_is_written_and_the_first_stage_begins_with_the_runs_encoder(
    plan: Plan, small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    found, config = plan(), small_config()
    assert names(found) == ["mlm", "simcse", "mnrl"]
    assert [folder.path for _, folder in found.left] == [tmp_path / "stages" / link.key for link, _ in found.left]
    assert not list(tmp_path.iterdir())
    encoder = resources.encoder(config)
    start = build_encoder(config, encoder.config, encoder.read_weights())
    assert found.shape == start.config
    assert all(torch.equal(found.weights[name], weight) for name, weight in start.state_dict().items())


def test_the_last_result_makes_all_earlier_ones_unnecessary(plan: Plan) -> None:
    whole = plan()
    _, second = whole.left[1]
    second.path.mkdir(parents=True)
    second.write_encoder(filled(whole.weights, 2.0))
    found = plan()
    assert names(found) == ["mnrl"]
    assert all((weight == 2).all() for weight in found.weights.values())


def test_a_damaged_result_counts_as_missing(plan: Plan) -> None:
    whole = plan()
    for value, (_, folder) in enumerate(whole.left[:2], start=1):
        folder.path.mkdir(parents=True)
        folder.write_encoder(filled(whole.weights, float(value)))
    assert names(plan()) == ["mnrl"]
    whole.left[1][1].encoder.write_bytes(b"damaged")
    found = plan()
    assert names(found) == ["simcse", "mnrl"]
    assert all((weight == 1).all() for weight in found.weights.values())
