from pathlib import Path

import pytest

from data.overlap import Overlap, count_overlap
from data.reading import RawSplit, read_split
from data.synthetic.corpus import write_corpus
from data.task_files import builtin_tasks


def split(*sentences: tuple[str, ...]) -> RawSplit:
    return RawSplit([str(i) for i in range(len(sentences))], list(sentences), None, [], Path("x.csv"))


def test_counts_different_sentences_and_pairs_once() -> None:
    train = split(("a", "b"), ("c", "d"), ("e", "e"))
    dev = split(("a", "b"), (" a ", "b"), ("d", "c"), ("x", "e"), ("X", "A"))
    # Different sentences: a b c d x e X A; known: a b c d e. Pairs: (a,b) (d,c) (x,e) (X,A); (d, c) is swapped.
    assert count_overlap(train, dev) == Overlap(sentences=5, pairs=1, of_sentences=8, of_pairs=4)


def test_single_sentences_have_no_pairs() -> None:
    overlap = count_overlap(split(("a",), ("b",)), split(("b",), ("b ",), ("c",)))
    assert overlap == Overlap(sentences=1, pairs=0, of_sentences=2, of_pairs=0)


def test_warning_is_one_line_with_the_counts() -> None:
    assert Overlap(494, 0, 4016, 2021).warning("para", "dev") == (
        "para: 494 of 4,016 distinct dev sentences are also in train; scores on dev may be too high"
    )
    assert Overlap(221, 12, 1600, 862).warning("sts", "test") == (
        "sts: 221 of 1,600 distinct test sentences (and 12 of 862 pairs) are also in train; "
        "scores on test may be too high"
    )
    assert Overlap(0, 0, 4016, 2021).warning("para", "dev") is None


def test_bool() -> None:
    assert Overlap(1, 0, 2, 0)
    assert not Overlap(0, 0, 2, 0)


def test_course_data(course_data: Path) -> None:
    tasks = builtin_tasks()

    def overlap(task: str) -> Overlap:
        return count_overlap(read_split(tasks[task], course_data, "train"), read_split(tasks[task], course_data, "dev"))

    para, sts = overlap("para"), overlap("sts")
    assert (para.sentences, para.pairs, para.of_sentences) == (494, 0, 4016)
    assert sts.pairs == 12


@pytest.mark.parametrize("task", ["sst", "para", "sts"])
def test_synthetic_corpus_has_none(tmp_path: Path, task: str) -> None:
    write_corpus(tmp_path, train=500, dev=200, test=200)
    spec = builtin_tasks()[task]
    train = read_split(spec, tmp_path, "train")
    assert not count_overlap(train, read_split(spec, tmp_path, "dev"))
    assert not count_overlap(train, read_split(spec, tmp_path, "test"))
