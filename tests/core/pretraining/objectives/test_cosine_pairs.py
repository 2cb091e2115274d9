"""The cosine stage: who is positive, who negative, and PyTorch's own loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from core.config import RunConfig
from core.inputs.resources import Resources
from core.pretraining.objectives.task_pairs import pair_labels
from core.pretraining.stage import Stage
from core.pretraining.stage_run import StageRun
from data.errors import UserError

MakeConfig = Callable[..., RunConfig]
MakeRun = Callable[..., tuple[Stage, StageRun]]


def test_between_the_bounds_is_neither(small_config: MakeConfig, resources: Resources) -> None:
    """Positives from 3.5 on, negatives below 1.0: both bounds as build-extend has them."""
    config = small_config()
    sts = resources.examples(config, config.tasks["sts"].spec, "train").subset(np.arange(7))
    sts = replace(sts, labels=np.array([0.0, 0.9, 1.0, 2.2, 3.4, 3.5, 5.0], dtype=np.float32))
    assert pair_labels(sts, 3.5, 1.0).tolist() == [0, 0, -1, -1, -1, 1, 1]
    assert pair_labels(sts, 1.0, 1.0).tolist() == [0, 0, 1, 1, 1, 1, 1]
    para = resources.examples(config, config.tasks["para"].spec, "train")
    assert np.array_equal(pair_labels(para, 3.5, 1.0), np.asarray(para.labels))


@pytest.mark.parametrize("pooling", ["cls", "mean"])
@pytest.mark.parametrize("margin", [0.0, 0.4])
def test_the_loss_is_pytorchs(make_run: MakeRun, pooling: str, margin: float) -> None:
    _, run = make_run("cosine_pairs", tasks_used="sts", pooling=pooling, margin=margin)
    run.encoder.bert.eval()
    batch = run.data.batch(np.arange(16))
    labels = batch.labels
    assert labels is not None
    assert set(labels.tolist()) == {0, 1}
    vectors = getattr(run.encoder(batch), pooling)()
    expected = F.cosine_embedding_loss(vectors[:16], vectors[16:], 2 * labels - 1, margin=margin)
    loss = run.objective.loss(run.encoder, batch, np.random.default_rng(0))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_no_pair_left(make_run: MakeRun) -> None:
    with pytest.raises(UserError, match="no training pair of sts is positive or negative"):
        make_run("cosine_pairs", tasks_used="sts", positive_from=6.0, negative_below=0.0)


def test_it_tells_pairs_apart(make_run: MakeRun) -> None:
    _, run = make_run("cosine_pairs", examples=6000, batch_size=16, learning_rate=5e-3, pooling="mean")
    while not run.finished:
        run.step()
    run.encoder.bert.eval()
    batch = run.data.batch(np.arange(200))
    assert batch.labels is not None
    with torch.no_grad():
        vectors = run.encoder(batch).mean()
    cosines = F.cosine_similarity(vectors[:200], vectors[200:])
    assert cosines[batch.labels == 1].mean() > cosines[batch.labels == 0].mean() + 0.3
