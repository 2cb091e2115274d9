"""Configure additional training examples of a task. A source gives none unless its ``fraction`` is above 0."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from core.config.section import ConfigSection, NonNegative
from data.augmentation.eda_operations import Operation
from data.tasks import TaskSpec

__all__ = [
    "AugmentationConfig",
    "EdaConfig",
    "ExtraFileConfig",
    "PhrasesConfig",
    "RephrasedConfig",
    "SourceConfig",
    "check_augmentation",
]

_SENTIMENT_CLASSES = 5  # of the Stanford Sentiment Treebank, whose trees lend the phrases

_Alpha = Annotated[float, Field(gt=0.0, le=1.0)]


class SourceConfig(ConfigSection):
    """Settings of every source."""

    fraction: float = Field(
        0.0, ge=0.0, le=1.0, description="share of the source's examples to use; 0 disables the source, 1 uses all"
    )


class PhrasesConfig(SourceConfig):
    """Labelled phrases of the training sentences (Stanford Sentiment Treebank, Socher et al. 2013)."""

    path: str | None = Field(
        None, min_length=1, description="file of training trees, relative to data.directory; None: no file"
    )
    min_words: int = Field(1, ge=1, description="minimum words per phrase; more give fewer and less neutral phrases")
    drop_neutral: bool = Field(False, description="leave out phrases of the middle class, about half of all")


class ExtraFileConfig(SourceConfig):
    """An additional file with the columns of the task's training file, such as more question pairs."""

    path: str | None = Field(None, min_length=1, description="relative to data.directory; None: no file")


class EdaConfig(SourceConfig):
    """Copies of training sentences with a few words changed (EDA, Wei & Zou 2019, arXiv:1901.11196)."""

    copies: int = Field(1, ge=1, le=64, description="copies per example (the paper's n_aug)")
    alpha: _Alpha = Field(0.1, description="share of a sentence's words to change")
    synonym: NonNegative = Field(0.25, description="weight of synonym replacement among the operations")
    insertion: NonNegative | None = Field(
        None, description="weight of random insertion; None: 0.25 for sentences, 0 for pairs, as it changes similarity"
    )
    deletion: NonNegative | None = Field(None, description="weight of random deletion; None: see insertion")
    swap: NonNegative = Field(0.25, description="weight of random swap")
    seed: int = Field(0, ge=0, lt=2**32, description="seed of the copies, independent of the run's seed")


class RephrasedConfig(SourceConfig):
    """Training sentences rewritten by a language model: ``python -m search.augment`` asks, runs read the answers."""

    model: str | None = Field(None, min_length=1, description="the model's name at its endpoint")
    synonyms: NonNegative = Field(1.0, description="weight of rephrasing with synonyms among the operations")
    insertion: NonNegative = Field(0.0, description="weight of inserting words")
    deletion: NonNegative = Field(0.0, description="weight of deleting words")
    swap: NonNegative = Field(0.0, description="weight of swapping words")
    back_translation: NonNegative = Field(0.0, description="weight of translating to the pivot language and back")
    lowest_temperature: float = Field(0.55, ge=0.0, le=2.0, description="lowest sampling temperature of a request")
    highest_temperature: float = Field(0.85, ge=0.0, le=2.0, description="highest sampling temperature of a request")
    tries: int = Field(3, ge=1, le=20, description="maximum answers to request for a sentence if they are rejected")
    language: str = Field("English", min_length=1, description="language of the sentences")
    pivot: str = Field("German", min_length=1, description="pivot language of back-translation")
    shortest: float = Field(0.5, ge=0.0, le=1.0, description="minimum words of an answer, as a share of the sentence's")
    longest: float = Field(2.0, ge=1.0, description="maximum words of an answer, as a multiple of the sentence's")
    answer_tokens: int = Field(512, ge=1, description="maximum tokens of an answer")
    seed: int = Field(0, ge=0, lt=2**32, description="seed of the requests, independent of the run's seed")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.lowest_temperature > self.highest_temperature:
            raise ValueError(
                "lowest_temperature must be at most highest_temperature, "
                f"got {self.lowest_temperature:g} and {self.highest_temperature:g}"
            )
        return self


class AugmentationConfig(ConfigSection):
    """Additional training examples of one task. Examples already in train, dev or test are dropped from all sources."""

    original: bool = Field(
        True, description="also train on the task's own examples; false: only on the additional ones"
    )
    phrases: PhrasesConfig = PhrasesConfig()
    extra: ExtraFileConfig = ExtraFileConfig()
    eda: EdaConfig = EdaConfig()
    rephrased: RephrasedConfig = RephrasedConfig()

    @property
    def sources(self) -> dict[str, SourceConfig]:
        """Return the sources that give examples, in the order of the fields."""
        every = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: one for name, one in every.items() if isinstance(one, SourceConfig) and one.fraction}


def check_augmentation(task: str, config: AugmentationConfig, spec: TaskSpec) -> None:
    """Refuse sources that do not suit the task.

    Raises:
        ValueError: naming the setting's path, its value and the reason.
    """
    here = f"augmentation.{task}"
    sources = config.sources
    if not config.original and not sources:
        raise ValueError(f"{here}.original = false leaves no training examples; give a source a fraction above 0")
    for name, needed in (("phrases", "path"), ("extra", "path"), ("rephrased", "model")):
        if name in sources and getattr(sources[name], needed) is None:
            raise ValueError(f"{here}.{name}.fraction is above 0, but {here}.{name}.{needed} is not set")
    if "phrases" in sources and (spec.kind.is_pair or spec.kind.is_score or len(spec.classes) != _SENTIMENT_CLASSES):
        raise ValueError(
            f"{here}.phrases needs a task with single sentences of {_SENTIMENT_CLASSES} classes, "
            f"which task '{task}' is not"
        )
    if "eda" in sources and not any(eda_weights(config.eda, spec).values()):
        raise ValueError(f"{here}.eda: at least one operation needs a weight above 0")
    if "rephrased" in sources and not any(rephrasing_weights(config.rephrased).values()):
        raise ValueError(f"{here}.rephrased: at least one operation needs a weight above 0")


def eda_weights(config: EdaConfig, spec: TaskSpec) -> dict[Operation, float]:
    """Return the weight of each of EDA's operations."""
    unset = 0.0 if spec.kind.is_pair else 0.25
    return {
        "synonym": config.synonym,
        "insertion": unset if config.insertion is None else config.insertion,
        "swap": config.swap,
        "deletion": unset if config.deletion is None else config.deletion,
    }


def rephrasing_weights(config: RephrasedConfig) -> dict[str, float]:
    """Return each operation's weight by its name in :mod:`data.augmentation.rephrasing.prompts`, without zeros."""
    weights = {
        "synonyms": config.synonyms,
        "insertion": config.insertion,
        "deletion": config.deletion,
        "swap": config.swap,
        "back-translation": config.back_translation,
    }
    return {name: weight for name, weight in weights.items() if weight}
