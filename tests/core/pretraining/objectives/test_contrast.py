"""The contrastive loss: closed forms, sentence-transformers, and the traps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from core.model.pooling import EncodedRows
from core.pretraining.objectives.contrast import SentenceContrast, in_batch_contrast
from core.pretraining.objectives.objective import StageEncoder
from core.pretraining.stage import Stage
from core.pretraining.stage_run import StageRun
from data.batching import Batch

MakeRun = Callable[..., tuple[Stage, StageRun]]


def vectors(rows: int, seed: int) -> Tensor:
    return torch.randn(rows, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("negatives", "scale"), [(0, 1.0), (0, 20.0), (6, 20.0)])
def test_closed_form(negatives: int, scale: float) -> None:
    a, c = vectors(6, 0).numpy(), vectors(6 + negatives, 1).numpy()
    cosines = a @ c.T / np.linalg.norm(a, axis=1)[:, None] / np.linalg.norm(c, axis=1)
    exponentials = np.exp(scale * cosines)
    expected = -np.log(exponentials[np.arange(6), np.arange(6)] / exponentials.sum(axis=1)).mean()
    assert in_batch_contrast(torch.from_numpy(a), torch.from_numpy(c), scale).item() == pytest.approx(
        expected, rel=1e-10
    )


@pytest.mark.parametrize("columns", [2, 3])
def test_it_is_that_of_sentence_transformers(columns: int) -> None:
    losses = pytest.importorskip("sentence_transformers.sentence_transformer.losses")
    parts = [vectors(6, seed) for seed in range(columns)]
    theirs = losses.MultipleNegativesRankingLoss(torch.nn.Identity(), scale=20.0)
    expected = theirs.compute_loss_from_embeddings(parts, torch.zeros(0))
    ours = in_batch_contrast(parts[0], torch.cat(parts[1:]), 20.0)
    assert ours.item() == pytest.approx(expected.item(), rel=1e-10)


def test_cosines_not_dot_products() -> None:
    """The length of a vector means nothing."""
    a, c = vectors(4, 0), vectors(4, 1)
    lengths = torch.tensor([[0.01], [1.0], [7.0], [300.0]], dtype=torch.float64)
    assert torch.allclose(in_batch_contrast(a * lengths, c / lengths, 20.0), in_batch_contrast(a, c, 20.0))


def test_a_hard_negative_counts() -> None:
    """Catches negatives that are left out, and those that are taken for positives."""
    a = vectors(4, 0)
    near, far = a + 0.01, -a
    plain = in_batch_contrast(a, a, 20.0)
    assert in_batch_contrast(a, torch.cat([a, near]), 20.0) > plain + 0.5
    assert in_batch_contrast(a, torch.cat([a, far]), 20.0) == pytest.approx(plain.item(), abs=1e-2)


def test_a_zero_vector_has_finite_gradients() -> None:
    a = vectors(3, 0)
    a[1] = 0
    a.requires_grad_()
    in_batch_contrast(a, vectors(3, 1), 20.0).backward()
    assert a.grad is not None
    assert a.grad.isfinite().all()


class CountingEncoder(StageEncoder):
    """Remembers the passes."""

    def __init__(self, run: StageRun) -> None:
        self.bert, self.device, self._inner = run.encoder.bert, run.encoder.device, run.encoder
        self.passes: list[EncodedRows] = []

    def __call__(self, batch: Batch) -> EncodedRows:
        self.passes.append(self._inner(batch))
        return self.passes[-1]


def test_simcse_sees_a_sentence_twice_in_one_pass_under_different_dropout(make_run: MakeRun) -> None:
    """Catches eval mode, under which both vectors are the same, and two passes."""
    _, run = make_run("simcse", pooling="mean")
    encoder = CountingEncoder(run)
    batch = run.data.batch(np.arange(8))
    run.objective.loss(encoder, batch, np.random.default_rng(0))
    (rows,) = encoder.passes
    assert rows.hidden.shape[0] == 16
    ids, vectors = batch.padded().input_ids, rows.mean()
    assert torch.equal(ids[:8], ids[8:])
    assert ((vectors[:8] - vectors[8:]).abs().amax(dim=-1) > 1e-3).all()
    assert run.encoder.bert.training
    assert run.objective.training


def test_the_projection_is_trained_and_not_part_of_the_result(make_run: MakeRun) -> None:
    for projection in (True, False):
        _, run = make_run("simcse", projection=projection, batch_size=16)
        before = [p.clone() for p in run.objective.parameters()]
        assert len(before) == (2 if projection else 0)
        run.step()
        assert all(not torch.equal(p, q) for p, q in zip(run.objective.parameters(), before, strict=True))
        assert run.weights().keys() == run.encoder.bert.state_dict().keys()


@pytest.mark.parametrize("stage", ["simcse", "supervised_simcse"])
def test_from_the_rows_to_the_loss(make_run: MakeRun, stage: str) -> None:
    """The projection comes before the cosines, 1 / temperature multiplies them, and all later rows are candidates."""
    _, run = make_run(stage, pooling="mean", temperature=0.1, batch_size=4)
    objective = run.objective
    assert isinstance(objective, SentenceContrast)
    with torch.no_grad():
        for parameter in (*run.encoder.bert.parameters(), *objective.parameters()):
            if parameter.ndim > 1:
                parameter.mul_(20)  # the vectors of an untrained encoder are all alike
    run.encoder.bert.eval()
    batch = run.data.batch(np.arange(4))
    vectors = run.encoder(batch).mean()
    assert len(vectors) == (8 if stage == "simcse" else 12)
    projected = torch.tanh(F.linear(vectors, *objective.projection[0].parameters()))
    expected = in_batch_contrast(projected[:4], projected[4:], 10.0)
    assert expected < 0.9 * in_batch_contrast(projected[:4], projected[4:], 1.0)
    assert objective.loss(run.encoder, batch, np.random.default_rng(0)).item() == pytest.approx(
        expected.item(), rel=1e-5
    )
