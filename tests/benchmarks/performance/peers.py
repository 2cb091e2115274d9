"""Time the steps of other trainers: transformers' Trainer, the same with peft's LoRA, and sentence-transformers'.

Each runs as its documentation shows it: AdamW (fused), gradients clipped to norm 1, dynamic padding, no logging and no
checkpoints. Tokens of transformers' Trainer are made beforehand; sentence-transformers' trainer tokenises each batch.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import datasets
import torch
import transformers
from peft import LoraConfig, get_peft_model
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.losses import CosineSimilarityLoss
from sentence_transformers.sentence_transformer.modules import Pooling
from torch.utils.data import DataLoader

from data.reading import read_split
from data.task_files import builtin_tasks
from tests.benchmarks.performance.ours import WARM_UP
from tests.benchmarks.performance.setting import Setting
from tests.benchmarks.performance.timed import Timed

__all__ = ["Batches", "Peer", "SentenceTransformers", "Transformers"]

# Shuffled examples as by default, batches of the Trainer's sampler that groups by length, or the same batches as ours.
Batches = Literal["random", "group_by_length", "ours"]
_MAX_LENGTH = 128


class _Timing(transformers.TrainerCallback):
    """Read the clock after the steps that warm up and after the last one, and count real tokens in between."""

    def __init__(self, setting: Setting, steps: int) -> None:
        self._setting, self._last = setting, WARM_UP + steps
        self._begun, self.tokens, self.seconds = 0.0, 0, 0.0
        self._done = 0

    def on_step_end(self, *_: object, **__: object) -> None:
        self._done += 1
        if self._done == WARM_UP:
            self._begun = self._setting.now()
        if self._done == self._last:
            self.seconds = self._setting.now() - self._begun

    def count(self, inputs: dict[str, Any]) -> None:
        """Count the batch of a step that is about to be taken."""
        if self._done >= WARM_UP:
            masks = (values for name, values in inputs.items() if name.endswith("attention_mask"))
            self.tokens += sum(int(mask.sum()) for mask in masks)


def _timed(trainer_class: type[transformers.Trainer]) -> type[transformers.Trainer]:
    """Return a trainer that counts tokens and can be given its batches."""

    class TimedTrainer(trainer_class):  # type: ignore[misc,valid-type]
        timing: _Timing
        batches: Sequence[Sequence[int]] | None = None

        def training_step(self, model: torch.nn.Module, inputs: dict[str, Any], *rest: Any) -> Any:
            self.timing.count(inputs)
            return super().training_step(model, inputs, *rest)

        def get_train_dataloader(self) -> DataLoader[Any]:
            if self.batches is None:
                return super().get_train_dataloader()
            return DataLoader(
                self.train_dataset,
                batch_sampler=self.batches,
                collate_fn=self.data_collator,
            )

    return TimedTrainer


class Peer:
    """A trainer of another library on one of our tasks.

    Args:
        setting: where it runs.
        batch_size: examples per batch.
        folder: for what the trainer writes.
        batches: which batches it sees.
        like_ours: with ``batches = "ours"``, returns the batches of (number of steps, seed).
    """

    def __init__(
        self,
        setting: Setting,
        batch_size: int,
        folder: Path,
        batches: Batches = "random",
        like_ours: Callable[[int, int], Sequence[Sequence[int]]] | None = None,
    ) -> None:
        self._setting, self._batch_size, self._folder = setting, batch_size, folder
        self._batches, self._like_ours = batches, like_ours

    def measure(self, steps: int, seed: int) -> Timed:
        """Time that many steps, after a few that warm up."""
        torch.manual_seed(seed)
        arguments = {
            "output_dir": str(self._folder),
            "per_device_train_batch_size": self._batch_size,
            "max_steps": WARM_UP + steps,
            "learning_rate": 2e-5,
            "seed": seed,
            "bf16": self._setting.precision == "bfloat16",
            "use_cpu": self._setting.device == "cpu",
            "logging_strategy": "no",
            "save_strategy": "no",
            "report_to": "none",
            "disable_tqdm": True,
        }
        trainer = self._trainer(arguments)
        trainer.timing = timing = _Timing(self._setting, steps)
        trainer.add_callback(timing)
        trainer.remove_callback(transformers.PrinterCallback)
        if self._batches == "ours":
            assert self._like_ours is not None
            trainer.batches = self._like_ours(steps, seed)
        elif self._batches == "group_by_length":
            # The sampler sorts every 50 batches by length: a few steps in its order would see only the longest rows.
            positions = list(trainer._get_train_sampler())
            batches = [positions[i : i + self._batch_size] for i in range(0, len(positions), self._batch_size)]
            trainer.batches = random.Random(seed).sample(batches[:-1], WARM_UP + steps)
        trainer.train()
        return Timed(timing.tokens, timing.seconds)

    def _trainer(self, arguments: dict[str, Any]) -> Any:
        raise NotImplementedError


class Transformers(Peer):
    """transformers' Trainer with AutoModelForSequenceClassification on sst; with a rank, with peft's LoRA.

    LoRA is on query and value, alpha = rank; the classifier is trained too.
    """

    def __init__(self, *arguments: Any, lora_rank: int = 0, **options: Any) -> None:
        super().__init__(*arguments, **options)
        folder = self._setting.encoder
        self._tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        split = read_split(builtin_tasks()["sst"], self._setting.data, "train")
        texts = [example[0] for example in split.sentences]
        encoded = self._tokenizer(texts, truncation=True, max_length=_MAX_LENGTH)
        rows = ({name: values[i] for name, values in encoded.items()} for i in range(len(texts)))
        self._examples = [{**row, "labels": int(label)} for row, label in zip(rows, split.labels, strict=True)]
        self._model = transformers.AutoModelForSequenceClassification.from_pretrained(folder, num_labels=5)
        if lora_rank:
            lora = LoraConfig(task_type="SEQ_CLS", r=lora_rank, lora_alpha=lora_rank, target_modules=["query", "value"])
            self._model = get_peft_model(self._model, lora)

    def _trainer(self, arguments: dict[str, Any]) -> Any:
        strategy = "group_by_length" if self._batches == "group_by_length" else "random"
        return _timed(transformers.Trainer)(
            model=self._model,
            args=transformers.TrainingArguments(**arguments, train_sampling_strategy=strategy),
            train_dataset=self._examples,
            processing_class=self._tokenizer,
            data_collator=transformers.DataCollatorWithPadding(self._tokenizer),
        )


class SentenceTransformers(Peer):
    """sentence-transformers' trainer on sts: mean pooling, CosineSimilarityLoss."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        transformer = Transformer(str(self._setting.encoder))
        transformer.max_seq_length = _MAX_LENGTH
        pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode="mean")
        self._model = SentenceTransformer(modules=[transformer, pooling], device=self._setting.device)
        split = read_split(builtin_tasks()["sts"], self._setting.data, "train")
        first, second = zip(*split.sentences, strict=True)
        self._examples = datasets.Dataset.from_dict(
            {"sentence1": first, "sentence2": second, "score": [float(label) / 5 for label in split.labels]}
        )

    def _trainer(self, arguments: dict[str, Any]) -> Any:
        return _timed(SentenceTransformerTrainer)(
            model=self._model,
            args=SentenceTransformerTrainingArguments(**arguments),
            train_dataset=self._examples,
            loss=CosineSimilarityLoss(self._model),
        )
