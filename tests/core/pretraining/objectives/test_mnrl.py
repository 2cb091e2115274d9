"""MNRL takes the positive pairs, and brings them together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from core.config import RunConfig
from core.inputs.resources import Resources
from core.pretraining.objectives.contrast import in_batch_contrast
from core.pretraining.objectives.mnrl import positive_pairs
from core.pretraining.stage import Stage
from core.pretraining.stage_data import StageData
from core.pretraining.stage_run import StageRun
from data.errors import UserError
from data.examples import Examples

MakeConfig = Callable[..., RunConfig]
MakeRun = Callable[..., tuple[Stage, StageRun]]


def sentences(rows: Examples) -> list[bytes]:
    """Return the token ids of every sentence."""
    return [rows.token_ids[a:b].tobytes() for a, b in pairwise(rows.offsets.tolist())]


@pytest.mark.parametrize("bound", [3.0, 4.0])
def test_pairs_of_at_least_this_score_are_positives(
    make_run: MakeRun, resources: Resources, small_config: MakeConfig, bound: float
) -> None:
    config = small_config()
    sts = resources.examples(config, config.tasks["sts"].spec, "train")
    flat, chosen = sentences(sts), np.asarray(sts.labels) >= bound
    expected = {(flat[2 * i], flat[2 * i + 1]) for i in np.flatnonzero(chosen) if flat[2 * i] != flat[2 * i + 1]}
    _, run = make_run("mnrl", positive_from=bound, batch_size=4, tasks_used="sts")
    pool = sentences(run.data.rows)
    found = [(pool[a], pool[b]) for a, b in run.data.table]
    assert len(found) == len(set(found)) > 0
    assert set(found) == expected


def test_positive_classes_and_scores_can_be_combined(
    make_run: MakeRun, resources: Resources, small_config: MakeConfig
) -> None:
    config = small_config()
    para = resources.examples(config, config.tasks["para"].spec, "train")
    sizes = {name: len(make_run("mnrl", tasks_used=name, batch_size=4)[1].data) for name in ("para", "sts", None)}
    assert 0 < sizes["para"] <= (np.asarray(para.labels) == 1).sum()
    assert sizes[None] == sizes["para"] + sizes["sts"]


def test_a_pair_counts_once_and_a_sentence_is_not_its_own_partner() -> None:
    pairs = np.array([[4, 1], [0, 2], [3, 3], [0, 2], [1, 4], [5, 6]])
    assert positive_pairs(pairs, np.array([1, 1, 1, 1, 1, 0])).tolist() == [[0, 2], [1, 4], [4, 1]]
    assert positive_pairs(pairs[:0], np.zeros(0, dtype=np.int64)).shape == (0, 2)


def test_no_positive(make_run: MakeRun) -> None:
    with pytest.raises(UserError, match=r"pretraining\.mnrl: no training pair of sts is positive"):
        make_run("mnrl", tasks_used="sts", positive_from=5.1)


def test_a_batch_too_large_is_refused(make_run: MakeRun) -> None:
    _, run = make_run("mnrl", batch_size=1000)
    with pytest.raises(
        UserError, match=r"pretraining.mnrl: \d+ examples do not fill a batch of 1000 in which all sentences"
    ):
        run.step()


def test_the_scale_multiplies_the_cosines(make_run: MakeRun) -> None:
    for scale in (1.0, 20.0):
        _, run = make_run("mnrl", scale=scale, batch_size=4)
        run.encoder.bert.eval()
        batch = run.data.batch(np.arange(4))
        vectors = run.encoder(batch).mean()
        expected = in_batch_contrast(vectors[:4], vectors[4:], scale)
        assert run.objective.loss(run.encoder, batch, np.random.default_rng(0)).item() == pytest.approx(
            expected.item(), rel=1e-5
        )


def recall(run: StageRun, data: StageData) -> float:
    """Return the share of the pairs whose first sentence is nearest to its second among all second ones."""
    count = len(data)
    run.encoder.bert.eval()
    with torch.no_grad():
        vectors = F.normalize(run.encoder(data.batch(np.arange(count))).mean(), dim=-1)
    run.encoder.bert.train()
    return float(((vectors[:count] @ vectors[count:].T).argmax(dim=-1) == torch.arange(count)).float().mean())


def test_it_finds_the_partners_of_sentences_it_has_not_seen(make_run: MakeRun) -> None:
    """Recall@1 on training pairs held out of the stage; none of their sentences is in a pair that it trains on."""
    whole = make_run("mnrl", tasks_used="para")[1].data
    seen = set(whole.table[20:].ravel().tolist())
    held = replace(whole, table=np.array([row for row in whole.table[:20] if not seen & set(row.tolist())]))
    assert len(held) >= 10
    _, run = make_run(
        "mnrl",
        data=replace(whole, table=whole.table[20:]),
        tasks_used="para",
        examples=4000,
        batch_size=16,
        learning_rate=3e-3,
    )
    before = recall(run, held)
    while not run.finished:
        run.step()
    assert recall(run, held) > before + 0.2
