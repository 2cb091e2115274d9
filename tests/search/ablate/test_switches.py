"""No setting of a run is forgotten by the switches."""

from __future__ import annotations

from collections import Counter

from search.ablate.switch import expanded
from search.ablate.switches import COMPANIONS, SWITCHES
from search.space.paths import config_fields
from tests.search.ablate.configurations import BY_NAME, TASKS, is_fixed, made


def test_every_setting_belongs_to_one_technique() -> None:
    """A new section of RunConfig must be given its entry in search/ablate/switches.py."""
    config = made({})
    owners = Counter(path for switch in SWITCHES for path in expanded((*switch.triggers, *switch.own), config))
    for path in config_fields(TASKS):
        wanted = 0 if is_fixed(path, config) or path.startswith(COMPANIONS) else 1
        assert owners.pop(path, 0) == wanted, path
    assert not owners, "these paths are no settings"
    assert len(BY_NAME) == len(SWITCHES)
