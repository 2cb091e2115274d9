"""The report's section on training and dev scores over passes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from core.config import RunConfig
from data.reading import read_split
from search.recorded.study import IDENTITY
from search.report.context import ReportContext
from search.report.parts import Chart, Note, ReportSection
from search.report.sections.progress import progress_section
from search.report.sections.train_dev import train_dev_section
from search.storage.open import open_storage
from search.trials.folders import TrialFolders
from search.trials.record import FinishedTrial
from tests.search.made_study import MadeStudy, make_study

SPACE = {"optim.learning_rate": {"low": 1e-5, "high": 1e-3, "log": True}}


def section_of(made: MadeStudy, folders: TrialFolders | None = None) -> ReportSection | None:
    made.study.set_user_attr(IDENTITY, json.dumps({"space": SPACE}))
    return train_dev_section(ReportContext(made.study, folders or made.folders))


def record_train_scores(made: MadeStudy, trial: int, *scores: float) -> None:
    run = made.folders.run(trial)
    run.write_metrics(
        [
            replace(point, metrics={"sst": {"train_accuracy": score}, "sts": {"train_pearson": score}})
            for point, score in zip(run.read_metrics(), scores, strict=True)
        ]
    )


def test_the_winners_curves_and_gaps_are_shown_by_task(tmp_path: Path) -> None:
    """The made rungs are not those of the configuration, so passes cannot be counted."""
    made = make_study(tmp_path, [[0.1], [2.0, 0.2], [0.1]])
    record_train_scores(made, 1, 0.8, 0.99)
    section = section_of(made)
    assert section is not None
    note, *parts = section.parts
    assert isinstance(note, Note)
    assert note.text.startswith("Scores of trial 1 on dev and on up to 200 training examples of each task, ")
    assert note.text.endswith(
        "They are shown over training examples of all tasks, because passes are not known: the run has seen other "
        "numbers of examples than its settings and training files give."
    )
    lines = [part for part in parts if isinstance(part, str)]
    assert [line.split(":")[0] for line in lines] == ["sst, accuracy", "sts, Pearson"]
    dev = [point.scores["sst"] for point in made.folders.curve(1)]
    assert (
        f" on dev). After 100 training examples, dev fell (from {dev[0]:.3f} to {dev[1]:.3f}) while train improved "
        "(from 0.800 to 0.990): overfitting from about 100 training examples (95 % interval of the difference on dev +"
    ) in lines[0]
    charts = [part for part in parts if isinstance(part, Chart)]
    assert [chart.caption for chart in charts] == ["sst", "sts"]
    train, of_dev = charts[0].figure.data
    assert (train.name, list(train.x), list(train.y)) == ("train", [100, 200], [0.8, 0.99])
    assert (of_dev.name, list(of_dev.y)) == ("dev", dev)


def test_without_training_scores_it_says_so(tmp_path: Path) -> None:
    made = make_study(tmp_path, [[0.5, 0.6]])
    section = section_of(made)
    assert section is not None
    assert section.parts == ("The scores on training examples were not recorded.",)
    assert section_of(made, TrialFolders(tmp_path / "elsewhere")) is None
    context = ReportContext(made.study, made.folders)
    panel = context.compared_runs
    assert panel is not None
    values = panel.runs[0].config.model_dump()
    values["eval"]["train_examples"] = 0
    record = replace(panel.runs[0].record, config=RunConfig.model_validate(values))
    without = replace(panel, runs=(replace(panel.runs[0], record=record),))
    vars(context)["compared_runs"] = without  # as if it had been read
    section = train_dev_section(context)
    assert section is not None
    assert section.parts == (
        "Training examples were not scored (eval.train_examples = 0), so the gap to dev is not known.",
    )
    assert section_of(make_study(tmp_path / "empty", [])) is None


def test_passes_of_a_real_run_are_counted_and_in_the_file(finished_study: Any) -> None:
    study = optuna.load_study(study_name="tiny", storage=open_storage(None, finished_study.runs))
    context = ReportContext(study, TrialFolders(finished_study.runs / "tiny"))
    section = train_dev_section(context)
    assert section is not None
    assert isinstance(section.parts[0], Note)
    assert "the turns of the batch order again" in section.parts[0].text
    charts = [part for part in section.parts if isinstance(part, Chart)]
    assert len(charts) == 3

    frame = progress_section(context).frames["curves.csv"]
    best = frame[frame["trial"] == study.best_trial.number]
    assert frame.loc[frame["trial"] != study.best_trial.number, "passes sst"].isna().all()
    points = context.folders.curve(study.best_trial.number)
    for task, metric in (("sst", "accuracy"), ("para", "accuracy"), ("sts", "pearson")):
        assert best[f"train_score {task}"].tolist() == [one.metrics[task][f"train_{metric}"] for one in points]
        assert frame[f"train_score {task}"].notna().all()
    passes = best[["passes sst", "passes para", "passes sts"]].to_numpy()
    assert list(charts[0].figure.data[0].x) == passes[:, 0].tolist()
    assert (passes.min(axis=0) > 0).all()
    tasks = FinishedTrial.read(study.best_trial).config.tasks.values()
    folder = Path(FinishedTrial.read(study.best_trial).config.data.directory)
    sizes = [len(read_split(task.spec, folder, "train")) for task in tasks]
    assert (passes @ sizes).tolist() == pytest.approx([one.examples for one in points])
