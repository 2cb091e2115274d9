from pathlib import Path

import numpy as np

from core.model_files.encoder_source import resolve_encoder
from data.reading import read_split
from data.task_files import builtin_tasks
from data.tokenizer import load_tokenizer
from search.init.row_lengths import RowLengths, max_length


def lengths(*tokens: int) -> RowLengths:
    return RowLengths(np.array(tokens), is_measured=True)


def test_rows_have_special_tokens() -> None:
    """[CLS] a day [SEP], and [CLS] a day [SEP] rain [SEP]."""
    assert RowLengths.of([("a day",), ("rain",)], None).tokens.tolist() == [4, 3]
    assert RowLengths.of([("a day", "rain")], None).tokens.tolist() == [6]


def test_the_length_covers_99_per_cent_of_the_rows_of_every_task() -> None:
    assert max_length([lengths(*[40] * 100, 300)])[0] == 48
    assert max_length([lengths(*[40] * 100), lengths(100)])[0] == 112
    assert max_length([lengths(3)])[0] == 32
    length, why = max_length([lengths(900)])
    assert length == 512
    assert why.endswith("the longest row has 900 tokens; 100.0% of the rows are longer and are cut")


def test_an_estimate_is_near_the_tokenizer(course_data: Path) -> None:
    rows = read_split(builtin_tasks()["sst"], course_data, "dev").sentences
    measured = RowLengths.of(rows, load_tokenizer(resolve_encoder("minilm"))).tokens
    estimated = RowLengths.of(rows, None).tokens
    assert 0.95 < estimated.mean() / measured.mean() < 1.25
    assert abs(max_length([lengths(*estimated)])[0] - max_length([lengths(*measured)])[0]) <= 16
