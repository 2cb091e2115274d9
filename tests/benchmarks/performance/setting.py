"""Say where a measurement runs: device, threads, precision, clock, encoder and data."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from core.model_files.encoder_source import resolve_encoder
from data.reading import read_split
from data.synthetic.corpus import write_corpus
from data.task_files import builtin_tasks
from data.vocabulary import build_wordpiece

__all__ = ["TASKS", "Setting", "add_options", "setting_of"]

TASKS = ("sst", "para", "sts")
MINILM_SHAPE = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
TINY_SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


@dataclass(frozen=True)
class Setting:
    """Where a measurement runs.

    Attributes:
        encoder: folder of the encoder that every trainer starts from.
        data: folder of the tasks' files.
        device: 'cpu' or 'cuda'.
        threads: CPU threads of the process.
        precision: of matrix products, 'float32' or 'bfloat16'.
        cpu_time: count the seconds that the process computes, not those that pass; only with one thread.
    """

    encoder: Path
    data: Path
    device: str
    threads: int
    precision: str
    cpu_time: bool

    def now(self) -> float:
        """Return the seconds on the clock, when everything that was started on the device has ended."""
        if self.device == "cuda":
            torch.cuda.synchronize()
        return time.process_time() if self.cpu_time else time.perf_counter()

    def seconds(self, work: Callable[[], object]) -> float:
        """Return how long the work takes."""
        begun = self.now()
        work()
        return self.now() - begun

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context of matrix products in the setting's precision."""
        return torch.autocast(self.device, torch.bfloat16, enabled=self.precision == "bfloat16")

    def config(self, *tasks: str, **sections: dict[str, Any]) -> dict[str, Any]:
        """Return the values of a RunConfig on these tasks."""
        specs = builtin_tasks()
        return {
            "tasks": {task: {"spec": specs[task]} for task in tasks},
            "data": {"directory": str(self.data)},
            "compute": {"device": self.device, "threads": self.threads, "precision": self.precision},
            **sections,
            "model": {"encoder": str(self.encoder), **sections.get("model", {})},
        }


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of :func:`setting_of`."""
    parser.add_argument("--encoder", default="minilm", help="a folder, 'minilm', or 'random' or 'tiny' weights")
    parser.add_argument("--data", type=Path, help="folder of the tasks' files; by default a generated corpus")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="by default one per core")
    parser.add_argument(
        "--cpu-time",
        action="store_true",
        help="count the process's CPU seconds, which other processes hardly change; only with one thread on a CPU",
    )


def setting_of(options: argparse.Namespace, folder: Path) -> Setting:
    """Prepare encoder and data, those that must be made in ``folder``, and set the number of threads."""
    if options.cpu_time and (options.threads > 1 or options.device != "cpu"):
        raise SystemExit("--cpu-time needs --threads 1 and --device cpu")
    torch.set_num_threads(options.threads)
    data = options.data
    if data is None:
        data = folder / "data"
        write_corpus(data, train=2000, dev=200, test=200, seed=0)
    if options.encoder in ("random", "tiny"):
        encoder = folder / "encoder"
        _write_random_encoder(encoder, data, TINY_SHAPE if options.encoder == "tiny" else MINILM_SHAPE)
    else:
        encoder = resolve_encoder(options.encoder)
    return Setting(encoder, data, options.device, options.threads, options.precision, options.cpu_time)


def _write_random_encoder(folder: Path, data: Path, shape: dict[str, int]) -> None:
    """Write random weights, and a vocabulary from the training sentences."""
    import transformers  # here: processes that are spawned would import it too, which takes seconds

    torch.manual_seed(0)
    specs = builtin_tasks()
    examples = (example for task in TASKS for example in read_split(specs[task], data, "train").sentences)
    tokenizer = build_wordpiece((sentence for example in examples for sentence in example), 8000)
    special = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **special)
    config = transformers.BertConfig(vocab_size=tokenizer.get_vocab_size(), **shape)
    transformers.BertModel(config).save_pretrained(folder)
    fast.save_pretrained(folder)
