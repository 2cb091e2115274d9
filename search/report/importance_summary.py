"""Summarise for a report which settings of a study mattered: sentences, a table and figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import optuna
import plotly.graph_objects as go

from core.statistics import Interval
from search.analysis.importance.effects import Effect, effects
from search.analysis.importance.figures import effect_figure, importance_figure
from search.analysis.importance.importance import Importance, importances
from search.analysis.importance.model import FEWEST_TRIALS, ScoreModel, study_score_model
from search.display.table import Table
from search.display.values import first_few, rounded

__all__ = ["ImportanceSummary", "summarise_importance"]

_DRAWN = 12
_NAMED = 8


@dataclass(frozen=True)
class ImportanceSummary:
    """Importance and effects of the settings, for people to read.

    Attributes:
        sentences: the data that the numbers are based on, one sentence for each setting that clearly matters, and up to
            two for the others.
        table: all settings, the largest share first; None if there are too few trials.
        figures: by caption: all shares, then the effects of the settings with the largest shares.
        shares: importance of all settings, the largest first.
        effects: effects of the same settings.
    """

    sentences: list[str]
    table: Table | None
    figures: dict[str, go.Figure]
    shares: tuple[Importance, ...] = ()
    effects: tuple[Effect, ...] = ()


def summarise_importance(study: optuna.Study) -> ImportanceSummary:
    """Summarise the trials so far."""
    model = study_score_model(study)
    if model is None:
        few = f"Too few trials to say which settings matter: at least {FEWEST_TRIALS} with different scores are needed."
        return ImportanceSummary([few], None, {})
    shares, curves = importances(model), effects(model)
    if not shares:
        return ImportanceSummary(["No setting was tried with several values in at least 5 trials."], None, {})
    gaps = {effect.setting: effect for effect in curves if effect.label == effect.setting}
    top = [one.path for one in shares[:_DRAWN]]
    drawn = sorted((one for one in curves if one.setting in top), key=lambda one: top.index(one.setting))
    means = [mean for effect in drawn for mean in effect.means]
    figures = {"Share of the variance between trials": importance_figure(shares)} | {
        effect.label: effect_figure(effect, (min(means), max(means))) for effect in drawn
    }
    sentences, table = _sentences(model, shares, gaps), _table(model, shares, gaps)
    return ImportanceSummary(sentences, table, figures, tuple(shares), tuple(curves))


def _sentences(model: ScoreModel, shares: list[Importance], gaps: dict[str, Effect]) -> list[str]:
    count = len(model.scores)
    pruned = f", {count - model.finished} of them pruned and counted with their expected final score"
    predicted = round(100 * max(model.explained, 0.0))
    basis = (
        f"Based on {count} trials{pruned if model.finished < count else ''}: the settings explain {predicted} % of the "
        "variance of the overall score, measured on trials that the prediction was not fitted to."
    )
    if model.seed_share is not None:
        basis += f" Seeds alone account for {round(100 * model.seed_share)} %."
    clear = [one for one in shares if one.is_clear]
    lines = [basis, *(_sentence(one, count, gaps.get(one.path)) for one in clear)]
    hinted = [one.path for one in shares if not one.is_clear and one.path in gaps and gaps[one.path].gap.low > 0.0]
    if hinted:
        lines.append(f"Weak evidence, a gap above 0 without a clear share: {', '.join(hinted)}.")
    others = [one.path for one in shares if not one.is_clear and one.path not in hinted]
    if others:
        lines.append(f"No evidence of an effect: {first_few(others, _NAMED)}.")
    return lines


def _sentence(one: Importance, count: int, effect: Effect | None) -> str:
    gap = ""
    if effect is not None and effect.gap.low > 0.0:
        worst, best, difference = _ends(effect)
        gap = f"gap of {difference} between its worst value ({worst}) and its best ({best}); "
    elif effect is not None:
        gap = "the best value depends on other settings or is not clear yet; "
    where = (
        f"; {round(100 * one.where_active.value)} % in the {one.trials} trials in which it is active"
        if one.trials < count
        else ""
    )
    return f"{one.path}: {gap}{_percent(one.overall)} of the variance{where}."


def _table(model: ScoreModel, shares: list[Importance], gaps: dict[str, Effect]) -> Table:
    rows = []
    for one in shares:
        effect = gaps.get(one.path)
        worst, best, gap = ("", "", "") if effect is None else _ends(effect)
        part = "" if one.trials == len(model.scores) else _percent(one.where_active)
        rows.append((one.path, _percent(one.overall), str(one.trials), part, worst, best, gap))
    headings = ("setting", "share of variance", "active trials", "share among these", "worst", "best", "gap")
    caption = (
        "Share of the variance of the overall score and gap between mean scores, with 95 % intervals; an interval that "
        "contains 0 is no evidence of an effect"
    )
    return Table(caption, headings, tuple(rows))


def _ends(effect: Effect) -> tuple[str, str, str]:
    worst, best = (_value(effect, effect.values[index]) for index in (effect.worst, effect.best))
    return worst, best, _interval(effect.gap)


def _value(effect: Effect, value: Any) -> str:
    if effect.tasks:
        return ", ".join(f"{task} {share:.2f}" for task, share in zip(effect.tasks, value, strict=True))
    return f"{value:.2g}" if isinstance(value, float) and effect.kind == "number" else rounded(value)


def _interval(number: Interval) -> str:
    return f"{number.value:.3f} [{number.low:.3f}, {number.high:.3f}]"


def _percent(share: Interval) -> str:
    """Write a share with its interval, limited to 0 to 100 %."""
    value, low, high = (round(100 * min(max(number, 0.0), 1.0)) for number in (share.value, share.low, share.high))
    return f"{value} % [{low}, {high}]"
