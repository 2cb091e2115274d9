"""Measure everything on the page about performance, and write it.

    python -m tests.benchmarks.performance.page [--out FILE] [--data DIR] [--device cuda --precision bfloat16] [--quick]

--quick measures tiny models for a moment: it shows that the page can be written, and its numbers mean nothing.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import tempfile
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jinja2
import torch

from core.config.budget import BudgetConfig
from core.run.cores import usable_cores
from search.recorded.provenance import code_version
from tests.benchmarks.performance import growth, step_parts, workers
from tests.benchmarks.performance.apart import restart_like_a_worker
from tests.benchmarks.performance.setting import Setting, add_options, setting_of
from tests.benchmarks.performance.timed import markdown

__all__ = ["main", "render"]

TEMPLATE = Path(__file__).with_name("page.md.jinja")
QUICK = "**Written with --quick: the numbers mean nothing.** "


def machine(setting: Setting, options: argparse.Namespace) -> dict[str, str]:
    """Return what the numbers depend on."""
    if setting.device == "cuda":
        device = f"{torch.cuda.get_device_name()}, {torch.cuda.get_device_properties(0).total_memory / 2**30:.0f} GiB"
    else:
        amx = ", AMX" if "amx_bf16" in _cpu_info() else ""
        device = f"{_cpu()}, {usable_cores()} cores, {torch.backends.cpu.get_cpu_capability()}{amx}"
    versions = ("transformers", "sentence-transformers", "peft")
    return {
        "device": device,
        "threads, precision": f"{setting.threads}, {setting.precision}",
        "encoder": f"{options.encoder}: {_shape(setting.encoder)}",
        "data": "a generated corpus" if options.data is None else "the files of `--data`",
        "clock": "CPU seconds for the training step and its parts, else wall clock"
        if setting.cpu_time
        else "wall clock",
        "torch": torch.__version__,
        "other libraries": ", ".join(f"{name} {version(name)}" for name in versions),
        "Python": platform.python_version(),
        "version": code_version(),
        "day": date.today().isoformat(),
    }


def _shape(encoder: Path) -> str:
    shape = json.loads((encoder / "config.json").read_text(encoding="utf-8"))
    return f"{shape['num_hidden_layers']} layers of {shape['hidden_size']}, {shape['num_attention_heads']} heads"


def _cpu_info() -> str:
    info = Path("/proc/cpuinfo")
    return info.read_text(encoding="utf-8") if info.exists() else ""


def _cpu() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", _cpu_info(), re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()


def measure(setting: Setting, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return what the template needs."""
    # Here, because every process of measure_workers imports this module, and the other libraries take seconds.
    from tests.benchmarks.performance import training_step
    from tests.benchmarks.performance.bound import MatrixProducts

    rounds, examples, quick = options.rounds, options.examples, options.quick
    fewer = min(rounds, 3)  # these take long
    names = training_step.comparisons(setting)
    rates = training_step.measure_steps(setting, names, options.batch_sizes, rounds, examples, folder)
    parts = step_parts.measure_parts(setting, options.batch_sizes, rounds, examples, folder)
    layouts = workers.layouts(1 if setting.device == "cuda" or quick else usable_cores())
    together = workers.measure_workers(setting, layouts, fewer, 0.5 if quick else 10.0, folder)
    growths = {
        name: growth.measure_growth(setting, name, fewer, examples // 2, folder / name.split()[0], quick)
        for name in growth.DIMENSIONS
    }
    return {
        "machine": machine(setting, options),
        "rounds": rounds,
        "fewer": fewer,
        "encoder": options.encoder,
        "warning": QUICK if quick else "",
        "comparisons": {
            name: _section(training_step.COMPARISONS[name], training_step.table(of)) for name, of in rates.items()
        },
        "parts": markdown(*step_parts.table(parts)),
        "flop": f"{MatrixProducts(setting, 1).flop_per_token / 1e6:.3g}",
        "trial_examples": BudgetConfig().examples,
        "workers": markdown(*workers.table(together)),
        "growths": {
            name: _section(growth.DIMENSIONS[name], growth.growth_table(name, seconds))
            for name, seconds in growths.items()
        },
        "starts": markdown(*growth.starts_table(growth.measure_starts(setting, folder, quick))),
    }


def _section(described: Any, table: tuple[list[str], list[list[str]]]) -> dict[str, str]:
    return {"text": described.__doc__, "table": markdown(*table)}


def render(values: Mapping[str, Any]) -> str:
    """Return the page; a value that the template needs and does not get is an error."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    template = TEMPLATE.read_text(encoding="utf-8")
    return environment.from_string(template).render(values)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--out", type=Path, default=Path("docs", "performance.md"))
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[8, 16, 32])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--examples", type=int, default=160, help="timed in each round")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args(arguments)
    if options.quick:
        options.encoder, options.rounds, options.examples, options.batch_sizes = "tiny", 1, 16, [8]
    from tests.benchmarks.performance.training_step import quieten

    quieten()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        setting = setting_of(options, folder)
        page = render(measure(setting, options, folder))
    options.out.write_text(page, encoding="utf-8")
    print(f"written: {options.out}")


if __name__ == "__main__":
    restart_like_a_worker()
    main()
