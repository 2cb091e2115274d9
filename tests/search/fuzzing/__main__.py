"""Try many inputs, and print those that break the rule: ``python -m tests.search.fuzzing --inputs 5000``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "stubs"))

from tests.search.fuzzing.house import make_house
from tests.search.fuzzing.inputs import CLASSES


def main() -> None:
    """Print a line for each input that breaks the rule, and a count for each class."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="one class of inputs")
    options = parser.parse_args()
    chosen = {name: part for name, part in CLASSES.items() if options.only in ("", name)}
    tried: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        house = make_house(Path(root) / "house", patch)
        for number in range(options.seed, options.seed + options.inputs):
            rng = Random(number)
            (name,) = rng.choices(list(chosen), [share for _, share in chosen.values()])
            begun = time.monotonic()
            with house.copied(Path(root) / "copies" / "house"):
                ended, shown = chosen[name][0](house, rng)
            tried[name] += 1
            seconds[name] += time.monotonic() - begun  # type: ignore[assignment]
            if sum(tried.values()) % 200 == 0:
                print(f"{sum(tried.values()):,} inputs", file=sys.stderr)
            if ended.fault is not None:
                faults[name] += 1
                print(f"--- {number} {name}: {shown!r}\n{ended.fault}\n{ended.seconds:.1f} s", flush=True)
    for name in chosen:
        print(f"{name}: {tried[name]:,} inputs, {faults[name]} faults, {seconds[name]:.0f} s")


if __name__ == "__main__":
    main()
