"""Load encoders, tokenizers and tokenised splits once for all runs of a process."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from core.config import RunConfig, ScratchConfig
from core.inputs.augmentation import TaskAugmentation, answers_dir
from core.inputs.fixed_subset import fixed_subset
from core.inputs.scratch_vocabulary import scratch_vocabulary, train_digest
from core.inputs.task_data import TaskData
from core.model.bert import BertConfig
from core.model_files.bert_checkpoint import load_bert_config, load_bert_weights, load_mlm_head
from core.model_files.encoder_content import EncoderContent, FileStamp, weight_stamps
from core.model_files.encoder_fit import check_fit
from core.model_files.encoder_source import resolve_encoder
from data.augmentation.additional_examples import AdditionalExamples
from data.errors import MachineError, UnavailableError, UserError
from data.example_cache import load_examples, load_or_make
from data.examples import Examples
from data.rows import RowLayout
from data.tasks import SplitName, TaskSpec
from data.tokenizer import load_tokenizer

__all__ = ["Encoder", "Resources", "pick_device", "scratch_shape"]


@dataclass(frozen=True)
class Encoder:
    """Shape, tokenizer, content and folder of an encoder; without a folder, its initial weights are random.

    Attributes:
        has_pooler: whether the pooler has weights; also true if all weights are random.
        stamps: of the files of the weights, as they were when the content was read.
    """

    config: BertConfig
    tokenizer: Tokenizer
    content: EncoderContent
    has_pooler: bool = True
    folder: Path | None = None
    stamps: tuple[FileStamp, ...] = ()

    def read_weights(self) -> dict[str, Tensor] | None:
        """Read the weights, or return None for random ones.

        Nothing keeps them: while a worker trains, it needs no other copy than the model's own.

        Raises:
            UnavailableError: if they cannot be read, or have changed since the encoder was loaded.
        """
        if self.folder is None:
            return None
        with _checked_input():
            weights = load_bert_weights(self.folder, self.config)
        self._check_current()
        return weights

    def is_current(self) -> bool:
        """Return whether the files of the weights are untouched, or all files have the content that was loaded.

        Raises:
            UnavailableError: if one cannot be read.
        """
        if self.folder is None or weight_stamps(self.folder) == self.stamps:
            return True
        return not self.content.changes(EncoderContent.read(self.folder))

    def _check_current(self) -> None:
        if not self.is_current():
            raise UnavailableError(f"{self.folder}: the encoder has changed meanwhile; put the original files back")

    @cached_property
    def mlm_head(self) -> dict[str, Tensor] | None:
        """Return the checkpoint's masked-language-model head, or None if it has none; see :func:`load_mlm_head`."""
        weights = self.read_weights()
        if self.folder is None or weights is None:
            return None
        with _checked_input():
            head = load_mlm_head(self.folder, self.config, weights["embeddings.word_embeddings.weight"])
        self._check_current()
        return head


def scratch_shape(scratch: ScratchConfig, vocab_size: int) -> BertConfig:
    """Return the shape of an encoder that is trained from scratch."""
    return BertConfig(
        vocab_size=vocab_size,
        hidden_size=scratch.hidden_size,
        num_hidden_layers=scratch.layers,
        num_attention_heads=scratch.attention_heads,
        intermediate_size=scratch.intermediate_size,
    )


