"""Replay samplers and pruners on recorded learning curves: their cost until they are as good as random search.

    python -m tests.benchmarks.search_replay [--seeds 30] [--workers 2] [--chosen-only] [--early-share 0.25]

The curves are those of random configurations, in the tables replay/curves*.json.gz (replay/record.py). One half of each
table is used to select a method, the other to report it. The target is what random search reaches with 40 fully trained
configurations (the median over its draws). The cost of a method is the number of training examples until one of its
complete trials is as good, as a fraction of the 40 full trainings. Examples count once for every pass through the
model, which includes SMART, R-Drop and stages of further pretraining. With --early-share, early rungs have the noise of
a part of dev, and trials the score of their last rung; the target stays the same, and only the first table is replayed.
The last rows are Optuna's own defaults, and Ray Tune's ASHA with OptunaSearch if ``pip install -c constraints.txt -e
'.[benchmarks]'`` was run: unchanged, and set to prune nothing during warm-up, as our driver does.
"""

from __future__ import annotations

import argparse
import importlib.util
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import optuna
from scipy.stats import spearmanr

from search.pruners.registry import PrunerChoice, make_pruner
from search.samplers.registry import SamplerChoice, make_sampler
from search.study.file import load_study
from tests.benchmarks.replay.early_part import SPREAD, EarlyPart
from tests.benchmarks.replay.simulation import Method, OptunaMethod, Replay, replay
from tests.benchmarks.replay.table import Table, load_table, tables

RANDOM_TRIALS = 40
GIVE_UP = 1.5  # times the cost of the random search

Named = str | dict[str, object]  # as a study file names a sampler or a pruner

METHODS: list[tuple[Named, Named]] = [
    ("random", "none"),
    ("random", "halving"),
    ("tpe", "none"),
    ("tpe", "median"),
    ("tpe", "halving"),
    ("tpe", {"name": "halving", "reduction_factor": 3}),
    ("tpe", {"name": "halving", "skip": 3}),
    ("random", {"name": "halving", "revive": True}),
    ("tpe", {"name": "halving", "revive": True}),
    ("tpe", {"name": "halving", "revive": True, "reduction_factor": 2}),
    ("tpe", "hyperband"),
    ("gp", "halving"),
]
CHOSEN: list[tuple[Named, Named]] = [
    ("random", "none"),
    ("tpe", "halving"),
    ("tpe", {"name": "halving", "revive": True}),
]

Maker = Callable[[Table, int], Method]


def ours(sampler: Named, pruner: Named, study: Path) -> Maker:
    """Return a sampler and a pruner as a study file names them, for the table that this study recorded."""
    space = load_study(study, answers_dir=None).space

    def make(table: Table, seed: int) -> Method:
        choice = SamplerChoice.parse(sampler, ("sampler",))
        return OptunaMethod(
            table,
            lambda number: make_sampler(choice, seed, number, space),
            make_pruner(PrunerChoice.parse(pruner, ("pruner",)), table.rungs),
            table.warmup,
        )

    return make


def optuna_defaults(table: Table, seed: int, *, after_warmup: bool = False) -> Method:
    """Return the defaults of ``optuna.create_study()``; they prune from the first report on, or later."""
    pruner = optuna.pruners.MedianPruner(n_warmup_steps=table.warmup if after_warmup else 0)
    return OptunaMethod(table, optuna.samplers.TPESampler(seed=seed), pruner)


def methods(only_chosen: bool, study: Path) -> Iterator[tuple[str, Maker]]:
    """Return everything that is replayed, by name."""
    for sampler, pruner in CHOSEN if only_chosen else METHODS:
        yield f"{_name(sampler)} + {_name(pruner)}", ours(sampler, pruner, study)
    yield "Optuna: TPE + median", optuna_defaults
    yield "Optuna, after the warm-up", partial(optuna_defaults, after_warmup=True)
    if importlib.util.find_spec("ray"):
        from tests.benchmarks.replay.ray_tune import RayTune

        yield "Ray Tune: OptunaSearch + ASHA", RayTune
        yield "Ray Tune, after the warm-up", partial(RayTune, after_warmup=True)


