from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

import data.example_cache
from data.errors import UserError
from data.example_cache import load_examples
from data.examples import Examples
from data.reading import read_split
from data.task_files import builtin_tasks
from data.tasks import TaskSpec
from data.tokenizer import load_tokenizer

SST, PARA = builtin_tasks()["sst"], builtin_tasks()["para"]
GOOD = "".join(f"{number}\tthe cat sat {'. ' * (number % 7)}\t{number % 5}\n" for number in range(1000))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ids-sst-train.csv").write_text("id\tsentence\tsentiment\nx\tno label\t\n" + GOOD)
    return tmp_path


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return a list that grows whenever a file is parsed."""
    calls: list[object] = []
    parse = data.example_cache.parse_split
    monkeypatch.setattr(data.example_cache, "parse_split", lambda *args: calls.append(args) or parse(*args))
    return calls


def test_the_second_load_parses_nothing_and_gives_the_same(
    folder: Path, tokenizer: Tokenizer, parsed: list[object]
) -> None:
    first = load_examples(SST, folder, "train", tokenizer, folder / "cache")
    second = load_examples(SST, folder, "train", tokenizer, folder / "cache")
    assert len(parsed) == 1
    assert len(first) == 1000
    assert second.digest == first.digest
    assert second.ids == first.ids
    assert second.labels is not None
    np.testing.assert_array_equal(second.labels, np.arange(1000) % 5)
    assert second.skipped == first.skipped == ("ids-sst-train.csv:2: no label",)  # the warning comes again
    assert isinstance(second.token_ids.base, np.memmap)


def test_the_first_load_maps_the_arrays_too(folder: Path, tokenizer: Tokenizer) -> None:
    """A writable array would be a copy in this process."""
    first = load_examples(SST, folder, "train", tokenizer, folder / "cache")
    assert not first.token_ids.flags.writeable
    assert not first.offsets.flags.writeable


def test_the_cache_gives_what_the_file_says(folder: Path, tokenizer: Tokenizer) -> None:
    raw = read_split(SST, folder, "train")
    direct = Examples.from_sentences(SST, raw.sentences, tokenizer, raw.ids, raw.labels)
    assert load_examples(SST, folder, "train", tokenizer, folder / "cache").digest == direct.digest


def test_other_bytes_task_split_or_tokenizer_are_other_entries(
    folder: Path, tokenizer: Tokenizer, parsed: list[object]
) -> None:
    (folder / "ids-sst-test-student.csv").write_bytes((folder / "ids-sst-train.csv").read_bytes())
    path = folder / "ids-sst-train.csv"
    cased = Tokenizer.from_str(tokenizer.to_str())
    cased.add_tokens(["zebra"])
    scored = SST.model_copy(update={"classes": ("a", "b", "c", "d", "e")})
    load_examples(SST, folder, "train", tokenizer, folder / "cache")
    load_examples(SST, folder, "test", tokenizer, folder / "cache")
    load_examples(SST, folder, "train", cased, folder / "cache")
    load_examples(scored, folder, "train", tokenizer, folder / "cache")
    path.write_text(path.read_text().replace("0\tthe cat", "0\tthe dog", 1))
    changed = load_examples(SST, folder, "train", tokenizer, folder / "cache")
    assert len(parsed) == 5
    assert len(list((folder / "cache").iterdir())) == 5
    assert changed.token_ids[1] == tokenizer.token_to_id("dog")


def test_a_damaged_entry_is_rebuilt(folder: Path, tokenizer: Tokenizer, parsed: list[object]) -> None:
    first = load_examples(SST, folder, "train", tokenizer, folder / "cache").digest  # now: it maps the file
    (entry,) = (folder / "cache").iterdir()
    (entry / "token_ids.npy").write_bytes(b"rubbish")
    second = load_examples(SST, folder, "train", tokenizer, folder / "cache")
    third = load_examples(SST, folder, "train", tokenizer, folder / "cache")
    assert len(parsed) == 2
    assert first == second.digest == third.digest


def test_a_cache_that_cannot_be_written(folder: Path, tokenizer: Tokenizer) -> None:
    (folder / "cache").write_text("a file where the folder should be")
    with pytest.raises(UserError, match=r"cannot write the token cache to '.*cache'"):
        load_examples(SST, folder, "train", tokenizer, folder / "cache")


def test_errors_of_reading_pass_through(folder: Path, tokenizer: Tokenizer) -> None:
    with pytest.raises(UserError, match="task 'sst': no dev file"):
        load_examples(SST, folder, "dev", tokenizer, folder / "cache")


def test_the_largest_course_file_loads_in_a_moment(course_data: Path, minilm: Path, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(minilm)
    first = load_examples(PARA, course_data, "train", tokenizer, tmp_path)
    began = time.perf_counter()
    second = load_examples(PARA, course_data, "train", tokenizer, tmp_path)
    assert time.perf_counter() - began < 0.5  # measured 0.015 s
    assert second.digest == first.digest
    assert len(second.skipped) == 2


def test_folds_are_cached(tmp_path: Path, tokenizer: Tokenizer) -> None:
    rows = "".join(f"{n},text{n} own{n},{'ab'[n % 2]}\n" for n in range(9))
    (tmp_path / "rows.csv").write_text("id,text,label\n" + rows)
    spec = TaskSpec.model_validate(
        {
            "name": "mood",
            "kind": "classify",
            "classes": ["a", "b"],
            "metric": "accuracy",
            "files": {"train": "rows.csv"},
            "columns": {"sentences": ["text"], "label": "label"},
            "split": {"folds": 3},
        }
    )
    found = [load_examples(spec, tmp_path, "dev", tokenizer, tmp_path / "cache") for _ in range(2)]
    assert found[0].folds is not None
    assert found[0].folds.tolist() == found[1].folds.tolist() == read_split(spec, tmp_path, "dev").folds.tolist()  # type: ignore[union-attr]
