"""The report's section on scores by group: the rows of a column belong to the examples that were scored."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser

from data.errors import UserError
from data.metrics.classes import predicted_classes
from search.display.table import Table
from search.recorded.study import IDENTITY
from search.report.context import ReportContext
from search.report.parts import Heading, Note, ReportSection
from search.report.sections.groups import check_columns, groups_section
from search.report.writing import write_report
from search.trials.folders import TrialFolders
from tests.search.browsing import faint_texts, opened, overflowing
from tests.search.made_study import SPECS, MadeStudy, make_study

SPACE = {"optim.learning_rate": {"low": 1e-5, "high": 1e-3, "log": True}}
SKILLS = [[0.1, 0.3], [0.6, 0.2], [0.5], [0.2]]
EVIL = '</script><img src="x" onerror="alert(1)"><b>&amp;|'


def add_column(made: MadeStudy, task: str, name: str, cells: dict[str, str], left_out: str = "") -> None:
    """Add a column to a dev file, by the label of a row; a row in two has no text, and is left out when read."""
    path = made.data / SPECS[task].files.dev
    header, *rows = path.read_text().splitlines()
    columns = header.split("\t")
    label, sentence = columns.index(SPECS[task].columns.label), columns.index(SPECS[task].columns.sentences[0])
    lines = [f"{header}\t{name}"]
    for number, row in enumerate(rows):
        lines.append(f"{row}\t{cells[row.split(chr(9))[label]]}")
        if left_out and number % 2:
            empty = row.split("\t")
            empty[sentence], empty[columns.index("id")] = " ", f"empty{number}"
            lines.append("\t".join([*empty, left_out]))
    path.write_text("\n".join(lines) + "\n")


def halves(made: MadeStudy, task: str, low: str = "low", high: str = "high") -> dict[str, str]:
    """Return a group for each label in a dev file: the lower and the upper half of them."""
    path = made.data / SPECS[task].files.dev
    labels = pd.read_csv(path, sep="\t", dtype=str)[SPECS[task].columns.label]
    middle = labels.astype(float).median()
    return {label: low if float(label) <= middle else high for label in labels}


def context_of(made: MadeStudy, *columns: str, folders: TrialFolders | None = None) -> ReportContext:
    made.study.set_user_attr(IDENTITY, json.dumps({"space": SPACE}))
    return ReportContext(made.study, folders or made.folders, group_by=columns)


def section_of(made: MadeStudy, *columns: str, folders: TrialFolders | None = None) -> ReportSection:
    section = groups_section(context_of(made, *columns, folders=folders))
    assert section is not None
    return section


@pytest.mark.parametrize("limit", [None, 50])
def test_groups_are_of_the_very_examples_that_were_scored(tmp_path: Path, limit: int | None) -> None:
    made = make_study(tmp_path, SKILLS, dev_limit=limit)
    cells = {task: halves(made, task) for task in SPECS}
    for task in SPECS:
        add_column(made, task, "half", cells[task], left_out="low")
    section = section_of(made, "half")
    best, rung = made.study.best_trial.number, made.study.best_trial.user_attrs["best_rung"]
    predictions, gold = made.predictions(best, rung), made.gold

    frame = section.frames["groups-sst.csv"].set_index("group")
    middle = max(int(float(label)) for label, half in cells["sst"].items() if half == "low")
    right, is_low = predicted_classes(predictions["sst"]) == gold["sst"], gold["sst"] <= middle
    assert frame.loc["low", "examples"] == is_low.sum()
    assert frame["score"].to_dict() == pytest.approx({"low": right[is_low].mean(), "high": right[~is_low].mean()})
    assert frame.loc["low", "rest"] == frame.loc["high", "score"]
    assert frame["examples"].sum() == (limit or 80)

    frame = section.frames["groups-sts.csv"].set_index("group")
    limit_of_low = max(float(label) for label, half in cells["sts"].items() if half == "low")
    for group, members in (("low", gold["sts"] <= limit_of_low), ("high", gold["sts"] > limit_of_low)):
        r = np.corrcoef(predictions["sts"][members], gold["sts"][members])[0, 1]
        assert frame.loc[group, "score"] == pytest.approx(r, abs=1e-6)
    assert [part.text for part in section.parts if isinstance(part, Heading)] == ["sst", "sts"]
    tables = [part for part in section.parts if isinstance(part, Table)]
    assert [table.headings[:3] for table in tables] == [
        ("half", "examples", "accuracy"),
        ("half", "examples", "Pearson"),
    ]
    assert isinstance(section.parts[0], Note)
    assert section.parts[0].text.startswith(f"Dev predictions of trial {best} at its best rung")


def test_metrics_that_are_undefined_in_a_group_are_no_numbers(tmp_path: Path) -> None:
    made = make_study(tmp_path, SKILLS)
    labels = pd.read_csv(made.data / SPECS["sts"].files.dev, sep="\t", dtype=str)["similarity"].unique()
    often = pd.Series(made.gold["sts"]).round(3).value_counts()
    assert len(labels) > 1
    cells = {label: "one" if round(float(label), 3) == often.index[0] else "many" for label in labels}
    add_column(made, "sts", "kind", cells)
    frame = section_of(made, "kind").frames["groups-sts.csv"].set_index("group")
    group = frame.iloc[[-1]].index[0]
    assert group in ("one", "other")
    assert "undefined: all gold scores are equal" in frame.loc[group, "note"]
    assert np.isnan(frame.loc[group, "score"])
    assert np.isnan(frame.loc["many", "difference"])


def test_a_task_without_the_column_or_with_changed_files_says_so(tmp_path: Path) -> None:
    made = make_study(tmp_path, SKILLS)
    add_column(made, "sst", "half", halves(made, "sst"))
    section = section_of(made, "half", "sentence")
    assert list(section.frames) == ["groups-sst.csv"]
    assert set(section.frames["groups-sst.csv"]["column"]) == {"half", "sentence"}
    assert "All examples are in one group ('other (80 groups of fewer than 20)'), so there is nothing to compare." in (
        section.parts
    )
    assert Note("The dev file has no column 'half'.") in section.parts
    assert groups_section(context_of(made)) is None

    path = made.data / SPECS["sst"].files.dev
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *sorted(rows, key=lambda row: row.split("\t")[-2:])]) + "\n")
    section = section_of(made, "half")
    assert not section.frames
    assert any(
        isinstance(part, Note)
        and part.text.startswith("No scores by group: the dev file of sst or trial ")
        and "they no longer give its accuracy" in part.text
        for part in section.parts
    )
    gone = section_of(made, "half", folders=TrialFolders(tmp_path / "elsewhere"))
    assert any(isinstance(part, Note) and "dev predictions is gone" in part.text for part in gone.parts)


def test_a_column_that_no_dev_file_has_is_refused(tmp_path: Path) -> None:
    made = make_study(tmp_path, SKILLS)
    add_column(made, "sst", "source", halves(made, "sst"))
    check_columns(context_of(made, "source"))
    with pytest.raises(UserError) as error:
        check_columns(context_of(made, "source", "Sources"))
    assert str(error.value) == (
        "--group-by 'Sources': no dev file has this column; did you mean 'source'? Use the name in the header; there "
        "are 'id', 'sentence', 'sentiment', 'source', 'sentence1', 'sentence2', 'similarity'"
    )
    (made.data / SPECS["sts"].files.dev).unlink()
    check_columns(context_of(made, "source"))
    with pytest.raises(UserError, match="another dev file cannot be read: task 'sts': no dev file"):
        check_columns(context_of(made, "x"))
    (made.data / SPECS["sst"].files.dev).unlink()
    with pytest.raises(UserError, match=r"--group-by: task 'sst': .*\(--data says where the files are now\)"):
        check_columns(context_of(made, "source"))


def test_without_a_finished_trial_there_is_nothing_to_group(tmp_path: Path) -> None:
    section = section_of(make_study(tmp_path, []), "half")
    assert section.parts == ("No trial has finished yet.",)
    check_columns(context_of(make_study(tmp_path / "b", []), "half"))


def evil_report(folder: Path) -> Path:
    made = make_study(folder, SKILLS)
    made.study.set_user_attr(IDENTITY, json.dumps({"space": SPACE}))
    for task in SPECS:
        add_column(made, task, f"<i>{EVIL}", halves(made, task, EVIL, "=1+1"))
    page, *_ = write_report(made.study, made.folders, folder / "report", group_by=[f"<i>{EVIL}"] * 2)
    return page


def test_names_of_groups_and_columns_are_never_markup(tmp_path: Path) -> None:
    page = evil_report(tmp_path)
    text = page.read_text()
    assert "<b>&amp;|" not in text
    assert "<img" not in text
    assert "&lt;img src=" in text
    words = page.with_name("report.md").read_text()
    assert "<img" not in words
    assert "<b>&amp;\\|" not in words
    frame = pd.read_csv(page.with_name("groups-sst.csv"))
    assert set(frame["group"]) == {EVIL, "'=1+1"}
    assert len(frame) == 2  # a column that is given twice is one


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_the_page_shows_them_as_text(browser: Browser, tmp_path: Path, width: int, scheme: str) -> None:
    with opened(browser, evil_report(tmp_path), width, scheme) as page:
        assert EVIL in page.inner_text("#groups")
        assert page.locator("#groups img, #groups b, #groups i").count() == 0
        assert page.locator("#groups table").count() == 2
        assert overflowing(page) == []
        assert faint_texts(page) == []
