"""Find the dev examples that are hardest for several runs, and labels that may be wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.metrics.classes import predicted_classes
from search.analysis.mistakes.compared_runs import TaskRuns
from search.analysis.mistakes.score_fit import FAR, fit_line
from search.display.table import Table

__all__ = [
    "FEWEST_RUNS",
    "Hardness",
    "error_frame",
    "hardest_table",
    "hardness",
    "label_doubt_sentence",
    "wrong_column",
]

FEWEST_RUNS = 3  # whose agreement casts doubt on a label
_ODDS = 5.0
_SHOWN = 10
_WIDEST = 140  # characters of a sentence in the table
_LEAST = 1e-30  # a probability of 0 has no logarithm


@dataclass(frozen=True)
class Hardness:
    """How hard a task's N examples are for R runs.

    Attributes:
        order: positions of the examples, the hardest first, (N,).
        wrong: whether a run is wrong on an example, (R, N): predicts another class, or a score farther from the run's
            line than twice the root mean square.
        doubtful: whether the label may be wrong, (N,); see :func:`hardness`.
        residuals: for scores, each run's distances from its own line, (R, N); None for classes.
    """

    order: np.ndarray
    wrong: np.ndarray
    doubtful: np.ndarray
    residuals: np.ndarray | None = None


def hardness(runs: TaskRuns) -> Hardness:
    """Order the examples by how many runs get them wrong, then by how confident the wrong answers are.

    Classes: confidence is the mean probability of the predicted wrong classes. A label is doubtful if at least three
    runs all predict the same other class and give it, on average, at least five times the probability of the label.

    Scores: confidence is the mean residual in root mean squares. A label is doubtful if at least three runs are all far
    off on the same side.
    """
    return _of_scores(runs) if runs.spec.kind.is_score else _of_classes(runs)


def _of_classes(runs: TaskRuns) -> Hardness:
    gold, rows = runs.gold.astype(np.int64), np.arange(len(runs.gold))
    taken = np.stack([predicted_classes(one) for one in runs.predictions])  # (R, N)
    wrong = np.not_equal(taken, gold)
    sure = np.where(wrong, np.stack([one.max(axis=1) for one in runs.predictions]), 0.0).mean(axis=0)
    mean = np.mean([one.astype(np.float64) for one in runs.predictions], axis=0)  # (N, K)
    agree = np.all(taken == taken[0], axis=0) & wrong[0] & (len(taken) >= FEWEST_RUNS)
    is_clear = mean[rows, taken[0]] >= _ODDS * mean[rows, gold]
    return Hardness(_order(wrong, sure), wrong, agree & is_clear)


def _of_scores(runs: TaskRuns) -> Hardness:
    fits = [fit_line(one, runs.gold) for one in runs.predictions]
    standardised = np.stack([fit.standardised for fit in fits])  # (R, N)
    wrong = np.abs(standardised) > FAR
    one_side = np.abs(np.sign(standardised).sum(axis=0)) == len(fits)
    doubtful = wrong.all(axis=0) & one_side & (len(fits) >= FEWEST_RUNS)
    sure = np.abs(standardised.mean(axis=0))
    return Hardness(_order(wrong, sure), wrong, doubtful, np.stack([fit.residuals for fit in fits]))


def _order(wrong: np.ndarray, sure: np.ndarray) -> np.ndarray:
    return np.lexsort((-sure, -wrong.sum(axis=0)))


def hardest_table(runs: TaskRuns, found: Hardness, name: str) -> Table:
    """Make a table of the ten hardest examples with each run's prediction and its probability or residual."""
    shown = [place for place in found.order[:_SHOWN].tolist() if found.wrong[:, place].any()]
    rows = tuple(
        (
            " | ".join(_cut(one) for one in runs.dev.sentences[place]),
            _gold(runs, place),
            *(_said(runs, found, run, place) for run in range(len(runs.labels))),
            "in doubt" if found.doubtful[place] else "",
        )
        for place in shown
    )
    each = "score and distance from the line" if runs.spec.kind.is_score else "class and probability"
    caption = f"Examples that most of {name} get wrong, with each prediction ({each})"
    return Table(caption, ("example", "gold", *runs.labels, "label"), rows)


def error_frame(runs: TaskRuns, found: Hardness) -> pd.DataFrame:
    """List all examples, hardest first: id, full sentences, gold, the first run's prediction, how many runs are wrong.

    Classes have the ``probability`` of the predicted class and ``loss``, -log of the gold class's probability. Scores
    have ``residual``, the distance from the fitted line.
    """
    said: dict[str, object]
    if found.residuals is not None:
        said = {"gold": runs.gold, "prediction": runs.predictions[0], "residual": found.residuals[0]}
    else:
        first, classes = runs.predictions[0].astype(np.float64), np.array(runs.spec.classes, dtype=object)
        of_gold = first[np.arange(len(runs.gold)), runs.gold]
        said = {
            "gold": classes[runs.gold],
            "prediction": classes[predicted_classes(first)],
            "probability": first.max(axis=1),
            "loss": -np.log(np.maximum(of_gold, _LEAST)),
        }
    texts = zip(*runs.dev.sentences, strict=True)
    columns = {
        "id": runs.dev.ids,
        **{column: list(text) for column, text in zip(runs.spec.columns.sentences, texts, strict=True)},
    }
    counts = {wrong_column(runs): found.wrong.sum(axis=0), "label_in_doubt": found.doubtful}
    return pd.DataFrame(columns | said | counts).iloc[found.order]


def label_doubt_sentence(found: Hardness, name: str, *, is_score: bool) -> str:
    """Say how many labels may be wrong; empty if there are too few runs to tell."""
    if len(found.wrong) < FEWEST_RUNS:
        return ""
    total, by_all, doubtful = found.wrong.shape[1], int(found.wrong.all(axis=0).sum()), int(found.doubtful.sum())
    if is_score:
        begin = f"{by_all} of {total} examples are far from the line (twice the root mean square) for all of {name}"
        why = "on the same side"
    else:
        begin = f"{by_all} of {total} examples are wrong for all of {name}"
        why = "with the same class, given at least five times the probability of the label"
    if not by_all:
        return f"{begin}."
    if not doubtful:
        return f"{begin}; none so clearly that its label is in doubt."
    return (
        f"{begin}, {doubtful} of them {why}. These labels are worth checking, although the models may be wrong instead."
    )


def wrong_column(runs: TaskRuns) -> str:
    """Return the name of the column that counts the runs that are wrong."""
    return f"wrong_of_{len(runs.labels)}"


def _gold(runs: TaskRuns, place: int) -> str:
    gold = runs.gold[place]
    return f"{gold:.2f}" if runs.spec.kind.is_score else runs.spec.classes[gold]


def _said(runs: TaskRuns, found: Hardness, run: int, place: int) -> str:
    one = runs.predictions[run][place]
    if found.residuals is not None:
        return f"{one:.2f} ({found.residuals[run, place]:+.2f})"
    return f"{runs.spec.classes[int(one.argmax())]} {one.max():.2f}"


def _cut(sentence: str) -> str:
    text = " ".join(sentence.split())
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1].rstrip()}…"
