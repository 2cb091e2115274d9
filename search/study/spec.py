"""A checked study: what is searched, from which run, with which sampler, for how many trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field

from core.config import RunConfig
from core.run.gpus import Device, GpuChoice
from data.augmentation.rephrasing.endpoint_settings import EndpointSettings
from data.errors import UserError
from search.display.values import shown
from search.parsing.errors import StudyFileError
from search.parsing.named_choice import Options
from search.parsing.toml_lines import error_in_file
from search.pruners.registry import PrunerChoice
from search.samplers.registry import SamplerChoice
from search.space.feasibility import TriedRun
from search.space.space import Space
from search.space.variants import VARIANT, Variants
from search.study.first_trials import FirstTrial
from search.study.stop_rules import StopRules
from search.trials.floors import Floor

__all__ = ["StudySpec", "SyntheticSpec"]


class SyntheticSpec(Options):
    """A generated corpus for sst, para and sts instead of a folder of files: examples per task, and the seed."""

    train: int = Field(4000, ge=1, description="training examples of each task")
    dev: int = Field(500, ge=2, description="dev examples of each task")
    test: int = Field(500, ge=1, description="test examples of each task")
    seed: int = Field(0, ge=0, lt=2**32, description="of the generator")


@dataclass(frozen=True)
class StudySpec:
    """A checked study.

    Attributes:
        name: of the study in the storage and of its folder.
        base: the run that the search starts from.
        space: what trials change in it.
        first_trials: those before the sampler is asked, in their order.
        notes: parts of the file that are left out, and why, one line each.
        trials: in total, over all resumptions; None: as many as ``stop`` allows.
        seed: of the sampler; trial n draws from (seed, n).
        workers: runs at the same time.
        gpus: whose workers are pinned to one each; None: to none.
        devices: the GPUs of this machine that these are; empty if it lacks one of them.
        keep_models: how many of the best models stay on disk, at least 1.
        synthetic: the corpus to generate; None reads ``base.data.directory``.
        corpus: the generated corpus that ``base.data.directory`` holds, if another study generated it; no part of what
            the study is.
        encoder_folders: present folders of encoders that have moved, by their recorded folders, which the space names.
        source: the file it was read from.
        endpoint: where ``search.augment`` asks a language model, if the file says so; no part of what the study is.
        floors: scores below which runs are pruned, and do not win.
        stop: what ends the study besides its number of trials; no part of what the study is.
        origin: what it took from other studies, as JSON data by name; recorded with it, since those may continue.
        lengths: how a length given in passes became training examples, in words by variant; under "" for the base of a
            search.
        named_ids: tasks whose id column the file names, so that no data file may lack it; no part of what the study is.
    """

    name: str
    description: str
    base: RunConfig
    space: Space
    first_trials: tuple[FirstTrial, ...]
    notes: tuple[str, ...]
    trials: int | None
    seed: int
    sampler: SamplerChoice
    pruner: PrunerChoice
    workers: int
    keep_models: int
    synthetic: SyntheticSpec | None
    source: Path
    corpus: SyntheticSpec | None = None
    encoder_folders: Mapping[str, str] = field(default_factory=dict)
    endpoint: EndpointSettings | None = None
    floors: tuple[Floor, ...] = ()
    stop: StopRules = field(default_factory=StopRules)
    origin: Mapping[str, Any] = field(default_factory=dict)
    lengths: Mapping[str, str] = field(default_factory=dict)
    gpus: GpuChoice | None = None
    devices: tuple[Device, ...] = ()
    named_ids: frozenset[str] = frozenset()

    @cached_property
    def variants(self) -> Mapping[str, RunConfig]:
        """The runs of a comparison by variant, with the seed of the base; empty for a search."""
        chosen = (one.distribution for one in self.space.dimensions if isinstance(one.distribution, Variants))
        return next((variants.runs(self.base) for variants in chosen), {})

    @property
    def own_rungs(self) -> Mapping[str, tuple[int, ...]]:
        """The rungs of each variant, in training examples; empty unless they differ."""
        rungs = {name: run.rungs for name, run in self.variants.items()}
        return rungs if len(set(rungs.values())) > 1 else {}

    @property
    def longest_run(self) -> int:
        """The training examples of the longest of the study's runs."""
        return max([self.base.examples, *(rungs[-1] for rungs in self.own_rungs.values())])

    @property
    def planned_examples(self) -> tuple[int, ...]:
        """The training examples of all trials of a comparison, in their order; empty unless its variants differ."""
        lengths = {name: rungs[-1] for name, rungs in self.own_rungs.items()}
        return tuple(lengths[trial.params[VARIANT]] for trial in self.first_trials) if lengths else ()

    def located_error(self, error: StudyFileError) -> UserError:
        """Return a mistake found after reading with the file and the line of its key, if the file still exists."""
        text = self.source.read_text(encoding="utf-8-sig") if self.source.is_file() else ""
        return error_in_file(error, self.source, text)

    def impossible_run_error(self, run: TriedRun, reason: str) -> UserError:
        """Return the error to raise if data, a file or the encoder makes one of the study's runs impossible.

        Args:
            run: one of :func:`search.space.feasibility.try_space`, or the base, which has no key.
            reason: why it is impossible, with the setting.
        """
        return self.located_error(run.refuse(reason)) if run.key else UserError(reason)

    def identity(self) -> dict[str, Any]:
        """Return JSON data that stays the same as long as old and new trials may be compared.

        The folder of the data and ``compute`` may change between two resumptions: a trial keeps its own ``compute`` to
        its end, and the data files are distinguished by their hash.
        """
        base = self.base.model_dump(mode="json", exclude={"compute": True, "data": {"directory"}})
        identity = {
            "base": base,
            "task_order": list(self.base.tasks),
            "space": self.space.to_json(),
            "seed": self.seed,
            "sampler": self.sampler.to_json(),
            "pruner": self.pruner.to_json(),
            "synthetic": self.synthetic.model_dump() if self.synthetic else None,
        }
        if self.floors:  # a study without them is the same as before there were any
            identity["floors"] = {floor.task: {"score": floor.score, "from": floor.start} for floor in self.floors}
        return identity

    def difference(self, old_identity: dict[str, Any]) -> list[str]:
        """Return one line for each change from a stored identity to this study's; none if they are the same."""
        new = self.identity()
        old_identity = {"task_order": new["task_order"], **old_identity}  # of a study recorded before this was
        lines = [f"space: {line}" for line in self.space.differences(old_identity["space"])]
        before, after = (
            _flat({key: part for key, part in one.items() if key != "space"}) for one in (old_identity, new)
        )
        for path in dict.fromkeys([*before, *after]):
            was, now = before.get(path, _MISSING), after.get(path, _MISSING)
            if was != now:
                lines.append(f"{path}: was {_spell(was)}, is now {_spell(now)}")
        if not self.lengths:
            return lines
        return [f"{line} (computed from passes: is the data the same?)" if _LENGTH in line else line for line in lines]


_MISSING = object()
_LENGTH = "budget.examples"


def _spell(value: object) -> str:
    return "not set" if value is _MISSING else shown(value)


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat
