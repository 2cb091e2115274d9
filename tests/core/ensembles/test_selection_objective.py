"""Scores without averaging against the plain metrics of averaged predictions, also of resamples, ties and constants."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ensembles import OverallObjective, average
from core.statistics import overall_score, own_metric
from core.statistics.bootstrap import drawn_counts
from data.metrics import find_metric
from data.task_files import builtin_tasks

BUILTIN = builtin_tasks()
SPECS = {
    f"{task} {metric}": BUILTIN[task].model_copy(update={"metric": find_metric(metric), "name": f"{task} {metric}"})
    for task, metric in (
        ("sst", "accuracy"),
        ("para", "accuracy"),
        ("sst", "f1"),
        ("sts", "pearson"),
        ("sts", "spearman"),
        ("para", "mcc"),
        ("para", "roc_auc"),
        ("sst", "average_precision"),
        ("sst", "quadratic_kappa"),
        ("sts", "rmse"),
    )
}
SIZES = {task: 12 + place for place, task in enumerate(SPECS)}


def drawn(rng: np.random.Generator, members: int, values: int) -> tuple[list[dict[str, np.ndarray]], dict]:
    """Draw members; with few values there are ties, equal members and constants."""
    library, gold = [{} for _ in range(members)], {}
    for task, spec in SPECS.items():
        size, classes = SIZES[task], len(spec.classes)
        gold[task] = rng.integers(values if spec.kind.is_score else classes, size=size)
        for member in library:
            if spec.kind.is_score:
                member[task] = rng.integers(values, size=size).astype(np.float32)
            else:
                odds = rng.integers(1, 1 + values, size=(size, classes))
                member[task] = odds / odds.sum(axis=1, keepdims=True)
    return library, gold


@settings(max_examples=40)
@given(
    members=st.integers(1, 4), values=st.integers(1, 9), so_far=st.integers(0, 6), seed=st.integers(0, 2**32 - 1),
    resample=st.booleans(),
)  # fmt: skip
def test_scores_are_those_of_the_averaged_predictions(
    members: int, values: int, so_far: int, seed: int, resample: bool
) -> None:
    rng = np.random.default_rng(seed)
    library, gold = drawn(rng, members, values)
    weights = {task: float(place) for place, task in enumerate(SPECS, start=1)}
    counts = rng.multinomial(so_far, np.full(members, 1 / members)).astype(np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        objective = OverallObjective(library, gold, SPECS, weights)
        rows = {task: np.arange(SIZES[task]) for task in SPECS}
        if resample:
            objective = objective.resampled(np.random.default_rng(seed))
            again = np.random.default_rng(seed)
            rows = {task: np.repeat(rows[task], drawn_counts(1, SIZES[task], again)[0].astype(int)) for task in SPECS}
        found = objective.with_one_more(counts)
    assert len(objective) == len(found) == members
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of constants
        for member in range(members):
            together = counts + np.eye(members)[member]
            scores = {
                task: own_metric(
                    spec,
                    np.round(average([one[task] for one in library], together.tolist()), 9)[rows[task]],
                    gold[task][rows[task]],
                )
                for task, spec in SPECS.items()
            }
            assert found[member] == pytest.approx(overall_score(scores, SPECS, weights), abs=1e-6)


def test_the_first_of_equal_classes_is_the_predicted_one() -> None:
    """Two members that contradict each other: classes 1 and 2 are equally probable for both examples."""
    spec = SPECS["sst accuracy"]
    one = np.array([[0.1, 0.6, 0.2, 0.05, 0.05]] * 2)
    other = np.array([[0.1, 0.2, 0.6, 0.05, 0.05]] * 2)
    members = [{"sst": one}, {"sst": other}]
    objective = OverallObjective(members, {"sst": np.array([1, 2])}, {"sst": spec}, {"sst": 1.0})
    assert objective.with_one_more(np.array([1.0, 0.0])).tolist() == [0.5, 0.5]
    firsts = OverallObjective(members, {"sst": np.array([1, 1])}, {"sst": spec}, {"sst": 1.0})
    assert firsts.with_one_more(np.array([1.0, 0.0])).tolist() == [1.0, 1.0]


def test_scores_that_cancel_out_have_no_correlation() -> None:
    gold = np.array([0.5, 4.0, 2.0, 3.5])
    members = [{"sts": gold}, {"sts": 5.0 - gold}, {"sts": np.full(4, 2.5)}]
    spec = SPECS["sts pearson"]
    objective = OverallObjective(members, {"sts": gold}, {"sts": spec}, {"sts": 1.0})
    assert objective.with_one_more(np.zeros(3)) == pytest.approx([1.0, 0.0, 0.5])
    assert objective.with_one_more(np.array([1.0, 0.0, 0.0])) == pytest.approx([1.0, 0.5, 1.0])
    noise = np.random.default_rng(0).normal(size=200)
    opposite = OverallObjective(
        [{"sts": noise}, {"sts": 0.7 - noise}], {"sts": noise}, {"sts": spec}, {"sts": 1.0}
    ).with_one_more(np.array([3.0, 2.0]))
    assert opposite == pytest.approx([1.0, 0.5])


def test_no_members() -> None:
    with pytest.raises(ValueError, match="no members to select from"):
        OverallObjective([], {}, {}, {})
