"""Which settings of a study mattered, put together for a report: sentences, a table and figures."""

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
from search.display.values import rounded

__all__ = ["ImportanceSummary", "summarise_importance"]

_DRAWN = 12
_NAMED = 8


@dataclass(frozen=True)
class ImportanceSummary:
    """For people to read.

    Attributes:
        sentences: what the numbers rest on, one for each setting that clearly matters, and up to two for
            the others.
        table: all settings, the largest share first; None where trials are too few.
        figures: by caption: all shares, then the effects of the settings with the largest.
        shares: of all settings, the largest first.
        effects: of the same settings.
    """

    sentences: list[str]
    table: Table | None
    figures: dict[str, go.Figure]
    shares: tuple[Importance, ...] = ()
    effects: tuple[Effect, ...] = ()


def summarise_importance(study: optuna.Study) -> ImportanceSummary:
    """Of the trials so far."""
    model = study_score_model(study)
    if model is None:
        few = f"Too few trials to say which settings matter: at least {FEWEST_TRIALS} of different scores are needed."
        return ImportanceSummary([few], None, {})
    shares, curves = importances(model), effects(model)
    if not shares:
        return ImportanceSummary(["No setting has been tried with several values in at least 5 trials."], None, {})
    gaps = {effect.setting: effect for effect in curves if effect.label == effect.setting}
    top = [one.path for one in shares[:_DRAWN]]
    drawn = sorted((one for one in curves if one.setting in top), key=lambda one: top.index(one.setting))
    means = [mean for effect in drawn for mean in effect.means]
    figures = {"shares of the differences between trials": importance_figure(shares)} | {
        effect.label: effect_figure(effect, (min(means), max(means))) for effect in drawn
    }
    sentences, table = _sentences(model, shares, gaps), _table(model, shares, gaps)
    return ImportanceSummary(sentences, table, figures, tuple(shares), tuple(curves))


def _sentences(model: ScoreModel, shares: list[Importance], gaps: dict[str, Effect]) -> list[str]:
    count = len(model.scores)
    pruned = f", {count - model.finished} of them pruned, with the score they may be expected to end with"
    predicted = round(100 * max(model.explained, 0.0))
    basis = (
        f"From {count} trials{pruned if model.finished < count else ''}: the settings predict {predicted} % of the "
        "differences in overall between trials that the prediction was not fitted to."
    )
    if model.seed_share is not None:
        basis += f" Seeds alone make {round(100 * model.seed_share)} %."
    clear = [one for one in shares if one.is_clear]
    lines = [basis, *(_sentence(one, count, gaps.get(one.path)) for one in clear)]
    hinted = [one.path for one in shares if not one.is_clear and one.path in gaps and gaps[one.path].gap.low > 0.0]
    if hinted:
        lines.append(f"Only a hint that they matter, a gap above 0: {', '.join(hinted)}.")
    others = [one.path for one in shares if not one.is_clear and one.path not in hinted]
    if others:
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        lines.append(f"No evidence that they matter: {', '.join(others[:_NAMED])}{more}.")
    return lines


def _sentence(one: Importance, count: int, effect: Effect | None) -> str:
    gap = ""
    if effect is not None and effect.gap.low > 0.0:
        worst, best, difference = _ends(effect)
        gap = f"{difference} between its worst value ({worst}) and its best ({best}); "
    elif effect is not None:
        gap = "which value is best depends on other settings, or is not clear yet; "
    where = (
        f"; {round(100 * one.where_active.value)} % in the {one.trials} trials that have it"
        if one.trials < count
        else ""
    )
    return f"{one.path}: {gap}{_percent(one.overall)} of the differences{where}."


def _table(model: ScoreModel, shares: list[Importance], gaps: dict[str, Effect]) -> Table:
    rows = []
    for one in shares:
        effect = gaps.get(one.path)
        worst, best, gap = ("", "", "") if effect is None else _ends(effect)
        part = "" if one.trials == len(model.scores) else _percent(one.where_active)
        rows.append((one.path, _percent(one.overall), str(one.trials), part, worst, best, gap))
    headings = (
        "setting",
        "share of the differences",
        "trials that have it",
        "share among these",
        "worst",
        "best",
        "gap",
    )
    caption = (
        "Parts of the variance of overall, and gaps between mean scores, with 95 % intervals; one that holds 0 is no "
        "evidence"
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
    """A share is none below 0 or above 1, whatever the bootstrap's interval says."""
    value, low, high = (round(100 * min(max(number, 0.0), 1.0)) for number in (share.value, share.low, share.high))
    return f"{value} % [{low}, {high}]"