def pick_device(name: str) -> torch.device:
    """Return the device that a run asks for; ``auto`` is cuda, else mps, else cpu.

    Raises:
        MachineError: if this machine does not have the device, perhaps not any more.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    available: dict[str, Callable[[], bool]] = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    if name in available and not available[name]():
        raise MachineError(f"device '{name}' is not available on this machine; use cpu or auto")
    return torch.device(name)


class Resources:
    """Encoders, splits and their tokens, loaded on first use and kept; one object per worker process.

    The weights of an encoder are not kept, but read again for each run: see :meth:`Encoder.read_weights`.

    Args:
        cache_dir: folder where tokenised splits and vocabularies are kept between processes.
    """

    def __init__(self, cache_dir: Path) -> None:
        self.cache_dir = cache_dir
        self._encoders: dict[str, Encoder] = {}
        self._splits: dict[tuple[str, str, str, str], Examples] = {}
        self._further: dict[tuple[str, str], Examples] = {}

    @property
    def answers_dir(self) -> Path:
        """Return the folder of a language model's answers; see :func:`core.inputs.augmentation.answers_dir`."""
        return answers_dir(self.cache_dir)

    def encoder(self, config: RunConfig) -> Encoder:
        """Load the encoder of a run.

        Raises:
            UserError: if it does not fit the run (:func:`core.model_files.encoder_fit.check_fit`).
            UnavailableError: if it cannot be loaded.
        """
        key = self._encoder_key(config)
        if key not in self._encoders:
            scratch = config.model.scratch
            with _checked_input():
                encoder = self._load(config.model.encoder) if scratch is None else self._new(config, scratch)
            self._encoders[key] = encoder
        check_fit(config, self._encoders[key].config, self._encoders[key].has_pooler)
        return self._encoders[key]

    def forget_encoder(self, config: RunConfig) -> None:
        """Load the encoder of a run again when it is asked for next."""
        self._encoders.pop(self._encoder_key(config), None)

    def _encoder_key(self, config: RunConfig) -> str:
        if config.model.scratch is None:
            return config.model.encoder
        return f"scratch {config.model.scratch.model_dump_json()} {train_digest(config)}"

    def examples(
        self, config: RunConfig, spec: TaskSpec, split: SplitName, tokenizer: Tokenizer | None = None
    ) -> Examples:
        """Return a whole split, tokenised for the run's encoder, or by the tokenizer that its model was kept with.

        Raises:
            UnavailableError: if its file cannot be read.
        """
        tokenizer = tokenizer or self.encoder(config).tokenizer
        directory, key = Path(config.data.directory), self._split_key(config, spec, split, tokenizer)
        if key not in self._splits:
            with _checked_input():
                self._splits[key] = load_examples(spec, directory, split, tokenizer, self.cache_dir / "tokens")
        return self._splits[key]

    def _split_key(
        self, config: RunConfig, spec: TaskSpec, split: SplitName, tokenizer: Tokenizer
    ) -> tuple[str, str, str, str]:
        return spec.model_dump_json(), str(Path(config.data.directory).resolve()), split, _digest(tokenizer)

    def forget_examples(self, config: RunConfig, spec: TaskSpec, split: SplitName) -> None:
        """Load a split again when it is asked for next."""
        self._splits.pop(self._split_key(config, spec, split, self.encoder(config).tokenizer), None)

    def scored_dev(self, config: RunConfig, name: str, tokenizer: Tokenizer | None = None) -> Examples:
        """Return the dev examples of a task that the run is scored on: all, ``dev_limit``, or those of its fold."""
        task = config.tasks[name]
        dev = self.examples(config, task.spec, "dev", tokenizer)
        if config.data.fold is not None:
            return dev.subset(np.flatnonzero(dev.folds == config.data.fold))
        return dev.subset(fixed_subset(len(dev), task.dev_limit, name))

    def layout(self, config: RunConfig) -> RowLayout:
        """Return the layout of the run's rows."""
        return RowLayout.of(self.encoder(config).tokenizer, config.model.max_length)

    def task_data(self, config: RunConfig) -> dict[str, TaskData]:
        """Return every task's examples as the run uses them."""
        return {name: self._task_data(config, name) for name in config.tasks}

    def _task_data(self, config: RunConfig, name: str) -> TaskData:
        return TaskData(
            self._train_examples(config, name),
            self.scored_dev(config, name),
            self.layout(config),
            config.heads[name].pair == "siamese",
            config.seed,
            config.heads[name].pair_order == "both",
        )

    def own_train(self, config: RunConfig, name: str) -> Examples:
        """Return the task's own training examples: all, those outside the run's fold, or ``train_limit`` of these."""
        task = config.tasks[name]
        train = self.examples(config, task.spec, "train")
        if config.data.fold is not None:
            train = train.subset(np.flatnonzero(train.folds != config.data.fold))
        return train.subset(fixed_subset(len(train), task.train_limit, name))

    def _train_examples(self, config: RunConfig, name: str) -> Examples:
        """Return the task's own training examples, the additional ones, or both."""
        augmentation = config.augmentation[name]
        train = self.own_train(config, name)
        if not augmentation.sources:
            return train
        additional = self._additional_examples(config, name)
        return train.followed_by(additional) if augmentation.original else additional

    def _additional_examples(self, config: RunConfig, name: str) -> Examples:
        spec, tokenizer = config.tasks[name].spec, self.encoder(config).tokenizer
        source = TaskAugmentation(config, name, self.answers_dir)
        with _checked_input():
            key = (source.digest, _digest(tokenizer))
            if key not in self._further:
                folder = self.cache_dir / "further" / f"{name}-{key[0][:32]}-{key[1][:32]}"
                self._further[key] = load_or_make(spec, folder, lambda: _tokenised(spec, source.make(), tokenizer))
        if not len(self._further[key]):
            raise UserError(
                f"augmentation.{name}: the sources give no example that is not already in train, dev or test"
            )
        return self._further[key]

    def _load(self, name: str) -> Encoder:
        folder = resolve_encoder(name)
        config = load_bert_config(folder)
        tokenizer = load_tokenizer(folder)
        if tokenizer.get_vocab_size() > config.vocab_size:
            raise UserError(
                f"{folder}: the tokenizer has {tokenizer.get_vocab_size():,} tokens, but the encoder's vocab_size is "
                f"{config.vocab_size:,}; use the tokenizer that belongs to the encoder"
            )
        stamps, content = weight_stamps(folder), EncoderContent.read(folder)  # in this order: a later change is seen
        has_pooler = "pooler.dense.weight" in load_bert_weights(folder, config)
        return Encoder(config, tokenizer, content, has_pooler, folder, stamps)

    def _new(self, config: RunConfig, scratch: ScratchConfig) -> Encoder:
        tokenizer = scratch_vocabulary(config, scratch, self.cache_dir)
        shape, content = (
            scratch_shape(scratch, tokenizer.get_vocab_size()),
            EncoderContent.of_vocabulary(tokenizer.get_vocab()),
        )
        return Encoder(shape, tokenizer, content)


@contextmanager
def _checked_input() -> Iterator[None]:
    """Turn a UserError about an input into an UnavailableError.

    A study checks all of its inputs before its first trial. One that cannot be used later has changed since then, for
    example because its disk is away or somebody is replacing it, which is no fault of the trial that reads it.
    """
    try:
        yield
    except MachineError:
        raise
    except UserError as error:
        raise UnavailableError(str(error)) from error


def _digest(tokenizer: Tokenizer) -> str:
    return hashlib.sha256(tokenizer.to_str().encode()).hexdigest()


def _tokenised(spec: TaskSpec, extra: AdditionalExamples, tokenizer: Tokenizer) -> Examples:
    ids = [f"further-{number}" for number in range(len(extra))]
    return Examples.from_sentences(spec, extra.sentences, tokenizer, ids, extra.labels)
