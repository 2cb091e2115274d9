"""Which sentences are the same, and which rows an example has."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.pretraining.stage_data import StageData, distinct_sentences
from data.examples import Examples
from data.rows import RowLayout
from data.task_files import builtin_tasks
from data.vocabulary import build_wordpiece

SPECS = builtin_tasks()
TOKENIZER = build_wordpiece(["a man is singing a song", "the dog runs home"] * 2, 80)
LAYOUT = RowLayout.of(TOKENIZER, 16)


def examples(task: str, *sentences: tuple[str, ...]) -> Examples:
    return Examples.from_sentences(SPECS[task], list(sentences), TOKENIZER)


@pytest.fixture
def parts() -> list[Examples]:
    return [
        examples("sst", ("a man is singing",), ("the dog runs home",), ("A MAN is singing",)),
        examples("para", ("the dog", "a song"), ("a man  is singing", "the dog")),
    ]


def test_the_same_row_is_the_same_sentence(parts: list[Examples]) -> None:
    """Catches sentences compared as they are written: capitals and spaces make no difference to the encoder."""
    pool, (sst, para) = distinct_sentences(parts, 16)
    assert sst.tolist() == [[0], [1], [0]]
    assert para.tolist() == [[2, 3], [0, 2]]
    assert len(pool) == 4
    texts = [
        TOKENIZER.decode(pool.token_ids[a:b].tolist()) for a, b in zip(pool.offsets, pool.offsets[1:], strict=False)
    ]
    assert texts == ["a man is singing", "the dog runs home", "the dog", "a song"]


def test_what_is_cut_off_makes_no_difference() -> None:
    long = [examples("sst", ("the dog runs home a man",), ("the dog runs home a song",))]
    assert distinct_sentences(long, 128)[1][0].tolist() == [[0], [1]]
    first = len(TOKENIZER.encode("the dog runs home a", add_special_tokens=False).ids)
    pool, (numbers,) = distinct_sentences(long, first + 2)
    assert numbers.tolist() == [[0], [0]]
    assert pool.lengths.tolist() == [[first]]


def test_rows_of_a_batch_come_column_by_column(parts: list[Examples]) -> None:
    pool, (_, para) = distinct_sentences(parts, 16)
    data = StageData(pool, np.concatenate([para, para[:, ::-1]]), np.array([1, 0, 1, 0]), LAYOUT)
    batch = data.batch(np.array([3, 0]))
    rows = batch.padded()
    words = [
        TOKENIZER.decode(ids[mask].tolist(), skip_special_tokens=True)
        for ids, mask in zip(rows.input_ids, rows.attention_mask, strict=True)
    ]
    assert words == ["the dog", "the dog", "a man is singing", "a song"]
    assert [pooled.tolist() for pooled in batch.pooled] == [[0, 1], [2, 3]]
    assert batch.labels is not None
    assert batch.labels.tolist() == [0, 1]
    assert (len(batch), batch.positions.tolist()) == (2, [3, 0])
    assert torch.equal(rows.token_type_ids, torch.zeros_like(rows.token_type_ids))


def test_an_example_is_as_long_as_its_longest_row(parts: list[Examples]) -> None:
    pool, (_, para) = distinct_sentences(parts, 16)
    lengths = StageData(pool, para, None, LAYOUT).lengths
    own = pool.lengths[:, 0] + 2
    assert lengths.tolist() == [max(own[2], own[3]), max(own[0], own[2])]
