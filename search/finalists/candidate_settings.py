"""List the settings of the configurations that are trained again."""

from __future__ import annotations

from collections.abc import Sequence

from search.display.values import rounded
from search.finalists.candidates import Candidate
from search.space.paths import differing_paths, get_value

__all__ = ["settings_lines"]

_NO_SETTINGS = ("seed", "data.", "compute.")


def settings_lines(candidates: Sequence[Candidate]) -> list[str]:
    """List for each configuration the settings that differ from the default one: ``trial 3: lora.rank = 8``."""
    default = next(one for one in candidates if one.is_default)
    return [f"{one.name}: {_differences(one, default)}" for one in candidates if not one.is_default]


def _differences(one: Candidate, default: Candidate) -> str:
    paths = differing_paths([default.config, one.config])
    return ", ".join(
        f"{path} = {rounded(get_value(one.config, path))}" for path in paths if not path.startswith(_NO_SETTINGS)
    )
