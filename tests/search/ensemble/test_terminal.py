"""Which trials an ensemble is made of or selected from, and the lines below its table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.config import RunConfig
from core.scoring import DevScores
from search.ensemble.ensemble_request import EnsembleRequest
from search.ensemble.result import Output
from search.ensemble.selection import GreedyOptions
from search.ensemble.terminal import _candidates, _make, _named, _selected_from, _show
from tests.search.ensemble.test_result import CONFIG, ENSEMBLE, GOLD, IDS, OUTPUTS, SST
from tests.search.reported import a_study

GREEDY = GreedyOptions(steps=2)


@pytest.fixture
def library() -> Any:
    """Trials 1 and 2 have models; all three have predictions."""
    return SimpleNamespace(
        study=a_study(0.5, 0.7, 0.6),
        tasks=["sst", "sts"],
        candidates=lambda: [1, 2],
        contenders=[2, 1],
        scored=[0, 1, 2],
        needs_models=True,
    )


def request(**options: Any) -> EnsembleRequest:
    return EnsembleRequest(**{"trials": None, "of": (), "greedy": None, "soup": None, "dev_only": False} | options)


def test_tasks_that_are_not_named_get_the_best_trial(library: Any) -> None:
    assert _named(request(of=["sts=0,2"]), library) == {"sst": {1: 1.0}, "sts": {0: 0.5, 2: 0.5}}
    assert _named(request(trials="0"), library) == {"sst": {0: 1.0}, "sts": {0: 1.0}}


def test_what_is_selected_from(library: Any) -> None:
    """Trials without a model could have been candidates too, had they been better."""
    assert _candidates(request(greedy=GREEDY), library) == [1, 2]
    assert _candidates(request(greedy=GREEDY, trials="2,0"), library) == [2, 0]
    assert _selected_from(request(greedy=GREEDY, trials="2,0"), library) == [2, 0]
    assert _selected_from(request(greedy=GREEDY), library) == [2, 1]
    library.needs_models = False
    assert _selected_from(request(greedy=GREEDY, dev_only=True), library) == [0, 1, 2]


def test_what_is_asked_for_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    module = "search.ensemble.terminal"
    monkeypatch.setattr(f"{module}.average_weights", lambda _pool, is_greedy, *_: ("soup", is_greedy))
    monkeypatch.setattr(f"{module}.average_predictions", lambda _pool, shares, *_: ("average", shares))
    monkeypatch.setattr(f"{module}.select_members", lambda _pool, _dev, options: options)

    def made(named: Any = None, **options: Any) -> Any:
        resources: Any = None
        return _make(request(**options), named, [], {}, resources)

    assert made(soup="uniform") == ("soup", False)
    assert made(soup="greedy", trials="1,2") == ("soup", True)
    assert made(greedy=GREEDY) == ("average", GREEDY)
    assert made({"sst": {1: 1.0}}, trials="1") == ("average", {"sst": {1: 1.0}})


def test_lines_below_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    _show("mine", tmp_path, ENSEMBLE, ["chosen by hand"], dev_only=False, formats={})
    lines = capsys.readouterr().out.splitlines()
    assert lines[-4] == "chosen by hand"
    assert lines[-3].startswith("Calibration of sst: ECE ")
    assert lines[-3].endswith(". No temperature is kept: 4 dev examples are too few, it takes 50.")
    assert lines[-2:] == [
        f"predictions: {tmp_path / 'predictions'}",
        f"made of:     {tmp_path / 'ensemble.json'}",
    ]
    model: Any = object()
    _show("mine", tmp_path, replace(ENSEMBLE, model=model), [], dev_only=False, formats={})
    assert capsys.readouterr().out.splitlines()[-1] == f"model:       {tmp_path / 'model'}"


def test_a_part_of_dev_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With models, all of dev is predicted for and scored; without, only the part that trials are scored on."""
    monkeypatch.setenv("COLUMNS", "200")
    longer = Output(SST, "dev", [*IDS, "e"], np.array([*GOLD["sst"], 1]), np.eye(5)[[0, 1, 2, 4, 4]])
    _show("mine", tmp_path, replace(ENSEMBLE, outputs=[longer, OUTPUTS[2]]), [], dev_only=False, formats={})
    assert "Overall score on the whole dev set, not only its scored part: 0.8000" in capsys.readouterr().out
    tree = CONFIG.model_dump()
    tree["tasks"]["sst"]["dev_limit"] = 4
    config = RunConfig.model_validate(tree)
    members = [replace(one, config=config) for one in ENSEMBLE.members]
    limited = replace(ENSEMBLE, members=members, scores=DevScores(config, ENSEMBLE.scores.predictions, GOLD))
    for dev_only in (False, True):
        _show("mine", tmp_path, limited, [], dev_only=dev_only, formats={})
        assert ("(dev_limit); the rest need models" in capsys.readouterr().out) == dev_only
