"""Predictions of the models of all folds: out of fold for dev, averaged for everything else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from core.ensembles import average
from core.fold_models import predict_with_folds
from core.inputs.best_model import load_best_model, model_runs
from core.inputs.resources import Resources
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.scoring import predict
from core.trainer import train
from tests.core.fold_cases import folds_config, write_rows


def test_dev_out_of_fold_and_other_splits_averaged(tmp_path: Path, resources: Resources) -> None:
    torch.set_num_threads(1)
    write_rows(tmp_path / "data")
    config = folds_config(tmp_path / "data", score=True)
    run = RunFolder(tmp_path / "run")
    train(config, run.path, resources, NullRunObserver())
    found = predict_with_folds(run, config, resources, [("mood", "train"), ("warmth", "train")])
    for task in config.tasks:
        assert np.allclose(found.dev[task], np.load(run.predictions(task, config.examples)), atol=1e-6)
        single = []
        for folder, own in model_runs(run, config):
            model = load_best_model(folder, own, resources)
            rows = resources.examples(own, own.tasks[task].spec, "train")
            single.append(predict(model.model, own, rows, model.layout, torch.device("cpu")))
        assert np.allclose(found.others[task, "train"], average(single), atol=1e-6)
        assert not np.allclose(found.others[task, "train"], found.dev[task], atol=1e-3)
