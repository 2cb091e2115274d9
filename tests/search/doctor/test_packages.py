"""Versions of Python and of packages against requirements."""

from __future__ import annotations

import sys

import pytest
import torch

from search.doctor import packages
from tests.search.doctor.examined import states


def test_our_own_requirements_are_met() -> None:
    assert ("packages", "ok") in states(list(packages.check_packages()))


def test_a_package_of_an_extra_may_be_missing_but_not_be_of_another_version() -> None:
    absent, *_ = packages.check_packages(["no-such-package; extra == 'augment'", "no-tool; extra == 'dev'"])
    assert (absent.state, "optional and not installed: no-such-package" in absent.found) == ("ok", True)
    assert "no-tool" not in absent.found
    other, *_ = packages.check_packages(["pytest<1; extra == 'dev'"])
    assert other.state == "wrong"


def test_another_optuna_gives_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_version", lambda name: "5.1.0" if name == "optuna" else "1")
    assert ("optuna", "warning") in states(list(packages.check_packages([])))


def test_python(monkeypatch: pytest.MonkeyPatch) -> None:
    (check,) = packages.check_python()
    assert (check.state, sys.executable in check.found) == ("ok", True)
    monkeypatch.setattr(sys, "version_info", (3, 10, 14))
    (check,) = packages.check_python()
    assert (check.state, check.advice) == ("wrong", "create an environment with Python 3.11 or newer")


def test_a_torch_built_for_another_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_size: int) -> None:
        raise RuntimeError("Numpy is\nnot available")

    monkeypatch.setattr(torch, "zeros", refuse)
    *_, check = packages.check_packages([])
    assert (check.name, check.state) == ("torch", "wrong")
    assert check.found.endswith("was built for another NumPy: Numpy is not available")
