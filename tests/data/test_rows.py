from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from transformers import BertTokenizerFast

from data.examples import Examples
from data.reading import read_split
from data.rows import RowLayout, assemble, row_lengths
from data.task_files import builtin_tasks
from data.tasks import SplitName, TaskSpec
from data.tokenizer import load_tokenizer

SST, PARA, STS = (builtin_tasks()[name] for name in ("sst", "para", "sts"))
CLS, SEP, PAD = 2, 3, 0
LAYOUT = RowLayout(CLS, SEP, PAD, 12)


@pytest.fixture(scope="module")
def reference(vocabulary_folder: Path) -> BertTokenizerFast:
    return BertTokenizerFast.from_pretrained(vocabulary_folder)


def pairs(tokenizer: Tokenizer) -> Examples:
    sentences = [("the cat", "sat"), ("the", "cat sat on"), ("sat on mat", "the the")]
    return Examples.from_sentences(STS, sentences, tokenizer, labels=np.array([1, 2.5, 5], dtype=np.float32))


def test_cross_rows_by_hand(tokenizer: Tokenizer) -> None:
    batch = assemble(pairs(tokenizer), np.array([2, 0]), LAYOUT, siamese=False)
    rows = batch.padded()
    the, cat, sat, on, mat = range(5, 10)
    assert rows.input_ids.tolist() == [
        [CLS, sat, on, mat, SEP, the, the, SEP],
        [CLS, the, cat, SEP, sat, SEP, PAD, PAD],
    ]
    assert rows.token_type_ids.tolist() == [[0, 0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 1, 1, 0, 0]]
    assert rows.attention_mask.sum(1).tolist() == [8, 6]
    assert [pooled.tolist() for pooled in batch.pooled] == [[0, 1]]
    assert batch.labels is not None
    assert batch.labels.tolist() == [5.0, 1.0]
    assert batch.labels.dtype == torch.float32
    assert batch.positions.tolist() == [2, 0]
    assert (batch.task, batch.pad_id, len(batch)) == ("sts", PAD, 2)


def test_swapped_pairs_are_those_of_a_file_with_its_columns_swapped(tokenizer: Tokenizer) -> None:
    """Where both sentences are too long too: an odd token goes to the second one."""
    sentences = [("the cat " * 9, "sat on " * 9), ("the", "cat sat on"), ("sat on mat", "the the")]
    given, turned = (
        Examples.from_sentences(STS, chosen, tokenizer) for chosen in (sentences, [(b, a) for a, b in sentences])
    )
    for siamese in (False, True):
        positions = np.array([2, 0, 1])
        swapped = assemble(given, positions, LAYOUT, siamese, np.array([True, True, False]))
        expected = [assemble(turned, positions[:2], LAYOUT, siamese), assemble(given, positions[2:], LAYOUT, siamese)]
        ids = [row[row > 0].tolist() for batch in expected for row in batch.padded().input_ids]
        found = [row[row > 0].tolist() for row in swapped.padded().input_ids]
        assert sorted(found) == sorted(ids)
        assert swapped.token_type_ids.sum() == sum(batch.token_type_ids.sum() for batch in expected)


def test_siamese_rows_by_hand(tokenizer: Tokenizer) -> None:
    batch = assemble(pairs(tokenizer), np.array([0, 1]), LAYOUT, siamese=True)
    the, cat, sat, on = range(5, 9)
    assert batch.padded().input_ids.tolist() == [
        [CLS, the, cat, SEP, PAD],
        [CLS, the, SEP, PAD, PAD],
        [CLS, sat, SEP, PAD, PAD],
        [CLS, cat, sat, on, SEP],
    ]
    assert batch.token_type_ids.sum() == 0
    assert [pooled.tolist() for pooled in batch.pooled] == [[0, 1], [2, 3]]
    assert len(batch) == 2


def test_single_sentences_and_class_labels(tokenizer: Tokenizer) -> None:
    examples = Examples.from_sentences(SST, [("the cat",), ("sat",)], tokenizer, labels=np.array([4, 0]))
    batch = assemble(examples, np.array([1]), LAYOUT, siamese=False)
    assert batch.input_ids.tolist() == [CLS, 7, SEP]
    assert batch.labels is not None
    assert batch.labels.dtype == torch.int64
    assert batch.labels.tolist() == [0]


def test_new_text_has_no_labels(tokenizer: Tokenizer) -> None:
    examples = Examples.from_sentences(SST, [("",), ("sat",)], tokenizer)
    batch = assemble(examples, np.array([0, 1]), LAYOUT, siamese=False)
    assert batch.labels is None
    assert batch.offsets.tolist() == [0, 2, 5]  # a sentence without tokens is [CLS] [SEP]


