"""The report's section on errors: of the very dev examples that trials were scored on, and where files are gone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.statistics import calibration_of, confusion_matrix
from data.metrics.classes import predicted_classes
from data.reading import read_split
from search.analysis.mistakes.confusion import calibration_text
from search.display.table import Table
from search.recorded.study import IDENTITY
from search.report.context import ReportContext
from search.report.parts import Chart, Fold, Note, ReportSection
from search.report.sections.mistakes import mistakes_section
from search.report.writing import write_report
from search.trials.folders import TrialFolders
from tests.search.made_study import SPECS, MadeStudy, make_study

SPACE = {"optim.learning_rate": {"low": 1e-5, "high": 1e-3, "log": True}}
SKILLS = [[0.1, 0.3], [0.6, 0.2], [0.5], [0.2]]  # trial 1 at its first rung is the best


@pytest.fixture(scope="module", params=[None, 50])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MadeStudy:
    return make_study(tmp_path_factory.mktemp("made"), SKILLS, dev_limit=request.param)


def section_of(made: MadeStudy, folders: TrialFolders | None = None, data: Path | None = None) -> ReportSection:
    made.study.set_user_attr(IDENTITY, json.dumps({"space": SPACE}))
    section = mistakes_section(ReportContext(made.study, folders or made.folders, data=data))
    assert section is not None
    return section


def test_it_is_of_the_best_trial_on_the_examples_it_was_scored_on(made: MadeStudy) -> None:
    section = section_of(made)
    best, rung = made.study.best_trial.number, made.study.best_trial.user_attrs["best_rung"]
    predictions = made.predictions(best, rung)
    gold = made.gold
    assert section.parts[0] == Note(
        f"Dev predictions of trial {best} at its best rung, on the examples that it was scored on."
    )
    matrix, *_ = [part for part in section.parts if isinstance(part, Table)]
    counts = [[int(cell.split()[0]) for cell in row[1:]] for row in matrix.rows]
    assert counts == confusion_matrix(predictions["sst"], gold["sst"]).tolist()
    rng = np.random.default_rng(0)
    of_bins = calibration_text(calibration_of(predictions["sst"], gold["sst"], rng)).partition(" ECE ")[0]
    assert any(isinstance(part, str) and part.startswith(of_bins) for part in section.parts)
    charts = [part for part in section.parts if isinstance(part, Chart)]
    assert len(charts) == 2 + 4
    assert all(len(trace.x) for chart in charts for trace in chart.figure.data)

    frame = section.frames["errors-sst.csv"].set_index("id")
    split = read_split(SPECS["sst"], made.data, "dev")
    assert len(frame) == len(gold["sst"])
    assert set(frame.index) <= set(split.ids)
    text = dict(zip(split.ids, split.sentences, strict=True))
    assert all(text[one][0] == sentence for one, sentence in frame["sentence"].items())
    label = dict(zip(split.ids, np.array(SPECS["sst"].classes)[split.labels], strict=True))  # type: ignore[index]
    assert all(label[one] == name for one, name in frame["gold"].items())
    assert (frame["gold"] == frame["prediction"]).mean() == pytest.approx(
        (predicted_classes(predictions["sst"]) == gold["sst"]).mean()
    )
    assert frame["wrong_of_4"].max() <= 4
    scores = section.frames["errors-sts.csv"]
    assert np.corrcoef(scores["gold"], scores["prediction"])[0, 1] == pytest.approx(
        made.study.best_trial.user_attrs["scores"]["sts"], abs=1e-5
    )


def test_hardest_examples_are_shown_of_the_best_trials(made: MadeStudy) -> None:
    folds = [part for part in section_of(made).parts if isinstance(part, Fold)]
    assert [fold.title for fold in folds] == ["Hardest dev examples of sst", "Hardest dev examples of sts"]
    table = folds[0].parts[0]
    assert isinstance(table, Table)
    best = made.study.best_trial.number
    assert table.headings[2] == f"trial {best}"
    assert len(table.headings) == 3 + 4
    assert len(table.rows) == 10


def test_where_something_is_gone_it_says_so(tmp_path: Path) -> None:
    made = make_study(tmp_path, SKILLS)
    section = section_of(made, TrialFolders(tmp_path / "elsewhere"))
    why = [part.text for part in section.parts if isinstance(part, Note)]
    assert any(line.startswith("No further analysis: ") and "dev predictions is gone" in line for line in why)
    assert not section.frames
    best, rung = made.study.best_trial.number, made.study.best_trial.user_attrs["best_rung"]
    other = next(number for number in range(4) if number != best)
    for path in made.folders.path(other).glob("predictions/sst-*.npy"):
        path.unlink()
    section = section_of(made)
    assert Note(f"Not included, because their predictions are missing: trial {other}.") in section.parts
    assert "wrong_of_3" in section.frames["errors-sst.csv"]
    assert "wrong_of_4" in section.frames["errors-sts.csv"]

    np.save(made.folders.run(best).predictions("sst", rung), np.full((80, 5), 0.2, np.float32))
    section = section_of(made)
    assert any(isinstance(part, Note) and "the file is damaged or was changed" in part.text for part in section.parts)
    made.folders.run(best).checksums.path.unlink()
    section = section_of(made)
    assert any(isinstance(part, Note) and "they no longer give its accuracy" in part.text for part in section.parts)
    assert list(section.frames) == ["errors-sts.csv"]

    moved = made.data.rename(tmp_path / "moved")
    assert list(section_of(made, data=moved).frames) == ["errors-sts.csv"]
    section = section_of(made)
    assert any(
        isinstance(part, Note) and "(--data says where the files are now)" in part.text for part in section.parts
    )


def test_there_is_no_section_before_a_trial_has_finished(tmp_path: Path) -> None:
    made = make_study(tmp_path, [])
    assert mistakes_section(ReportContext(made.study, made.folders)) is None


def test_sentences_are_escaped_on_the_page(tmp_path: Path) -> None:
    made = make_study(tmp_path, SKILLS)
    made.study.set_user_attr(IDENTITY, json.dumps({"space": SPACE}))
    for task in SPECS:
        path = made.data / SPECS[task].files.dev
        lines = path.read_text().splitlines()
        evil = [lines[0], *(line.replace(" the ", ' </script><b>alert(1)</b> "the" ') for line in lines[1:])]
        path.write_text("\n".join(evil) + "\n")
    assert "<b>alert(1)</b>" in path.read_text()
    charts = [part for part in section_of(made).parts if isinstance(part, Chart)]
    texts = [text for chart in charts for trace in chart.figure.data for text in trace.text or ()]
    assert any("&lt;b&gt;alert(1)&lt;/b&gt;" in text for text in texts)  # plotly would read tags
    assert not any("<b>" in text for text in texts)
    assert any(' "the" ' in text for text in texts)  # plotly would not decode quotes
    page, words, *rest = write_report(made.study, made.folders, tmp_path / "report")
    assert "<b>alert" not in page.read_text()
    assert {"errors-sst.csv", "errors-sts.csv"} < {one.name for one in rest}
    assert "Errors" in words.read_text()
    frame = pd.read_csv(tmp_path / "report" / "errors-sts.csv")
    assert frame["sentence1"].str.contains("<b>alert(1)</b>", regex=False).any()
