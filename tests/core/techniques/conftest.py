"""A case of SMART for each kind of task."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from core.inputs.resources import Resources
from core.model.multitask import build_model
from tests.core.conftest import MakeConfig
from tests.core.techniques.smart_cases import SHAPES, Case


@pytest.fixture
def make(small_config: MakeConfig, resources: Resources) -> Callable[..., Case]:
    def build(shape: str, size: int = 6, head_scale: float = 20.0) -> Case:
        task, pair = SHAPES[shape]
        config = small_config((task,), heads={task: {"pair": pair, "pooling": "mean"}})
        encoder = resources.encoder(config)
        model = build_model(config, encoder.config, encoder.read_weights()).train()
        with torch.no_grad():  # a fresh head is so small that all answers look alike
            model.heads[task].layers[-1].weight *= head_scale
        return Case(model, resources.task_data(config)[task].next_batch(size))

    return build
