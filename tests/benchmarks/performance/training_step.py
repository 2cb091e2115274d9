"""Compare the training step with those of other trainers, and with the machine's bound, in real tokens per second.

    python -m tests.benchmarks.performance.training_step [--batch-sizes 8 16 32] [--rounds 5] [--only plain]

Needs the packages of the extra 'benchmarks'. With --threads 1 --cpu-time it gives ratios on a busy machine too.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import datasets
import torch
import transformers

from core.config import ComputeConfig
from core.run.precision import check_precision
from data.errors import UserError
from tests.benchmarks.performance.apart import apart
from tests.benchmarks.performance.bound import MatrixProducts
from tests.benchmarks.performance.ours import Ours, batches_like_ours
from tests.benchmarks.performance.peers import SentenceTransformers, Transformers
from tests.benchmarks.performance.setting import Setting, add_options, setting_of
from tests.benchmarks.performance.timed import Measured, in_turns, markdown, median_ratio

__all__ = ["BATCH_SIZES", "COMPARISONS", "comparisons", "measure_steps", "quieten", "table"]

BATCH_SIZES = (8, 16, 32)
OURS, BOUND = "ours", "bound"
SIAMESE = {"heads": {"sts": {"pair": "siamese", "pooling": "mean", "combine": "cos", "loss": "mse"}}}

Makes = dict[str, Callable[[], Measured]]  # by name
Rates = dict[int, dict[str, list[float]]]  # tokens per second: batch size, name, round


def _plain(setting: Setting, batch_size: int, folder: Path) -> Makes:
    """Single sentences (sst), all weights trained."""
    ours = partial(Ours, setting, "sst", batch_size)
    trainer = partial(Transformers, setting, batch_size, folder / "trainer")
    return {
        OURS: partial(ours, folder / "ours"),
        "Trainer": trainer,
        "Trainer, group_by_length": partial(trainer, "group_by_length"),
        "Trainer, our batches": partial(_on_our_batches, trainer, partial(ours, folder / "batches"), batch_size),
        BOUND: partial(_bound, setting, partial(ours, folder / "bound")),
    }


def _bfloat16(setting: Setting, batch_size: int, folder: Path) -> Makes:
    """Single sentences (sst), all weights trained, with matrix products in bfloat16; the Trainer also in float32."""
    half = replace(setting, precision="bfloat16")
    ours = partial(Ours, half, "sst", batch_size)
    return {
        OURS: partial(ours, folder / "ours"),
        "Trainer, bf16": partial(Transformers, half, batch_size, folder / "trainer"),
        "Trainer, float32": partial(Transformers, setting, batch_size, folder / "float32"),
        BOUND: partial(_bound, half, partial(ours, folder / "bound")),
    }


def _lora(setting: Setting, batch_size: int, folder: Path) -> Makes:
    """The same with LoRA, rank 8, on query and value."""
    ours = partial(_with_lora, setting, batch_size)
    trainer = partial(Transformers, setting, batch_size, folder / "trainer", lora_rank=8)
    return {
        OURS: partial(ours, folder / "ours"),
        "Trainer with peft": trainer,
        "Trainer with peft, our batches": partial(
            _on_our_batches, trainer, partial(ours, folder / "batches"), batch_size
        ),
        BOUND: partial(_bound, setting, partial(ours, folder / "bound"), frozen=True),
    }


def _pairs(setting: Setting, batch_size: int, folder: Path) -> Makes:
    """Pairs (sts), each sentence encoded separately, cosine of the mean of the tokens."""
    ours = partial(_siamese, setting, batch_size)
    trainer = partial(SentenceTransformers, setting, batch_size, folder / "trainer")
    return {
        OURS: partial(ours, folder / "ours"),
        "sentence-transformers": trainer,
        "sentence-transformers, our batches": partial(
            _on_our_batches, trainer, partial(ours, folder / "batches"), batch_size
        ),
        BOUND: partial(_bound, setting, partial(ours, folder / "bound")),
    }


def _with_lora(setting: Setting, batch_size: int, folder: Path) -> Ours:
    return Ours(setting, "sst", batch_size, folder, lora={"rank": 8, "targets": "query,value"})


def _siamese(setting: Setting, batch_size: int, folder: Path) -> Ours:
    return Ours(setting, "sts", batch_size, folder, **SIAMESE)


def _on_our_batches(trainer: Callable[..., Measured], make_ours: Callable[[], Ours], batch_size: int) -> Measured:
    return trainer(batches="ours", like_ours=partial(batches_like_ours, make_ours(), batch_size))


def _bound(setting: Setting, make_ours: Callable[[], Ours], frozen: bool = False) -> Measured:
    return MatrixProducts(setting, _tokens(make_ours()), frozen)


COMPARISONS = {"plain": _plain, "bfloat16": _bfloat16, "LoRA": _lora, "pairs": _pairs}


def comparisons(setting: Setting) -> list[str]:
    """Return the names of those that make sense: bfloat16 if torch can compute it and the setting is float32."""
    names = list(COMPARISONS)
    try:
        check_precision(ComputeConfig(precision="bfloat16"), torch.device(setting.device))
    except UserError:
        names.remove("bfloat16")
    else:
        if setting.precision == "bfloat16":
            names.remove("bfloat16")
    return names


def _tokens(ours: Ours) -> int:
    """Return the mean number of real tokens in a batch."""
    timed = ours.measure(steps=8, seed=0)
    return max(1, timed.tokens // 8)


def measure_steps(
    setting: Setting, names: Sequence[str], batch_sizes: Sequence[int], rounds: int, examples: int, folder: Path
) -> dict[str, Rates]:
    """Measure each comparison; every measurement takes as many steps as ``examples`` need, at least two."""
    rates: dict[str, Rates] = {name: {} for name in names}
    for name in names:
        for batch_size in batch_sizes:
            makes = COMPARISONS[name](setting, batch_size, folder / f"{name}-{batch_size}")
            with apart(makes, like_workers=frozenset({OURS, BOUND})) as measured:
                rates[name][batch_size] = in_turns(measured, max(2, examples // batch_size), rounds)
    return rates


def table(rates: Rates) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows: tokens per second, our ratio to each trainer, and the share of the bound."""
    headings = ["batch size", "trainer", "tokens/s", "range", "ours / it", "it / bound"]
    rows = []
    for batch_size, of_names in rates.items():
        for name, values in of_names.items():
            spread = f"{min(values):,.0f} to {max(values):,.0f}"
            ratio = "" if name in (OURS, BOUND) else f"{median_ratio(of_names[OURS], values):.2f}"
            share = "" if name == BOUND else f"{median_ratio(values, of_names[BOUND]):.2f}"
            rows.append([str(batch_size), name, f"{statistics.median(values):,.0f}", spread, ratio, share])
    return headings, rows


def quieten() -> None:
    """Keep the libraries' warnings and progress out of the tables."""
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    warnings.filterwarnings("ignore", module="transformers|torch|sentence_transformers|peft|accelerate")


def _print(rates: Mapping[str, Rates], **details: Any) -> None:
    print(", ".join(f"{name} {value}" for name, value in details.items()))
    for name, of_comparison in rates.items():
        print(f"\n{name}: {COMPARISONS[name].__doc__}\n\n{markdown(*table(of_comparison))}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=BATCH_SIZES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--examples", type=int, default=160, help="timed in each round")
    parser.add_argument("--only", nargs="+", choices=list(COMPARISONS))
    options = parser.parse_args()
    quieten()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        setting = setting_of(options, folder)
        names = options.only or comparisons(setting)
        rates = measure_steps(setting, names, options.batch_sizes, options.rounds, options.examples, folder)
        clock = "CPU time" if setting.cpu_time else "wall-clock time"
        _print(rates, threads=setting.threads, precision=setting.precision, rounds=options.rounds, clock=clock)


if __name__ == "__main__":
    main()
