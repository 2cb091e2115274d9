"""A small study on the stub training; as a script it is a driver process that can be killed:

python stub_study.py FOLDER '{"trials": 6}'
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna

from core.config import RunConfig
from data.task_files import builtin_tasks
from search.console.progress import JsonLines
from search.driver.driver import Driver, StudyResult
from search.driver.events import Event
from search.executors.local import LocalExecutor
from search.executors.worker import TrainingCode
from search.pruners.registry import PrunerChoice
from search.samplers.registry import SamplerChoice
from search.space.parsing import parse_space
from search.storage.open import open_storage
from search.study.first_trials import default_trial
from search.study.spec import StudySpec

STUB = TrainingCode(*(f"stub_training:{name}" for name in ("train", "measure_speed", "Resources", "choose_precision")))
BASE = RunConfig.model_validate(
    {
        "tasks": {"sst": {"spec": builtin_tasks()["sst"]}},
        "optim": {"learning_rate": 1e-4},
        "budget": {"examples": 100, "batch_size": 4},
    }
)
SPACE = parse_space(
    {
        "optim.learning_rate": {"low": 1e-6, "high": 1e-2, "log": True},
        "heads.sst.layers": {"low": 1, "high": 3},
        "heads.sst.dropout_hidden": {"low": 0.0, "high": 0.5, "when": {"heads.sst.layers": {"above": 1}}},
    },
    BASE,
)
SPEC = StudySpec(
    name="stub",
    description="",
    base=BASE,
    space=SPACE,
    first_trials=default_trial(SPACE, BASE),
    notes=(),
    trials=6,
    seed=3,
    sampler=SamplerChoice("tpe", {"n_startup_trials": 3}),
    pruner=PrunerChoice("none"),
    workers=1,
    keep_models=2,
    synthetic=None,
    source=Path("stub.toml"),
)


class StubStudy:
    """A study under a folder of its own."""

    def __init__(self, root: Path, spec: StudySpec = SPEC, code: TrainingCode = STUB) -> None:
        self.root, self.spec, self.code = root, spec, code
        self.events: list[Event] = []
        (root / "cache").mkdir(parents=True, exist_ok=True)

    def script(self, **script: object) -> StubStudy:
        (self.root / "cache" / "script.json").write_text(json.dumps(script))
        return self

    def executor(self) -> LocalExecutor:
        return LocalExecutor(self.spec.workers, self.root / "cache", threads=1, code=self.code)

    def driver(self, executor: LocalExecutor | None = None, **options: Any) -> Driver:
        storage = open_storage(None, self.root)
        return Driver(self.spec, storage, executor or self.executor(), self.folder, **options)

    def run(self, *observers: Any, **options: Any) -> StudyResult:
        return self.driver(**options).run([self.events.append, *observers])

    @property
    def folder(self) -> Path:
        return self.root / self.spec.name

    @property
    def trials(self) -> list[optuna.trial.FrozenTrial]:
        return optuna.load_study(study_name=self.spec.name, storage=open_storage(None, self.root)).get_trials()

    def starts(self, number: int) -> list[dict[str, Any]]:
        """Return where each run of the trial began."""
        file = self.folder / f"trial-{number:04d}" / "starts.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()]

    def outcome(self) -> list[tuple[Any, ...]]:
        """Return everything that must not depend on interruptions."""
        return [
            (t.number, t.state.name, t.params, t.value, sorted(t.intermediate_values.items()), t.user_attrs["scores"])
            for t in self.trials
        ]


def changed(**changes: Any) -> StudySpec:
    """Return the study with other fields; ``pruner`` and ``sampler`` are given by name."""
    if isinstance(pruner := changes.get("pruner"), str):
        changes["pruner"] = PrunerChoice(pruner)
    base, space = changes.get("base", BASE), changes.get("space", SPACE)
    return replace(SPEC, **{"first_trials": default_trial(space, base), **changes})


if __name__ == "__main__":
    study = StubStudy(Path(sys.argv[1]), changed(**json.loads(sys.argv[2])))
    raise SystemExit(0 if study.run(JsonLines(sys.stdout)).finished else 130)
