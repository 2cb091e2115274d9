"""The topic of lengths: tokens per example, how many are cut, and which tokens the encoder does not know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from tokenizers import Tokenizer

from core.config import RunConfig
from core.inputs.scratch_vocabulary import scratch_vocabulary
from core.model_files.encoder_source import find_encoder
from data.errors import UserError
from data.example_cache import load_examples
from data.examples import Examples
from data.tasks import SplitName
from data.tokenizer import load_tokenizer, special_ids
from search.audit.examples import AuditedTask
from search.audit.figures import split_colour
from search.audit.findings import Finding, Reason, Topic, findings_fold
from search.display.figure_style import STATE_COLOURS, lay_out, log_axis
from search.display.table import Table
from search.preflight.data import DataReport
from search.preflight.encoder_content import MAX_LENGTH, tokenizer_warnings
from search.preflight.token_shares import cut_share, unknown_share, whole_lengths
from search.report.parts import Chart, Heading, Note, Part, ReportSection
from search.study.spec import StudySpec

__all__ = ["lengths_topic", "unknown_words"]

_QUANTILES = (0.5, 0.9, 0.95, 0.99)
_WHOLE = 0.99  # examples that a longer max_length would keep whole
_READ_AGAIN = 20_000  # sentences with [UNK] whose words are looked up
_WORDS = 20
_POINTS = 200  # of a curve


def lengths_topic(tasks: Mapping[str, AuditedTask], spec: StudySpec, cache_dir: Path) -> Topic:
    """Tokenise all splits with the tokenizer of the study's base, and say how it suits them.

    An encoder on the Hub that is not in the cache is not downloaded: the section says that it is missing.

    Raises:
        MachineError: if the cache cannot be written.
    """
    base, encoder = spec.base, spec.base.model.encoder
    try:
        tokenizer = _tokenizer(base, cache_dir)
        reason = "" if tokenizer else "it is not on this machine, and search.run downloads it"
    except UserError as error:
        tokenizer, reason = None, str(error)
    if tokenizer is None:
        line = f"lengths in tokens and [UNK] are left out, because encoder '{encoder}' cannot be read: {reason}"
        return Topic(ReportSection("lengths", "Lengths", (line,)), warnings=(line,))
    report = DataReport(
        {name: {split: len(raw) for split, raw in task.splits.items()} for name, task in tasks.items()}, (), "", ""
    )
    measured = [_Measured.of(task, base, tokenizer, cache_dir) for task in tasks.values()]
    findings = [
        finding
        for task, one in zip(tasks.values(), measured, strict=True)
        for finding in _cut_rows(task, one.lengths, base.model.max_length)
    ]
    parts: list[Part] = [Note(_explanation(spec))]
    for one in measured:
        parts += one.parts(base.model.max_length)
    parts += findings_fold("Rows that are cut, the longest first", findings)
    warnings = tuple(tokenizer_warnings(spec, encoder, tokenizer, report, cache_dir))
    return Topic(ReportSection("lengths", "Lengths", (*warnings, *parts)), tuple(findings), warnings)


def _tokenizer(base: RunConfig, cache_dir: Path) -> Tokenizer | None:
    if base.model.encoder == "scratch" and base.model.scratch is not None:
        return scratch_vocabulary(base, base.model.scratch, cache_dir)
    folder = find_encoder(base.model.encoder)
    return None if folder is None else load_tokenizer(folder)


def _cut_rows(
    task: AuditedTask, lengths: Mapping[SplitName, npt.NDArray[np.int64]], max_length: int
) -> Iterator[Finding]:
    """Yield the rows that are cut, in each split the longest first."""
    for split in task.own_splits:
        of = lengths[split]
        for position in np.argsort(-of, kind="stable")[: int((of > max_length).sum())].tolist():
            detail = f"{of[position]:,} tokens; model.max_length = {max_length}"
            yield task.finding(split, position, Reason.CUT, detail)


def _explanation(spec: StudySpec) -> str:
    searched = ", which this study searches" if MAX_LENGTH in spec.space.paths else ""
    return (
        f"Tokens in a row with the special ones, by the tokenizer of '{spec.base.model.encoder}'; of siamese pairs, in "
        f"the longer row. Longer rows are cut at {MAX_LENGTH} = {spec.base.model.max_length}{searched}. [UNK] stands "
        "for words that the tokenizer cannot write."
    )


@dataclass(frozen=True)
class _Measured:
    """A task's token counts by split.

    Attributes:
        name: of the task.
        lengths: tokens of each example's whole row, (n,).
        cut: share of the examples that are cut.
        unknown: share of [UNK] among all tokens.
        words: how often each word became [UNK].
    """

    name: str
    lengths: dict[SplitName, npt.NDArray[np.int64]] = field(default_factory=dict)
    cut: dict[SplitName, float] = field(default_factory=dict)
    unknown: dict[SplitName, float] = field(default_factory=dict)
    words: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, task: AuditedTask, base: RunConfig, tokenizer: Tokenizer, cache_dir: Path) -> _Measured:
        found = cls(task.spec.name)
        for split, raw in task.splits.items():
            directory = Path(base.data.directory)
            examples = load_examples(task.spec, directory, split, tokenizer, cache_dir / "tokens")
            found.lengths[split] = whole_lengths(examples, base, tokenizer)
            found.cut[split] = cut_share(found.lengths[split], base)
            found.unknown[split] = unknown_share(examples.token_ids, tokenizer)
            found.words.update(unknown_words(examples, raw.sentences, tokenizer))
        return found

    def parts(self, max_length: int) -> Iterator[Part]:
        whole = {split: int(np.quantile(of, _WHOLE, method="inverted_cdf")) for split, of in self.lengths.items()}
        longest = max(whole, key=whole.__getitem__)
        yield Heading(self.name)
        yield (
            f"model.max_length = {whole[longest]} would keep {_WHOLE:.0%} of the examples whole in every split "
            f"({longest} has the longest)."
        )
        yield Table("Tokens per example", self._headings(), tuple(self._rows()))
        yield Chart(self._figure(max_length), f"{self.name}: share of examples that are at most this long")
        if self.words:
            rows = tuple((word, f"{count:,}") for word, count in self.words.most_common(_WORDS))
            yield Table(f"Words that become [UNK] most often, of {len(self.words):,}", ("word", "times"), rows)

    @staticmethod
    def _headings() -> tuple[str, ...]:
        return ("split", "examples", *(f"{one:.0%}" for one in _QUANTILES), "longest", "cut", "share cut", "[UNK]")

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for split, of in self.lengths.items():
            quantiles = np.quantile(of, _QUANTILES, method="inverted_cdf")
            shares = f"{round(self.cut[split] * len(of)):,}", f"{100 * self.cut[split]:.2f} %"
            numbers = [f"{int(one):,}" for one in (*quantiles, of.max())]
            yield (split, f"{len(of):,}", *numbers, *shares, f"{100 * self.unknown[split]:.3f} %")

    def _figure(self, max_length: int) -> go.Figure:
        figure = go.Figure()
        shares = np.linspace(0, 1, _POINTS)
        for split, of in self.lengths.items():
            figure.add_scatter(
                x=np.quantile(of, shares, method="inverted_cdf").tolist(),
                y=(100 * shares).tolist(),
                mode="lines",
                name=split,
                line={"color": split_colour(split), "shape": "hv"},
                hovertemplate="%{x} tokens: %{y:.1f} %<extra></extra>",
            )
        lay_out(figure, "tokens", "share of the split, %")
        figure.update_layout(height=300)
        # Not a shape: its label would be placed at the logarithm of the length.
        line = {"dash": "dot", "color": STATE_COLOURS["running"]}
        figure.add_scatter(x=[max_length, max_length], y=[0, 100], mode="lines", name="max_length", line=line)
        return log_axis(
            figure, [float(end) for of in self.lengths.values() for end in (of.min(), of.max(), max_length)]
        )


def unknown_words(examples: Examples, sentences: list[tuple[str, ...]], tokenizer: Tokenizer) -> Counter[str]:
    """Count the words that become [UNK]; of more than 20,000 sentences with one, in so many spread over all.

    Args:
        examples: tokenised.
        sentences: of the same examples.
        tokenizer: with which they were tokenised.
    """
    unknown = special_ids(tokenizer).unk
    places = np.flatnonzero(examples.token_ids == unknown)
    which = np.unique(np.searchsorted(examples.offsets, places, side="right") - 1)
    per, found = examples.sentences_per_example, Counter[str]()
    for number in which[:: len(which) // _READ_AGAIN + 1].tolist():
        sentence = sentences[number // per][number % per]
        encoding = tokenizer.encode(sentence, add_special_tokens=False)
        found.update(
            sentence[start:end]
            for index, (start, end) in zip(encoding.ids, encoding.offsets, strict=True)
            if index == unknown
        )
    return found
