"""Identify a study's encoders by content before it starts, and see how their tokenizers suit the texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from core.config import RunConfig
from core.inputs.scratch_vocabulary import scratch_vocabulary
from core.model_files.encoder_content import EncoderContent
from core.model_files.encoder_source import resolve_encoder
from data.errors import UserError
from data.example_cache import load_examples
from data.examples import encode
from data.tasks import SplitName
from data.tokenizer import load_tokenizer
from search.preflight.data import DataReport
from search.preflight.token_shares import cut_share, unknown_share, whole_lengths
from search.study.encoder_names import named_encoders
from search.study.spec import StudySpec

__all__ = ["MAX_LENGTH", "read_folders", "survey_encoders", "tokenizer_warnings"]

_MANY = 0.05  # tokens: with its own language and alphabet, a BERT does not know one in a thousand
MAX_LENGTH = "model.max_length"
"""The setting that says after how many tokens a row is cut."""
_MANY_CUT = 0.1  # examples that do not fit into their rows


def read_folders(spec: StudySpec) -> dict[str, EncoderContent]:
    """Return the content of a study's encoders that are folders, by name, as far as they can be read."""
    contents = {}
    for name in named_encoders(spec):
        if Path(name).is_dir():
            with suppress(UserError):
                contents[name] = EncoderContent.read(Path(name))
    return contents


def survey_encoders(
    report: DataReport, spec: StudySpec, cache_dir: Path, read: Mapping[str, EncoderContent]
) -> DataReport:
    """Add to a report on a study's data the content of its encoders, and warnings for many [UNK] and texts too long.

    An encoder that cannot be loaded is left out; whoever loads it says why.

    Args:
        report: on the data.
        spec: the study.
        cache_dir: tokenised splits are kept in it, where the workers find them.
        read: what :func:`read_folders` returned.

    Raises:
        MachineError: if the cache cannot be written.
    """
    contents, warnings = dict(read), list(report.warnings)
    for name in named_encoders(spec):
        try:
            tokenizer = _tokenizer(spec.base, name, cache_dir)
            if name not in contents and name != "scratch":
                contents[name] = EncoderContent.read(resolve_encoder(name))
        except UserError:
            continue
        if tokenizer is not None:
            warnings += tokenizer_warnings(spec, name, tokenizer, report, cache_dir)
    return replace(report, encoders=contents, warnings=tuple(warnings))


def tokenizer_warnings(
    spec: StudySpec, name: str, tokenizer: Tokenizer, report: DataReport, cache_dir: Path
) -> Iterator[str]:
    """Yield a line for every text of which an encoder does not know many tokens, or cuts many examples.

    Args:
        spec: the study.
        name: of the encoder.
        tokenizer: of the encoder.
        report: its sizes name the tasks and splits, and its samples the other texts.
        cache_dir: tokenised splits are kept in it.

    Raises:
        MachineError: if the cache cannot be written.
    """
    yield from _unknown_words(spec.base, name, tokenizer, report, cache_dir)
    if MAX_LENGTH not in spec.space.paths:
        yield from _cut_examples(spec.base, tokenizer, report, cache_dir)


def _tokenizer(base: RunConfig, name: str, cache_dir: Path) -> Tokenizer | None:
    """Return an encoder's tokenizer; None if the encoder has random initial weights and the base has another one."""
    if name != "scratch":
        return load_tokenizer(resolve_encoder(name))
    return None if base.model.scratch is None else scratch_vocabulary(base, base.model.scratch, cache_dir)


def _unknown_words(
    base: RunConfig, name: str, tokenizer: Tokenizer, report: DataReport, cache_dir: Path
) -> Iterator[str]:
    for (owner, part), tokens in _tokens(base, tokenizer, report, cache_dir):
        share = unknown_share(tokens, tokenizer)
        if share > _MANY:
            yield (
                f"{owner}: {share:.0%} of all tokens in {part} are unknown to encoder '{name}' ([UNK]): check that "
                "it suits the language and the spelling of the texts"
            )


def _cut_examples(base: RunConfig, tokenizer: Tokenizer, report: DataReport, cache_dir: Path) -> Iterator[str]:
    """Yield a line for each task with many examples that are longer than a row, about its worst split."""
    for task, sizes in report.sizes.items():
        shares = {split: _cut(base, task, split, tokenizer, cache_dir) for split in sizes}
        split = max(shares, key=shares.__getitem__)
        if shares[split] > _MANY_CUT:
            yield (
                f"{task}: {shares[split]:.0%} of the examples in {split} are cut, because they are longer than "
                f"model.max_length = {base.model.max_length} tokens"
            )


def _cut(base: RunConfig, task: str, split: SplitName, tokenizer: Tokenizer, cache_dir: Path) -> float:
    """Return the share of a split's examples that do not fit into their rows."""
    spec = base.tasks[task].spec
    examples = load_examples(spec, Path(base.data.directory), split, tokenizer, cache_dir / "tokens")
    return cut_share(whole_lengths(examples, base, tokenizer), base)


def _tokens(
    base: RunConfig, tokenizer: Tokenizer, report: DataReport, cache_dir: Path
) -> Iterator[tuple[tuple[str, str], npt.NDArray[np.int32]]]:
    """Yield the token ids of every split, and of the samples of other texts, by task or setting and what it is."""
    for task, sizes in report.sizes.items():
        spec = base.tasks[task].spec
        for split in sizes:
            examples = load_examples(spec, Path(base.data.directory), split, tokenizer, cache_dir / "tokens")
            yield (task, split), examples.token_ids
    for place, sentences in report.samples.items():
        yield place, encode(sentences, tokenizer)[0]
