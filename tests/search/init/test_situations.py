"""``onebert init`` on files as people have them, down to ``search.run``: a scenario of the whole package."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search import run
from search.init.__main__ import main
from tests.search.init.situations import SITUATIONS, moods, write_rows

EXPECTED: dict[str, dict[str, Any]] = {
    "single sentences": {"kind": "classify", "metric": "accuracy", "split": {"dev": 0.2, "test": 0.2}},
    "pairs": {"kind": "classify-pair", "classes": ["0", "1"], "metric": "f1"},
    "a split column": {"split": {"column": "part"}},
    "a split column without test": {"split": {"column": "part", "test": 0}},
    "files of the splits, test without labels": {
        "files": {"train": "mood-train.csv", "dev": "mood-dev.csv", "test": "mood-test.csv"}
    },
    "train.csv, validation.csv, test.csv": {
        "files": {"train": "train.csv", "dev": "validation.csv", "test": "test.csv"}
    },
    "a rare class": {"classes": ["no", "yes"], "metric": "f1_positive"},
    "a rare class of 0 and 1": {"classes": ["0", "1"], "metric": "mcc"},
    "classes that are numbers": {"kind": "classify", "classes": ["0", "1", "2"]},
    "whole scores from 1 to 10": {"kind": "score", "score_range": [1.0, 10.0], "metric": "pearson"},
    "scores with fractions": {"kind": "score", "score_range": [1.0, 10.0]},
    "ids that repeat": {"columns": {"id": "none", "sentences": ["text"], "label": "mood"}},
    "an id column": {"columns": {"id": "Ticket ID", "sentences": ["text"], "label": "mood"}},
    "a first column of codes": {"columns": {"id": "ticket", "sentences": ["text"], "label": "mood"}},
    "two texts that the label compares": {
        "kind": "classify-pair",
        "columns": {"id": "none", "sentences": ["question", "faq"], "label": "same"},
    },
    "a body with a subject that repeats": {
        "columns": {"id": "none", "sentences": ["body"], "label": "mood"},
        "split": {"dev": 0.2, "test": 0.2},
    },
    "a question and an entry of a list": {
        "kind": "classify-pair",
        "columns": {"id": "none", "sentences": ["user_question", "faq_entry"], "label": "is_match"},
    },
    "names in another language": {"classes": ["happy", "neutral", "sad"], "metric": "accuracy"},
    "a pair with one text that repeats": {
        "kind": "classify-pair",
        "columns": {"id": "none", "sentences": ["question1", "question2"], "label": "duplicate"},
    },
    "a group column": {"split": {"dev": 0.2, "test": 0.2, "group": "customer_id"}},
    "class names with commas, quotes and umlauts": {"classes": ["back\\slash\x7f", 'Größe "XL"', "schön, warm"]},
    "odd names of columns": {
        "columns": {"id": "none", "sentences": [' der "Text", \n\\x'], "label": "Kläss = 1 # [x]"}
    },
    "classes by number and by name": {"columns": {"id": "none", "sentences": ["text"], "label": "label_text"}},
    "quotes that are plain text": {"quoting": "none"},
    "texts without spaces": {"columns": {"id": "none", "sentences": ["内容"], "label": "标签"}},
}
# Each takes ten seconds; together they have all kinds of tasks, splits, formats and odd names.
TRAINED = (
    "pairs",
    "a split column",
    "scores with fractions",
    "class names with commas, quotes and umlauts",
    "odd names of columns",
    "several files",
)
NAMES = {
    "several files": ["pairs", "tickets"],
    "odd names of files": ["task_2024_grosse_arger", "sst_task", "on", "task"],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for data, in the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my data").mkdir()
    return Path("my data")


def written() -> dict[str, Any]:
    (file,) = Path("studies").glob("*.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def is_dry_run_fine(folder: Path, capsys: pytest.CaptureFixture[str]) -> bool:
    (file,) = Path("studies").glob("*.toml")
    capsys.readouterr()
    run.main(file.stem, data=folder, dry_run=True)
    return "warning" not in capsys.readouterr().out


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_is_proposed(situation: str, folder: Path) -> None:
    SITUATIONS[situation](folder)
    main([folder], yes=True)
    tasks = written()["tasks"]
    assert list(tasks) == NAMES.get(situation, list(tasks)[:1])
    (first, *_) = tasks.values()
    expected = EXPECTED.get(situation, {})
    assert {key: first.get(key) for key in expected} == expected


@pytest.mark.slow
@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_dry_run_is_fine(situation: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    SITUATIONS[situation](folder)
    main([folder], yes=True, model="scratch")
    assert is_dry_run_fine(folder, capsys)


@pytest.mark.slow
@pytest.mark.parametrize("situation", TRAINED)
def test_a_tiny_study_trains(
    situation: str, folder: Path, run_command: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    SITUATIONS[situation](folder)
    main([folder], yes=True, model="scratch")
    (file,) = Path("studies").glob("*.toml")
    shorter, count = re.subn(r"passes = \d+", "passes = 1", file.read_text(encoding="utf-8"))
    assert count == 1
    file.write_text(shorter, encoding="utf-8")
    done = run_command("search.run", "--study", file.stem, "--data", folder, "--trials", "1")
    assert done.returncode == 0, done.stderr
    assert "finished" in done.stdout


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NAMED = st.one_of(st.sampled_from(["text", "label", "id", "none", "split", "a", "b", "score"]), CELLS)


@given(
    header=st.lists(NAMED, min_size=1, max_size=4),
    values=st.lists(st.one_of(CELLS, st.sampled_from(["0", "1.0", "nan", "true", "train", "x y z w"])), min_size=1),
    count=st.integers(0, 40),
    suffix=st.sampled_from([".csv", ".tsv", "-train.csv", ".csv.gz", ".jsonl"]),
    name=st.text(st.characters(categories=["L", "N"], include_characters=" .-_'\""), min_size=1, max_size=12),
)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_table_is_refused_in_one_line_or_can_be_run(
    header: list[str],
    values: list[str],
    count: int,
    suffix: str,
    name: str,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Beyond the drawn columns, half of the tables have a text and a label, so that some can be run."""
    place = tmp_path_factory.mktemp("any")
    monkeypatch.chdir(place)
    rows: list[dict[str, object]] = []
    for number, row in enumerate(moods(count)):
        rows.append({column: values[(number * 7 + at) % len(values)] for at, column in enumerate(header)} | row)
    columns = {column: column for column in header} | ({"text": "text", "mood": "mood"} if count % 2 else {})
    file = Path(f"x{name}{suffix}")
    write_rows(file, rows, columns)
    code = 0
    try:
        main([file], yes=True)
    except typer.Exit as ended:
        code = ended.exit_code
    error = capsys.readouterr().err
    if code == 0:
        assert is_dry_run_fine(Path(), capsys)
        return
    assert code == 2, error
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert not Path("studies").exists()


