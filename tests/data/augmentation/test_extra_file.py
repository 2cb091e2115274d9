from pathlib import Path

import numpy as np
import pytest

from data.augmentation.extra_file import read_extra_file
from data.errors import UserError
from data.task_files import builtin_tasks

PARA, STS, SST = (builtin_tasks()[name] for name in ("para", "sts", "sst"))


def write(folder: Path, text: str) -> Path:
    path = folder / "extra.csv"
    path.write_text(text)
    return path


def test_tabs_like_the_training_file(tmp_path: Path) -> None:
    path = write(tmp_path, "\tid\tsentence1\tsentence2\tis_duplicate\n0\tx\tHow, now?\tHow?\t1.0\n1\ty\ta\tb\t0.0\n")
    extra, skipped = read_extra_file(PARA, path)
    assert extra.sentences == [("How, now?", "How?"), ("a", "b")]
    assert extra.labels.tolist() == [1, 0]
    assert extra.labels.dtype == np.int64
    assert extra.sources.tolist() == [-1, -1]
    assert skipped == []


def test_commas_and_no_ids(tmp_path: Path) -> None:
    path = write(tmp_path, 'sentence1,sentence2,similarity\n"A man, slicing.",A man.,3.5\n')
    extra, _ = read_extra_file(STS, path)
    assert extra.sentences == [("A man, slicing.", "A man.")]
    assert extra.labels.tolist() == [3.5]
    assert extra.labels.dtype == np.float32


def test_single_sentences(tmp_path: Path) -> None:
    extra, _ = read_extra_file(SST, write(tmp_path, "id\tsentence\tsentiment\nx\tfine\t3\n"))
    assert extra.sentences == [("fine",)]
    assert extra.labels.tolist() == [3]


def test_few_malformed_rows_are_named_and_many_refused(tmp_path: Path) -> None:
    rows = "".join(f"{i}\tq{i}\tp{i}\t1.0\n" for i in range(1999))
    extra, skipped = read_extra_file(
        PARA, write(tmp_path, f"id\tsentence1\tsentence2\tis_duplicate\n{rows}x\ta\tb\t\n")
    )
    assert len(extra) == 1999
    assert skipped == ["extra.csv:2001: no label"]
    with pytest.raises(UserError, match=r"extra\.csv:2: no label"):
        read_extra_file(PARA, write(tmp_path, "id\tsentence1\tsentence2\tis_duplicate\nx\ta\tb\t\n"))


def test_missing_file_and_column(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"task 'para': no file of extra examples '.*none\.csv'"):
        read_extra_file(PARA, tmp_path / "none.csv")
    with pytest.raises(UserError, match="no column 'sentence2'"):
        read_extra_file(PARA, write(tmp_path, "id\tsentence1\tis_duplicate\nx\ta\t1\n"))


def test_json_lines_for_a_training_file_of_tabs(tmp_path: Path) -> None:
    path = write(tmp_path, '{"sentence": "two\\nlines", "sentiment": 3}\n{"sentiment": 1.0, "sentence": "bad"}\n')
    extra, skipped = read_extra_file(SST, path)
    assert extra.sentences == [("two\nlines",), ("bad",)]
    assert extra.labels.tolist() == [3, 1]
    assert skipped == []
