"""``docs/changelog.md`` has the form of Keep a Changelog, and the project's version comes first."""

from __future__ import annotations

import re
import tomllib

from tests.docs.pages import ROOT, text

KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_form() -> None:
    page = text("changelog.md")
    versions = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert versions
    for version in versions:
        assert re.fullmatch(r"Unreleased|\d+\.\d+\.\d+ \((?:unreleased|\d{4}-\d\d-\d\d)\)", version), version
    assert set(re.findall(r"^### (.+)$", page, re.MULTILINE)) <= KINDS


def test_the_versions_agree() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert f"\n## {version} (" in text("changelog.md")
    assert f"version = {{{version}}}" in (ROOT / "README.md").read_text("utf-8")
