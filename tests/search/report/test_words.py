"""What a report says of the winner: its score, its gains, its settings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.statistics import Interval, replay_selection
from search.analysis.checkpoints import score_bags, stored_checkpoints
from search.analysis.dev_resamples import bags_of
from search.analysis.expected_score import estimate_best
from search.analysis.importance.effects import Effect
from search.analysis.importance.importance import Importance
from search.display.table import Table
from search.report.answer_text import (
    certainty_sentences,
    headline,
    helpful_settings_sentence,
    lead_sentence,
    winner_sentences,
)
from search.report.context import ReportContext
from search.report.expected_progress import expected_progress
from search.report.helpful_settings import HelpfulSetting, helpful_settings, mean_at, shared_settings
from search.report.parts import Code, Fold, Note, Part
from search.report.sections.winner import winner_section
from search.trials.folders import TrialFolders
from tests.search.made_study import SPECS, WEIGHTS, make_study
from tests.search.reported import TABLE, a_study, record


def test_a_default_that_wins_and_one_that_loses() -> None:
    worse, best = record(0, 0.60), record(4, 0.64)
    assert lead_sentence(best, best) == "The winner is the default configuration: nothing that was tried did better."
    lead = lead_sentence(best, worse)
    assert lead == "On dev the winner scores 0.040 more than the default configuration, trial 0 (0.600)."
    gains = [HelpfulSetting("optim.learning_rate", 1e-4, 2e-5, 0.031), HelpfulSetting("lora.rank", 8, 0, 0.01)]
    line = helpful_settings_sentence(gains, [], has_ablation=False)
    assert "optim.learning_rate 0.0001 instead of 2e-05 (trials with such a value score 0.031 higher)" in line
    assert "lora.rank 8 instead of 0 (trials with such a value score 0.010 higher). " in line
    line = helpful_settings_sentence([], ["lora.rank"], has_ablation=False)
    assert "already has the winner's value of what clearly mattered (lora.rank)." in line
    assert "cannot be told" in line


def test_the_winner_without_an_estimate_and_with_one(tmp_path: Path) -> None:
    best = record(4, 0.64)
    assert headline(best.result.overall, None)[0] == "0.640"
    first, unknown = winner_sentences(best, TABLE, None, "trial 4's dev predictions are gone")
    assert first.startswith(
        "Trial 4 is the winner, the best of 2 that were trained to the end: overall 0.640 on the dev"
    )
    assert "luck" not in first
    assert unknown.endswith("by how much cannot be said: trial 4's dev predictions are gone.")
    made = make_study(tmp_path, [[0.5, 0.6], [0.5, 0.55], [0.5, 0.58]])
    estimate, _ = estimate_best(made.study, made.folders)
    assert estimate is not None
    overall = estimate.scores.overall
    number, words = headline(best.result.overall, estimate.scores)
    assert number == f"{overall.expected:.3f}"
    assert f"between {overall.low:.3f} and {overall.high:.3f}, with 95 % confidence" in words
    (line,) = winner_sentences(best, TABLE, estimate, "")
    assert f"Of that {overall.optimism:.3f} is luck" in line
    near = TABLE.assign(overall=[overall.dev - 0.001, 0.1, 0.1, None, overall.dev])
    (line,) = certainty_sentences(best, near, estimate, "python -m search.finalists --study s")
    assert "One other trial scores less than" in line
    assert "and may be as good." in line
    assert "python -m search.finalists" in line


def effect(
    path: str, kind: Any, values: list[Any], means: list[float], tasks: tuple[str, ...] = (), width: float = 0.02
) -> Effect:
    ends = tuple(means)
    best, worst = int(np.argmax(means)), int(np.argmin(means))
    return Effect(
        path,
        path,
        kind,
        9,
        tuple(values),
        ends,
        ends,
        ends,
        best,
        worst,
        width * (1.0 - np.eye(len(values))),
        kind == "number",
        tasks,
    )


RATE = effect("rate", "number", [1e-5, 1e-4, 1e-3], [0.5, 0.7, 0.6])
RANK = effect("rank", "choice", [0, 8], [0.50, 0.53])
SHARES = effect("loss.weights", "shares", [(1.0, 0.0), (0.5, 0.5)], [0.4, 0.6], ("sst", "sts"))


def test_the_mean_at_a_value() -> None:
    assert mean_at(RATE, 1e-4) == 0.7
    assert mean_at(RATE, math.sqrt(1e-5 * 1e-4)) == pytest.approx(0.6)  # half-way on a logarithmic scale
    assert mean_at(RATE, 1.0) == 0.6
    assert mean_at(RANK, 8) == 0.53
    assert math.isnan(mean_at(RANK, 4))
    assert mean_at(SHARES, {"sst": 0.6, "sts": 0.4}) == 0.6


def share(path: str, *, is_clear: bool = True) -> Importance:
    number = Interval(0.3, 0.1 if is_clear else -0.1, 0.5)
    return Importance(path, 9, number, number)


def test_gains_are_those_of_clear_settings_in_which_the_winner_differs_for_the_better() -> None:
    winner = {"rate": 1e-4, "rank": 8, "loss.weights.sst": 0.5, "loss.weights.sts": 0.5, "alpha": 3.0}
    default = {"rate": 1e-5, "rank": 0, "loss.weights.sst": 1.0, "loss.weights.sts": 0.0}
    effects = [RATE, RANK, SHARES]
    clear = [share("rank"), share("rate"), share("loss.weights"), share("alpha")]
    found = helpful_settings(clear, effects, winner, default)
    assert [one.path for one in found] == ["rate", "loss.weights", "rank"]  # alpha: the default has none
    assert [one.gap for one in found] == pytest.approx([0.2, 0.2, 0.03])
    assert found[1].winner == {"sst": 0.5, "sts": 0.5}
    assert helpful_settings(clear, effects, default, winner) == []  # worse
    assert helpful_settings(clear, effects, winner, winner) == []
    assert helpful_settings([share("rate", is_clear=False)], effects, winner, default) == []
    unsure = [effect("rank", "choice", [0, 8], [0.50, 0.53], width=0.04), RATE]
    assert [one.path for one in helpful_settings(clear, unsure, winner, default)] == ["rate"]
    # A third of the way between two points on a logarithmic scale the gap is a third, and so is its interval.
    near = {**default, "rate": 1e-5 * 10 ** (1 / 3)}
    (gain,) = helpful_settings([share("rate")], effects, near, default)
    assert gain.gap == pytest.approx(0.2 / 3)
    assert (
        helpful_settings(
            [share("rate")], [effect("rate", "number", [1e-5, 1e-4], [0.5, 0.7], width=0.21)], near, default
        )
        == []
    )
    assert shared_settings(clear, winner, {**default, "rank": 8}) == ["rank"]


def test_what_was_expected_as_the_search_went_on(tmp_path: Path) -> None:
    """Each point is the estimate of a study that ended there; the best so far only rises, what it is worth need not."""
    made = make_study(tmp_path, [[0.3, 0.4], [0.5, 0.6], [0.2, 0.3], [0.4, 0.62]])
    found = expected_progress(made.study, made.folders)
    assert list(found) == [0, 1, 2, 3]
    checkpoints, _ = stored_checkpoints(range(2), made.folders, SPECS)
    bags = {
        task: score_bags(checkpoints, spec, made.gold[task], bags_of(task, made.gold[task], 200))
        for task, spec in SPECS.items()
    }
    at = int(np.argmax([one.evaluation.overall for one in checkpoints]))
    assert found[1] == replay_selection(bags, at, SPECS, WEIGHTS).overall
    best = [one.dev for one in found.values()]
    assert best == sorted(best)
    assert expected_progress(made.study, made.folders, tmp_path / "nowhere") == {}
    made.folders.run(2).predictions("sst", 100).unlink()
    fewer = expected_progress(made.study, made.folders)
    assert list(fewer) == [0, 1, 3]
    assert fewer[1] == found[1]
    made.folders.run(made.study.best_trial.number).predictions("sst", 100).unlink()
    assert expected_progress(made.study, made.folders) == {}


def test_the_winners_settings_are_set_against_the_default(tmp_path: Path) -> None:
    context = ReportContext(a_study(0.5, 0.7, 0.6), TrialFolders(tmp_path))
    section = winner_section(context)
    assert section is not None
    table = next(part for part in section.parts if isinstance(part, Table))
    ours, theirs = (context.records[number].config for number in (1, 0))
    assert ours is not None
    assert theirs is not None
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["optim.learning_rate"] == (f"{theirs.optim.learning_rate:.4g}", f"{ours.optim.learning_rate:.4g}")
    assert not any(path.startswith("compute.") for path in rows)
    frame = section.frames["settings.csv"].set_index("path")
    assert frame.loc["optim.learning_rate", "winner"] == ours.optim.learning_rate
    commands = next(part.text for part in walk(section.parts) if isinstance(part, Code))
    assert f"python -m search.compare {context.study.study_name}:0 {context.study.study_name}:1" in commands


def walk(parts: Iterable[Part]) -> Iterator[Part]:
    for part in parts:
        yield part
        if isinstance(part, Fold):
            yield from walk(part.parts)


@pytest.mark.parametrize(("default", "words"), [(1, "It is the default"), (None, "no result of its default")])
def test_a_winner_that_is_the_default_or_has_none_to_be_set_against(
    tmp_path: Path, default: int | None, words: str
) -> None:
    section = winner_section(ReportContext(a_study(0.5, 0.7, default=default), TrialFolders(tmp_path)))
    assert section is not None
    assert isinstance(section.parts[0], Note)
    assert words in section.parts[0].text
    assert not section.frames
