"""Configurations over seeds side by side: rows, intervals and notes of a real study, and what becomes of lost files."""

from __future__ import annotations

import copy
import csv
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from core.statistics import ScoreIntervals, bootstrap_scores
from data.errors import UserError
from data.reading import read_split
from data.task_files import builtin_tasks
from search.analysis.comparison_text import comparison_notes, comparison_table, settings_text
from search.analysis.dev_bootstrap import REPLICATES, score_replicates
from search.analysis.seed_comparison import Comparison, ComparisonRow, compare_over_seeds
from search.report.sections.comparison import comparison_figure
from search.storage.open import open_storage
from search.trials.folders import TrialFolders
from search.trials.record import TrialRecord, TrialResult

Run = Callable[..., subprocess.CompletedProcess[str]]
SETTING = "optim.learning_rate"


@pytest.fixture
def copied(study_of_seeds: Any, tmp_path: Path) -> tuple[optuna.Study, TrialFolders]:
    """Return the study with a storage and folders of its own, to be changed."""
    runs = tmp_path / "runs"
    shutil.copytree(study_of_seeds.runs, runs)
    return optuna.load_study(study_name="seeds", storage=open_storage(None, runs)), TrialFolders(runs / "seeds")


def compared(study: optuna.Study, folders: TrialFolders, **options: Any) -> Comparison:
    comparison = compare_over_seeds(study, folders, **options)
    assert comparison is not None
    return comparison


def by_rate(comparison: Comparison) -> dict[float, ComparisonRow]:
    return {row.settings[SETTING]: row for row in comparison.rows}  # type: ignore[misc]


def curves(folders: TrialFolders, row: ComparisonRow) -> list[list[dict[str, Any]]]:
    """Return the lines of each trial's metrics.jsonl."""
    files = [folders.path(trial) / "metrics.jsonl" for trial in row.trials]
    return [[json.loads(line) for line in file.read_text().splitlines()] for file in files]


def test_a_row_is_the_mean_of_its_trials(copied: tuple[optuna.Study, TrialFolders]) -> None:
    study, folders = copied
    comparison = compared(study, folders)
    assert [row.overall for row in comparison.rows] == sorted((row.overall for row in comparison.rows), reverse=True)
    rows = by_rate(comparison)
    assert set(rows) == {1e-3, 1e-2}
    for rate, row in rows.items():
        assert row.settings == {SETTING: rate}
        configs = [json.loads((folders.path(trial) / "config.json").read_text()) for trial in row.trials]
        assert sorted(config["seed"] for config in configs) == [0, 1, 2]
        assert {config["optim"]["learning_rate"] for config in configs} == {rate}
        runs = curves(folders, row)
        best = [max(curve, key=lambda point: point["overall"]) for curve in runs]
        assert row.overall == pytest.approx(fmean(point["overall"] for point in best))
        for task in ("sst", "para", "sts"):
            assert row.scores[task] == pytest.approx(fmean(point["scores"][task] for point in best))
        assert row.seconds == pytest.approx(fmean(curve[-1]["seconds"] for curve in runs))
        speeds = [fmean(point["examples_per_second"] for point in curve) for curve in runs]  # of two rungs: the median
        assert row.examples_per_second == pytest.approx(fmean(speeds))
        assert row.trainable_share == 1.0
        assert row.peak_memory_mib == max(curve[-1]["cost"]["peak_memory_mib"] for curve in runs)


def test_a_run_that_was_trained_twice_counts_once(copied: tuple[optuna.Study, TrialFolders]) -> None:
    """The default configuration is a trial, and the grid comes to it again."""
    study, folders = copied
    comparison = compared(study, folders)
    (repeated,) = comparison.repeats
    assert repeated > 0
    assert study.trials[repeated].params == study.trials[0].params
    trials = sorted(trial for row in comparison.rows for trial in row.trials)
    assert trials == sorted({*range(7)} - {repeated})
    notes = comparison_notes(comparison)
    assert notes[-1] == f"Trials that repeat another one, settings and seed, are not included ({repeated})."


def records_of(study: optuna.Study, row: ComparisonRow) -> list[TrialRecord]:
    return [TrialRecord.read(study.trials[trial]) for trial in row.trials]


