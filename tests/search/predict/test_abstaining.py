"""Calibrated predictions of exported models: scaled, of the same classes, as transformers gives them; abstention."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import transformers
from typer.testing import CliRunner, Result

import search
from core.model_files.ensemble_folder import save_ensemble_folder
from core.model_files.formats.registry import plan_formats, write_formats
from core.model_files.model_folder import save_model_folder
from core.statistics import ConfidenceCurve, Interval, TaskCalibration, at_temperature
from data.errors import UserError, quoted
from search.console.cli import make_app
from search.predict.__main__ import main
from search.predict.model import Model
from tests.search.predict.conftest import TONE, WORDS, MakeModel

TEXTS = [" ".join(np.random.default_rng(seed).choice(WORDS.split(), 1 + seed % 9)) for seed in range(60)]
FEW = ConfidenceCurve((0.2,), (9,), (9,))
ONE = Interval(0.1, 0.0, 0.2)


@pytest.fixture(scope="module")
def calibration(make_model: MakeModel, tmp_path_factory: pytest.TempPathFactory) -> TaskCalibration:
    """Answers the class that is predicted most above the median of its probability, another always, and one never."""
    folder = tmp_path_factory.mktemp("plain")
    save_model_folder(folder, make_model("tone"), {})
    found = search.load_model(folder).predict(TEXTS, "tone").probabilities
    assert found is not None
    sure = at_temperature(found, 3.0)
    by_count = np.argsort(-np.bincount(sure.argmax(axis=1), minlength=3), kind="stable")
    own = sure[sure.argmax(axis=1) == by_count[0]].max(axis=1)
    assert len(np.unique(own)) > 5
    some = ConfidenceCurve((0.0, float(np.median(own))), (200, 100), (100, 100))
    curves = zip(by_count, (some, ConfidenceCurve((0.2,), (99,), (99,)), FEW), strict=True)
    return TaskCalibration(3.0, "", 400, ONE, ONE, {TONE.classes[place]: curve for place, curve in curves})


@pytest.fixture
def folder(make_model: MakeModel, calibration: TaskCalibration, tmp_path: Path) -> Path:
    save_model_folder(tmp_path / "model", make_model("tone", "sts"), {}, {"tone": calibration})
    return tmp_path / "model"


def test_probabilities_are_scaled_and_classes_stay(folder: Path) -> None:
    model, raw = search.load_model(folder), search.load_model(folder, calibrated=False)
    assert (model.temperature("tone"), model.temperature("sts"), raw.temperature("tone")) == (3.0, 1.0, 1.0)
    scaled, plain = model.predict(TEXTS, "tone"), raw.predict(TEXTS, "tone")
    assert scaled.probabilities is not None
    assert plain.probabilities is not None
    assert np.array_equal(scaled.probabilities, at_temperature(plain.probabilities, 3.0))
    assert scaled.probabilities.max() < plain.probabilities.max()
    assert scaled.values.tolist() == plain.values.tolist()
    pairs = [(text, TEXTS[0]) for text in TEXTS]
    assert np.array_equal(model.predict(pairs, "sts").values, raw.predict(pairs, "sts").values)


def test_an_ensemble_is_calibrated_as_a_whole(
    make_model: MakeModel, calibration: TaskCalibration, tmp_path: Path
) -> None:
    members = [(name, make_model("tone", seed=seed), {}) for seed, name in enumerate(("a", "b"))]
    save_ensemble_folder(tmp_path, members, {"tone": {"a": 0.5, "b": 0.5}}, {}, {"tone": calibration})
    plain = search.load_model(tmp_path, calibrated=False).predict(TEXTS, "tone").probabilities
    assert plain is not None
    found = search.load_model(tmp_path).predict(TEXTS, "tone").probabilities
    assert np.array_equal(found, at_temperature(plain, 3.0))


def test_transformers_gives_the_calibrated_probabilities(
    folder: Path, make_model: MakeModel, calibration: TaskCalibration
) -> None:
    trained = make_model("tone", "sts")
    write_formats(folder, trained, plan_formats(trained, ["transformers"]), {"tone": calibration.temperature})
    pipe = transformers.pipeline("text-classification", str(folder / "tone"), truncation=True, device="cpu")
    theirs = [{one["label"]: one["score"] for one in pipe(text, top_k=None)} for text in TEXTS[:5]]
    ours = search.load_model(folder).predict(TEXTS[:5], "tone").probabilities
    assert ours is not None
    assert np.allclose([[one[name] for name in TONE.classes] for one in theirs], ours, atol=1e-5)


def test_thresholds_for_programs(folder: Path, calibration: TaskCalibration) -> None:
    model = search.load_model(folder)
    thresholds = model.thresholds("tone", 0.95)
    some, always, never = calibration.curves
    assert thresholds.of_class == {some: calibration.curves[some].confidence[1], always: 0.0, never: math.inf}
    found = model.predict(TEXTS, "tone")
    kept = found.abstain(thresholds)
    assert found.probabilities is not None
    for before, after, row in zip(found.values, kept.values, found.probabilities, strict=True):
        assert after == (before if row.max() >= thresholds.of_class[before] else None)
    assert 0 < kept.answered < found.answered == len(TEXTS)
    assert kept.probabilities is found.probabilities
    assert kept.to_frame()["prediction"].isna().sum() == len(TEXTS) - kept.answered


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda model: model.thresholds("sts", 0.9),
            "task 'sts' predicts scores: there are thresholds for classes only",
        ),
        (lambda model: model.thresholds("tone", 95), "precision must be above 0 and below 1, got 95"),
        (lambda model: model.thresholds("tne", 0.9), "no task 'tne'"),
        (lambda model: model.predict([("a", "b")], "sts").abstain(model.thresholds("tone", 0.9)), "not of the classes"),
    ],
)
def test_what_has_no_thresholds(folder: Path, ask: Callable[[Model], object], message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        ask(search.load_model(folder))
    with pytest.raises(UserError, match="load the model with calibrated=True"):
        search.load_model(folder, calibrated=False).thresholds("tone", 0.9)


def call(folder: Path, *arguments: str, text: str = "") -> Result:
    return CliRunner().invoke(make_app(main), ["--model-dir", str(folder), *arguments], input=text)


@pytest.mark.parametrize("name", ["y.csv", "y.tsv", "y.jsonl", "y.parquet"])
def test_files_have_empty_predictions(folder: Path, calibration: TaskCalibration, tmp_path: Path, name: str) -> None:
    given, output = tmp_path / "x.jsonl", tmp_path / name
    given.write_text("".join(json.dumps({"body": text}) + "\n" for text in TEXTS))
    done = call(
        folder, "--task", "tone", "--input", str(given), "--output", str(output), "--threshold-for", "precision=0.95"
    )
    assert done.exit_code == 0, done.stderr
    if name == "y.jsonl":
        found = pd.read_json(output, lines=True)
    elif name == "y.parquet":
        found = pd.read_parquet(output)
    else:
        found = pd.read_csv(output, sep="\t" if name == "y.tsv" else ",")
    model = search.load_model(folder)
    kept = model.predict(TEXTS, "tone").abstain(model.thresholds("tone", 0.95))
    assert [None if pd.isna(value) else value for value in found["prediction"]] == kept.values.tolist()
    assert kept.probabilities is not None
    assert np.allclose(found.iloc[:, 2:], kept.probabilities, atol=1e-5)
    abstained, (*_, never) = len(TEXTS) - kept.answered, calibration.curves
    share = f"{kept.answered} of 60 rows predicted ({100 * kept.answered / 60:.1f} %), {abstained} abstained"
    shown = " ".join(done.stdout.split())
    assert f"Task tone: {share}; expected from dev: 49.8 % [44.9, 54.6], 100.0 % of them right." in shown
    assert f"dev does not show a precision of 0.95 for {quoted(never)}, so it is never predicted" in shown


def test_lines_are_empty_where_it_abstains(folder: Path) -> None:
    done = call(folder, "--task", "tone", "--threshold-for", "precision=0.95", text="\n".join(TEXTS[:30]) + "\n")
    assert done.exit_code == 0, done.stderr
    model = search.load_model(folder)
    kept = model.predict(TEXTS[:30], "tone").abstain(model.thresholds("tone", 0.95))
    none = sum(value is None for value in kept.values)
    assert 0 < none < 30
    assert sum(line == "" for line in done.stdout.split("\n")[:-1]) == none
    assert f"{none} abstained" in done.stderr


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("recall=0.9", "--threshold-for recall=0.9: abstaining can only lower recall; give precision=P"),
        ("precison=0.9", "did you mean 'precision'?"),
        ("precision", "the precision must be a number above 0 and below 1, like precision=0.95"),
        ("precision=95", "the precision must be a number above 0 and below 1, like precision=0.95"),
        ("precision=nan", "the precision must be a number above 0 and below 1, like precision=0.95"),
    ],
)
def test_targets_that_are_refused(folder: Path, target: str, message: str) -> None:
    done = call(folder, "--task", "tone", "--threshold-for", target, text="a\n")
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.split())


def test_scores_and_earlier_exports_have_no_thresholds(folder: Path, make_model: MakeModel, tmp_path: Path) -> None:
    done = call(folder, "--task", "sts", "--threshold-for", "precision=0.9", text="a\tb\n")
    assert done.exit_code == 2
    assert "--threshold-for is for classes, and sts has scores: leave it out" in " ".join(done.stderr.split())
    save_model_folder(tmp_path / "old", make_model("tone"), {})
    done = call(tmp_path / "old", "--threshold-for", "precision=0.9", text="a\n")
    assert done.exit_code == 2
    assert "no calibration of task 'tone', which thresholds are found from; export the model again" in " ".join(
        done.stderr.split()
    )
    assert search.load_model(tmp_path / "old").temperature("tone") == 1.0