lengths = st.integers(0, 40)


@given(st.lists(st.tuples(lengths, lengths), min_size=1, max_size=6), st.integers(5, 40))
def test_pairs_are_cut_as_transformers_cuts_them(
    tokenizer: Tokenizer, reference: BertTokenizerFast, sizes: list[tuple[int, int]], max_length: int
) -> None:
    words = ["the", "cat", "sat", "on", "mat", "a", "dog", "ran"]
    sentences = [tuple(" ".join(words[k % 8] for k in range(size)) for size in pair) for pair in sizes]
    examples = Examples.from_sentences(STS, sentences, tokenizer)
    _check_rows(examples, sentences, reference, max_length, siamese=False)
    _check_rows(examples, sentences, reference, max_length, siamese=True)
    singles = [(a,) for a, _ in sentences]
    _check_rows(Examples.from_sentences(SST, singles, tokenizer), singles, reference, max_length, siamese=False)


@pytest.mark.parametrize("split", ["train", "dev", "test"])
@pytest.mark.parametrize("spec", builtin_tasks().values(), ids=lambda spec: spec.name)
def test_rows_of_the_course_files_are_those_of_transformers(
    course_data: Path, minilm: Path, spec: TaskSpec, split: SplitName
) -> None:
    raw = read_split(spec, course_data, split)
    examples = Examples.from_sentences(spec, raw.sentences, load_tokenizer(minilm))
    transformers_tokenizer = BertTokenizerFast.from_pretrained(minilm)
    _check_rows(examples, raw.sentences, transformers_tokenizer, 512, siamese=False)
    if split == "dev":  # short rows, so that many are cut
        _check_rows(examples, raw.sentences, transformers_tokenizer, 24, siamese=False)
        _check_rows(examples, raw.sentences, transformers_tokenizer, 24, siamese=spec.kind.is_pair)


def _check_rows(
    examples: Examples, sentences: list[tuple[str, ...]], reference: BertTokenizerFast, max_length: int, siamese: bool
) -> None:
    """Compare all rows of all examples with transformers' own encoding."""
    columns = [list(column) for column in zip(*sentences, strict=True)]
    texts = (columns[0] + columns[1],) if siamese else columns
    expected = reference(*texts, truncation=True, max_length=max_length)
    ids = reference.convert_tokens_to_ids(["[CLS]", "[SEP]", "[PAD]"])
    layout = RowLayout(*ids, max_length)
    batch = assemble(examples, np.arange(len(examples)), layout, siamese)
    flat_ids = [index for row in expected["input_ids"] for index in row]
    flat_segments = [segment for row in expected["token_type_ids"] for segment in row]
    assert np.array_equal(batch.input_ids.numpy(), flat_ids)
    assert np.array_equal(batch.token_type_ids.numpy(), flat_segments)
    assert batch.lengths.tolist() == [len(row) for row in expected["input_ids"]]
    longest = batch.lengths.numpy().reshape(2 if siamese else 1, -1).max(0)
    assert np.array_equal(row_lengths(examples, layout, siamese), longest)


def test_examples_are_independent_of_their_batch(tokenizer: Tokenizer) -> None:
    examples = pairs(tokenizer)
    whole = assemble(examples, np.arange(3), LAYOUT, siamese=False)
    for position in range(3):
        alone = assemble(examples.subset(np.array([position])), np.array([0]), LAYOUT, siamese=False)
        start, end = whole.offsets[position], whole.offsets[position + 1]
        assert torch.equal(alone.input_ids, whole.input_ids[start:end])


def test_layout_of_a_tokenizer(tokenizer: Tokenizer) -> None:
    assert RowLayout.of(tokenizer, 12) == LAYOUT


def test_refusals(tokenizer: Tokenizer) -> None:
    single = Examples.from_sentences(SST, [("the cat",)], tokenizer)
    for call in (lambda: assemble(single, np.array([0]), LAYOUT, True), lambda: row_lengths(single, LAYOUT, True)):
        with pytest.raises(ValueError, match="task 'sst' has single sentences, but siamese rows need pairs"):
            call()
    with pytest.raises(ValueError, match="max_length must be at least 5, got 4"):
        RowLayout(CLS, SEP, PAD, 4)


def test_a_batch_is_assembled_in_under_a_millisecond(tokenizer: Tokenizer) -> None:
    examples = Examples.from_sentences(PARA, [("the cat sat on a mat", "a dog ran far away")] * 64, tokenizer)
    times = []
    for _ in range(50):
        began = time.perf_counter()
        assemble(examples, np.arange(16), RowLayout(CLS, SEP, PAD, 128), siamese=False)
        times.append(time.perf_counter() - began)
    assert np.median(times) < 1e-3  # measured 0.08 ms