def _name(named: Named) -> str:
    return PrunerChoice.parse(named, ()).describe()


def random_search(table: Table, trials: int) -> float:
    """Return the best score of this many random configurations, median over draws."""
    values = np.array([row.value for row in table.rows])
    rng = np.random.default_rng(0)
    return float(np.median([rng.choice(values, trials, replace=False).max() for _ in range(10_000)]))


def show_rungs(table: Table) -> None:
    """Return the rank correlation between the score at a rung and the score at the end."""
    final = np.array([row.value for row in table.rows])
    better = final > np.median(final)
    print(f"{'rung':>6}  {'share of cost':>13}  {'rank correlation':>16}  {'better half only':>16}  rank of the best")
    for index, rung in enumerate(table.rungs):
        score = np.array([row.overall[index] for row in table.rows])
        share = np.mean([row.cost[index] / row.cost[-1] for row in table.rows])
        everyone, among_better = spearmanr(score, final)[0], spearmanr(score[better], final[better])[0]
        print(
            f"{rung:>6}  {share:>13.2f}  {everyone:>16.2f}  {among_better:>16.2f}  rank {_rank_of_best(score, final)}"
        )


def _rank_of_best(score: np.ndarray, final: np.ndarray) -> str:
    """Return the rank, at this rung, of the configuration that is best in the end."""
    return f"{int((score > score[final.argmax()]).sum()) + 1} of {len(final)}"


def show_costs(
    table: Table, study: Path, only_chosen: bool, seeds: int, workers: int, as_scored: Callable[[Table, int], Table]
) -> None:
    """Print one line per method."""
    goal, whole = random_search(table, RANDOM_TRIALS), RANDOM_TRIALS * table.full_cost
    print(f"goal {goal:.4f}: the best of {RANDOM_TRIALS} of {len(table.rows)} configurations; {workers} worker(s)")
    print(f"{'method':38}  {'median':>6}  {'quartiles':>14}  not reached")
    for name, make in methods(only_chosen, study):
        tables_of_seeds = [as_scored(table, seed) for seed in range(seeds)]
        replays = [
            replay(one, make(one, seed), workers=workers, until=GIVE_UP * whole)
            for seed, one in enumerate(tables_of_seeds)
        ]
        print(f"{name:38}  {_summary(replays, goal, whole)}", flush=True)


def _summary(replays: list[Replay], goal: float, whole: float) -> str:
    costs = np.sort([one.cost_of(goal) / whole for one in replays])
    low, middle, high = (costs[int(share * (len(costs) - 1))] for share in (0.25, 0.5, 0.75))
    return f"{middle:>6.2f}  {low:>6.2f} .. {high:<4.2f}  {np.isinf(costs).mean():>6.0%}"


def main() -> None:
    """Print rung correlations, and costs on both halves."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument(
        "--chosen-only", action="store_true", help="the default, random search and the others' defaults"
    )
    parser.add_argument("--early-share", type=float, default=1.0, help="of dev that all rungs but the last score")
    parser.add_argument("--spread", type=float, default=SPREAD, help="of the noise; 1 if each trial had its own part")
    parser.add_argument("--scoring-cost", type=float, default=0.0, help="of all of dev once; a full training costs 1")
    parser.add_argument("--charged-share", type=float, help="of that cost, at early rungs; by default the early share")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    part = EarlyPart(options.early_share, options.spread, options.scoring_cost, options.charged_share)
    for path in tables()[: 1 if part.share < 1.0 else None]:
        study = path.with_name(path.name.replace(".json.gz", ".toml"))
        table = load_table(path)
        print(f"\n{path.name}")
        show_rungs(table)
        for half, purpose in enumerate(("to choose by", "to report")):
            print(f"\nhalf {half + 1}, {purpose}")
            show_costs(table.half(half), study, options.chosen_only, options.seeds, options.workers, part.scored)


if __name__ == "__main__":
    main()
