from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Tokenizer

from data.examples import Examples
from data.task_files import builtin_tasks

SST, STS = builtin_tasks()["sst"], builtin_tasks()["sts"]
PAIRS = [("the cat", "a dog ran"), ("sat", ""), ("good film .", "bad"), ("the", "cat sat on mat")]


@pytest.fixture
def examples(tokenizer: Tokenizer) -> Examples:
    labels = np.array([1.5, 0, 5, 2], dtype=np.float32)
    return Examples.from_sentences(STS, PAIRS, tokenizer, ["w", "x", "y", "z"], labels, ["f:9: no label"])


def test_flat_ids_and_offsets(examples: Examples, tokenizer: Tokenizer) -> None:
    assert len(examples) == 4
    assert examples.token_ids.dtype == np.int32
    assert examples.offsets.tolist() == [0, 2, 5, 6, 6, 9, 10, 11, 15]
    assert examples.lengths.tolist() == [[2, 3], [1, 0], [3, 1], [1, 4]]
    for number, sentence in enumerate(sentence for pair in PAIRS for sentence in pair):
        start, end = examples.offsets[number], examples.offsets[number + 1]
        assert examples.token_ids[start:end].tolist() == tokenizer.encode(sentence, add_special_tokens=False).ids


def test_new_text_has_numbers_for_ids_and_no_labels(tokenizer: Tokenizer) -> None:
    examples = Examples.from_sentences(SST, [("the cat",), ("a dog",)], tokenizer)
    assert examples.ids == ["0", "1"]
    assert examples.labels is None
    assert examples.lengths.tolist() == [[2], [2]]


def test_no_examples(tokenizer: Tokenizer) -> None:
    examples = Examples.from_sentences(STS, [], tokenizer)
    assert len(examples) == 0
    assert examples.lengths.shape == (0, 2)


@pytest.mark.parametrize("positions", [[2, 0], [3, 3, 1], [], [0, 1, 2, 3]])
def test_subset(examples: Examples, tokenizer: Tokenizer, positions: list[int]) -> None:
    chosen = np.array(positions, dtype=np.int64)
    subset = examples.subset(chosen)
    expected = Examples.from_sentences(
        STS,
        [PAIRS[position] for position in positions],
        tokenizer,
        ["wxyz"[position] for position in positions],
        np.array([[1.5, 0, 5, 2][position] for position in positions], dtype=np.float32),
    )
    assert subset.digest == expected.digest
    assert subset.skipped == ("f:9: no label",)


def test_a_subset_of_everything_shares_the_memory(examples: Examples) -> None:
    assert examples.subset(np.arange(len(examples))) is examples
    assert examples.subset(np.arange(len(examples))[::-1]) is not examples


def test_digest_depends_on_data_alone(examples: Examples, tokenizer: Tokenizer) -> None:
    same = Examples.from_sentences(STS, PAIRS, tokenizer, ["w", "x", "y", "z"], examples.labels)
    assert same.digest == examples.digest  # skipped rows do not count as data
    others = [
        Examples.from_sentences(STS, PAIRS, tokenizer, ["w", "x", "y", "v"], examples.labels),
        Examples.from_sentences(STS, PAIRS, tokenizer, ["w", "x", "y", "z"]),
        Examples.from_sentences(STS, [*PAIRS[:3], ("the cat", "sat on mat")], tokenizer, examples.ids, examples.labels),
    ]
    assert len({other.digest for other in [examples, *others]}) == 4


def test_counts_that_do_not_fit(tokenizer: Tokenizer) -> None:
    with pytest.raises(ValueError, match=r"task 'sts' needs 2 sentence\(s\), example 1 is \('a',\)"):
        Examples.from_sentences(STS, [("a", "b"), ("a",)], tokenizer)
    with pytest.raises(ValueError, match=r"needs 1 sentence\(s\), example 0 is 'a'"):
        Examples.from_sentences(SST, ["a"], tokenizer)  # type: ignore[list-item]  # the mistake under test
    with pytest.raises(ValueError, match="got 1 examples, but 2 ids"):
        Examples.from_sentences(SST, [("a",)], tokenizer, ids=["x", "y"])


def test_a_tokenizer_that_cuts_is_refused(tokenizer: Tokenizer) -> None:
    cutting = Tokenizer.from_str(tokenizer.to_str())
    cutting.enable_truncation(4)
    with pytest.raises(ValueError, match="the tokenizer must not truncate or pad"):
        Examples.from_sentences(SST, [("a",)], cutting)
