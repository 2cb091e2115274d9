"""``onebert audit`` from the command line, and its page in a browser."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser
from typer.testing import CliRunner

from search.audit.__main__ import main
from search.console import cli
from tests.search.audit.audited import write_rows
from tests.search.browsing import empty_figures, faint_texts, opened, overflowing, unfold
from tests.search.conftest import TINY_STUDY

STUDY = """
tasks = ["mood"]
trials = 1
[base.model]
encoder = "scratch"
scratch = {{ vocab_size = 60, hidden_size = 16, intermediate_size = 32 }}
[space]
"optim.learning_rate" = [1e-4, 1e-3]
[tasks_of.mood]
"""
OWN = """
[tasks.mood]
kind = "classify"
classes = ["neg", "pos"]
files = { train = "%s" }
columns = { id = "id", sentences = ["text"], label = "mood" }
metric = "accuracy"
split = { dev = 0.25 }
"""
TEXTS = [f"a {word} film of {place}" for word in ("good", "bad", "dull", "fine") for place in "abcdefghij"]


def run(*words: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(cli.make_app(main), [*map(str, words)])
    return done.exit_code, done.stdout, done.stderr


def own_study(folder: Path, file: str) -> Path:
    (folder / "data").mkdir(exist_ok=True)
    path = folder / "mood.toml"
    head = STUDY.replace("{{", "{").replace("}}", "}").replace("[tasks_of.mood]", "").replace('tasks = ["mood"]\n', "")
    path.write_text(head + OWN % file)
    return path


def rows() -> list[tuple[str, str, str]]:
    found = [(f"r{at}", text, ("neg", "pos")["good" in text or "fine" in text]) for at, text in enumerate(TEXTS)]
    return [*found, ("again", TEXTS[0].upper(), "neg"), ("odd", "caf\u00c3\u00a9 <br>", "pos")]


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_task_of_ones_own_whose_dev_is_taken_out_of_train(form: str, tmp_path: Path) -> None:
    study, file = own_study(tmp_path, f"mood.{form}"), tmp_path / "data" / f"mood.{form}"
    frame = pd.DataFrame(rows(), columns=["id", "text", "mood"])
    if form == "csv":
        write_rows(file, list(frame.columns), rows())
    elif form == "jsonl":
        file.write_text("".join(json.dumps(row) + "\n" for row in frame.to_dict("records")))
    else:
        frame.to_parquet(file)
    code, out, err = run("--study", study, "--data", tmp_path / "data", "--runs-dir", tmp_path / "runs")
    assert (code, err) == (0, "")
    found = pd.read_csv(tmp_path / "runs" / "mood" / "audit" / "findings.csv")
    line = len(TEXTS) + (1 if form != "csv" else 2)
    assert {(row.id, row.reason, row.line) for row in found.itertuples()} >= {
        ("again", "label conflict", line),
        ("odd", "mojibake", line + 1),
        ("odd", "HTML", line + 1),
    }
    assert set(found["file"]) == {str(file)}
    assert "label conflict" in out
    assert not (found["reason"] == "in train").any()  # near-duplicates stay in one split


def test_bad_input_ends_in_one_line(tmp_path: Path) -> None:
    study, file = own_study(tmp_path, "mood.csv"), tmp_path / "data" / "mood.csv"
    where = ("--data", tmp_path / "data", "--runs-dir", tmp_path / "runs")

    def refused() -> str:
        code, out, err = run("--study", study, *where)
        assert (code, out, err.count("\n")) == (2, "", 1)
        return err

    assert "no train file" in refused()
    write_rows(file, ["id", "text", "mood"], [*rows(), ("x", "a film", "what")])
    assert "malformed-rows.txt" in refused()
    assert (tmp_path / "runs" / "mood" / "malformed-rows.txt").read_text().startswith(f"mood.csv:{len(rows()) + 2}: ")
    write_rows(file, ["id", "text", "mood"], rows())
    out = tmp_path / "own"
    out.mkdir()
    (out / "findings.csv").write_text("of the user")
    code, _, err = run("--study", study, *where, "--out", out)
    assert (code, err) == (
        2,
        f"error: {out} has a file 'findings.csv' of another origin, and no audit; choose another folder\n",
    )
    assert (out / "findings.csv").read_text() == "of the user"


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Audit a study of three tasks with a generated corpus; returns the folder of the audit."""
    folder = tmp_path_factory.mktemp("audit")
    study = folder / "tiny.toml"
    study.write_text(TINY_STUDY)
    code, out, err = run("--study", study, "--runs-dir", folder / "runs")
    assert (code, err) == (0, "")
    assert str(folder / "runs" / "tiny" / "audit" / "audit.html") in out
    return folder / "runs" / "tiny" / "audit"


def test_the_page_needs_no_network_and_shows_all_topics(audited: Path) -> None:
    page = (audited / "audit.html").read_text(encoding="utf-8")
    for title in ("Labels that may be wrong", "Labels", "Leakage", "Duplicates", "Odd rows", "Lengths"):
        assert f"<h2>{title}</h2>" in page
    assert "No trial has finished" in page
    assert "<title>tiny: data</title>" in page
    pd.read_csv(audited / "findings.csv")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (400, "dark")])
def test_the_page_in_a_browser(browser: Browser, audited: Path, width: int, scheme: str) -> None:
    with opened(browser, audited / "audit.html", width, scheme) as page:
        unfold(page)
        assert empty_figures(page) == []
        assert overflowing(page) == []
        assert faint_texts(page) == []
