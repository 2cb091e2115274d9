from pathlib import Path

import numpy as np
import pytest

from data.augmentation.additional_examples import AdditionalExamples, without_known
from data.augmentation.phrases import read_phrases
from data.augmentation.sentiment_trees import read_trees
from data.errors import UserError
from data.reading import RawSplit, read_split
from data.task_files import builtin_tasks


def split(*sentences: str) -> RawSplit:
    return RawSplit(list(sentences), [(sentence,) for sentence in sentences], None, [], Path("train.csv"))


def phrases(folder: Path, trees: list[str], min_words: int = 1, drop_neutral: bool = False) -> AdditionalExamples:
    path = folder / "trees.txt"
    path.write_text("\n".join(trees) + "\n")
    train = split(*(f" {tree.text(tree.phrases[-1])}" for tree in read_trees(path)))  # with the file's leading blank
    return read_phrases(path, train, min_words, drop_neutral)


def labelled(extra: AdditionalExamples) -> dict[str, int]:
    return dict(zip((sentence for (sentence,) in extra.sentences), extra.labels.tolist(), strict=True))


def test_every_phrase_but_the_sentence_and_punctuation(tmp_path: Path) -> None:
    extra = phrases(tmp_path, ["(4 (2 A) (4 (4 (3 fine) (2 film)) (2 .)))"])
    assert extra.sentences == [("A",), ("fine",), ("film",), ("fine film",), ("fine film .",)]
    assert extra.labels.tolist() == [2, 3, 2, 4, 4]
    assert extra.labels.dtype == np.int64
    assert extra.sources.tolist() == [-1] * 5


def test_the_majority_decides_and_ties_are_left_out(tmp_path: Path) -> None:
    """Catches keeping the first or the last label."""
    extra = phrases(
        tmp_path,
        ["(2 (1 Odd) (2 a))", "(2 (3 odd) (2 b))", "(2 (3 ODD) (2 a))", "(2 (1 tie) (2 c))", "(2 (3 tie) (2 d))"],
    )
    assert labelled(extra) == {"Odd": 3, "a": 2, "b": 2, "c": 2, "d": 2}


def test_min_words_does_not_count_punctuation(tmp_path: Path) -> None:
    trees = ["(4 (2 A) (4 (4 (3 fine) (2 film)) (2 (2 .) (2 ''))))"]
    assert list(labelled(phrases(tmp_path, trees, min_words=2))) == ["fine film", "fine film . ''"]
    assert list(labelled(phrases(tmp_path, ["(2 (3 (3 fine) (2 ,)) (2 film))"], min_words=2))) == []
    with pytest.raises(ValueError, match="min_words must be at least 1, got 0"):
        phrases(tmp_path, trees, min_words=0)


def test_neutral_phrases_vote_before_they_are_dropped(tmp_path: Path) -> None:
    """Catches dropping neutral occurrences before the vote: "fine" would become positive."""
    trees = ["(2 (2 fine) (3 good))", "(2 (2 fine) (2 a))", "(2 (3 fine) (2 b))"]
    assert labelled(phrases(tmp_path, trees, drop_neutral=True)) == {"good": 3}


def test_trees_of_other_splits_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "trees.txt"
    path.write_text("(3 (2 a) (3 b))\n(3 (2 of) (3 dev))\n")
    with pytest.raises(
        UserError, match=r"trees\.txt:2: 'of dev' is not a sentence of train\.csv; 1 of 2 trees are not"
    ):
        read_phrases(path, split("a b"))


def test_a_phrase_that_is_a_dev_sentence_is_dropped(tmp_path: Path) -> None:
    extra = phrases(tmp_path, ["(3 (2 A) (3 (3 Fine) (2 film)))"])
    assert "Fine film" not in labelled(without_known(extra, [split(" fine film")]))
    assert "Fine film" in labelled(extra)


@pytest.mark.slow
def test_course_data(course_data: Path) -> None:
    """The trees' words are the training sentences as they are written, all of them, and their labels agree."""
    spec, path = builtin_tasks()["sst"], course_data / "sst-train-trees.txt"
    if not path.is_file():
        pytest.skip("the trees are not here")
    train, dev, test = (read_split(spec, course_data, name) for name in ("train", "dev", "test"))
    assert train.labels is not None
    roots = [(f" {tree.text(tree.phrases[-1])}", tree.phrases[-1].label) for tree in read_trees(path)]
    sentences = (sentence for (sentence,) in train.sentences)
    assert roots == list(zip(sentences, train.labels.tolist(), strict=True))
    extra = read_phrases(path, train)
    assert len(extra) == 148_129
    kept = without_known(extra, [train, dev, test])
    assert np.bincount(kept.labels).tolist() == [6093, 25277, 78158, 30652, 7944]
