"""Record the learning curves that the replay benchmark runs on.

    python tests/benchmarks/replay/record.py --data DIR [--layers 2]

Cuts MiniLM down to its lowest layers, trains the random configurations of ``curves.toml`` (again to resume), and
writes ``curves.json.gz``: for every configuration its parameters, and at every rung the overall score, the task scores,
and what it had cost until there.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import optuna
import typer
from optuna.distributions import distribution_to_json
from safetensors.torch import load_file, save_file

from core.model_files.encoder_source import resolve_encoder
from search.recorded.provenance import code_version
from search.recorded.ranking import open_study
from search.trials.folders import TrialFolders
from search.trials.record import TrialRecord

HERE = Path(__file__).parent
STUDY = HERE / "curves.toml"


def main(
    data: Annotated[Path, typer.Option(help="Folder with the tasks' files.")],
    layers: Annotated[int, typer.Option(help="Encoder layers to keep, from below.")] = 2,
    runs_dir: Annotated[Path, typer.Option(help="Where the study's runs go.")] = Path("runs"),
    output: Annotated[Path, typer.Option(help="The table.")] = HERE / "curves.json.gz",
) -> None:
    """Train the configurations that are not trained yet, and write the table."""
    encoder = lowest_layers(layers, runs_dir / f"lowest-{layers}-layers")
    search = ["-m", "search.run", "--study", str(STUDY), "--model", str(encoder), "--data", str(data)]
    subprocess.run([sys.executable, *search, "--runs-dir", str(runs_dir)], check=True)
    write_table(open_study(STUDY.stem, None, runs_dir), TrialFolders(runs_dir / STUDY.stem), layers, output)


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


def write_table(study: optuna.Study, folders: TrialFolders, layers: int, output: Path) -> None:
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
    table = {
        "encoder": f"all-MiniLM-L6-v2, lowest {layers} layers",
        "code": code_version(),
        "rungs": [point.rung for point in curve],
        "warmup": TrialRecord.read(trial).config.warmup_examples,
        "space": space,
        "rows": rows,
    }
    with gzip.GzipFile(output, "wb", mtime=0) as file:
        file.write(json.dumps(table).encode())


if __name__ == "__main__":
    typer.run(main)
