"""The classes of inputs: each changes something of the house, and runs a command."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from random import Random

from search.console.commands import load_command
from tests.search.fuzzing.house import Ended, House
from tests.search.fuzzing.mutations import mutated_bytes, mutated_line, mutated_study, mutated_table, values_of

__all__ = ["CLASSES"]

SENTENCES = "a good film\na dull plot\n"
COMMANDS = {
    "run": ("--study", "micro.toml", "--trials", "2", "--workers", "1", "--dry-run"),
    "report": ("--study", "micro"),
    "export": ("--study", "micro", "--trial", "1", "--device", "cpu"),
    "predict": ("--model-dir", "runs/micro/export/model", "--task", "mood", "--device", "cpu"),
    "score": ("--study", "micro", "--labels", "labels"),
    "compare": ("micro:0", "micro:1", "--examples", "2"),
    "finalists": ("--study", "micro", "--top", "1", "--seeds", "1", "--dry-run"),
    "ablate": ("--study", "micro", "--seeds", "1", "--dry-run"),
    "ensemble": ("--study", "micro", "--trials", "0,1", "--dev-only"),
    "pareto": ("--study", "micro", "--cost", "all"),
    "clean": ("--study", "micro", "--keep", "1"),
    "doctor": (
        "--study",
        "micro.toml",
    ),
    "audit": ("--study", "micro.toml"),
    "dashboard": ("--port", "0"),
    "augment": ("--study", "micro.toml", "--endpoint", "http://127.0.0.1:1/v1", "--plan-only"),
}
PACKAGED = sorted(Path(str(resources.files("studies"))).glob("*.toml"))
READERS = ("report", "export", "compare", "ensemble", "pareto", "clean", "score", "predict", "ablate", "finalists")


def study_file(house: House, rng: Random) -> tuple[Ended, object]:
    """A changed study file is planned, sometimes examined or searched."""
    file, study = Path("micro.toml"), ("--study", "micro.toml")
    origin = rng.choice([file, *PACKAGED])
    text = mutated_study(origin.read_text(encoding="utf-8"), rng)
    file.write_text(text, encoding="utf-8")
    others = [("doctor", *study), ("augment", *study, "--plan-only"), ("run", *study, "--runs-dir", "new")]
    words = rng.choice([*[("run", *study, "--dry-run")] * 8, *(others if origin == file else ())])
    return house.run(words, own=("runs", "new")), (words, text)


def data_file(house: House, rng: Random) -> tuple[Ended, object]:
    """A changed data file is searched, exported, examined or scored."""
    folder, name = rng.choice((("data", "train"), ("data", "dev"), ("data", "test"), ("labels", "test")))
    file = Path(folder) / f"mood-{name}.csv"
    content = mutated_table(file.read_bytes(), rng)
    file.write_bytes(content)
    readers = [(name, *COMMANDS[name]) for name in ("export", "report", "compare", "ensemble", "doctor", "audit")]
    search = ("run", "--study", "micro.toml")
    words = rng.choice([*[(*search, "--runs-dir", "new", "--trials", "1")] * 3, search, *readers])
    if folder == "labels":
        words = ("score", *COMMANDS["score"])
    return house.run(words, own=("runs", "new")), (words, str(file), content[:2000])


def command_line(house: House, rng: Random) -> tuple[Ended, object]:
    """A changed command line."""
    name = rng.choice(list(COMMANDS))
    parameters = [parameter for parameter in load_command(name).params if parameter.name != "help"]
    options = {one.opts[0]: values_of(one.type_descriptor.annotation) for one in parameters if one.opts[0][:2] == "--"}
    words = mutated_line([name, *COMMANDS[name]], options, rng)
    # What an option names is written to; nobody but the user can know that it is precious.
    return house.run(words, SENTENCES, own=("runs", *words)), words


def recorded_file(house: House, rng: Random) -> tuple[Ended, object]:
    """A damaged file of the runs folder is read."""
    files = sorted(path for path in Path("runs").rglob("*") if path.is_file() and "cache" not in path.parts)
    file = rng.choice(files)
    content = mutated_bytes(file.read_bytes(), rng)
    file.write_bytes(content)
    name = rng.choice(READERS)
    return house.run([name, *COMMANDS[name]], SENTENCES), (name, str(file), content[:200])


def encoder_file(house: House, rng: Random) -> tuple[Ended, object]:
    """A damaged file of an encoder's or model's folder is loaded."""
    folder = "runs/micro/export/model"
    file = rng.choice(sorted(path for path in Path(folder).rglob("*") if path.is_file()))
    content = file.read_bytes()
    if file.suffix in (".json", ".txt") and rng.random() < 0.5:
        content = mutated_study(content.decode(), rng).encode()
    else:
        content = mutated_bytes(content, rng)
    file.write_bytes(content)
    study = ("--study", "micro.toml", "--model", folder)
    search = ("run", *study, "--runs-dir", "new", "--trials", "1")
    words = rng.choice([("predict", *COMMANDS["predict"]), ("doctor", "--model", folder), ("doctor", *study), search])
    return house.run(words, SENTENCES, own=("runs", "new")), (words, str(file), content[:500])


def standard_input(house: House, rng: Random) -> tuple[Ended, object]:
    """Odd sentences are predicted for."""
    text = mutated_table(SENTENCES.encode() * 3, rng)
    ended = house.run(["predict", *COMMANDS["predict"]], text)  # type: ignore[arg-type]  # the runner takes bytes
    return ended, text[:2000]


CLASSES: dict[str, tuple[Callable[[House, Random], tuple[Ended, object]], float]] = {
    "study files": (study_file, 0.35),
    "data files": (data_file, 0.2),
    "command lines": (command_line, 0.3),
    "recorded files": (recorded_file, 0.1),
    "encoder files": (encoder_file, 0.1),
    "standard input": (standard_input, 0.05),
}
"""By name: what runs an input, and the share of all inputs."""
