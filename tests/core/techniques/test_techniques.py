"""The techniques that a run uses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.config import RunConfig
from core.inputs.resources import Resources
from core.run.run_folder import RunFolder
from core.techniques.exponential_moving_average import ExponentialMovingAverage
from core.techniques.gradient_clipping import GradientClipping
from core.techniques.technique import Technique
from core.trainer import TrainingRun

MakeConfig = Callable[..., RunConfig]


def test_a_run_without_the_fields_has_no_such_technique(small_config: MakeConfig) -> None:
    config = small_config(optim={"clip_norm": None})
    assert GradientClipping.from_config(config) is None
    assert ExponentialMovingAverage.from_config(config) is None
    assert ExponentialMovingAverage.from_config(small_config(optim={"ema": 0.9})) is not None


def test_techniques_that_act_on_new_weights_say_that_they_read_them() -> None:
    """Otherwise they would see rows of word embeddings that are not up to date."""
    acting = [one for one in Technique.__subclasses__() if one.after_update is not Technique.after_update]
    assert len(acting) == 3
    assert all(one.reads_weights for one in acting)


DENSE: dict[str, dict[str, Any]] = {
    "EMA": {"optim": {"ema": 0.9}},
    "SWA": {"swa": {"start": 0.5}},
    "proximal point": {"proximal": {"weight": {"sst": 1.0}}},
    "PCGrad": {"gradients": {"rule": "pcgrad"}, "sampler": {"order": "together"}},
    "anchored": {"gradients": {"rule": "anchored", "anchor": "sst"}},
}


@pytest.mark.parametrize("name", ["nothing", *DENSE])
def test_word_embeddings_are_updated_by_row_unless_all_are_read(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, name: str
) -> None:
    run = TrainingRun(small_config(**DENSE.get(name, {})), RunFolder(tmp_path), resources)
    table = run.model.encoder("sst").embeddings.word_embeddings
    assert table.sparse == (name == "nothing")
    before = table.weight.detach().clone()
    run.step()
    moved = (table.weight != before).any(dim=1)
    assert moved[1:].all() == (name != "nothing")  # weight decay moves all rows but that of [PAD], which is zero