def test_intervals_are_those_of_the_stored_predictions(copied: tuple[optuna.Study, TrialFolders]) -> None:
    study, folders = copied
    rows = by_rate(compared(study, folders))
    reference, other = rows[1e-3], rows[1e-2]
    records = [*records_of(study, reference), *records_of(study, other)]
    config = records[0].config
    assert config is not None
    together = score_replicates(records, folders, config)["overall"]
    assert together.shape == (REPLICATES, 6)
    scores = [np.array([record.result.overall for record in part]) for part in (records[:3], records[3:])]
    intervals = ScoreIntervals(scores, [together[:, :3], together[:, 3:]])
    assert reference.half_width == pytest.approx(intervals.half_width(0))
    assert other.half_width == pytest.approx(intervals.half_width(1))
    assert reference.difference is reference.difference_half_width is None
    assert other.difference == pytest.approx(other.overall - reference.overall)
    assert other.difference_half_width == pytest.approx(intervals.difference_half_width(1, 0))


def test_replicates_are_of_the_best_rung_and_the_tasks_own_labels(copied: tuple[optuna.Study, TrialFolders]) -> None:
    study, folders = copied
    # The trial whose best rung is its last one, after which nothing was stored, says nothing about the choice.
    records = [TrialRecord.read(trial) for trial in study.trials]
    (overall,) = score_replicates(records[:1], folders, records[0].config)["overall"].T  # type: ignore[arg-type]
    assert overall.mean() == pytest.approx(records[0].result.overall, abs=0.01)
    (sts,) = bootstrap_scores(
        builtin_tasks()["sts"],
        [np.load(folders.run(0).predictions("sts", records[0].result.best_rung or 0))],
        read_split(builtin_tasks()["sts"], Path(records[0].config.data.directory), "dev").labels,  # type: ignore
        REPLICATES,
        np.random.default_rng(0),
    ).T
    # sts is a third of it, halved by the scale from 0 to 1, next to two accuracies of 60 examples
    accuracies = [records[0].result.scores[task] for task in ("sst", "para")]
    variance = (sum(p * (1 - p) / 60 for p in accuracies) + sts.var() / 4) / 9
    assert overall.var() == pytest.approx(variance, rel=0.2)


def test_another_reference(copied: tuple[optuna.Study, TrialFolders]) -> None:
    study, folders = copied
    default = compared(study, folders)
    assert default.rows[default.reference].settings[SETTING] == 1e-3
    best = by_rate(default)[1e-2]
    other = compared(study, folders, reference=best.trials[-1])
    assert other.rows[other.reference].settings[SETTING] == 1e-2
    assert best.difference is not None
    assert by_rate(other)[1e-3].difference == pytest.approx(-best.difference)
    assert by_rate(other)[1e-3].difference_half_width == pytest.approx(best.difference_half_width)
    with pytest.raises(UserError, match=r"--reference 77: no finished trial; the first ones of the configurations are"):
        compare_over_seeds(study, folders, reference=77)


def test_trials_that_did_not_finish_are_in_no_row(copied: tuple[optuna.Study, TrialFolders]) -> None:
    study, folders = copied
    before = compared(study, folders).rows
    config = json.loads(study.trials[0].user_attrs["config"]) | {"seed": 9}
    for state in (TrialState.FAIL, TrialState.PRUNED):
        trial = study.ask()
        TrialResult(0.99, {"sst": 1.0, "para": 1.0, "sts": 1.0}, 200).write(trial)
        trial.set_user_attr("config", json.dumps(config))
        trial.report(0.99, 200)
        study.tell(trial, state=state)
    after = compared(study, folders)
    assert after.rows == before
    assert after.unfinished == {"pruned": (8,), "failed": (7,)}
    assert "Trials that did not finish are not included (pruned: 8; failed: 7)." in comparison_notes(after)


