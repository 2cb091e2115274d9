"""Final scores of trials that were pruned: against their true ones in simulated studies, and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from search.trials.final_scores import final_scores


def test_finished_trials_keep_their_score() -> None:
    assert final_scores([{1: 0.4, 2: 0.6, 3: 0.5}], [0.6]).tolist() == [0.6]


def test_a_pruned_trial_gets_the_gain_of_those_that_went_on() -> None:
    found = final_scores([{1: 0.5, 2: 0.7}, {1: 0.4, 2: 0.6}, {1: 0.2}], [0.7, 0.6, None])
    assert found == pytest.approx([0.7, 0.6, 0.4])


def test_the_gain_follows_the_score_at_the_rung() -> None:
    """Without noise the line is that through the others: final = 0.5 + v / 2."""
    curves = [{1: v, 2: 0.5 + v / 2} for v in (0.4, 0.5, 0.6)] + [{1: 0.1}]
    assert final_scores(curves, [curve[2] for curve in curves[:3]] + [None])[-1] == pytest.approx(0.55)


def test_trials_pruned_later_count_at_earlier_rungs() -> None:
    curves = [{1: 0.5, 2: 0.6, 3: 0.8}, {1: 0.4, 2: 0.5}, {1: 0.3}]
    # The second gains 0.2 after rung 2 as the first did, and so 0.3 after rung 1, as the first did; the third too.
    assert final_scores(curves, [0.8, None, None]) == pytest.approx([0.8, 0.7, 0.6])


def test_a_score_is_never_below_what_was_reached() -> None:
    """A finished trial's is that of its best rung."""
    curves: list[dict[int, float]] = [{1: 0.5, 2: 0.9, 3: 0.1}, {1: 0.6, 2: 0.4}]
    assert final_scores(curves, [0.9, None])[1] == 0.6  # more than 0.4 and the 0 that the first gained after rung 2
    assert final_scores([{1: 0.3, 2: 0.2}], [None]).tolist() == [0.3]  # nobody went on


def test_early_scores_are_no_bound_where_only_the_last_rung_counts() -> None:
    curves: list[dict[int, float]] = [{1: 0.5, 2: 0.9, 3: 0.1}, {1: 0.6, 2: 0.4}]
    assert final_scores(curves, [0.1, None])[1] == pytest.approx(0.4 - 0.8)


# With noise in the scores at the rungs, those of pruned trials are drawn to the mean, and an effect shrinks somewhat.
@pytest.mark.parametrize(("noise", "least"), [(0.0, 0.095), (0.003, 0.09), (0.01, 0.065)])
def test_an_effect_survives_pruning(noise: float, least: float) -> None:
    """Half the trials of each rung are pruned, by their score. An effect of 0.1 on the final score, of which 0.06 show
    at the first rung, is found again; in finished trials alone, or with early scores taken for final ones, it is not.
    """
    found, finished_only, early = [], [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        setting = rng.random(64)
        quality = 0.1 * setting + 0.02 * rng.normal(size=64)
        rungs = np.stack([0.3 + 0.6 * quality, 0.5 + 0.8 * quality, 0.6 + quality], axis=1)
        rungs += noise * rng.normal(size=rungs.shape)
        stopped = np.full(64, 2)
        kept = np.arange(64)
        for rung in (0, 1):
            order = kept[np.argsort(rungs[kept, rung])]
            stopped[order[: len(order) // 2]] = rung
            kept = order[len(order) // 2 :]
        curves = [dict(enumerate(rungs[i, : stopped[i] + 1].tolist())) for i in range(64)]
        finals = [rungs[i, 2] if stopped[i] == 2 else None for i in range(64)]
        found.append(np.polyfit(setting, final_scores(curves, finals), 1)[0])
        finished_only.append(np.polyfit(setting[kept], rungs[kept, 2], 1)[0])
        early.append(np.polyfit(setting, [list(curve.values())[-1] for curve in curves], 1)[0])
    assert least < np.mean(found) < 0.105
    assert np.mean(finished_only) < 0.055
    assert np.mean(early) > 0.2
