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
from search.ablate.ablation_tables import ablation_frame, overall_table, plan_table, task_gains_table
from search.ablate.figure import gains_figure
from search.ablate.outcome import AblationOutcome, RowOutcome, read_ablation
from search.ablate.plan import WINNER
from search.analysis.dev_bootstrap import score_replicates
from search.display.table import Table
from search.report.context import ReportContext
from search.report.parts import Chart, Fold
from search.report.sections.ablation import ablation_section
from search.trials.folders import TrialFolders
from search.trials.record import TrialRecord


@pytest.fixture
def outcome(made: Any) -> AblationOutcome:
    found = read_ablation(made.study, made.folders)
    assert found is not None
    return found


def rows(outcome: AblationOutcome) -> dict[str, RowOutcome]:
    return {row.ablation.row: row for row in outcome.rows}


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


def test_the_sentences_say_what_is_clear_and_what_is_not(outcome: AblationOutcome) -> None:
    basis, helps, harms, unclear = ablation_sentences(outcome)
    assert basis.startswith("Trial 7, trained again with 3 fresh seeds, has overall 0.")
    gain = rows(outcome)["without SMART smoothness"].gains["overall"]
    assert helps.startswith(f"SMART smoothness: {gain.value:+.4f} ± {gain.half_width:.4f} overall (sst +0.")
    assert harms.startswith("LoRA does harm: -0.")
    assert unclear == (
        "No evidence that these help: learning rate, R-Drop. Runs are cheaper without R-Drop (0.50 of the time)."
    )
    told = ablation_notes(outcome)
    assert "how far other dev examples and other seeds may move the number" in told[0]
    assert told[-1] == "1 of the runs have not finished, and are in no number."


def test_tables_and_numbers_in_full(made: Any, outcome: AblationOutcome) -> None:
    table = {row[0]: row for row in overall_table(outcome).rows}
    smart = rows(outcome)["without SMART smoothness"]
    gain = smart.gains["overall"]
    assert smart.scores is not None
    mean, spread = smart.scores.means["overall"], smart.scores.spreads["overall"]
    numbers = (f"{gain.value:+.4f} ± {gain.half_width:.4f}", "1.00", f"{mean:.4f} ± {spread:.4f}", "3")
    assert table["without SMART smoothness"][1:] == numbers
    assert table["default learning rate"][4] == "2"
    assert table["without R-Drop"][2] == "0.50"
    assert task_gains_table(outcome).headings == ("run", "sst: gain", "sts: gain")
    changed = {row[0]: row[1] for row in plan_table(outcome.plan).rows}
    assert changed["default learning rate"] == "optim.learning_rate: 0.0001 → 5e-05"
    assert changed["without LoRA"] == "lora.rank: 8 → 0"
    frame = ablation_frame(outcome).set_index("run")
    assert list(frame.index) == [WINNER, *(row.ablation.row for row in outcome.rows)]
    assert frame.loc["without SMART smoothness", "gain sst"] == smart.gains["sst"].value
    assert frame.loc["without SMART smoothness", "gain_half_width overall"] == gain.half_width
    assert frame.loc[WINNER, "overall"] == pytest.approx(fmean(run["overall"] for run in made.scores[WINNER]))
    assert frame.loc["without R-Drop", "seconds"] == 5.0


def test_the_figure_holds_every_gain_with_its_interval(outcome: AblationOutcome) -> None:
    figure = gains_figure(outcome)
    drawn = {
        text: (x, width)
        for trace in figure.data
        for text, x, width in zip(trace.text, trace.x, trace.error_x.array, strict=True)
    }
    assert drawn == {
        row.ablation.techniques[0]: (row.gains["overall"].value, row.gains["overall"].half_width)
        for row in outcome.rows
    }
    assert {trace.name: list(trace.text) for trace in figure.data}["does harm"] == ["LoRA"]
    assert figure.layout.yaxis.ticktext[0] == "SMART smoothness"


def test_a_row_with_a_run_that_failed_to_learn_is_told_and_leaves_the_others_alone(make: Any) -> None:
    usual, failed = make("usual", {}), make("failed", {"without LoRA": [0.40, -0.40, 0.39]})
    before, after = (read_ablation(one.study, one.folders) for one in (usual, failed))
    assert before is not None
    assert after is not None
    assert not any(before.apart.values())
    assert {run for run, scores in after.apart.items() if scores} == {"without LoRA"}
    assert "overall" in after.apart["without LoRA"]
    said = f"in {' and '.join(after.apart['without LoRA'])} that its interval is its own."
    assert f"The runs of 'without LoRA' differ so much among themselves {said}" in ablation_notes(after)
    assert not any("its own." in note for note in ablation_notes(before))
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
    assert "for other seeds alone, not for other dev examples" in ablation_notes(fewer)[0]


def test_moved_data_is_read_where_it_is(made: Any, outcome: AblationOutcome, tmp_path: Path) -> None:
    made.data.rename(tmp_path / "moved")
    assert read_ablation(made.study, made.folders, tmp_path / "moved") == outcome
    gone = read_ablation(made.study, made.folders)
    assert gone is not None
    assert gone.examples_unknown


def test_nothing_is_said_before_the_winner_has_run(made: Any) -> None:
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
