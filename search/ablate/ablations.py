"""Take a technique out of a run, together with what depends on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from core.config import RunConfig
from data.errors import UserError
from search.ablate.head_switches import spelled_out
from search.ablate.switch import Changes, Switch
from search.ablate.switches import SWITCHES
from search.space.paths import differing_paths, get_value, set_value

__all__ = ["Ablation", "ablations", "turn_off"]


@dataclass(frozen=True)
class Ablation:
    """A run in which a technique is off.

    Attributes:
        row: what it is called: ``without LoRA``; several techniques where they are only there together.
        techniques: their names.
        changes: each setting that is other than in the original run, with what it was and what it is; JSON data.
        along: names of further techniques that are off, or partly so, because they need the first.
    """

    row: str
    techniques: tuple[str, ...]
    config: RunConfig
    changes: tuple[tuple[str, Any, Any], ...]
    along: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return what is recorded with a study; :meth:`from_json` reads it back."""
        return {
            "row": self.row,
            "techniques": list(self.techniques),
            "changes": [list(change) for change in self.changes],
            "along": list(self.along),
        }

    @classmethod
    def from_json(cls, table: Mapping[str, Any], config: RunConfig) -> Ablation:
        """Read the result of :meth:`to_json`; ``config`` is the run that the techniques were taken out of.

        Raises:
            UserError: this version does not allow it any more.
        """
        changes = tuple((path, was, now) for path, was, now in table["changes"])
        without = _made(config, [{path: now for path, _, now in changes}])
        if without is None:
            raise UserError(f"'{table['row']}' was recorded by another version of onebert, and is no run of this one")
        return cls(table["row"], tuple(table["techniques"]), without, changes, tuple(table["along"]))


def ablations(config: RunConfig, default: RunConfig) -> list[Ablation]:
    """Turn off each technique and setting of a run in turn.

    Two that come to the same run are one row.

    Args:
        config: the run to take them out of.
        default: the study's default configuration, over the same tasks.
    """
    rows: dict[RunConfig, Ablation] = {}
    for switch in SWITCHES:
        if not switch.off(config, default):
            continue
        one = turn_off(switch, config, default)
        if (same := rows.get(one.config)) is None:
            rows[one.config] = one
        else:
            techniques = (*same.techniques, switch.name)
            along = tuple(name for name in same.along if name not in techniques)
            rows[one.config] = replace(same, row=f"{same.row}, {switch.row}", techniques=techniques, along=along)
    return list(rows.values())


def turn_off(switch: Switch, config: RunConfig, default: RunConfig) -> Ablation:
    """Return the run with the switch's technique turned off; it must be on."""
    own = switch.off(config, default)
    others = [part for other in SWITCHES if other is not switch for part in _parts(other, config, default)]
    others += spelled_out(config)
    without = _made(config, [own]) or _without_dependents(own, others, config)
    changes = tuple((path, _plain(config, path), _plain(without, path)) for path in differing_paths([config, without]))
    along = tuple(
        other.name
        for other in SWITCHES
        if other is not switch and other.off(config, default).keys() - other.off(without, default).keys()
    )
    return Ablation(switch.row, (switch.name,), without, changes, along)


def _without_dependents(own: Changes, others: Sequence[Changes], config: RunConfig) -> RunConfig:
    """Apply as few of the others' changes as make a valid run: start with all, and take back those not needed."""
    needed = list(others)
    without = _made(config, [*needed, own])
    assert without is not None, "plain training is legal with any setting of a study's default configuration"
    for part in others:
        fewer = [one for one in needed if one is not part]
        if (made := _made(config, [*fewer, own])) is not None:
            needed, without = fewer, made
    return without


def _parts(switch: Switch, config: RunConfig, default: RunConfig) -> list[Changes]:
    """Split a switch's changes by task, so that a dependent of one task's head leaves the other heads unchanged."""
    parts: dict[str, Changes] = {}
    for path, value in switch.off(config, default).items():
        task = next((part for part in path.split(".")[1:] if part in config.tasks), "")
        parts.setdefault(task, {})[path] = value
    return list(parts.values())


def _made(config: RunConfig, changes: Iterable[Changes]) -> RunConfig | None:
    """Return the run with these changes; None if they make no valid run."""
    tree = config.model_dump()
    for one in changes:
        for path, value in one.items():
            set_value(tree, path, value)
    try:
        return RunConfig.model_validate(tree)
    except ValidationError:
        return None


def _plain(config: RunConfig, path: str) -> Any:
    value = get_value(config, path)
    return list(value) if isinstance(value, tuple) else value
