"""Find the settings in which the winner differs from the default and that go with better scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from search.analysis.importance.effects import Effect
from search.analysis.importance.importance import Importance
from search.display.values import rounded

__all__ = ["HelpfulSetting", "helpful_settings", "helpful_settings_sentence", "mean_at", "shared_settings"]

_LEAST = 0.002  # of overall; less is not worth a word
_NAMED = 3


@dataclass(frozen=True)
class HelpfulSetting:
    """A setting in which two configurations differ.

    Attributes:
        winner: its value in one, None where it has none; shares by task.
        default: in the other.
        gap: difference of the mean scores at these values, other settings' doing taken out.
    """

    path: str
    winner: Any
    default: Any
    gap: float


def helpful_settings(
    shares: Sequence[Importance], effects: Sequence[Effect], winner: Mapping[str, Any], default: Mapping[str, Any]
) -> list[HelpfulSetting]:
    """Return the settings that clearly matter and whose value in the winner goes with better scores, largest gap first.

    It does so if the interval of the gap between the two values is above 0. The interval is for all gaps of the setting
    together, since the winner's value was chosen for its score.

    A setting that only one of the two has is left out: what it does is due to the setting that decides it. Values are
    by path, those of shares task by task.
    """
    found = []
    for path in [one.path for one in shares if one.is_clear]:
        values = [_value(path, settings) for settings in (winner, default)]
        of_path = [effect for effect in effects if effect.setting == path]
        if values[0] == values[1] or None in values or len(of_path) != 1:
            continue
        gap, width = _gap(of_path[0], *values)
        if gap >= _LEAST and gap > width:
            found.append(HelpfulSetting(path, values[0], values[1], gap))
    return sorted(found, key=lambda gain: -gain.gap)


def shared_settings(shares: Sequence[Importance], winner: Mapping[str, Any], default: Mapping[str, Any]) -> list[str]:
    """Return the paths of settings that clearly matter and are the same in both; see :func:`helpful_settings`."""
    return [one.path for one in shares if one.is_clear and _value(one.path, winner) == _value(one.path, default)]


def helpful_settings_sentence(gains: Sequence[HelpfulSetting], same: Sequence[str], *, has_ablation: bool) -> str:
    """Name the settings that differ between winner and default and go with better scores.

    Without any, name those of :func:`shared_settings` (``same``).
    """
    if not gains:
        kept = ""
        if same:
            kept = f"The default already has the winner's value of what clearly mattered ({', '.join(same[:_NAMED])}). "
        return f"{kept}These trials do not show which of the changed settings make the difference."
    listed = "; ".join(
        f"{gain.path} {_value_text(gain.winner)} instead of {_value_text(gain.default)} (trials with such a value "
        f"score {gain.gap:.3f} higher)"
        for gain in gains[:_NAMED]
    )
    caution = "This is an association within the search, not proof of a cause" + (
        "; the ablation below trains the winner without each technique."
        if has_ablation
        else "; an ablation, which trains the winner without each technique, says more."
    )
    return f"Settings that go with better scores: {listed}. {caution}"


def mean_at(effect: Effect, value: Any) -> float:
    """Return the mean score at a number, a choice, or shares by task.

    It is interpolated between a curve's points; for shares it is that of the nearest point.
    """
    return float(_mix(effect, value) @ effect.means)


def _gap(effect: Effect, one: Any, other: Any) -> tuple[float, float]:
    """Return the difference of the means at two values, and half the width of its interval.

    For values between a curve's points it is a little too wide: it is the mean of those between the points.
    """
    width = _mix(effect, one) @ effect.gap_half_widths @ _mix(effect, other)
    return mean_at(effect, one) - mean_at(effect, other), float(width)


def _mix(effect: Effect, value: Any) -> np.ndarray:
    """Parts of the effect's points that make up the value, (points,), sum 1; NaN for a choice that no trial has."""
    points = np.eye(len(effect.values))
    if effect.kind == "shares":
        point = [value[task] for task in effect.tasks]
        return np.asarray(points[np.linalg.norm(np.array(effect.values) - point, axis=1).argmin()])
    if effect.kind == "choice":
        return points[effect.values.index(value)] if value in effect.values else np.full(len(points), np.nan)
    scale = np.log if effect.is_log else np.asarray
    place, places = scale(float(value)), scale(np.array(effect.values, dtype=float))
    return np.array([np.interp(place, places, point) for point in points])


def _value(path: str, settings: Mapping[str, Any]) -> Any:
    if path in settings:
        return settings[path]
    tasks = {name.removeprefix(f"{path}."): value for name, value in settings.items() if name.startswith(f"{path}.")}
    return tasks or None


def _value_text(value: Any) -> str:
    if isinstance(value, dict):
        return " / ".join(f"{task} {share:.2f}" for task, share in value.items())
    return f"{value:.2g}" if isinstance(value, float) else rounded(value)
