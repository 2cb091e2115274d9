"""Where training and dev scores part: gaps, passes, and the fall of dev while train rises."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.config import RunConfig
from core.run.evaluation import Evaluation
from core.statistics import Interval
from data.errors import UserError
from data.metrics import find_metric
from search.analysis.train_dev_curves import (
    TrainDevCurve,
    counted_passes,
    fall_of_dev,
    gap_sentences,
    train_dev_curve,
    train_score,
)
from search.trials.record import FinishedTrial
from tests.search.made_study import SPECS, MadeStudy, make_study

ACCURACY, RMSE = find_metric("accuracy"), find_metric("rmse")


def curve(train: list[float], dev: list[float], passes: bool = True) -> TrainDevCurve:
    rungs = tuple(100 * (place + 1) for place in range(len(dev)))
    return TrainDevCurve(
        rungs, tuple(rung / 80 for rung in rungs) if passes else None, tuple(train), tuple(dev), ACCURACY
    )


def test_the_largest_and_the_final_gap_are_named() -> None:
    lines = gap_sentences("sst", curve([0.6, 0.8, 0.9], [0.5, 0.55, 0.7]))
    assert lines == [
        "sst, accuracy: the gap is largest after 2.5 passes (+0.250) and +0.200 at the end (0.900 on train, 0.700 on "
        "dev).",
        "Dev was best at the end: there is no sign of overfitting.",
    ]
    (first, _) = gap_sentences("sst", curve([0.6, 0.8], [0.5, 0.6], passes=False))
    assert first == (
        "sst, accuracy: the gap is largest at the end, after 200 training examples: +0.200 (0.800 on train, 0.600 on "
        "dev)."
    )
    assert gap_sentences("sst", curve([0.6], [0.5])) == [
        "sst, accuracy: the gap is +0.100 at the end (0.600 on train, 0.500 on dev). There is only one rung, so there "
        "is no curve."
    ]


def test_dev_that_falls_while_train_rises_is_overfitting() -> None:
    falling = curve([0.6, 0.8, 0.9], [0.5, 0.7, 0.6])
    start = "After 2.5 passes, dev fell (from 0.700 to 0.600) while train improved (from 0.800 to 0.900): "
    for fall, words in (
        (None, "overfitting from about pass 2.5, if it is not chance."),
        (
            Interval(0.1, 0.02, 0.18),
            "overfitting from about pass 2.5 (95 % interval of the difference on dev +0.020 to +0.180).",
        ),
        (
            Interval(0.1, -0.02, 0.22),
            "this may be overfitting from about pass 2.5, or chance (95 % interval of the difference on dev -0.020 to "
            "+0.220).",
        ),
    ):
        assert gap_sentences("sst", falling, fall)[1] == start + words
    assert gap_sentences("sst", curve([0.8, 0.7], [0.7, 0.6]))[1] == (
        "After 1.25 passes, dev fell (from 0.700 to 0.600), but train did not improve (from 0.800 to 0.700): not "
        "overfitting."
    )
    assert gap_sentences("sst", curve([0.7, 0.8], [0.6, 0.6]))[1] == (
        "Dev was no better at the end than after 1.25 passes: there is no sign of overfitting."
    )


def test_an_error_that_grows_is_worse() -> None:
    errors = replace(curve([0.5, 0.3], [0.6, 0.7]), metric=RMSE)
    assert errors.gaps == pytest.approx([0.1, 0.4])
    assert (errors.best, errors.overfits) == (0, True)
    assert (
        "dev got worse (from 0.600 to 0.700) while train improved (from 0.500 to 0.300)"
        in (gap_sentences("sts", errors)[1])
    )


def points(*train: float | None) -> list[Evaluation]:
    return [
        Evaluation(
            50 * place, 48 * place, place, 0.5, {"sst": 0.5}, {"sst": {} if one is None else {"train_accuracy": one}},
            {}, 1.0, 100.0,
        )
        for place, one in enumerate(train, start=1)
    ]  # fmt: skip


def test_a_curve_needs_training_scores_at_every_rung() -> None:
    found = train_dev_curve(points(0.6, 0.7), SPECS["sst"], {50: {"sst": 0.5}, 100: {"sst": 1.0}})
    assert found == TrainDevCurve((50, 100), (0.5, 1.0), (0.6, 0.7), (0.5, 0.5), SPECS["sst"].metric)
    assert found.place(1) == "1 pass"
    assert train_score(points(0.6)[0], SPECS["sst"]) == 0.6
    assert train_dev_curve(points(0.6, None), SPECS["sst"], None) is None
    assert train_dev_curve([], SPECS["sst"], None) is None


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeStudy:
    return make_study(tmp_path_factory.mktemp("made"), [[0.6, 0.2]])


def run_of(made: MadeStudy) -> RunConfig:
    values = FinishedTrial.read(made.study.trials[0]).config.model_dump()
    return RunConfig.model_validate({**values, "sampler": {"order": "round-robin"}, "eval": {"rungs": [50, 100]}})


def test_passes_are_counted_by_the_batch_order(made: MadeStudy) -> None:
    """20 training examples a task and batches of 4: 13 batches until rung 50, 7 of sst and 6 of sts."""
    config = run_of(made)
    seen = [replace(one, examples=examples) for one, examples in zip(points(None, None), (52, 100), strict=True)]
    assert counted_passes(config, seen, Path()) == {
        50: {"sst": 28 / 20, "sts": 24 / 20},
        100: {"sst": 52 / 20, "sts": 48 / 20},
    }
    with pytest.raises(UserError, match="other numbers of examples"):
        counted_passes(config, points(None, None), Path())
    with pytest.raises(UserError, match="made by EDA"):
        eda = config.model_dump()
        eda["augmentation"]["sst"]["eda"]["fraction"] = 1.0
        counted_passes(RunConfig.model_validate(eda), seen, Path())


def test_the_fall_of_dev_is_one_of_paired_examples(made: MadeStudy) -> None:
    spec, gold = SPECS["sst"], made.gold["sst"]
    scores = [one.scores["sst"] for one in made.folders.curve(0)]
    found = fall_of_dev(
        TrainDevCurve((100, 200), None, (0.5, 0.6), tuple(scores), spec.metric), made.folders, 0, spec, gold
    )
    assert found is not None
    assert found.value == pytest.approx(scores[0] - scores[1])
    right = [made.predictions(0, rung)["sst"].argmax(axis=1) == gold for rung in (100, 200)]
    difference = right[0].astype(float) - right[1]
    half = 1.96 * difference.std() / len(gold) ** 0.5
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), abs=0.03)
    other = TrainDevCurve((100, 300), None, (0.5, 0.6), tuple(scores), spec.metric)
    assert fall_of_dev(other, made.folders, 0, spec, gold) is None
