"""Provide the data of the stages: the tasks' training splits, and a file of NLI pairs."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from torch import Tensor

from core.config import RunConfig
from core.config.pretraining import NliFileConfig, has_labelled_pairs, parse_task_names
from core.inputs.nli_file import known_files, read_nli_pairs
from core.inputs.resources import Resources
from data.examples import Examples
from data.files import find_file, read_bytes
from data.rows import RowLayout
from data.tasks import TaskSpec

__all__ = ["Sources"]


class Sources:
    """A run's data sources. Of the tasks, only the run's own training examples are used.

    Args:
        config: the run.
        nli_file: its file of NLI pairs.
        resources: shared by the runs of this process.
    """

    def __init__(self, config: RunConfig, nli_file: NliFileConfig, resources: Resources) -> None:
        self._config, self._nli_file, self._resources = config, nli_file, resources

    @property
    def layout(self) -> RowLayout:
        """Return the layout of the run's rows."""
        return self._resources.layout(self._config)

    @property
    def tokenizer(self) -> Tokenizer:
        """Return the encoder's tokenizer."""
        return self._resources.encoder(self._config).tokenizer

    @property
    def mlm_head(self) -> dict[str, Tensor] | None:
        """Return the encoder's masked-language-model head, or None; see :class:`core.inputs.resources.Encoder`."""
        return self._resources.encoder(self._config).mlm_head

    def tasks(self, named: str | None, *, pairs: bool) -> list[str]:
        """Return the tasks that a stage uses, sorted: the named ones, or all suitable ones.

        Args:
            named: ``tasks`` of the stage.
            pairs: whether the stage needs pairs with a score or of two classes.
        """
        tasks = self._config.tasks
        if named is not None:
            return sorted(parse_task_names(named))
        return sorted(name for name, task in tasks.items() if not pairs or has_labelled_pairs(task.spec))

    def train(self, task: str) -> Examples:
        """Return the task's training examples in this run."""
        return self._resources.own_train(self._config, task)

    def train_facts(self, tasks: list[str]) -> dict[str, Any]:
        """Return what identifies :meth:`train` of these tasks, including labels and their meaning."""
        return {
            name: {
                "examples": self._whole(name).digest,
                "limit": self._config.tasks[name].train_limit,
                "classes": self._config.tasks[name].spec.classes,
                **({} if self._config.data.fold is None else {"used": self.train(name).digest}),
            }
            for name in tasks
        }

    def nli_pairs(self) -> Examples:
        """Read the pairs of the NLI file, with classes 0 entailment, 1 neutral, 2 contradiction."""
        return read_nli_pairs(self._nli_file, self._directory, self._specs, self.tokenizer)

    def nli_facts(self) -> dict[str, Any]:
        """Return what identifies :meth:`nli_pairs`: the file, its settings, and files whose sentences are left out."""
        assert self._nli_file.path is not None, "checked by the config"
        known = known_files(self._directory, self._specs) if self._nli_file.leave_out_known else []
        return {
            "file": _file_digest(find_file(self._directory, self._nli_file.path, "pretraining.nli_file: no file")),
            "read": self._nli_file.model_dump(mode="json", exclude={"path"}),
            "left out": sorted(
                [hashlib.sha256(spec.model_dump_json().encode()).hexdigest(), _file_digest(path)]
                for spec, _, path in known
            ),
        }

    @property
    def _directory(self) -> Path:
        return Path(self._config.data.directory)

    @property
    def _specs(self) -> list[TaskSpec]:
        return [task.spec for task in self._config.tasks.values()]

    def _whole(self, task: str) -> Examples:
        return self._resources.examples(self._config, self._config.tasks[task].spec, "train")


def _file_digest(path: Path) -> str:
    return hashlib.sha256(read_bytes(path)).hexdigest()
