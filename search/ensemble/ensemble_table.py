"""Make a table of the scores of an ensemble and its members."""

from __future__ import annotations

from collections.abc import Mapping

from data.tasks import TaskSpec
from search.display.table import Table
from search.ensemble.named_trials import Shares
from search.ensemble.result import Ensemble

__all__ = ["ensemble_table"]


def ensemble_table(study: str, ensemble: Ensemble) -> Table:
    """Make a table of the members' dev scores and shares, the ensemble's scores and its gain over the best member."""
    specs = {task: settings.spec for task, settings in ensemble.members[0].config.tasks.items()}
    trials = f"{len(ensemble.members)} trial{'s' if len(ensemble.members) > 1 else ''}"
    rows = (
        (
            f"trial {member.number}",
            *_cells(member.result.scores, member.overall, specs),
            _share_text(ensemble.shares, member.number),
        )
        for member in ensemble.members
    )
    together, best = ensemble.scores, ensemble.best
    gains = {t: spec.metric.gain(together.scores[t], best.result.scores[t]) for t, spec in specs.items()}
    method = "ensemble" if ensemble.model is None else "soup"
    return Table(
        f"Study {study}, {ensemble.method} of {trials}: dev scores",
        ("", *(f"{task} {spec.metric}" for task, spec in specs.items()), "overall", "share"),
        tuple(rows),
        footer=(
            (method, *_cells(together.scores, together.overall, specs), ""),
            (f"gain over trial {best.number}", *_cells(gains, ensemble.gain, specs, "+.4f"), ""),
        ),
    )


def _share_text(shares: Shares, number: int) -> str:
    """``0.50`` where the member has it in every task, else a line for each task that it has a share in."""
    of_member = {task: of_task[number] for task, of_task in shares.items() if number in of_task}
    if len(of_member) == len(shares) and len(set(of_member.values())) == 1:
        return f"{next(iter(of_member.values())):.2f}"
    return "\n".join(f"{task} {share:.2f}" for task, share in of_member.items())


def _cells(scores: Mapping[str, float], overall: float, tasks: Mapping[str, TaskSpec], form: str = ".4f") -> list[str]:
    return [f"{value:{form}}" for value in (*(scores[task] for task in tasks), overall)]
