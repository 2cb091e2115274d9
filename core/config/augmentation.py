"""The section about further training examples of a task. A source gives none unless its ``fraction`` is above 0."""

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
    """What every source has."""

    fraction: float = Field(
        0.0, ge=0.0, le=1.0, description="share of what the source gives that is used; 0 switches it off, 1 is all"
    )


class PhrasesConfig(SourceConfig):
    """Labelled phrases of the training sentences (Stanford Sentiment Treebank, Socher et al. 2013)."""

    path: str | None = Field(
        None, min_length=1, description="file of training trees, relative to data.directory; None: there is none"
    )
    min_words: int = Field(1, ge=1, description="least words of a phrase; more mean fewer and less neutral phrases")
    drop_neutral: bool = Field(False, description="leave out phrases of the middle class, about half of all")


class ExtraFileConfig(SourceConfig):
    """A further file with the columns of the task's training file, such as more question pairs."""

    path: str | None = Field(None, min_length=1, description="relative to data.directory; None: there is none")


class EdaConfig(SourceConfig):
    """Copies of training sentences with a few words changed (EDA, Wei & Zou 2019, arXiv:1901.11196)."""

    copies: int = Field(1, ge=1, le=64, description="per example (the paper's n_aug)")
    alpha: _Alpha = Field(0.1, description="share of a sentence's words that is changed")
    synonym: NonNegative = Field(0.25, description="weight of synonym replacement among the operations")
    insertion: NonNegative | None = Field(
        None, description="weight of random insertion; None: 0.25 for sentences, 0 for pairs, whose likeness it changes"
    )
    deletion: NonNegative | None = Field(None, description="weight of random deletion; None: as for insertion")
    swap: NonNegative = Field(0.25, description="weight of random swap")
    seed: int = Field(0, ge=0, lt=2**32, description="of the copies; the run's own seed has no part in them")


class RephrasedConfig(SourceConfig):
    """Training sentences rewritten by a language model; ``python -m search.augment`` asks it, runs read the answers."""

    model: str | None = Field(None, min_length=1, description="the model's name at its endpoint")
    synonyms: NonNegative = Field(1.0, description="weight of rephrasing with synonyms among the operations")
    insertion: NonNegative = Field(0.0, description="weight of inserting words")
    deletion: NonNegative = Field(0.0, description="weight of deleting words")
    swap: NonNegative = Field(0.0, description="weight of swapping words")
    back_translation: NonNegative = Field(0.0, description="weight of translating to the pivot language and back")
    lowest_temperature: float = Field(0.55, ge=0.0, le=2.0, description="of the model's sampling")
    highest_temperature: float = Field(0.85, ge=0.0, le=2.0, description="each request draws one up to this")
    tries: int = Field(3, ge=1, le=20, description="answers asked for one sentence, at most, where they are refused")
    language: str = Field("English", min_length=1, description="of the sentences")
    pivot: str = Field("German", min_length=1, description="language that back-translation goes through")
    shortest: float = Field(0.5, ge=0.0, le=1.0, description="least words of an answer, as a share of the sentence's")
    longest: float = Field(2.0, ge=1.0, description="most words of an answer, as a multiple of the sentence's")
    answer_tokens: int = Field(512, ge=1, description="most tokens of an answer")
    seed: int = Field(0, ge=0, lt=2**32, description="of the requests; the run's own seed has no part in them")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.lowest_temperature > self.highest_temperature:
            raise ValueError(
                "lowest_temperature must be at most highest_temperature, "
                f"got {self.lowest_temperature:g} and {self.highest_temperature:g}"
            )
        return self


class AugmentationConfig(ConfigSection):
    """Further training examples of one task. What stands in train, dev or test already is dropped from all sources."""

    original: bool = Field(
        True, description="train on the task's own examples too; false: on the further ones in their place"
    )
    phrases: PhrasesConfig = PhrasesConfig()
    extra: ExtraFileConfig = ExtraFileConfig()
    eda: EdaConfig = EdaConfig()
    rephrased: RephrasedConfig = RephrasedConfig()

    @property
    def sources(self) -> dict[str, SourceConfig]:
        """The sources that give examples, in the order of the fields."""
        every = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: one for name, one in every.items() if isinstance(one, SourceConfig) and one.fraction}


def check_augmentation(task: str, config: AugmentationConfig, spec: TaskSpec) -> None:
    """Refuse what the task's examples cannot give.

    Raises:
        ValueError: with the setting's path, its value and the reason.
    """
    here = f"augmentation.{task}"
    sources = config.sources
    if not config.original and not sources:
        raise ValueError(f"{here}.original = false leaves no training examples: no source has a fraction above 0")
    for name, needed in (("phrases", "path"), ("extra", "path"), ("rephrased", "model")):
        if name in sources and getattr(sources[name], needed) is None:
            raise ValueError(f"{here}.{name}.fraction is above 0: give {here}.{name}.{needed}")
    if "phrases" in sources and (spec.kind.is_pair or spec.kind.is_score or len(spec.classes) != _SENTIMENT_CLASSES):
        raise ValueError(
            f"{here}.phrases: phrase labels are for single sentences of {_SENTIMENT_CLASSES} classes, "
            f"and task '{task}' has others"
        )
    if "eda" in sources and not any(eda_weights(config.eda, spec).values()):
        raise ValueError(f"{here}.eda: at least one operation needs a weight above 0")
    if "rephrased" in sources and not any(rephrasing_weights(config.rephrased).values()):
        raise ValueError(f"{here}.rephrased: at least one operation needs a weight above 0")


def eda_weights(config: EdaConfig, spec: TaskSpec) -> dict[Operation, float]:
    """Weight of each of EDA's operations."""
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
