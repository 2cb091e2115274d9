"""What a search cost and saved."""

from __future__ import annotations

from search.report.search_cost import cost_sentences, search_cost
from tests.search.reported import TABLE, record


def test_what_was_spent_and_saved() -> None:
    spent = search_cost(TABLE, {number: record(number) for number in range(5)})
    assert spent.states == {"complete": 2, "pruned": 1, "failed": 1}
    assert (spent.repeats, spent.seconds, spent.examples) == (1, 255.0, 2250)
    assert (spent.saved_examples, spent.saved_seconds) == (750, 150.0)  # at 0.2 s an example
    assert spent.saved_share == 0.25
    words = cost_sentences(spent, TABLE)
    assert words == (
        "5 trials (2 trained to the end, 1 pruned, 1 failed, 1 repeating an earlier one) took 4 min of training and "
        "2,250 training examples. Pruning saved 750 training examples (about 2 min), 25 % of what training every trial "
        "to the end would have taken."
    )
