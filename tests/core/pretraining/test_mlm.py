"""Masked language modelling: the head of transformers' BertForMaskedLM, and a loss that falls."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from transformers import BertConfig as TheirConfig
from transformers import BertForMaskedLM

from core.pretraining.mlm import MaskedLanguageModel
from core.pretraining.stage import Stage
from core.pretraining.stage_run import StageRun

MakeRun = Callable[..., tuple[Stage, StageRun]]


def transformers_twin(run: StageRun) -> BertForMaskedLM:
    """The same weights in transformers' model."""
    bert, head = run.encoder.bert, run.objective
    assert isinstance(head, MaskedLanguageModel)
    theirs = BertForMaskedLM(TheirConfig(**bert.config.to_dict())).eval()
    theirs.bert.load_state_dict(bert.state_dict(), strict=False)
    with torch.no_grad():
        transform = theirs.cls.predictions.transform
        transform.dense.load_state_dict(head.dense.state_dict())
        transform.LayerNorm.load_state_dict(head.LayerNorm.state_dict())
        theirs.cls.predictions.bias.copy_(head.bias)
    return theirs


def test_the_loss_is_that_of_transformers(make_run: MakeRun) -> None:
    """The same head, tied embeddings, and the mean over the chosen tokens alone (padding and the rest do not count)."""
    _, run = make_run("mlm", mask_probability=0.3)
    head = run.objective
    assert isinstance(head, MaskedLanguageModel)
    with torch.no_grad():
        for parameter in head.parameters():  # a bias of 0 and a LayerNorm of 1 would hide that they are not used
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)))
    run.encoder.bert.eval()
    batch = run.data.batch(np.arange(6))
    rows = batch.padded()
    assert not rows.attention_mask.all()  # there is padding
    loss = head.loss(run.encoder, batch, np.random.default_rng(5))

    seen, chosen = head.masking(batch.input_ids, np.random.default_rng(5))
    inputs, labels = rows.input_ids.clone(), torch.full_like(rows.input_ids, -100)
    inputs[rows.attention_mask] = seen
    labels[rows.attention_mask] = torch.where(chosen, batch.input_ids, -100)
    expected = transformers_twin(run)(inputs, rows.attention_mask, labels=labels).loss
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_decoder_is_the_embedding_table(make_run: MakeRun) -> None:
    """Catches a decoder of its own: no parameter but the bias has the vocabulary's size, and words not in the batch are
    moved by it."""
    _, run = make_run("mlm")
    table = run.encoder.bert.embeddings.word_embeddings.weight
    assert [name for name, p in run.objective.named_parameters() if p.shape[0] == table.shape[0]] == ["bias"]
    batch = run.data.batch(np.arange(4))
    run.objective.loss(run.encoder, batch, np.random.default_rng(0)).backward()
    absent = [i for i in range(5, table.shape[0]) if i not in set(batch.input_ids.tolist())]
    assert table.grad is not None
    assert (table.grad[absent].abs().sum(dim=-1) > 0).all()


def test_a_batch_without_a_chosen_token_changes_nothing(make_run: MakeRun) -> None:
    """Catches the mean of nothing, which is NaN."""
    _, run = make_run("mlm", mask_probability=1e-9)
    loss = run.objective.loss(run.encoder, run.data.batch(np.arange(2)), np.random.default_rng(0))
    loss.backward()
    gradient = run.encoder.bert.embeddings.word_embeddings.weight.grad
    assert loss.item() == 0
    assert gradient is not None
    assert not gradient.any()


def test_every_training_sentence_is_there_once(make_run: MakeRun) -> None:
    stage, run = make_run("mlm", tasks_used="sst,para")
    assert set(stage.sources) == {"sst", "para"}
    rows = {run.data.batch(np.array([i])).input_ids.numpy().tobytes() for i in range(len(run.data))}
    assert len(rows) == len(run.data)
    assert len(run.data) > 400  # 240 of sst and 480 of para, with repetitions


def test_it_learns_the_language(make_run: MakeRun) -> None:
    """The loss falls well below that of the words' frequencies."""
    _, run = make_run("mlm", examples=16_000, learning_rate=1e-2)
    counts = np.bincount(run.data.rows.token_ids)
    p = counts[counts > 0] / counts.sum()
    frequencies_alone = -(p * np.log(p)).sum()
    while not run.finished:
        run.step()
    points = list(run.curve.values())
    assert points[0] > points[-1]
    assert points[-1] < 0.8 * frequencies_alone < math.log(len(counts))
