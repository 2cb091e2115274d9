"""Measure finalists: means over seeds, and differences from others with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from core.config import RunConfig
from search.analysis.seed_intervals import OVERALL, Difference, gain_in, score_intervals, score_values
from search.trials.folders import TrialFolders
from search.trials.record import FinishedTrial

__all__ = ["Finalist", "measure"]


@dataclass(frozen=True)
class Finalist:
    """A configuration and what its runs came to; scores are by ``overall`` and the names of the tasks.

    Attributes:
        name: ``default``, ``preset NAME``, or ``trial N`` of the study that it is a finalist of.
        config: with the first of the seeds.
        source: the trial of that study; None where no trial of it had this configuration.
        preset: name of the preset, if it is one.
        is_default: whether it is the study's default configuration.
        runs: trials of the finalists' study, in the order of the seeds.
        means: over them.
        spreads: standard deviations over them; None for a single run.
        half_width: of the 95 % interval of the mean overall score; None where nothing is known of chance.
        apart: scores in which its runs differ so much that their spread is not pooled with the others'.
        to_default: mean minus that of the default configuration; empty for itself and where that has no run.
        to_preset: mean minus that of the best preset; empty for itself and where there is none.
        dropped: why it got no further seed; empty if it has all.
    """

    name: str
    config: RunConfig
    source: int | None
    preset: str
    is_default: bool
    runs: tuple[int, ...]
    means: dict[str, float]
    spreads: dict[str, float | None]
    half_width: float | None
    apart: tuple[str, ...]
    to_default: dict[str, Difference]
    to_preset: dict[str, Difference]
    dropped: str


def measure(
    runs: Mapping[str, Sequence[FinishedTrial]],
    candidates: Mapping[str, Mapping[str, Any]],
    dropped: Mapping[str, str],
    folders: TrialFolders,
    data: Path | None,
) -> tuple[list[Finalist], str]:
    """Return a finalist for each configuration, and why the intervals leave out the dev examples, if so.

    Args:
        runs: at least one of each configuration, finished.
        candidates: what :meth:`search.finalists.candidates.Candidate.to_json` says of each, by name.
        dropped: why some got no further seed.
    """
    config = list(runs.values())[-1][-1].config_with_data(data)
    intervals, unknown = score_intervals(runs, folders, config)
    names = list(runs)
    scores = {row: [score_values(of, row) for of in runs.values()] for row in intervals}
    default = next((place for place, name in enumerate(names) if candidates[name]["is_default"]), None)
    presets = [place for place, name in enumerate(names) if candidates[name]["preset"]]
    preset = max(presets, key=lambda place: fmean(scores[OVERALL][place]), default=None)

    def differences(place: int, other: int | None) -> dict[str, Difference]:
        if other is None or other == place:
            return {}
        return {
            row: Difference(
                gain_in(row, fmean(scores[row][place]), fmean(scores[row][other]), config),
                intervals[row].difference_half_width(place, other),
            )
            for row in intervals
        }

    found = []
    for place, name in enumerate(names):
        table = candidates[name]
        values = {row: of[place] for row, of in scores.items()}
        found.append(
            Finalist(
                name,
                runs[name][0].config,
                table["trial"],
                table["preset"],
                table["is_default"],
                tuple(record.number for record in runs[name]),
                {row: fmean(of) for row, of in values.items()},
                {row: stdev(of) if len(of) > 1 else None for row, of in values.items()},
                intervals[OVERALL].half_width(place),
                tuple(row for row, of in intervals.items() if place in of.apart),
                differences(place, default),
                differences(place, preset),
                dropped.get(name, ""),
            )
        )
    return found, unknown
