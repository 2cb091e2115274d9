from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from data.augmentation.additional_examples import (
    AdditionalExamples,
    concatenate,
    normalise_sentence,
    sample_fraction,
    without_known,
)
from data.reading import RawSplit


def split(*sentences: tuple[str, ...]) -> RawSplit:
    return RawSplit([str(i) for i in range(len(sentences))], list(sentences), None, [], Path("x.csv"))


def extra(sentences: Sequence[tuple[str, ...]], labels: Sequence[int] | None = None) -> AdditionalExamples:
    count = len(sentences)
    values = np.arange(count) if labels is None else np.array(labels)
    return AdditionalExamples(list(sentences), values.astype(np.int64), np.arange(count, dtype=np.int64) + 10)


def test_normalise_sentence() -> None:
    # The no-break space of "2\xa01\\/2" counts as white space; casefold, unlike lower, makes "\xdf" and "ss" equal.
    assert normalise_sentence("  Nearly 2\u00a01\\/2\thours STRASSE ") == normalise_sentence(
        "nearly 2 1\\/2 hours Stra\u00dfe"
    )
    assert normalise_sentence("can't") != normalise_sentence("cant")


def test_without_known_drops_known_and_repeated_sentences() -> None:
    examples = extra([("in train",), ("New",), ("In  DEV",), ("new ",), ("in test",), ("newer",)], [0, 1, 2, 3, 4, 0])
    kept = without_known(examples, [split((" In train",)), split(("in dev",)), split(("in test",))])
    assert kept.sentences == [("New",), ("newer",)]
    assert kept.labels.tolist() == [1, 0]  # the first of the repetitions, with its label
    assert kept.sources.tolist() == [11, 15]


def test_a_pair_is_known_in_either_order_but_one_sentence_is_not_enough() -> None:
    """Catches a filter on ordered pairs, and one that drops every pair with a known sentence."""
    examples = extra([("b", "A"), ("a", "c"), ("c", "a"), ("b", "b")])
    assert without_known(examples, [split(("a", "b"))]).sentences == [("a", "c"), ("b", "b")]


def test_without_known_of_nothing() -> None:
    assert len(without_known(extra([]), [split(("a",))])) == 0
    assert len(without_known(extra([("a",)]), [split(("a",))])) == 0


def test_concatenate() -> None:
    both = concatenate([extra([("a",)], [3]), extra([("b",), ("c",)], [1, 2])])
    assert both.sentences == [("a",), ("b",), ("c",)]
    assert both.labels.tolist() == [3, 1, 2]
    assert both.labels.dtype == np.int64
    assert both.sources.tolist() == [10, 10, 11]


def test_concatenate_refuses_classes_with_scores_and_nothing() -> None:
    scores = AdditionalExamples.without_sources([("a",)], np.array([1.5], dtype=np.float32))
    with pytest.raises(ValueError, match="class indices and examples with scores"):
        concatenate([extra([("b",)]), scores])
    with pytest.raises(ValueError, match="nothing to concatenate"):
        concatenate([])


def test_fraction_is_deterministic_ordered_and_nested() -> None:
    examples = extra([(str(i),) for i in range(100)])
    half, tenth = sample_fraction(examples, 0.5, seed=3), sample_fraction(examples, 0.1, seed=3)
    assert (len(half), len(tenth)) == (50, 10)
    assert half.labels.tolist() == sorted(half.labels.tolist())
    assert set(tenth.sentences) < set(half.sentences)
    assert sample_fraction(examples, 0.5, seed=3).sentences == half.sentences
    assert sample_fraction(examples, 0.5, seed=4).sentences != half.sentences
    # Not simply the first ones: they may all be of one kind.
    assert half.labels.tolist() != list(range(50))


def test_fraction_of_none_and_all() -> None:
    examples = extra([("a",), ("b",), ("c",)])
    assert len(sample_fraction(examples, 0.0, seed=0)) == 0
    assert sample_fraction(examples, 1.0, seed=0).sentences == examples.sentences


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_fraction_outside_the_range(share: float) -> None:
    with pytest.raises(ValueError, match="share must be within 0 to 1"):
        sample_fraction(extra([("a",)]), share, seed=0)


def test_malformed_extras_are_refused() -> None:
    one = np.zeros(1, dtype=np.int64)
    with pytest.raises(ValueError, match="got 2 examples, but labels of shape"):
        AdditionalExamples([("a",), ("b",)], one, one)
    with pytest.raises(ValueError, match="all examples must have one sentence, or all two"):
        AdditionalExamples([("a",), ("b", "c")], np.zeros(2, dtype=np.int64), np.zeros(2, dtype=np.int64))
    with pytest.raises(ValueError, match="got labels float64"):
        AdditionalExamples([("a",)], np.zeros(1), one)  # type: ignore[arg-type]
