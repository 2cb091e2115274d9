"""What an ablation of known runs says: numbers, words, the figure and the report's section."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import optuna
import pytest

from core.statistics import ScoreIntervals
from search.ablate.ablation_sentences import ablation_notes, ablation_sentences
from search.ablate.ablation_tables import overall_table, plan_table
from search.ablate.outcome import AblationOutcome, read_ablation
from search.ablate.plan import WINNER
from search.analysis.dev_bootstrap import score_replicates
from search.display.table import Table
from search.report.context import ReportContext
from search.report.parts import Chart, Fold
from search.report.sections.ablation import ablation_section
from search.trials.folders import TrialFolders
from search.trials.record import TrialRecord
from tests.search.ablate.rows import rows


def test_gains_are_differences_of_means(made: Any, outcome: AblationOutcome) -> None:
    winner = made.scores[WINNER]
    assert outcome.winner.trials == (0, 5, 10)
    for name, row in rows(outcome).items():
        assert row.scores is not None
        for score in ("sst", "sts", "overall"):
            own = [run[score] for run in made.scores[name]]
            assert row.scores.means[score] == pytest.approx(fmean(own))
            assert row.scores.spreads[score] == pytest.approx(stdev(own))
            assert row.gains[score].value == pytest.approx(fmean(run[score] for run in winner) - fmean(own))
    values = [row.gains["overall"].value for row in outcome.rows]
    assert values == sorted(values, reverse=True)


def test_intervals_are_paired_by_dev_examples(made: Any, outcome: AblationOutcome) -> None:
    """Of every score by itself, with the spread over seeds of all rows together."""
    groups = {name: [] for name in made.scores}  # type: ignore[var-annotated]
    for trial in made.study.trials:
        groups[trial.params["variant"]].append(TrialRecord.read(trial))
    records = [record for group in groups.values() for record in group]
    replicates = score_replicates(records, made.folders, records[0].config)
    ends = np.cumsum([len(group) for group in groups.values()])[:-1]
    for score in ("sst", "sts", "overall"):
        values = [np.array([run[score] for run in made.scores[name]]) for name in groups]
        intervals = ScoreIntervals(values, np.split(replicates[score], ends, axis=1))
        for name, row in rows(outcome).items():
            expected = intervals.difference_half_width(0, list(groups).index(name))
            assert row.gains[score].half_width == pytest.approx(expected)


def test_a_row_with_a_failed_run_is_reported_and_does_not_affect_others(make: Any) -> None:
    usual, failed = make("usual", {}), make("failed", {"without LoRA": [0.40, -0.40, 0.39]})
    before, after = (read_ablation(one.study, one.folders) for one in (usual, failed))
    assert before is not None
    assert after is not None
    assert not any(before.apart.values())
    assert {run for run, scores in after.apart.items() if scores} == {"without LoRA"}
    assert "overall" in after.apart["without LoRA"]
    said = f"in {' and '.join(after.apart['without LoRA'])} that its interval is based on them alone."
    assert f"The runs of 'without LoRA' vary so much {said}" in ablation_notes(after)
    assert not any("on them alone." in note for note in ablation_notes(before))
    for name, row in rows(after).items():
        width, usual_width = row.gains["overall"].half_width, rows(before)[name].gains["overall"].half_width
        assert width is not None
        assert usual_width is not None
        assert width > 10 * usual_width if name == "without LoRA" else width == pytest.approx(usual_width, rel=0.2)


def test_lost_predictions_leave_the_seeds(made: Any, outcome: AblationOutcome) -> None:
    made.folders.run(0).predictions("sts", 100).unlink()
    fewer = read_ablation(made.study, made.folders)
    assert fewer is not None
    assert "dev predictions is gone" in fewer.examples_unknown
    assert fewer.seeds_known
    name = "without SMART smoothness"
    assert rows(fewer)[name].gains["sst"].value == rows(outcome)[name].gains["sst"].value
    assert "for other seeds only, not for other dev examples" in ablation_notes(fewer)[0]


def test_moved_data_is_read_where_it_is(made: Any, outcome: AblationOutcome, tmp_path: Path) -> None:
    made.data.rename(tmp_path / "moved")
    assert read_ablation(made.study, made.folders, tmp_path / "moved") == outcome
    gone = read_ablation(made.study, made.folders)
    assert gone is not None
    assert gone.examples_unknown


def test_there_is_no_outcome_before_the_winner_has_run(made: Any) -> None:
    empty = optuna.create_study(study_name="empty", storage=made.storage)
    assert read_ablation(empty, made.folders) is None
    for name, value in made.study.user_attrs.items():
        empty.set_user_attr(name, value)
    assert read_ablation(empty, made.folders) is None


def test_the_reports_section(made: Any, outcome: AblationOutcome) -> None:
    """In the report of the study, and in that of the ablation."""
    source = optuna.create_study(study_name="made", storage=made.storage)
    folders = TrialFolders(made.folders.root.parent / "made")
    section = ablation_section(ReportContext(source, folders, storage=made.storage))
    own = ablation_section(ReportContext(made.study, made.folders))
    assert section is not None
    assert own is not None
    assert [part for part in section.parts if isinstance(part, str)] == ablation_sentences(outcome)
    assert [part for part in own.parts if isinstance(part, str)] == ablation_sentences(outcome)
    (table,) = [part for part in section.parts if isinstance(part, Table)]
    assert table == overall_table(outcome)
    (chart,) = [part for part in section.parts if isinstance(part, Chart)]
    assert sum(len(trace.x) for trace in chart.figure.data) == 4
    changes, tasks = [part for part in section.parts if isinstance(part, Fold)]
    assert changes.parts == (plan_table(outcome.plan),)
    assert [part.caption for part in tasks.parts if isinstance(part, Chart)] == ["sst", "sts"]
    assert list(section.frames) == ["ablation.csv"]
    assert ablation_section(ReportContext(source, folders)) is None
    other = optuna.create_study(study_name="other", storage=made.storage)
    assert ablation_section(ReportContext(other, folders, storage=made.storage)) is None