def test_without_a_terminal_a_question_names_the_option_that_answers_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [row | {"topic": "abc"[i % 3]} for i, row in enumerate(moods())]
    write_rows(folder / "two.csv", rows, {"text": "text", "mood": "mood", "topic": "topic"})
    command = [sys.executable, "-m", "search.init", "my data/two.csv"]
    refused = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert refused.stderr == (
        "error: two: which column is the label: 'mood' or 'topic'? "
        "Answer with --label COLUMN, or take 'mood' by --yes\n"
    )
    main([folder / "two.csv"], label=["two=topic"])
    assert "  onebert run --study two --data 'my data' --dry-run\n" in capsys.readouterr().out
    assert written()["tasks"]["two"]["columns"]["label"] == "topic"
    with pytest.raises(typer.Exit):
        main([folder / "two.csv"], label=["mood"])
    assert "'studies/two.toml' exists" in capsys.readouterr().err
    main([folder / "two.csv"], label=["mood"], force=True)
    assert written()["tasks"]["two"]["columns"]["label"] == "mood"


REFUSED = {
    "no header": ("a sunny day today,happy\n" * 9, "the first line looks like a row"),
    "no label": ("text\n" + "".join(f"one more day {i}\n" for i in range(9)), "no column looks like classes or scores"),
    "one class": ("text,label\n" + "".join(f"one more day {i},x\n" for i in range(9)), "the same value in every row"),
    "a label of its own for every row": (
        "text,label\n" + "".join(f"one more day {i},l{i}\n" for i in range(9)),
        "9 different values in 9 rows: these are texts or ids, no classes",
    ),
    "too many classes": (
        "text,label\n" + "".join(f"one more day {i},l{i % 201}\n" for i in range(500)),
        "201 different values in 500 rows, but init proposes at most 200 classes",
    ),
    "rows without a label": (
        "text,label\n" + "".join(f"one more day {i},{'ab '[i % 3]}\n" for i in range(9)),
        "3 of 9 rows are malformed",
    ),
    "a split column without dev": (
        "text,label,split\n"
        + "".join(f"one more day {i},{'ab'[i % 2]},{'train' if i else 'test'}\n" for i in range(9)),
        "column 'split' names splits, but no row is dev",
    ),
    "no text": ("a,b\n" + "".join(f"{i % 2},{i % 3}\n" for i in range(9)), "which column is the label"),
    "nothing": ("", "the file is empty"),
    "a header alone": ("text,label\n", "no rows below the header"),
}


@pytest.mark.parametrize("content", REFUSED)
def test_what_would_stop_a_run_is_said(content: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, message = REFUSED[content]
    (folder / "table.csv").write_text(text)
    with pytest.raises(typer.Exit) as ended:
        main([folder / "table.csv"])
    assert ended.value.exit_code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not Path("studies").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": ["moood"]}, "did you mean 'mood'?"),
        ({"kind": ["clasify"]}, "did you mean 'classify'?"),
        ({"kind": ["score"]}, "column 'mood' has words, and scores are numbers"),
        ({"kind": ["classify-pair"]}, "--pair COLUMN COLUMN"),
        ({"metric": ["pearson"]}, "--metric pearson does not suit a task of kind classify"),
        ({"metric": ["f1_positive"]}, "does not suit this task"),
        ({"name": "a", "output": Path("a.toml")}, "--name and --output both name the study"),
        ({"output": Path("a.txt")}, "a study file is NAME.toml"),
        ({"name": "cache"}, "a study cannot be called 'cache'"),
        ({"model": "./nowhere"}, "no such folder"),
    ],
)
def test_options_that_do_not_suit(
    options: dict[str, Any], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    SITUATIONS["single sentences"](folder)
    with pytest.raises(typer.Exit) as ended:
        main([folder], **options)
    assert ended.value.exit_code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
