"""The model that a run kept predicts what the run stored, also with LoRA, and also when that is merged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from core.config import RunConfig
from core.inputs.best_model import load_best_model
from core.inputs.resources import Resources
from core.model.lora import LoraLinear, merged_state_dict
from core.model.multitask import SHARED_ENCODER, build_encoder, build_plain_model
from core.run.cores import usable_cores
from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.scoring import predict
from core.trainer import train


def test_a_lora_run(small_config: Callable[..., RunConfig], resources: Resources, tmp_path: Path) -> None:
    config = small_config(lora={"rank": 4, "alpha": 8.0, "targets": "all-linear"}, compute={"threads": 1})
    train(config, tmp_path, resources, NullRunObserver())
    folder, cpu = RunFolder(tmp_path), torch.device("cpu")
    trained = load_best_model(folder, config, resources)
    assert torch.get_num_threads() == usable_cores()
    assert not trained.model.training
    encoder = build_encoder(config, resources.encoder(config).config, None)
    plain = build_plain_model(config, {SHARED_ENCODER: encoder})
    plain.load_state_dict(merged_state_dict(trained.model))
    assert any(isinstance(module, LoraLinear) for module in trained.model.modules())
    rung = Evaluation.from_json(folder.best_evaluation.read_text()).rung
    for task in config.tasks:
        stored, dev = np.load(folder.predictions(task, rung)), resources.scored_dev(config, task)
        torch.set_num_threads(config.compute.threads)
        assert np.array_equal(predict(trained.model, config, dev, trained.layout, cpu), stored)
        torch.set_num_threads(usable_cores())
        assert np.allclose(predict(trained.model, config, dev, trained.layout, cpu), stored, atol=1e-6)
        assert np.allclose(predict(plain, config, dev, trained.layout, cpu), stored, atol=1e-5)