def test_lost_predictions_leave_the_seeds(copied: tuple[optuna.Study, TrialFolders]) -> None:
    study, folders = copied
    whole = by_rate(compared(study, folders))
    trial = whole[1e-2].trials[0]
    rung = TrialRecord.read(study.trials[trial]).result.best_rung
    assert rung is not None
    path = folders.run(trial).predictions("para", rung)
    content = path.read_bytes()
    seeds = ScoreIntervals(
        [np.array([r.result.overall for r in records_of(study, row)]) for row in whole.values()], None
    )
    gone = f"'{path}' with trial {trial}'s dev predictions is gone"
    damaged = f"{path}: the file is damaged or was changed"
    for change, why in ((path.unlink, gone), (lambda: path.write_bytes(content[:100]), damaged)):
        change()
        comparison = compared(study, folders)
        row = by_rate(comparison)[1e-2]
        assert row.half_width == pytest.approx(seeds.half_width(list(whole).index(1e-2)))
        assert row.difference_half_width == pytest.approx(seeds.difference_half_width(0, 1))
        (note, *_) = comparison_notes(comparison)
        assert note.startswith(
            "± is half the width of a 95 % interval for other seeds only, not for other dev examples: "
        )
        assert why in note


def test_changed_or_moved_dev_files_are_noticed(copied: tuple[optuna.Study, TrialFolders], tmp_path: Path) -> None:
    study, folders = copied
    (note, *_) = comparison_notes(compared(study, folders, directory=tmp_path / "moved"))
    assert f"no data folder '{tmp_path / 'moved'}'" in note
    assert "search.report --data" in note
    shutil.copytree(folders.root / "corpus", tmp_path / "moved")
    assert compared(study, folders, directory=tmp_path / "moved").examples_unknown == ""
    dev = tmp_path / "moved" / builtin_tasks()["sts"].files.dev
    lines = dev.read_text().splitlines()
    dev.write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    (note, *_) = comparison_notes(compared(study, folders, directory=tmp_path / "moved"))
    assert "the dev file of sts or trial " in note


def of_trials(study: optuna.Study, folders: TrialFolders, *chosen: FrozenTrial) -> tuple[optuna.Study, TrialFolders]:
    """Return a study of some of the trials; trials and folders are renumbered."""
    fewer, renamed = optuna.create_study(direction="maximize"), TrialFolders(folders.root.parent / "fewer")
    for name, value in study.user_attrs.items():
        fewer.set_user_attr(name, value)
    fewer.add_trials(chosen)
    for number, trial in enumerate(chosen):
        shutil.copytree(folders.path(trial.number), renamed.path(number))
    return fewer, renamed


def test_one_seed_each(copied: tuple[optuna.Study, TrialFolders]) -> None:
    study, folders = copied
    rows = by_rate(compared(study, folders))
    fewer, renamed = of_trials(study, folders, *(study.trials[rows[rate].trials[0]] for rate in (1e-3, 1e-2)))
    comparison = compared(fewer, renamed)
    assert [len(row.trials) for row in comparison.rows] == [1, 1]
    assert all(row.half_width is not None and row.half_width > 0.01 for row in comparison.rows)
    (note, *_) = comparison_notes(comparison)
    assert note == (
        "± is half the width of a 95 % interval for other dev examples only: with one seed per configuration, the "
        "spread over seeds is not known."
    )
    nothing = compared(fewer, TrialFolders(folders.root / "nowhere"))
    assert {row.half_width for row in nothing.rows} == {None}
    assert comparison_notes(nothing)[0].startswith("There are no intervals: with one seed per configuration")
    assert "±" not in str(comparison_table(nothing).rows)


def test_a_configuration_with_a_run_that_failed_to_learn_has_an_interval_of_its_own(
    copied: tuple[optuna.Study, TrialFolders],
) -> None:
    study, folders = copied
    overall = {1e-3: (0.7000, 0.7001, 0.7002), 1e-2: (0.80, 0.50, 0.81)}
    chosen = []
    for rate, row in by_rate(compared(study, folders)).items():
        for number, score in zip(row.trials, overall[rate], strict=True):
            chosen.append(copy.deepcopy(study.trials[number]))
            chosen[-1].set_user_attr("overall", score)
    fewer, _ = of_trials(study, folders, *chosen)
    comparison = compared(fewer, TrialFolders(folders.root / "nowhere"))
    assert {rate: row.is_apart for rate, row in by_rate(comparison).items()} == {1e-3: False, 1e-2: True}
    seeds = ScoreIntervals([np.array(overall[1e-3])], None)
    assert by_rate(comparison)[1e-3].half_width == pytest.approx(seeds.half_width(0))
    said = f"The runs of {SETTING} = 0.01 vary so much that its interval is based on them alone."
    assert said in comparison_notes(comparison)


