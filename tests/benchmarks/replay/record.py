"""Record the learning curves that the replay benchmark runs on.

    python -m tests.benchmarks.replay.record --data DIR
    python -m tests.benchmarks.replay.record --data DIR --study curves-2

Cuts MiniLM down to its lowest layers, trains the random configurations of ``curves.toml`` or ``curves-2.toml`` (again
to resume), and writes ``curves.json.gz`` or ``curves-2.json.gz``: for every configuration its parameters, and at every
rung the overall score, the task scores, and what it had cost until there. Ctrl-C writes those that are finished as
``part-of-curves.json.gz``; with that file, the rest can be trained later, on another machine or in another runs folder.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import optuna
import typer
from optuna.distributions import distribution_to_json
from safetensors.torch import load_file, save_file

from core.model_files.encoder_source import resolve_encoder
from search.console.failures import ExitCode
from search.recorded.provenance import code_version
from search.recorded.ranking import open_study
from search.trials.folders import TrialFolders
from search.trials.record import TrialRecord

HERE = Path(__file__).parent
STUDY = HERE / "curves.toml"


def main(
    data: Annotated[Path, typer.Option(help="Folder with the tasks' files.")],
    study: Annotated[str, typer.Option(help="curves or curves-2.")] = "curves",
    layers: Annotated[int, typer.Option(help="Encoder layers to keep, from below.")] = 2,
    runs_dir: Annotated[Path, typer.Option(help="Where the study's runs go.")] = Path("runs"),
    output: Annotated[Path | None, typer.Option(help="The table; by default next to the study.")] = None,
    trials: Annotated[int | None, typer.Option(help="Configurations, if others than the study's.")] = None,
) -> None:
    """Train the configurations that are not trained yet, and write the table."""
    encoder = lowest_layers(layers, runs_dir / f"lowest-{layers}-layers")
    corpus = with_sick(data, runs_dir / "corpus") if study != STUDY.stem else data
    part = HERE / f"part-of-{study}.json.gz"
    earlier = json.loads(gzip.decompress(part.read_bytes()))["rows"] if part.is_file() else []
    wanted = (trials or tomllib.loads((HERE / f"{study}.toml").read_text(encoding="utf-8"))["trials"]) - len(earlier)
    search = [
        "-m",
        "search.run",
        "--study",
        str(with_seed(len(earlier), study, runs_dir)),
        "--model",
        str(encoder),
        "--data",
        str(corpus),
        "--trials",
        str(wanted),
        "--runs-dir",
        str(runs_dir),
    ]
    with suppress(KeyboardInterrupt):
        ended = subprocess.run([sys.executable, *search], check=False)
        if ended.returncode not in (0, ExitCode.INTERRUPTED):
            raise typer.Exit(ended.returncode)
    table = table_of(open_study(study, None, runs_dir), TrialFolders(runs_dir / study), layers)
    is_whole = len(table["rows"]) >= wanted
    table["rows"] = [*earlier, *table["rows"]]
    write_table(table, (output or HERE / f"{study}.json.gz") if is_whole else part)


def with_seed(seed: int, study: str, folder: Path) -> Path:
    """Write a study with a seed, so that other configurations are drawn than by an earlier part of the recording.

    A study file that is there already stays as it is: its recording is resumed.
    """
    path = folder / f"{study}.toml"
    if not path.exists():
        text = (HERE / path.name).read_text(encoding="utf-8")
        path.write_text(f"seed = {seed}\n{text}", encoding="utf-8")
    return path


def with_sick(data: Path, folder: Path) -> Path:
    """Write the film reviews, and SICK as a training and a dev file, as its authors split it; from ``sick2014.csv``."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in data.glob("ids-cfimdb-*.csv"):
        (folder / path.name).write_bytes(path.read_bytes())
    header, *rows = (data / "sick2014.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    for split, of_split in (("train", "TRAIN"), ("dev", "TRIAL")):
        chosen = [row for row in rows if row.rstrip().endswith(f"\t{of_split}")]
        (folder / f"sick-{split}.csv").write_text(header + "".join(chosen), encoding="utf-8")
    return folder


def lowest_layers(layers: int, folder: Path) -> Path:
    """Write MiniLM with only its lowest layers, as a folder in Hub layout."""
    source = resolve_encoder("minilm")
    folder.mkdir(parents=True, exist_ok=True)
    config = json.loads((source / "config.json").read_text()) | {"num_hidden_layers": layers}
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        (folder / name).write_bytes((source / name).read_bytes())
    weights = load_file(source / "model.safetensors")
    save_file(
        {name: weight for name, weight in weights.items() if _is_kept(name, layers)}, folder / "model.safetensors"
    )
    return folder


def _is_kept(name: str, layers: int) -> bool:
    parts = name.split(".")
    return "layer" not in parts or int(parts[parts.index("layer") + 1]) < layers


def table_of(study: optuna.Study, folders: TrialFolders, layers: int) -> dict[str, Any]:
    """Return the curves of all complete trials, by number; the length of the warm-up is not searched."""
    rows: list[dict[str, Any]] = []
    space: dict[str, str] = {}
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,)):
        space |= {name: distribution_to_json(searched) for name, searched in trial.distributions.items()}
        curve = folders.run(trial.number).read_metrics()
        rows.append(
            {
                "params": trial.params,
                "overall": [round(point.overall, 5) for point in curve],
                "scores": {task: [round(point.scores[task], 4) for point in curve] for task in curve[0].scores},
                "forward_examples": [point.cost.forward_examples for point in curve if point.cost],
                "pretraining_examples": curve[-1].cost.pretraining_examples if curve[-1].cost else 0,
                "seconds": [round(point.seconds, 1) for point in curve],
            }
        )
    return {
        "encoder": f"all-MiniLM-L6-v2, lowest {layers} layers",
        "code": code_version(),
        "rungs": [point.rung for point in curve],
        "warmup": TrialRecord.read(trial).config.warmup_examples,
        "space": space,
        "rows": rows,
    }


def write_table(table: Mapping[str, Any], output: Path) -> None:
    """Write the same bytes for the same table."""
    with gzip.GzipFile(output, "wb", mtime=0) as file:
        file.write(json.dumps(table).encode())


if __name__ == "__main__":
    typer.run(main)
