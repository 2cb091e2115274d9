"""The outcome: differences, floors and failed runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from predicting_executor import PredictingExecutor

from core.config import RunConfig
from core.inputs.dev_gold import dev_gold
from core.run.cost import Cost
from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from core.statistics import ScoreIntervals, overall_score, own_metric
from search.analysis.dev_bootstrap import score_replicates
from search.analysis.expected_score import estimate_best
from search.finalists.final_sentences import outcome_notes, outcome_sentences
from search.trials.folders import TrialFolders
from search.trials.record import TrialRecord
from tests.search.finalists.rates_study import final, read, study_of, with_floor

pytestmark = pytest.mark.usefixtures("stubbed")


def test_differences_are_paired_and_per_task(finished_final: tuple[Path, str]) -> None:
    final_runs = finished_final[0]
    outcome, folders = read(final_runs), TrialFolders(final_runs / "rates-finalists")
    trials = study_of(final_runs, "rates-finalists").get_trials()
    runs = [[TrialRecord.read(trials[number]) for number in one.runs] for one in outcome.finalists]
    config = runs[0][0].config
    assert config is not None
    ends = np.cumsum([len(of) for of in runs])[:-1]
    together = score_replicates([record for of in runs for record in of], folders, config)
    preset = next(place for place, one in enumerate(outcome.finalists) if one.preset == "siamese")
    assert config.optim.learning_rate == pytest.approx(1e-3, rel=0.3)
    for task in ("overall", "sst", "sts"):
        scores = [
            np.array([r.result.overall if task == "overall" else r.result.scores[task] for r in of]) for of in runs
        ]
        intervals = ScoreIntervals(scores, np.split(together[task], ends, axis=1))
        found = outcome.winner.to_preset[task]
        assert found.value == pytest.approx(scores[0].mean() - scores[preset].mean())
        assert found.half_width == pytest.approx(intervals.difference_half_width(0, preset))
    assert outcome.finalists[preset].to_preset == {}
    assert outcome.winner.to_default["overall"].is_clear


def lopsided(config: RunConfig, rung: int, run: RunFolder, slope: float) -> Evaluation:  # noqa: ARG001
    """Make the default configuration, at 1e-1, the best overall and poor in sts."""
    leads, scores = config.optim.learning_rate > 0.05, {}
    rng = np.random.default_rng([int(config.digest[:8], 16), rung])
    specs = {name: task.spec for name, task in config.tasks.items()}
    for task, spec in specs.items():
        gold = dev_gold(config, task)
        if spec.kind.is_score:
            values = (0.4 if leads else 1.0) * gold + rng.normal(size=len(gold))
        else:
            noise = rng.dirichlet(np.ones(len(spec.classes)), len(gold))
            values = (2.0 if leads else 0.2) * np.eye(len(spec.classes))[gold] + noise
        run.write_predictions(rung, {task: values.astype(np.float32)})
        scores[task] = own_metric(spec, values.astype(np.float32), gold)
    overall = float(overall_score(scores, specs, dict.fromkeys(specs, 1.0)))
    return Evaluation(rung, rung, 1, overall, scores, {}, {}, rung / 100, 100.0, cost=Cost(1000, 100, rung, 50.0))


def test_a_finalist_below_a_floor_neither_wins_nor_drops_any(searched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it count in the expected score of the winner."""
    monkeypatch.setattr("predicting_executor.predicted", lopsided)
    with_floor(searched, 0.7)
    final(searched, preset=None)
    outcome = read(searched)
    assert all(len(one.runs) == 3 for one in outcome.finalists)
    default = outcome.default
    assert default is not None
    winner = outcome.winner.means["overall"]
    assert default.means["overall"] > winner + 0.05
    assert set(outcome.contenders) == {one.name for one in outcome.finalists} - {"default"}
    assert outcome.expected is not None
    assert outcome.expected.overall.expected < winner
    best, _ = estimate_best(study_of(searched, "rates-finalists"), TrialFolders(searched / "rates-finalists"))
    assert best is not None
    assert best.trials == 9
    assert best.scores.overall.expected < best.scores.overall.dev
    sts = f"{default.means['sts']:.3f}".removeprefix("0")
    assert f"default cannot win: sts {sts} is below its floor of .7." in outcome_notes(outcome)
    assert (
        "Selection among 3 eligible finalists and their checkpoints inflates the dev score by"
        in outcome_sentences(outcome)[1]
    )


def test_failed_runs_are_reported_and_do_not_help_to_win(
    searched: Path, finished_final: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read(finished_final[0])
    lost = frozenset({before.winner.runs[0]})
    monkeypatch.setattr(
        "search.console.executor_choice.LocalExecutor", lambda *_, **__: PredictingExecutor(failing=lost)
    )
    final(searched)
    outcome, name = read(searched), before.winner.name
    assert outcome.failed == {name: 1}
    assert outcome.winner.name != name
    assert len(outcome.winner.runs) == 3
    assert name not in outcome.contenders
    notes = outcome_notes(outcome)
    assert f"{name}: 1 of 3 runs failed." in notes
    assert f"{name} cannot win: others have more runs." in notes
    assert "Dropping saved 2 runs." in notes
