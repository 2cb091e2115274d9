"""Write a study file with comments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from data.errors import escaped
from data.toml_text import toml_string
from search.init.task_proposal import TaskProposal

__all__ = ["StudyProposal", "passes_of", "study_text"]

_PASSES: Final = ((500, 20), (2_000, 10), (10_000, 5), (50_000, 3))  # training examples below which there are as many
_MANY: Final = 2
_FEW: Final = 100  # rows of dev, whose accuracy is known to ten points or worse
_RATES: Final = {"minilm": (1e-5, 5e-4), "scratch": (1e-5, 5e-3)}
_USUAL_RATES: Final = (1e-5, 1e-4)
_ORDER: Final = ("kind", "files", "split", "columns", "quoting", "classes", "score_range", "metric")
_SCRATCH: Final = "{ vocab_size = 2000, hidden_size = 64, layers = 2, attention_heads = 2, intermediate_size = 128 }"


@dataclass(frozen=True)
class StudyProposal:
    """A study: its tasks, its encoder, and how long runs are.

    Attributes:
        tasks: at least one.
        encoder: a Hub name, a folder, minilm or scratch.
        max_length: tokens.
        why_length: in a phrase.
        examples: in the training sets of all tasks together.
        dev_rows: of each task.
        command: how the study is run, without line breaks.
    """

    tasks: Sequence[TaskProposal]
    encoder: str
    max_length: int
    why_length: str
    examples: int
    dev_rows: Mapping[str, int]
    command: str


def passes_of(examples: int) -> int:
    """Return how many passes over so many training examples a full trial takes: more for a small set.

    Fine-tuning on few examples is unstable when it is short (Mosbach et al. 2021, arXiv:2006.04884).
    """
    return next((passes for below, passes in _PASSES if examples < below), _MANY)


def study_text(study: StudyProposal) -> str:
    """Return the text of the study file; every comment is one line, whatever the data contain."""
    names = [task.name for task in study.tasks]
    parts = [
        _comment("Proposed by onebert init from your data. Change what you know better; docs/study-files.md explains"),
        _comment("every key, and docs/techniques.md what else can be searched. Look first, then run:"),
        _comment(f"  {study.command} --dry-run"),
        _comment(f"  {study.command}"),
        f"description = {toml_string(_description(names))}\n",
        _comment("In total: the same command resumes where it stopped, and a larger number adds trials."),
        "trials = 16\n",
        _comment("The first six trials are drawn at random; the sampler learns from them."),
        'sampler = { name = "tpe", n_startup_trials = 6 }\n',
        _comment("Hopeless trials end at a quarter or half of their length."),
        'pruner = "halving"\n',
        *_about_folds(study),
        *map(_task, study.tasks),
        _base(study),
        _space(study),
    ]
    return "".join(parts)


def _about_folds(study: StudyProposal) -> list[str]:
    """Return a comment if a small dev is drawn from the training file, as it is then for every task."""
    name = min(study.dev_rows, key=study.dev_rows.__getitem__)
    if study.dev_rows[name] >= _FEW or not all("dev" in task.fields.get("split", {}) for task in study.tasks):
        return []
    return [
        _comment(
            f"Dev has only {study.dev_rows[name]} rows of {name}. To score every row of the training files instead,"
        ),
        _comment("in five times the time, write folds = 5 here, and remove dev from the split of each task."),
    ]


def _description(names: Sequence[str]) -> str:
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"Learning rate and heads for {listed}" if len(names) == 1 else f"One encoder for {listed}"


def _task(task: TaskProposal) -> str:
    lines = [f"\n[tasks.{task.name}]\n"]
    for key in _ORDER:
        if key not in task.fields:
            continue
        parts = ("sentences", "label", "id") if key == "columns" else (key,)
        lines += [_comment(f"{part}: {task.why[part]}") for part in parts]
        lines.append(f"{key} = {_value(task.fields[key])}\n")
    lines += [_comment(f"Note: {note}") for note in task.notes]
    return "".join(lines)


def _base(study: StudyProposal) -> str:
    passes = passes_of(study.examples)
    lines = [
        "\n[base.model]\n",
        f"encoder = {toml_string(study.encoder)}\n",
        f"scratch = {_SCRATCH}\n" if study.encoder == "scratch" else "",
        _comment(f"Tokens of a row, with special tokens; {study.why_length}. Shorter rows train faster."),
        f"max_length = {study.max_length}\n",
        *(_mean_pooling(study) if study.encoder in ("minilm", "scratch") else ()),
        "\n[base.budget]\n",
        _comment(
            f"Passes of a full trial over the {study.examples:,} training examples; a small set needs more of them."
        ),
        f"passes = {passes}\n",
        "batch_size = 16\n",
        "\n[base.eval]\n",
        _comment("Dev is scored, and a trial may be ended, at these shares of its length."),
        "rungs = [0.25, 0.5, 1.0]\n",
    ]
    return "".join(lines)


def _mean_pooling(study: StudyProposal) -> list[str]:
    lines = [_comment("The mean over all tokens suits this encoder better than [CLS].")]
    return ["\n", *lines, *(f'[base.heads.{task.name}]\npooling = "mean"\n' for task in study.tasks)]


def _space(study: StudyProposal) -> str:
    low, high = _RATES.get(study.encoder, _USUAL_RATES)
    lines = ["\n[space]\n", _comment("The setting that matters most in fine-tuning.")]
    lines.append(f'"optim.learning_rate" = {{ low = {low:g}, high = {high:g}, log = true }}\n')
    if len(study.tasks) > 1:
        least = round(min(0.1, 0.5 / len(study.tasks)), 3)
        lines += [
            _comment("Tasks are drawn with p ~ size^alpha: 0 draws them equally often, 1 by their size."),
            '"sampler.alpha" = { low = 0.0, high = 1.0, step = 0.1 }\n',
            _comment("Shares of the tasks' losses; more for the one that lags behind."),
            f'"loss.weights" = {{ simplex = true, min = {least} }}\n',
        ]
    else:
        lines.append(_comment("More dropout helps where a small set is learnt by heart."))
        lines.append(f'"heads.{study.tasks[0].name}.dropout" = [0.1, 0.3, 0.5]\n')
    for task in study.tasks:
        if not task.is_balanced:
            lines.append(_comment("0 weighs all examples alike, 1 gives every class the same total weight."))
            lines.append(f'"heads.{task.name}.class_balance" = {{ low = 0.0, high = 1.0, step = 0.25 }}\n')
    return "".join(lines)


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_value(part)}' for key, part in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return toml_string(value) if isinstance(value, str) else repr(value)  # of a finite number


def _comment(text: str) -> str:
    return f"# {escaped(text)}\n"
