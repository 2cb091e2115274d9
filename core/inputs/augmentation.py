"""Make the additional training examples of a task from the sources that a run configures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.config import RunConfig
from core.config.augmentation import (
    EdaConfig,
    ExtraFileConfig,
    PhrasesConfig,
    RephrasedConfig,
    SourceConfig,
    eda_weights,
    rephrasing_weights,
)
from core.inputs.fixed_subset import fixed_subset
from data.augmentation.additional_examples import AdditionalExamples, concatenate, sample_fraction, without_known
from data.augmentation.eda import EdaRecipe, augment
from data.augmentation.extra_file import read_extra_file
from data.augmentation.phrases import read_phrases
from data.augmentation.rephrasing.answer_cache import AnswerCache
from data.augmentation.rephrasing.job import RephrasingJob
from data.augmentation.rephrasing.replay import replay
from data.augmentation.rephrasing.settings import RephrasingSettings
from data.augmentation.wordnet import WordNet
from data.errors import UserError
from data.files import file_digests, read_bytes, split_path
from data.reading import RawSplit, read_split
from data.tasks import SplitName, TaskSpec

__all__ = ["MissingAnswersError", "TaskAugmentation", "answers_dir"]

_FORMAT = 2  # raise it when the same settings and files would give other examples
_MOST_UNANSWERED = 0.01  # share of a rephrasing: an endpoint may refuse a sentence permanently


def answers_dir(cache_dir: Path) -> Path:
    """Return where a language model's answers are kept: next to the cache, which may be deleted; answers cost money."""
    return cache_dir.parent / "answers"


class MissingAnswersError(UserError):
    """Too many sentences to be rephrased have no answer of the language model yet.

    Attributes:
        asked: sentences to be rephrased.
        unanswered: those without an answer.
    """

    def __init__(self, task: str, asked: int, unanswered: int) -> None:
        super().__init__(
            f"augmentation.{task}.rephrased: {unanswered:,} of {asked:,} sentences have not been rephrased yet; "
            "first run python -m search.augment with the same --study"
        )
        self.asked = asked
        self.unanswered = unanswered


