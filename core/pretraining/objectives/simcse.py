"""Train SimCSE (Gao et al. 2021, arXiv:2104.08821), without and with NLI labels."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from core.config.pretraining import SimCseConfig, SupervisedSimCseConfig
from core.pretraining.objectives.contrast import SentenceContrast
from core.pretraining.sources import Sources
from core.pretraining.stage import Stage
from core.pretraining.stage_data import Ints, StageData, distinct_sentences
from data.errors import UserError

__all__ = ["simcse_stage", "supervised_simcse_stage", "triplets"]

_ENTAILMENT, _CONTRADICTION = 0, 2


def simcse_stage(config: SimCseConfig, sources: Sources) -> Stage:
    """Build the stage over every distinct sentence of the tasks; its positive is itself with other dropout."""
    tasks = sources.tasks(config.tasks, pairs=False)

    def make_data() -> StageData:
        pool, _ = distinct_sentences([sources.train(task) for task in tasks], sources.layout.max_length)
        return StageData(pool, np.repeat(np.arange(len(pool))[:, None], 2, axis=1), None, sources.layout)

    return Stage(
        name="simcse",
        config=config,
        sources=sources.train_facts(tasks),
        make_data=make_data,
        make_objective=lambda shape, generator: SentenceContrast(
            shape, config.pooling, 1 / config.temperature, config.projection, generator
        ),
        in_batch_negatives=True,
    )


def supervised_simcse_stage(config: SupervisedSimCseConfig, sources: Sources) -> Stage:
    """Build the stage over the triplets of the run's NLI file."""

    def make_data() -> StageData:
        pairs = sources.nli_pairs()
        pool, (numbers,) = distinct_sentences([pairs], sources.layout.max_length)
        assert pairs.labels is not None, "NLI pairs have labels"
        table = triplets(numbers, np.asarray(pairs.labels))
        if not len(table):
            raise UserError(
                "pretraining.supervised_simcse: no premise in nli_file has both an entailment and a contradiction"
            )
        return StageData(pool, table, None, sources.layout)

    return Stage(
        name="supervised_simcse",
        config=config,
        sources=sources.nli_facts(),
        make_data=make_data,
        make_objective=lambda shape, generator: SentenceContrast(
            shape, config.pooling, 1 / config.temperature, config.projection, generator
        ),
        in_batch_negatives=True,
    )


def triplets(pairs: Ints, labels: Ints) -> Ints:
    """Return every combination of premise, entailed sentence and contradicting sentence, all three different.

    Args:
        pairs: numbers of premise and hypothesis, (n, 2).
        labels: 0 entailment, 1 neutral, 2 contradiction, (n,).

    Returns:
        (m, 3), each triplet once, in the order of its first occurrence.
    """
    found: dict[int, dict[int, list[int]]] = defaultdict(lambda: {_ENTAILMENT: [], _CONTRADICTION: []})
    for (premise, hypothesis), label in zip(pairs.tolist(), labels.tolist(), strict=True):
        if label in (_ENTAILMENT, _CONTRADICTION):
            found[premise][label].append(hypothesis)
    combined = [
        (premise, positive, negative)
        for premise, hypotheses in found.items()
        for positive in hypotheses[_ENTAILMENT]
        for negative in hypotheses[_CONTRADICTION]
        if len({premise, positive, negative}) == 3
    ]
    return np.array(list(dict.fromkeys(combined)), dtype=np.int64).reshape(-1, 3)
