"""``docs/techniques.md`` names every setting and value that exists, and no other."""

from __future__ import annotations

import re

from core.config import RunConfig
from search.space.paths import config_fields
from tests.benchmarks.technique_cost import TECHNIQUES
from tests.docs.pages import text

FIELDS = config_fields(["sst", "para", "sts"])
SECTIONS = set(RunConfig.model_fields)


def settings_named_in(page: str) -> set[str]:
    """Return names such as `optim.ema`, without the values that some are written with."""
    named = re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)(?: [^`]*)?`", text(page))
    return {path for path in named if path.split(".")[0] in SECTIONS}


def test_every_setting_that_is_named_exists() -> None:
    named = settings_named_in("techniques.md")
    assert len(named) > 40
    missing = {path for path in named if not any(f"{known}.".startswith(f"{path}.") for known in FIELDS)}
    assert not missing


def test_every_technique_is_documented() -> None:
    """A section that the page does not name would be found by nobody."""
    page = text("techniques.md")
    plain = {"data", "tasks", "budget", "eval", "compute"}
    for path in set(FIELDS) - {"seed"}:
        section, *_, last = path.split(".")
        if section in plain or f"{path}.".startswith(("model.encoder.", "model.scratch.", "model.max_length.")):
            continue
        by_task = last in ("sst", "para", "sts")  # smart.weight.sst: the page has the setting for one task or none
        names = (
            [path.rpartition(".")[0] + r"(?:\.sst)?"] if by_task else [path.replace(".para.", ".sts."), rf"\.{last}"]
        )
        if section == "pretraining":
            names.append(last)
        if section == "augmentation":
            names.append(r"augmentation\.(?:sst|para|sts)\." + path.split(".", 2)[2])
        if section == "heads":
            names += [f"heads.sts.{last}", f"heads.sst.{last}", last]
        assert re.search(rf"`(?:{'|'.join(names)})(?: [^`]*)?`", page), path


def test_values_that_are_listed_are_the_values_there_are() -> None:
    """Every literal of a setting stands on the page."""
    page = text("techniques.md")
    skipped = ("model.encoder.", "compute.device.")
    for path, field in FIELDS.items():
        if not f"{path}.".startswith(skipped):
            for value in field.literals:
                assert f"`{value}`" in page or f'"{value}"' in page, (path, value)


def test_every_technique_that_is_measured_has_its_cost() -> None:
    page = text("techniques.md")
    for name in TECHNIQUES:
        assert f"| {name} |" in page, name
