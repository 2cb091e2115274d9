"""SimCSE's data and effect."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from core.pretraining.objectives.simcse import triplets
from core.pretraining.stage import Stage
from core.pretraining.stage_run import StageRun
from data.errors import UserError

MakeRun = Callable[..., tuple[Stage, StageRun]]
ENTAILMENT, NEUTRAL, CONTRADICTION = 0, 1, 2


def test_triplets() -> None:
    pairs = np.array([[0, 1], [0, 2], [0, 3], [0, 4], [5, 6], [7, 8], [1, 0], [9, 9], [9, 3], [0, 1]])
    labels = np.array(
        [
            ENTAILMENT,
            CONTRADICTION,
            NEUTRAL,  # neither
            ENTAILMENT,
            ENTAILMENT,  # 5 has no contradiction
            CONTRADICTION,  # 7 has no entailment
            CONTRADICTION,  # of premise 1, not of 0
            ENTAILMENT,  # a sentence is not its own positive
            CONTRADICTION,
            ENTAILMENT,  # known
        ]
    )
    assert triplets(pairs, labels).tolist() == [[0, 1, 2], [0, 4, 2]]
    assert triplets(pairs[:1], labels[:1]).shape == (0, 3)


def test_the_positive_is_entailed_and_the_hard_negative_contradicts(
    make_run: MakeRun, nli_pairs: list[tuple[str, str, str]]
) -> None:
    """Catches positives and negatives the wrong way round."""
    _, run = make_run("supervised_simcse", batch_size=8)
    assert len(run.data) == 125
    batch = run.data.batch(np.arange(3))
    rows = batch.padded().input_ids
    assert len(rows) == 9
    starts = [row[1].item() for row in rows]  # the first word piece after [CLS]
    assert len(set(starts[3:6])) == 1 == len(set(starts[6:9]))
    assert starts[3] != starts[6]
    entailed = run.data.rows.token_ids[run.data.rows.offsets[run.data.table[0, 1]]]
    assert starts[3] == entailed
    assert nli_pairs[0][1].startswith("it")


def test_no_triplets(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.pretraining.objectives.simcse.triplets", lambda *_: np.zeros((0, 3), dtype=np.int64))
    with pytest.raises(UserError, match="no premise in nli_file has both an entailment and a contradiction"):
        make_run("supervised_simcse")


def uniformity(run: StageRun) -> float:
    """Compute log E exp(-2 |u - v|^2) of unit vectors (Wang & Isola 2020); it is lower if they spread more evenly."""
    run.encoder.bert.eval()
    with torch.no_grad():
        vectors = F.normalize(run.encoder(run.data.batch(np.arange(100))).mean()[:100], dim=-1)
    run.encoder.bert.train()
    return float(torch.pdist(vectors).square().mul(-2).exp().mean().log())


def test_it_spreads_the_sentences(make_run: MakeRun) -> None:
    _, run = make_run("simcse", examples=3200, batch_size=32, pooling="mean")
    before = uniformity(run)
    while not run.finished:
        run.step()
    points = list(run.curve.values())
    assert points[-1] < 0.5 * points[0]
    assert uniformity(run) < before - 0.5


def test_supervised_it_learns_too(make_run: MakeRun) -> None:
    _, run = make_run("supervised_simcse", examples=3200, batch_size=16, learning_rate=5e-3)
    while not run.finished:
        run.step()
    points = list(run.curve.values())
    assert points[-1] < 0.6 * points[0]
