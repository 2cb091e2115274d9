"""Texts of study files, and what is said about mistakes in them."""

import os
from pathlib import Path

import pytest

from data.errors import UserError
from search.study.file import load_study

MINIMAL = """\
tasks = ["sst", "para", "sts"]
trials = 12

[base.model]
encoder = "minilm"

[space]
"optim.learning_rate" = { low = 1e-5, high = 1e-3, log = true }
"""

TINY_BASE = """\
[base.model]
encoder = "scratch"
max_length = 32
[base.model.scratch]
vocab_size = 300
hidden_size = 16
layers = 1
attention_heads = 2
intermediate_size = 32
[base.budget]
examples = 128
batch_size = 16
[base.eval]
rungs = [64, 128]
[base.compute]
device = "cpu"
threads = 1
"""
"""The base of studies whose trials take less than a second."""


def write(folder: Path, text: str, name: str = "study") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def message(folder: Path, text: str) -> str:
    """Return the error about a study file of this text, from the file's name on."""
    path = write(folder, text)
    with pytest.raises(UserError) as caught:
        load_study(path)
    return str(caught.value).replace(f"{folder}{os.sep}", "")


def with_space(line: str, base: str = "") -> str:
    """Return a study file that searches over this; it is line 5 if base is empty."""
    return f'tasks = ["sst", "para", "sts"]\ntrials = 12\n{base}\n[space]\n{line}\n'


RATE = '"optim.learning_rate" = '


KEY = 'space."optim.learning_rate"'
