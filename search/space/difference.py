"""What changed between two spaces, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from search.display.values import shown, shown_list

__all__ = ["space_difference"]

_DEFAULTS: dict[str, object] = {"log": False, "min": 0.0}
_KINDS = {
    "low": "a range",
    "choices": "choices",
    "value": "one value",
    "simplex": "shares of tasks",
    "variants": "variants",
}


def space_difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """One line for each change from ``old`` to ``new``, both as :meth:`search.space.space.Space.to_json` gives them.

    For example ``optim.learning_rate: high was 0.001, is now 0.01``. Empty where they are the same space; the order of
    the settings does not count.
    """
    lines = [f"{path}: was searched, is no longer" for path in old if path not in new]
    lines += [f"{path}: was not searched, now is" for path in new if path not in old]
    for path, table in new.items():
        if path in old:
            lines += [f"{path}: {change}" for change in _changes(old[path], table)]
    return lines


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    was, is_now = (next(kind for key, kind in _KINDS.items() if key in table) for table in (old, new))
    if was != is_now:
        yield f"was {was}, is now {is_now}"
        return
    if is_now == "variants":
        yield from _variant_changes(old["variants"], new["variants"])
        return
    for key in dict.fromkeys([*old, *new]):
        before, after = (table.get(key, _DEFAULTS.get(key)) for table in (old, new))
        if before != after:
            yield f"{key} was {_spell(before)}, is now {_spell(after)}"


def _variant_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{name} is gone" for name in old if name not in new)
    yield from (f"{name} is new" for name in new if name not in old)
    for name in (name for name in new if name in old):
        for path in dict.fromkeys([*old[name], *new[name]]):
            # A setting in which no variant differs any more stands in none of them.
            if path in old[name] and path in new[name] and old[name][path] != new[name][path]:
                yield f"{name}: {path} was {_spell(old[name][path])}, is now {_spell(new[name][path])}"
            elif (path in old[name]) != (path in new[name]):
                yield f"{name}: {path} {'differs no more between' if path in old[name] else 'now differs between'} them"


def _spell(value: object) -> str:
    if isinstance(value, list):
        return f"[{shown_list(value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_spell(part)}" for key, part in value.items()) + "}"
    return shown(value)