class TaskAugmentation:
    """The additional training examples of one task, as configured by ``config.augmentation``.

    They depend only on settings and files, not on the run's seed, so that runs with other seeds train on the same data.

    Args:
        config: the run.
        task: one of its tasks.
        answers_dir: folder where ``search.augment`` keeps a language model's answers.
    """

    def __init__(self, config: RunConfig, task: str, answers_dir: Path) -> None:
        self.task = task
        self.settings = config.augmentation[task]
        self._spec: TaskSpec = config.tasks[task].spec
        self._limit = config.tasks[task].train_limit
        self._fold = config.data.fold
        self._directory = Path(config.data.directory)
        self._answers_dir = answers_dir

    def make(self) -> AdditionalExamples:
        """Make all examples, one source after the other.

        Examples that are already in dev, in test or among the training examples that the run uses (``train_limit``)
        are dropped. A file may therefore contain the training examples that a run leaves out.

        Raises:
            UserError: if a file or the package with WordNet is missing; also :class:`MissingAnswersError`.
        """
        known = [self._train, *(read_split(self._spec, self._directory, split) for split in self._scored_splits)]
        found = [self._source(source) for source in self.settings.sources.values()]
        return without_known(concatenate(found), known)

    @property
    def digest(self) -> str:
        """Return the SHA-256 of everything that the examples depend on, 64 hex digits, without making them.

        Raises:
            UserError: if a file is missing.
        """
        splits = [split_path(self._spec, self._directory, split) for split in ("train", *self._scored_splits)]
        sources = self.settings.sources
        parts = [
            str(_FORMAT).encode(),
            self._spec.model_dump_json().encode(),
            str(self._limit).encode() + (b"" if self._fold is None else f" without fold {self._fold}".encode()),
            *(f"{name} {source.model_dump_json()}".encode() for name, source in sources.items()),
            *(read_bytes(path) for path in (*splits, *self.files)),
        ]
        if "rephrased" in sources:
            answers = AnswerCache(self._answers_dir).path
            parts.append(answers.read_bytes() if answers.exists() else b"")
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()

    @property
    def files(self) -> list[Path]:
        """Return the files that the examples are read from, besides the task's own."""
        return [self._directory / path for path in self._paths]

    @property
    def contents(self) -> dict[str, str]:
        """Return the SHA-256 of each of these files that is there, by its path in the configuration.

        Raises:
            UnavailableError: if one cannot be read.
        """
        return file_digests(self._directory, self._paths)

    @property
    def _paths(self) -> list[str]:
        named = (getattr(source, "path", None) for source in self.settings.sources.values())
        return [path for path in named if path is not None]

    @property
    def skipped(self) -> list[str]:
        """Return 'file:line: reason' for each malformed row of the extra file that is left out.

        Raises:
            UserError: see :meth:`make`.
        """
        return self._extra_rows[1] if "extra" in self.settings.sources else []

    def rephrasing_job(self) -> RephrasingJob:
        """Return the job for the language model.

        Raises:
            ValueError: if the settings name no model.
        """
        settings = self.settings.rephrased
        if settings.model is None:
            raise ValueError(f"augmentation.{self.task}.rephrased.model is not set")
        chosen = self._chosen
        share = np.random.default_rng(settings.seed).permutation(len(chosen))[: round(settings.fraction * len(chosen))]
        return RephrasingJob(
            train=self._whole,
            settings=RephrasingSettings.model_validate(
                {
                    "operations": rephrasing_weights(settings),
                    "temperature": (settings.lowest_temperature, settings.highest_temperature),
                    **settings.model_dump(include=set(RephrasingSettings.model_fields)),
                }
            ),
            cache_folder=self._answers_dir,
            positions=chosen[np.sort(share)],
        )

    def rephrased(self) -> AdditionalExamples:
        """Make the examples that the language model's answers give; known ones are not dropped yet.

        Raises:
            MissingAnswersError: if more than 1 % of the answers are missing.
        """
        job = self.rephrasing_job()
        made, asked = replay(job), len(job.chosen)
        if made.summary.unanswered > _MOST_UNANSWERED * asked:
            raise MissingAnswersError(self.task, asked, made.summary.unanswered)
        return made.extra

    @property
    def _scored_splits(self) -> tuple[SplitName, ...]:
        return ("dev", "test") if self._spec.files.test else ("dev",)

    @cached_property
    def _whole(self) -> RawSplit:
        """Return the training split, including the examples that the run leaves out."""
        return read_split(self._spec, self._directory, "train")

    @property
    def _chosen(self) -> npt.NDArray[np.int64]:
        """Return the positions of the run's training examples in the split."""
        folds = self._whole.folds
        own = (
            np.arange(len(self._whole)) if folds is None or self._fold is None else np.flatnonzero(folds != self._fold)
        )
        return own[fixed_subset(len(own), self._limit, self.task)]

    @property
    def _train(self) -> RawSplit:
        """Return the run's training examples."""
        return self._whole.subset(self._chosen)

    @cached_property
    def _extra_rows(self) -> tuple[AdditionalExamples, list[str]]:
        path = self.settings.extra.path
        assert path is not None, "refused without"
        return read_extra_file(self._spec, self._directory / path)

    def _source(self, source: SourceConfig) -> AdditionalExamples:
        makers: dict[type[SourceConfig], Callable[..., AdditionalExamples]] = {
            PhrasesConfig: self._phrases,
            ExtraFileConfig: self._extra_file,
            EdaConfig: self._eda,
            RephrasedConfig: lambda _: self.rephrased(),
        }
        return makers[type(source)](source)

    def _phrases(self, source: PhrasesConfig) -> AdditionalExamples:
        assert source.path is not None, "refused without"
        # The trees are of all training sentences.
        found = read_phrases(self._directory / source.path, self._whole, source.min_words, source.drop_neutral)
        return sample_fraction(found, source.fraction, seed=0)

    def _extra_file(self, source: ExtraFileConfig) -> AdditionalExamples:
        found, _ = self._extra_rows
        # Known examples are dropped first: otherwise a share of a file with many of them would be smaller than stated.
        return sample_fraction(without_known(found, [self._train]), source.fraction, seed=0)

    def _eda(self, source: EdaConfig) -> AdditionalExamples:
        weights = eda_weights(source, self._spec)
        recipe = EdaRecipe(weights, dict.fromkeys(weights, source.alpha), source.copies)
        return sample_fraction(
            augment(self._train, recipe, WordNet.installed(), source.seed), source.fraction, source.seed
        )
