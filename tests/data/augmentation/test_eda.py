import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from data.augmentation.additional_examples import AdditionalExamples, normalise_sentence, without_known
from data.augmentation.eda import EdaRecipe, augment, change_count
from data.augmentation.eda_operations import OPERATIONS, Operation
from data.gold import Labels
from data.reading import RawSplit

ROOT = Path(__file__).resolve().parents[3]


class Stub:
    def synonyms(self, word: str) -> tuple[str, ...]:
        return (f"{word}ish", f"{word}like", f"quasi {word}")


def split(*examples: tuple[str, ...], labels: Labels | None = None) -> RawSplit:
    values = np.arange(len(examples), dtype=np.int64) if labels is None else labels
    return RawSplit([str(i) for i in range(len(examples))], list(examples), values, [], Path("train.csv"))


FILMS = split(
    ("a warm and winning film with a sad ending .",),
    ("the plot is not very funny .",),
    ("Segal",),
    ("dull and empty , but the music is fine",),
)


def paper_recipe(copies: int = 4) -> EdaRecipe:
    """Return the four operations evenly, as in the paper."""
    return EdaRecipe(dict.fromkeys(OPERATIONS, 0.25), copies=copies)


def rows(extra: AdditionalExamples) -> list[tuple[int, tuple[str, ...]]]:
    return list(zip(extra.sources.tolist(), extra.sentences, strict=True))


@pytest.mark.parametrize(
    ("alpha", "length", "n"),
    [(0.1, 5, 1), (0.1, 10, 1), (0.1, 19, 1), (0.1, 20, 2), (0.29, 100, 29), (0.05, 0, 1), (1, 7, 7)],
)
def test_changes(alpha: float, length: int, n: int) -> None:
    """int(0.29 * 100) is 28."""
    assert change_count(alpha, length) == n


def test_copies_have_the_label_and_position_of_their_example() -> None:
    extra = augment(FILMS, paper_recipe(), Stub(), seed=1)
    assert extra.labels.tolist() == extra.sources.tolist()  # the labels of these examples are their positions
    assert extra.sources.tolist() == sorted(extra.sources.tolist())
    assert set(extra.sources.tolist()) == {0, 1, 3}  # in a sentence that is a name nothing changes: no copy
    assert all("not very" in text for position, (text,) in rows(extra) if position == 1)


def test_copies_differ_from_their_example_and_from_each_other() -> None:
    """The released code returns the sentence itself where nothing could be changed, and appends it once more."""
    extra = augment(FILMS, paper_recipe(copies=16), Stub(), seed=0)
    texts = [normalise_sentence(text) for (text,) in extra.sentences]
    assert len(set(texts)) == len(texts)
    assert not set(texts) & {normalise_sentence(text) for (text,) in FILMS.sentences}
    assert max(Counter(extra.sources.tolist()).values()) <= 16


def test_more_copies_leave_the_first_ones_as_they_are() -> None:
    few, many = (set(rows(augment(FILMS, paper_recipe(copies=n), Stub(), seed=0))) for n in (2, 6))
    assert few < many


def test_a_copy_depends_on_its_position_and_not_on_the_other_examples() -> None:
    """Catches one generator drawn on from example to example."""
    other = split(("something else entirely , rather longer than the first",), *FILMS.sentences[1:])
    kept = [row for row in rows(augment(FILMS, paper_recipe(), Stub(), seed=0)) if row[0] > 0]
    assert [row for row in rows(augment(other, paper_recipe(), Stub(), seed=0)) if row[0] > 0] == kept


def test_equal_sentences_at_different_positions_get_different_copies() -> None:
    twice = split(*[FILMS.sentences[0]] * 6)
    extra = augment(twice, paper_recipe(copies=1), Stub(), seed=0)
    assert len(set(extra.sentences)) > 3


def test_seeds() -> None:
    one, again, two = (augment(FILMS, paper_recipe(), Stub(), seed=seed) for seed in (1, 1, 2))
    assert rows(one) == rows(again)
    assert rows(one) != rows(two)


def test_the_order_in_which_strings_are_hashed_does_not_matter() -> None:
    """The released code shuffles a list made from a set: other copies in every process."""
    program = (
        "from tests.data.augmentation.test_eda import *\nprint(rows(augment(FILMS, paper_recipe(), Stub(), seed=0)))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={"PYTHONHASHSEED": value, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for value in ("1", "2")
    }
    assert printed == {f"{rows(augment(FILMS, paper_recipe(), Stub(), seed=0))}\n"}


