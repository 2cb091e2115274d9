"""Natural language inference: pairs share a row, and three classes are learnt."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from core.config.pretraining import NliConfig
from core.model.bert import BertConfig
from core.pretraining.objectives.nli import NliClassification
from core.pretraining.stage import Stage
from core.pretraining.stage_run import StageRun
from data.errors import UserError

MakeRun = Callable[..., tuple[Stage, StageRun]]


def test_pairs_share_a_row(make_run: MakeRun) -> None:
    """Catches sentences encoded apart: '[CLS] a [SEP] b [SEP]', segment 1 from b on."""
    _, run = make_run("nli")
    rows = run.data.batch(np.arange(4)).padded()
    assert rows.input_ids.shape[0] == 4
    assert (rows.token_type_ids.sum(dim=-1) > 3).all()


def test_the_loss_is_cross_entropy(make_run: MakeRun) -> None:
    _, run = make_run("nli")
    objective = run.objective.eval()
    assert isinstance(objective, NliClassification)
    run.encoder.bert.eval()
    batch = run.data.batch(np.arange(9))
    assert batch.labels is not None
    assert set(batch.labels.tolist()) == {0, 1, 2}
    (linear,) = (layer for layer in objective.head.layers if isinstance(layer, torch.nn.Linear))
    p = torch.softmax(linear(run.encoder(batch).cls()).double(), dim=-1)
    expected = -p[torch.arange(9), batch.labels].log().mean()
    assert objective.loss(run.encoder, batch, np.random.default_rng(0)).item() == pytest.approx(
        expected.item(), rel=1e-5
    )


def test_one_segment_is_not_enough() -> None:
    shape = BertConfig(20, 8, 1, 2, 8, type_vocab_size=1)
    with pytest.raises(UserError, match="pairs need two segments"):
        NliClassification(shape, NliConfig(), torch.Generator())


def test_it_learns_three_classes(make_run: MakeRun) -> None:
    _, run = make_run("nli", examples=6000, batch_size=16, learning_rate=5e-3)
    while not run.finished:
        run.step()
    run.encoder.bert.eval()
    objective = run.objective.eval()
    assert isinstance(objective, NliClassification)
    batch = run.data.batch(np.arange(len(run.data)))
    with torch.no_grad():
        logits = objective.head(run.encoder.bert, run.encoder(batch), batch.pooled)
    assert (logits.argmax(dim=-1) == batch.labels).float().mean() > 0.9
