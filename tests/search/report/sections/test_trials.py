"""The table of trials, and what it says of costs."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from search.display.values import cost_text
from search.recorded.trial_table import trial_table
from search.report.search_cost import cost_sentences, search_cost
from search.report.sections.trials import trial_listing
from search.trials.record import TrialRecord, TrialResult
from tests.search.report.evaluations import COST, POINT, stored

LATER = replace(POINT, rung=400, examples=416, overall=0.4, cost=replace(COST, forward_examples=6400))


def test_a_results_cost_is_that_of_the_whole_trial_and_comes_back() -> None:
    result = TrialResult.of([POINT, LATER], "")
    assert result.best_rung == 200
    assert result.cost == LATER.cost  # what came after the best rung was paid for too
    assert TrialRecord.read(stored(result).trials[0]).result == result


def test_a_trial_stored_before_costs_were_recorded_is_read() -> None:
    study = stored(TrialResult.of([POINT], ""))
    attrs = {name: value for name, value in study.trials[0].user_attrs.items() if name != "cost"}
    assert TrialResult.read(attrs) == replace(TrialResult.of([POINT], ""), cost=None)


def test_the_table_has_costs_and_omits_what_was_not_recorded() -> None:
    old = TrialResult(0.5, {"sst": 0.5}, 200, 208, 12345.6)
    both = trial_table(stored(TrialResult.of([POINT], ""), old))
    assert both["forward_examples"].tolist() == [3200, pd.NA]
    shown = trial_listing(both)
    assert shown["trainable"].tolist() == [50, ""]
    assert shown["trainable %"].tolist() == ["2.5", ""]
    assert shown["forward examples"].tolist() == [3200, ""]
    assert shown["peak MiB"].tolist() == ["812.4", ""]
    assert shown["seconds"].tolist() == ["8", "12346"]
    only_old = trial_listing(trial_table(stored(old)))
    assert not {"trainable", "trainable %", "forward examples", "peak MiB", "reason"} & set(only_old.columns)
    assert only_old.shape[0] == 1


def test_scores_on_a_part_of_dev_come_after_those_on_all_of_it() -> None:
    results = [TrialResult(overall, {"sst": 0.5}, 200, 208, 1.0) for overall in (0.3, 0.9, 0.5, 0.8)]
    study = stored(*results)
    study.ask()
    table = trial_table(study)
    assert trial_listing(table)["trial"].tolist() == [1, 3, 2, 0, 4]
    assert trial_listing(table, [1, 3])["trial"].tolist() == [2, 0, 1, 3, 4]


def test_further_pretraining_is_shown_where_there_was_some() -> None:
    """As a part of the cost of every trial that has it; 0 was not recorded in older studies, and is not shown."""
    further = replace(COST, pretraining_examples=5000)
    result = TrialResult.of([replace(POINT, cost=further)], "")
    attrs = stored(result).trials[0].user_attrs
    old_cost = {name: value for name, value in attrs["cost"].items() if name != "pretraining_examples"}
    assert TrialResult.read({**attrs, "cost": old_cost}).cost == COST
    assert TrialResult.read(attrs).cost == further

    without = TrialResult.of([POINT], "")
    table = trial_table(stored(result, without))
    assert table["pretraining_examples"].tolist() == [5000, 0]
    assert trial_listing(table)["pretraining examples"].tolist() == [5000, 0]
    words = "Further pretraining is not included: up to 5,000 examples per trial, in stages that trials share."
    assert cost_sentences(search_cost(table, {}), table).endswith(words)
    assert "3,200 forward examples after 5,000 examples of further pretraining; peak" in cost_text(further)

    plain = trial_table(stored(without, TrialResult(0.5, {"sst": 0.5}, 200, 208, 1.0)))
    assert "pretraining examples" not in trial_listing(plain).columns
    assert "pretraining" not in cost_sentences(search_cost(plain, {}), plain)


def test_a_running_trial_has_empty_cells() -> None:
    study = stored(TrialResult.of([POINT], ""))
    study.ask()
    row = trial_listing(trial_table(study)).iloc[1]
    assert (row["overall"], row["sst"], row["best_rung"], row["peak MiB"]) == ("", "", "", "")
