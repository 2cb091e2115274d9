"""Predictions for files: formats, ids, several tasks, chunks, workers, and what is refused in one line."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

import search
from core.model_files.model_folder import save_model_folder
from data.errors import MachineError, UserError
from search.predict import columns
from search.predict.file_job import FileJob
from search.predict.model import ModelSource, find_tasks
from search.predict.table_input import open_table
from tests.search.predict.conftest import TONE, WORDS, MakeModel

rng = np.random.default_rng(1)
TEXTS = ["a film,\nand a plot", "a\r\nb", "", 'the "great" plot', "NA", "slow; not fine", " very\tlong ", "ü…", "null"]
TEXTS += [" ".join(rng.choice(WORDS.split(), size)) for size in rng.integers(1, 50, 60)]


@pytest.fixture(scope="module")
def folder(make_model: MakeModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("file-job") / "model"
    save_model_folder(where, make_model(), {})
    return where


def quiet() -> Console:
    return Console(file=io.StringIO())


def run(folder: Path, given: Path, output: Path, *tasks: str, names: Sequence[str] = (), workers: int = 1) -> int:
    return FileJob(ModelSource(folder, "cpu"), find_tasks(folder, tasks), given, output, names, workers).run(quiet())


def csv_of(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]], delimiter: str = ",") -> Path:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([header, *rows])
    content = text.getvalue().encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def expected(folder: Path, texts: list[Any], task: str) -> pd.DataFrame:
    return search.load_model(folder).predict(texts, task).to_frame()


def assert_same(found: pd.DataFrame, frame: pd.DataFrame) -> None:
    assert found.columns.tolist() == frame.columns.tolist()
    for name in frame:
        if pd.api.types.is_numeric_dtype(frame[name]):
            assert np.allclose(found[name], frame[name], rtol=0, atol=1e-5), name
        else:
            assert found[name].tolist() == frame[name].tolist()


OUTPUTS = ("y.csv", "y.tsv", "y.csv.gz", "y.jsonl", "y.jsonl.gz", "y.parquet")
INPUTS = (*(name.replace("y", "x") for name in OUTPUTS), "x.json", "x.json.gz")


def write_input(path: Path, frame: pd.DataFrame) -> None:
    packing = "gzip" if path.suffix == ".gz" else None
    kind = path.name.split(".")[1]
    if kind == "parquet":
        frame.to_parquet(path)
    elif kind in ("json", "jsonl"):
        lines = kind == "jsonl"
        frame.to_json(
            path, orient="records", lines=lines, force_ascii=False, compression=packing, indent=None if lines else 1
        )
    else:
        frame.to_csv(path, index=False, sep="\t" if kind == "tsv" else ",", compression=packing)


def read_output(path: Path) -> pd.DataFrame:
    """Without options, as a user would."""
    kind = path.name.split(".")[1]
    if kind == "parquet":
        return pd.read_parquet(path)
    if kind == "jsonl":
        return pd.read_json(path, lines=True)
    return pd.read_csv(path, sep="\t") if kind == "tsv" else pd.read_csv(path)


@pytest.mark.parametrize("name", INPUTS)
def test_every_format_is_read(folder: Path, tmp_path: Path, name: str) -> None:
    if "parquet" in name:
        pytest.importorskip("pyarrow")
    odd = "\r" if "json" in name or "parquet" in name else ""  # pandas does not quote it in CSV
    ids = [f"t{number},{odd}x" for number in range(len(TEXTS))]
    write_input(tmp_path / name, pd.DataFrame({"more": 1.5, "body": TEXTS, "id": ids}))
    assert run(folder, tmp_path / name, tmp_path / "y.csv", "tone") == len(TEXTS)
    found = read_output(tmp_path / "y.csv")
    assert found.pop("id").tolist() == ids
    assert_same(found, expected(folder, TEXTS, "tone"))


@pytest.mark.parametrize("name", OUTPUTS)
def test_every_format_is_written(folder: Path, tmp_path: Path, name: str) -> None:
    if "parquet" in name:
        pytest.importorskip("pyarrow")
    csv_of(tmp_path / "x.csv", ["id", "body"], [*enumerate(TEXTS, start=7)])
    run(folder, tmp_path / "x.csv", tmp_path / name, "tone")
    found = read_output(tmp_path / name)
    assert found.pop("id").astype(int).tolist() == list(range(7, 7 + len(TEXTS)))
    assert_same(found, expected(folder, TEXTS, "tone"))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["x.csv", name])


def test_ids_that_are_numbers_stay_numbers(folder: Path, tmp_path: Path) -> None:
    """In Parquet and JSON lines; where there is no column of ids, they are the numbers of the rows."""
    pytest.importorskip("pyarrow")
    for name in ("x.parquet", "x.jsonl"):
        write_input(tmp_path / name, pd.DataFrame({"id": [5, 3], "body": ["a", "b"]}))
    run(folder, tmp_path / "x.parquet", tmp_path / "y.parquet", "tone")
    assert pd.read_parquet(tmp_path / "y.parquet")["id"].to_dict() == {0: 5, 1: 3}
    run(folder, tmp_path / "x.jsonl", tmp_path / "y.jsonl", "tone")
    assert [json.loads(line)["id"] for line in (tmp_path / "y.jsonl").read_text().splitlines()] == [5, 3]
    csv_of(tmp_path / "n.csv", ["body"], [["a"], [""]])
    run(folder, tmp_path / "n.csv", tmp_path / "n.parquet", "tone")
    assert pd.read_parquet(tmp_path / "n.parquet")["id"].tolist() == [0, 1]


def test_several_tasks_with_columns_of_other_names(folder: Path, tmp_path: Path) -> None:
    """Single sentences and pairs at once; each task reads its own columns."""
    pairs = [*zip(TEXTS, reversed(TEXTS), strict=True)]
    rows = [(f"n{number}", *pair) for number, pair in enumerate(pairs)]
    csv_of(tmp_path / "x.tsv", ["key", "left", "right"], rows, "\t")
    names = ["sentence=left", "body=left", "sentence1=left", "sentence2=right", "id=key"]
    run(folder, tmp_path / "x.tsv", tmp_path / "y.csv", "sts", "tone", "sst", names=names)
    found = read_output(tmp_path / "y.csv")
    assert found.pop("id").tolist() == [row[0] for row in rows]
    assert found.columns[0] == "sts_prediction"
    for task, texts in (("sts", pairs), ("tone", TEXTS), ("sst", TEXTS)):
        own = {name: found[name] for name in found if name.startswith(f"{task}_")}
        plain = pd.DataFrame({name.removeprefix(f"{task}_"): column for name, column in own.items()})
        assert_same(plain, expected(folder, texts, task))


def test_scores_are_digits_of_a_float32(folder: Path, tmp_path: Path) -> None:
    csv_of(tmp_path / "x.csv", ["sentence1", "sentence2"], [("a", "b"), ("", "")])
    run(folder, tmp_path / "x.csv", tmp_path / "y.csv", "sts")
    values = search.load_model(folder).predict([("a", "b"), ("", "")], "sts").values
    lines = (tmp_path / "y.csv").read_text().splitlines()
    assert lines == ["id,prediction", *(f"{number},{value}" for number, value in enumerate(map(str, values)))]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_precision_reaches_every_process(folder: Path, tmp_path: Path, workers: int) -> None:
    csv_of(tmp_path / "x.csv", ["body"], [[text] for text in TEXTS])
    source = ModelSource(folder, "cpu", "bfloat16")
    FileJob(source, find_tasks(folder, ["tone"]), tmp_path / "x.csv", tmp_path / "y.csv", (), workers).run(quiet())
    rough = search.load_model(folder, "cpu", precision="bfloat16").predict(TEXTS, "tone").probabilities
    found = read_output(tmp_path / "y.csv").iloc[:, 2:].to_numpy()
    np.testing.assert_allclose(found, rough, atol=1e-6)
    exact = search.load_model(folder, "cpu").predict(TEXTS, "tone").probabilities
    assert np.abs(found - exact).max() > 1e-5


@pytest.mark.parametrize("workers", [1, 2])
def test_chunks_and_workers_keep_the_order(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setattr(columns, "_MOST_ROWS", 9)
    csv_of(tmp_path / "x.csv", ["body"], [[text] for text in TEXTS])
    assert run(folder, tmp_path / "x.csv", tmp_path / "y.csv", "tone", workers=workers) == len(TEXTS)
    found = read_output(tmp_path / "y.csv")
    assert found.pop("id").tolist() == list(range(len(TEXTS)))
    assert_same(found, expected(folder, TEXTS, "tone"))


def test_chunks_of_long_texts_have_few_rows(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "_MOST_CHARACTERS", 20)
    path = csv_of(tmp_path / "x.csv", ["body"], [["a" * 12]] * 5 + [["b" * 50]] + [["c"]] * 3)
    with open_table(path) as table:
        specs = find_tasks(folder, ["tone"])
        found = columns.FileColumns.of(path, table, specs, {})
        assert [len(chunk.ids) for chunk in found.chunks(path, table)] == [2, 2, 2, 3]


def test_a_table_without_rows(folder: Path, tmp_path: Path) -> None:
    csv_of(tmp_path / "x.csv", ["id", "body"], [])
    assert run(folder, tmp_path / "x.csv", tmp_path / "y.csv", "tone") == 0
    header = next(csv.reader((tmp_path / "y.csv").open(newline="")))
    assert header == ["id", "prediction", *(f"probability_{name}" for name in TONE.classes)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", b"id,text\n1,a\n", "x.csv: no column 'body'; the header has 'id', 'text'"),
        ("x.csv", b"id,text\n1,a\n", "; if it has another name, give --columns body=NAME"),
        ("x.csv", b"body,body\na,b\n", "x.csv: column 'body' occurs 2 times in the header"),
        ("x.csv", b'body,n\n"a\nb",1\nc\n', "x.csv:4: 1 cell, but the header has 2"),
        ("x.csv", b"\n\nbody,n\na,1\nb,1,2\n", "x.csv:5: 3 cells, but the header has 2"),
        ("x.csv", b'body,n\na,1\n"b,1\nc,2\n', "x.csv:3: unclosed quote"),
        ("x.csv", b"body\na\ncaf\xe9\n", "x.csv:3: byte 0xe9 is not UTF-8; in Latin-1 it is 'é'"),
        ("x.csv", b"body\na\0b\n", "x.csv:2: contains a NUL byte"),
        ("x.csv", b"", "x.csv: the file is empty"),
        ("x.csv", b"PAR1 and more", "x.csv: the file is a Parquet file"),
        ("x.csv", b'{"body": "a"}\n', "x.csv: the file is JSON"),
        ("x.csv", gzip.compress(b"body\n" + os.urandom(9000).hex().encode())[:3000], "x.csv: the gzip file is damaged"),
        ("x.jsonl", b'{"body": "a"}\n{"body": \n', "x.jsonl:2: not JSON: "),
        ("x.jsonl", b'{"body": "a"}\n\n{"text": "b"}\n', "x.jsonl:3: no key 'body'"),
        ("x.jsonl", b'{"text": "a"}\n', "x.jsonl: no column 'body'; the header has 'text'"),
        ("x.jsonl", b'{"body": "a"}\n["a"]\n', "x.jsonl:2: expected a JSON object, got '[\"a\"]'"),
        ("x.json", b'["a"]\n', "x.json:1: expected a JSON object, got '\"a\"'"),
        ("x.json", b'\n[{"body": "a"},\n\n{"text": "b"}]', "x.json:4: no key 'body'"),
        ("x.json", b'\n[{"body": "a"},\n{"body": "b"}', "x.json:3: not valid JSON: a comma or ] is missing"),
        ("x.json", b'[{"body": "a"},\n{"body": "b\xe9"}]', "x.json:2: byte 0xe9 is not UTF-8"),
        ("x.json", b"[]", "x.json: the file is empty"),
        ("x.jsonl", b'{"body": "a"}\n{"body": ["b"]}\n', "x.jsonl: row 1: column 'body' has a list, not a text"),
        ("x.jsonl", b'{"body": "\\ud800"}\n', "x.jsonl: row 0: column 'body' "),
        ("x.jsonl", b"\n \n", "x.jsonl: the file is empty"),
        ("x.jsonl", b'{"body": "a"}\n{"body": "b\xe9"}\n', "x.jsonl:2: byte 0xe9 is not UTF-8"),
        ("x.txt", b"body\na\n", "--input"),
    ],
)
def test_damaged_input_is_named_and_nothing_is_written(
    folder: Path, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "y.csv").write_text("earlier")
    with pytest.raises(UserError, match=re.escape(message)) as refused:
        run(folder, tmp_path / name, tmp_path / "y.csv", "tone")
    assert "\n" not in str(refused.value)
    assert (tmp_path / "y.csv").read_text() == "earlier"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "y.csv"])


@pytest.mark.parametrize("content", [b"PAR1 damaged PAR1", b"body\na\n", b""])
def test_damaged_parquet(folder: Path, tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(UserError, match=r"x\.parquet: not a Parquet file, or damaged: ") as refused:
        run(folder, tmp_path / "x.parquet", tmp_path / "y.csv", "tone")
    assert "\n" not in str(refused.value)


def test_parquet_without_pyarrow(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    csv_of(tmp_path / "x.csv", ["body"], [["a"]])
    with pytest.raises(UserError, match=r"y\.parquet: Parquet needs pyarrow: pip install"):
        run(folder, tmp_path / "x.csv", tmp_path / "y.parquet", "tone")


@pytest.mark.parametrize(
    ("given", "output", "names", "message"),
    [
        ("none.csv", "y.csv", [], "--input {}/none.csv: no such file"),
        ("x.csv", "y.xlsx", [], "--output {}/y.xlsx: the name must end in .csv, .tsv, .jsonl, .ndjson, .parquet"),
        ("x.csv", "y.parquet.gz", [], "all but .parquet may be followed by .gz"),
        ("x.csv", "", [], "--output {}: a folder; give the name of a file in it"),
        ("x.csv", "x.csv", [], "--output {}/x.csv: would replace the input"),
        ("x.csv", "y.csv", ["body"], "--columns body: write the task's column, =, and the file's column"),
        ("x.csv", "y.csv", ["bdy=x"], "the columns are id, body, not 'bdy'; did you mean 'body'?"),
        ("x.csv", "y.csv", ["body=x"], "x.csv: no column 'x'; the header has 'body'"),
        ("x.csv", "y.csv", ["id=x"], "x.csv: no column 'x'; the header has 'body'"),
    ],
)
def test_what_cannot_be_asked(
    folder: Path, tmp_path: Path, given: str, output: str, names: list[str], message: str
) -> None:
    csv_of(tmp_path / "x.csv", ["body"], [["a"]])
    with pytest.raises(UserError, match=re.escape(message.format(tmp_path))):
        run(folder, tmp_path / given, tmp_path / output, "tone", names=names)
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_null_and_nan_are_empty_texts_and_numbers_are_texts(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"body": null}\n{"body": NaN}\n{"body": 3}\n{"body": ""}\n{"body": true}\n')
    run(folder, tmp_path / "x.jsonl", tmp_path / "y.csv", "tone")
    texts = ["", "", "3", "", "True"]
    assert_same(read_output(tmp_path / "y.csv").drop(columns="id"), expected(folder, texts, "tone"))


def test_utf16_is_read(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes("body;n\r\nschön;1\r\nfilm;2\r\n".encode("utf-16"))
    run(folder, tmp_path / "x.csv", tmp_path / "y.csv", "tone")
    assert_same(read_output(tmp_path / "y.csv").drop(columns="id"), expected(folder, ["schön", "film"], "tone"))


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_model_that_is_found_to_be_damaged(folder: Path, tmp_path: Path, workers: int) -> None:
    csv_of(tmp_path / "x.csv", ["body"], [["a"]] * 3)
    specs = find_tasks(folder, ["tone"])
    job = FileJob(ModelSource(tmp_path, "cpu"), specs, tmp_path / "x.csv", tmp_path / "y.csv", (), workers)
    with pytest.raises(UserError, match=r"no run_config\.json; give a folder written by search\.export"):
        job.run(quiet())
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_a_worker_that_ends_is_one_line(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    csv_of(tmp_path / "x.csv", ["body"], [["a"]] * 3)
    monkeypatch.setattr("search.predict.chunk_predictions._work", print)  # which returns at once
    message = "a worker ended with exit code 0; if the memory was full, give fewer --workers"
    with pytest.raises(MachineError, match=f"^{message}$"):
        run(folder, tmp_path / "x.csv", tmp_path / "y.csv", "tone", workers=2)
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_an_interrupt_leaves_no_file(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    csv_of(tmp_path / "x.csv", ["body"], [["a"]])
    monkeypatch.setattr("search.predict.table_output._DelimitedTable.append", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(folder, tmp_path / "x.csv", tmp_path / "y.csv", "tone")
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_a_full_disk_leaves_no_file(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    csv_of(tmp_path / "x.csv", ["body"], [["a"]])
    monkeypatch.setattr("search.predict.table_output._DelimitedTable.append", full)
    with pytest.raises(MachineError, match=r"cannot write '.*y\.csv': No space left on device"):
        run(folder, tmp_path / "x.csv", tmp_path / "y.csv", "tone")
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "number"), [(1, signal.SIGINT), (2, signal.SIGINT), (2, signal.SIGTERM)])
def test_a_signal_ends_the_command_and_its_workers(
    folder: Path, tmp_path: Path, workers: int, number: signal.Signals
) -> None:
    csv_of(tmp_path / "x.csv", ["body"], [[" ".join(WORDS.split() * 2)]] * 20_000)
    options = ["--model-dir", folder, "--task", "tone", "--input", "x.csv", "--output", "y.csv", "--workers", workers]
    started = subprocess.Popen(
        [sys.executable, "-m", "search.predict", *map(str, options)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        deadline = time.monotonic() + 120
        while not any(path.stat().st_size > 1000 for path in tmp_path.glob("y.csv.*.tmp")):
            assert time.monotonic() < deadline
            assert started.poll() is None
            time.sleep(0.05)
        started.send_signal(number)
        out, err = started.communicate(timeout=60)
    finally:
        started.kill()
    assert (started.returncode, out, err) == (130, "", "")
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_progress_is_for_terminals(folder: Path, tmp_path: Path) -> None:
    csv_of(tmp_path / "x.csv", ["body"], [["a"]] * 3)
    shown = {}
    for terminal in (True, False):
        text = io.StringIO()
        console = Console(file=text, force_terminal=terminal)
        FileJob(
            ModelSource(folder, "cpu"), find_tasks(folder, ["tone"]), tmp_path / "x.csv", tmp_path / "y.csv", (), 1
        ).run(console)
        shown[terminal] = text.getvalue()
    assert "3 rows" in shown[True]
    assert shown[False] == ""
