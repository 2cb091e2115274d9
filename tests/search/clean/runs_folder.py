"""A runs folder with studies whose trials never ran."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import optuna
from optuna.trial import TrialState, create_trial
from quick_storage import open_quickly
from stub_study import BASE, SPEC

from core.config import RunConfig
from search.clean.survey import Cleaning
from search.recorded.study import create_or_load
from search.trials.folders import TrialFolders

MLM = RunConfig.model_validate({**BASE.model_dump(), "pretraining": {"mlm": {"examples": 100}}})
ALWAYS = ["config.json", "metrics.jsonl", "best/evaluation.json", "predictions/sst-dev-20.npy", "error.txt"]


def write(path: Path, size: int = 10) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return path


class Runs:
    """A runs folder with studies of trials that never ran."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.address = f"sqlite:///{root}/studies.db"
        self.storage = open_quickly(root)

    def study(self, name: str, *states: str, config: RunConfig = BASE) -> TrialFolders:
        """Add a study; trial n has score n / 10, a checkpoint, a model and half-written files."""
        spec = replace(SPEC, name=name, first_trials=())
        study, folders = create_or_load(spec, self.storage), TrialFolders(self.root / name)
        for number, state in enumerate(states):
            self.add(study, number, state, config)
            folder = folders.path(number)
            for file in ALWAYS:
                write(folder / file)
            for file in ("checkpoint.pt", "best/model.safetensors", "checkpoint.pt.tmp", "predictions/p.tmp.npy"):
                write(folder / file, 1000)
        for file in ("export/model/model.safetensors", "ensemble/ensemble.json", "report/report.html"):
            write(folders.root / file)
        return folders

    def add(self, study: optuna.Study, number: int, state: str, config: RunConfig = BASE) -> None:
        attrs = {"config": config.canonical_json()}
        value = number / 10 if state in ("COMPLETE", "PRUNED") else None
        study.add_trial(create_trial(state=TrialState[state], value=value, user_attrs=attrs))

    def stage(self, key: str, config: RunConfig) -> Path:
        folder = self.root / "cache" / "stages" / key
        for file in ("encoder.safetensors", "checkpoint.pt.tmp", "lock"):
            write(folder / file)
        section = config.pretraining.mlm.model_dump(mode="json", exclude={"tasks"})
        (folder / "stage.json").write_text(json.dumps({"stage": "mlm", "config": section}))
        return folder

    def entry(self, place: str, name: str) -> Path:
        folder = self.root / "cache" / place / name
        for file in ("manifest.json", "facts.json", "labels.npy"):
            write(folder / file)
        return folder

    def files(self) -> set[str]:
        return {path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if not path.is_dir()}

    def freed(self, **options: object) -> set[str]:
        """Free files, and return which are gone; the survey before must change nothing."""
        before = self.files()
        cleaning = Cleaning(self.root, self.address, **options)  # type: ignore[arg-type]
        survey = cleaning.survey()
        assert self.files() == before
        freed = cleaning.free(survey)
        assert freed.failures == ()
        gone = before - self.files()
        assert freed.size == sum(finding.size for finding in survey.findings)
        assert gone == {f.path.relative_to(self.root).as_posix() for found in survey.findings for f in found.files}
        return gone


def gone(number: int, *, model: bool) -> set[str]:
    files = ["checkpoint.pt", "checkpoint.pt.tmp", "predictions/p.tmp.npy"] + ["best/model.safetensors"] * model
    return {f"s/trial-{number:04d}/{file}" for file in files}