def test_the_default_is_the_reference_although_its_own_trial_failed(
    copied: tuple[optuna.Study, TrialFolders],
) -> None:
    study, folders = copied
    rows = by_rate(compared(study, folders))
    failed = copy.deepcopy(study.trials[0])
    failed.state, failed.values = TrialState.FAIL, None
    others = [study.trials[rows[1e-2].trials[0]], study.trials[rows[1e-3].trials[1]]]
    comparison = compared(*of_trials(study, folders, failed, *others))
    assert {row.trials for row in comparison.rows} == {(1,), (2,)}
    assert comparison.rows[comparison.reference].settings[SETTING] == 1e-3


def test_a_study_of_one_seed_is_not_a_comparison(finished_study: Any, run_command: Run) -> None:
    study = optuna.load_study(study_name="tiny", storage=open_storage(None, finished_study.runs))
    assert compare_over_seeds(study, TrialFolders(finished_study.runs / "tiny")) is None
    assert "Configurations, mean over their seeds" not in finished_study.log
    done = run_command("search.report", "--study", "tiny", "--runs-dir", finished_study.runs, "--reference", 0)
    assert done.returncode == 2
    assert (
        done.stderr.strip() == "error: --reference 0: study 'tiny' compares nothing: it has neither variants nor seeds"
    )


def test_it_is_printed_when_the_study_ends(study_of_seeds: Any, copied: tuple[optuna.Study, TrialFolders]) -> None:
    log = study_of_seeds.log
    assert "Configurations, mean over their seeds" in log
    comparison = compared(*copied)
    for row in comparison.rows:
        assert f"{row.overall:.4f} ± {row.half_width:.4f}" in log
        assert f"{row.scores['sts']:.3f}" in log
    other = by_rate(comparison)[1e-2]
    assert f"{other.difference:+.4f} ± {other.difference_half_width:.4f}" in log
    for note in comparison_notes(comparison):
        assert note in log
    assert max(map(len, log[log.index("Configurations,") : log.index("± is half")].splitlines())) <= 80


def test_the_reports_files_hold_it(copied: tuple[optuna.Study, TrialFolders], run_command: Run, tmp_path: Path) -> None:
    comparison = compared(*copied)
    done = run_command("search.report", "--study", "seeds", "--runs-dir", tmp_path / "runs", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    names = ["report.html", "report.md", "trials.csv"]
    written = [Path(line).name for line in done.stdout.splitlines()]
    assert written[:3] == names
    assert "comparison.csv" in written
    with (tmp_path / "out" / "comparison.csv").open() as file:
        lines = list(csv.DictReader(file))
    for line, row in zip(lines, comparison.rows, strict=True):
        assert float(line[f"setting {SETTING}"]) == row.settings[SETTING]
        assert line["trials"] == " ".join(map(str, row.trials))
        assert float(line["overall"]) == row.overall
        assert float(line["overall_half_width"]) == row.half_width
        assert float(line["score sts"]) == row.scores["sts"]
        assert line["is_reference"] == str(row.difference is None)
        assert line["difference"] == ("" if row.difference is None else str(row.difference))
    page, words = ((tmp_path / "out" / name).read_text() for name in names[:2])
    for note in comparison_notes(comparison):
        assert note in words
    for cells in comparison_table(comparison).rows:
        assert f"| {' | '.join(cells)} |" in words
        assert all(f">{cell}<" in page for cell in cells)


def test_the_figure(copied: tuple[optuna.Study, TrialFolders]) -> None:
    comparison = compared(*copied)
    figure = comparison_figure(comparison)
    points = {
        text: (x, width, trace.name)
        for trace in figure.data
        for text, x, width in zip(trace.text, trace.x, trace.error_x.array, strict=True)
    }
    for index, row in enumerate(comparison.rows):
        name = "reference" if index == comparison.reference else "configuration"
        assert points[settings_text(row)] == (row.overall, row.half_width, name)
    assert list(figure.layout.yaxis.tickvals) == [2, 1]  # the best, first among the rows, on top
    assert list(figure.layout.yaxis.ticktext) == [str(row.settings[SETTING]) for row in comparison.rows]