def test_operations_are_drawn_by_their_weights() -> None:
    """Weights .3, .2, .2, .2: 300, 200, 200, 200 of 900, standard deviation 14."""
    weights: dict[Operation, float] = {"synonym": 0.3, "insertion": 0.2, "deletion": 0.2, "swap": 0.2}
    sentence = "warm sad odd new big old"  # one change: its outcome shows which operation it was
    extra = augment(split(*[(sentence,)] * 900), EdaRecipe(weights, copies=1), Stub(), seed=0)

    def operation(text: str) -> str:
        words = text.replace("quasi ", "quasi_").split()
        if len(words) != 6:
            return "insertion" if len(words) > 6 else "deletion"
        return "swap" if sorted(words) == sorted(sentence.split()) else "synonym"

    counts = Counter(operation(text) for (text,) in extra.sentences)
    assert sum(counts.values()) == 900
    for name, expected in {"synonym": 300, "insertion": 200, "deletion": 200, "swap": 200}.items():
        assert abs(counts[name] - expected) < 50


def test_an_operation_that_is_not_named_is_not_used() -> None:
    extra = augment(FILMS, EdaRecipe({"swap": 2.0}, copies=8), Stub(), seed=0)
    for position, (text,) in rows(extra):
        assert sorted(text.split()) == sorted(FILMS.sentences[position][0].split())


def test_alpha_is_the_share_of_words_that_change() -> None:
    """Twenty words and punctuation, which does not count: alpha .25 deletes five."""
    sentence = " , ".join(["warm", "sad"] * 10)
    recipe = EdaRecipe({"deletion": 1.0}, {"deletion": 0.25}, copies=1)
    (text,) = augment(split((sentence,)), recipe, Stub(), seed=0).sentences[0]
    assert sum(word != "," for word in text.split()) == 15


def test_pairs_keep_their_words_apart_and_their_count() -> None:
    """Each sentence is changed on its own; with synonyms and swaps only, no word comes or goes."""
    scores = np.array([4.5, 1.0], dtype=np.float32)
    train = split(
        ("a man is slicing bread", "a man cuts a loaf"), ("a cat sat there", "the dog ran off"), labels=scores
    )
    extra = augment(train, EdaRecipe({"synonym": 0.5, "swap": 0.5}, copies=20), Stub(), seed=0)
    assert extra.labels.dtype == np.float32
    changed = Counter[tuple[bool, bool]]()
    for position, example in rows(extra):
        originals = train.sentences[position]
        assert [len(text.replace("quasi ", "").split()) for text in example] == [
            len(text.split()) for text in originals
        ]
        changed[example[0] != originals[0], example[1] != originals[1]] += 1
    assert changed[True, True] > 10
    assert not changed[False, False]
    assert extra.labels.tolist() == scores[extra.sources].tolist()


def test_copies_that_are_dev_sentences_are_dropped_with_without_known() -> None:
    train, dev = split(("one two",)), split(("Two one",))
    extra = augment(train, EdaRecipe({"swap": 1.0}), Stub(), seed=0)
    assert extra.sentences == [("two one",)]
    assert len(without_known(extra, [train, dev])) == 0


def test_without_labels() -> None:
    train = RawSplit(["0"], [("a",)], None, [], Path("test.csv"))
    with pytest.raises(ValueError, match=r"test\.csv: only examples with labels"):
        augment(train, paper_recipe(), Stub(), seed=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": {}}, "not all 0, got {}"),
        ({"weights": {"swap": 0.0}}, "not all 0"),
        ({"weights": {"swap": -1.0, "synonym": 2.0}}, "not negative"),
        ({"weights": {"swap": float("nan")}}, "finite"),
        ({"weights": {"swop": 1.0}}, "weights: no operation 'swop'; choose from synonym, insertion, swap, deletion"),
        ({"weights": {"swap": 1.0}, "alpha": {"swap": 0.0}}, "alpha of 'swap' must be above 0 and at most 1, got 0.0"),
        ({"weights": {"swap": 1.0}, "alpha": {"swap": 1.5}}, "got 1.5"),
        ({"weights": {"swap": 1.0}, "copies": 0}, "copies must be at least 1, got 0"),
    ],
)
def test_recipes_that_make_no_sense(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EdaRecipe(**arguments)  # type: ignore[arg-type]
