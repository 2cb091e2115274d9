"""Write a model card: what an exported model predicts, how well, what is known of its data, and how to load it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from huggingface_hub import EvalResult, ModelCard, ModelCardData

from core.config import RunConfig
from core.model_files.card_file import write_card
from core.model_files.encoder_source import find_encoder
from core.statistics import TaskCalibration
from data.errors import UserError
from data.tasks import TaskSpec
from search.analysis.calibration_lines import calibration_lines

__all__ = ["write_model_card"]

_LIBRARIES: Final = {
    "onnx": "ONNX Runtime, all tasks",
    "onnx-int8": "ONNX Runtime with int8 weights, all tasks",
}
_MARKUP: Final = frozenset("\\`|*_<>[]#")
_SHOWN_CLASSES: Final = 30  # rows of a table of errors


def write_model_card(
    folder: Path, provenance: Mapping[str, Any], config: RunConfig, calibrations: Mapping[str, TaskCalibration]
) -> None:
    """Write ``README.md`` into a model folder, unless it has one that somebody else wrote.

    Args:
        folder: the model folder, which is complete.
        provenance: of the trial or ensemble, as the export records it.
        config: a run of the model; of an ensemble, any member's.
        calibrations: of the tasks of classes.
    """
    specs = {name: task.spec for name, task in config.tasks.items()}
    text = "\n".join(_sections(provenance, config, specs, calibrations))
    write_card(folder, _front_matter(provenance, config, specs), f"{text.strip()}\n")


def _front_matter(provenance: Mapping[str, Any], config: RunConfig, specs: Mapping[str, TaskSpec]) -> str:
    results = [
        EvalResult(
            task_type="text-classification",
            dataset_type=name,
            dataset_name=name,
            dataset_split="dev",
            metric_type=spec.metric.name,
            metric_value=round(provenance["dev"][name], 4),
        )
        for name, spec in specs.items()
    ]
    encoder = _Encoder.of(config.model.encoder)
    card = ModelCardData(
        library_name="onebert",
        pipeline_tag="text-classification",
        base_model=encoder.hub_name,
        license=encoder.licence or None,
        tags=["bert", "multi-task"],
        model_name=provenance["study"],
        eval_results=results,
    )
    return str(card.to_yaml())


def _sections(
    provenance: Mapping[str, Any],
    config: RunConfig,
    specs: Mapping[str, TaskSpec],
    calibrations: Mapping[str, TaskCalibration],
) -> Iterator[str]:
    yield f"# {_cell(provenance['study'])}\n"
    yield "One BERT for these tasks, written by onebert. A task on pairs reads two texts at a time.\n"
    yield from _table(("task", "reads", "predicts", "examples"), _task_rows(provenance, specs))
    yield "## Scores\n"
    yield from _scores(provenance, specs)
    yield "## Errors on dev\n"
    yield from _errors(provenance, specs)
    if calibrations:
        yield "## Calibration\n"
        yield from (f"- {line}" for line in calibration_lines(calibrations))
        yield "\nThe expected calibration error (ECE) is the mean difference between confidence and accuracy. The"
        yield "programs below give calibrated probabilities.\n"
    yield "## Limits and data\n"
    yield from _limits(provenance, config)
    yield "## Use\n"
    yield from _use(provenance, specs)
    yield "## How it was found\n"
    yield from _origin(provenance, config)


def _task_rows(provenance: Mapping[str, Any], specs: Mapping[str, TaskSpec]) -> Iterator[tuple[str, ...]]:
    for name, spec in specs.items():
        reads = " and ".join(spec.columns.sentences)
        low, high = spec.score_range or (0.0, 0.0)
        predicts = f"a score from {low:g} to {high:g}" if spec.kind.is_score else ", ".join(spec.classes)
        sizes = provenance.get("examples", {}).get(name, {})
        yield name, reads, predicts, ", ".join(f"{size:,} {split}" for split, size in sizes.items())


def _scores(provenance: Mapping[str, Any], specs: Mapping[str, TaskSpec]) -> Iterator[str]:
    expected = provenance.get("expected", {})
    rows = []
    for name, metric in [*((name, spec.metric.name) for name, spec in specs.items()), ("overall", "mean, 0 to 1")]:
        estimate = expected.get(name)
        shown = "unknown"
        if estimate:
            shown = f"{estimate['expected']:.4f} ({estimate['low']:.4f} to {estimate['high']:.4f})"
        rows.append((name, metric, f"{provenance['dev'][name]:.4f}", shown))
    if "folds" in provenance:
        count = provenance["folds"]
        yield f"Dev is every training example, predicted by the one of {count} models that had not seen it;"
        yield "new text is predicted by their average.\n"
    yield from _table(("task", "metric", "dev", "expected on new data, 95 % interval"), rows)
    if expected:
        trials = expected.get("selected_from", {}).get("trials", "several")
        yield f"Dev also chose the model, out of {trials} trials, so that its scores are optimistic."
        yield "What is expected on new data of the same kind is estimated by repeating this choice in"
        yield f"{expected.get('resamples', 1000):,} resamples of dev. Labels of test were not used.\n"


def _errors(provenance: Mapping[str, Any], specs: Mapping[str, TaskSpec]) -> Iterator[str]:
    for name, spec in specs.items():
        metrics = provenance["dev_metrics"][name]
        if spec.kind.is_score:
            names = ("rmse", "mean_absolute_error", "spearman")
            values = ", ".join(f"{one.replace('_', ' ')} {metrics[one]:.4f}" for one in names if one in metrics)
            yield f"**{_cell(name)}**: {values}.\n"
            continue
        counts = np.asarray(provenance["dev_confusion"][name])
        yield f"**{_cell(name)}**:\n"
        heading = ("class", "in dev", "found (recall)", "right when predicted (precision)", "most often taken for")
        yield from _table(heading, _class_rows(spec.classes[:_SHOWN_CLASSES], counts, spec.classes))
        if len(spec.classes) > _SHOWN_CLASSES:
            yield f"and {len(spec.classes) - _SHOWN_CLASSES} more classes.\n"


def _class_rows(shown: Iterable[str], counts: np.ndarray, classes: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Describe classes by a confusion matrix, gold in rows."""
    for place, name in enumerate(shown):
        gold, predicted, right = counts[place].sum(), counts[:, place].sum(), counts[place, place]
        wrong = np.where(np.arange(len(counts)) == place, 0, counts[place])
        taken = f"{classes[wrong.argmax()]} ({wrong.max()})" if wrong.max() else ""
        yield name, str(gold), _share(right, gold), _share(right, predicted), taken


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "none"


def _limits(provenance: Mapping[str, Any], config: RunConfig) -> Iterator[str]:
    yield f"- A text, or the two of a pair together, is cut after {config.model.max_length} tokens."
    yield "- Every text gets one of the classes, or a score, whatever it is about. Other languages and sources than"
    yield "  those of the training data were not tried."
    warnings = provenance.get("data_warnings")
    if warnings:  # without the folder of this machine
        yield from (f"- {_cell(line.replace(f'{config.data.directory}/', ''))}" for line in warnings)
    elif config.models > 1:
        yield "- Near-duplicates were in one fold. A text may be in pairs of several folds."
    elif warnings is not None:
        yield "- No dev or test sentence is, word by word, in the training data of its task."
    yield f"- SHA-256 of all data files: `{provenance['data_sha256']}`\n"


def _use(provenance: Mapping[str, Any], specs: Mapping[str, TaskSpec]) -> Iterator[str]:
    name, spec = next(iter(specs.items()))
    example = '[("a text", "another text")]' if spec.kind.is_pair else '["a text"]'
    yield "With onebert:\n"
    load = f'model = search.load_model("FOLDER")\nmodel.predict({example}, {name!r}).to_frame()'
    yield f"```python\nimport search\n\n{load}\n```\n"
    yield f"```sh\nonebert predict --model-dir FOLDER --task {name} --input texts.csv --output predictions.csv\n```\n"
    yield "Each encoder in the folder is also a plain BERT for `transformers.AutoModel`, without the heads.\n"
    written = provenance.get("formats", {}).get("written", {})
    if written:
        rows = ((place, _LIBRARIES.get(form, f"{form}, task {place}")) for place, form in written.items())
        yield from _table(("folder", "for"), rows)
        yield "The README.md in each says how to load it.\n"


def _origin(provenance: Mapping[str, Any], config: RunConfig) -> Iterator[str]:
    encoder = _Encoder.of(config.model.encoder)
    members = provenance.get("members")
    if members:
        numbers = ", ".join(str(member["trial"]) for member in members)
        yield f"{provenance['method'].capitalize()} of trials {numbers} of the study.\n"
    else:
        place = f"seed {provenance['seed']}, at {provenance['rung']:,} training examples"
        yield f"Trial {provenance['trial']} of the study, {place}:\n"
        yield from _table(("setting", "value"), ((key, str(value)) for key, value in provenance["params"].items()))
    yield f"- Encoder: {_cell(encoder.described)}"
    if config.model.encoder != "scratch":
        yield f"- Licence of the encoder: {_cell(encoder.licence or 'not stated in its folder')}"
    versions = ", ".join(f"{name} {one}" for name, one in provenance["versions"].items())
    yield f"- Code: onebert {provenance['code']}; {versions}"
    yield "- All other settings: `run_config.json`; this page in numbers: `provenance.json`\n"


def _table(heading: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heading)} |"
    yield f"|{'---|' * len(heading)}"
    yield from (f"| {' | '.join(map(_cell, row))} |" for row in rows)
    yield ""


def _cell(text: str) -> str:
    """Write a text into one line of Markdown in which none of it is markup."""
    return "".join(f"\\{letter}" if letter in _MARKUP else letter for letter in " ".join(text.split()))


@dataclass(frozen=True)
class _Encoder:
    """The encoder that training began with.

    Attributes:
        described: its name, without folders of this machine.
        hub_name: its name on the Hub; None if it is not from there.
        licence: identifier of its licence, or nothing if it is not known.
    """

    described: str
    hub_name: str | None
    licence: str

    @classmethod
    def of(cls, name: str) -> _Encoder:
        if name == "scratch":
            return cls("none: the weights were trained from scratch", None, "")
        try:
            folder = find_encoder(name)
        except UserError:  # it has moved since; its name remains
            folder = None
        is_folder = folder is not None and folder == Path(name).expanduser()
        licence = "" if folder is None else _licence_in(folder)
        if is_folder or Path(name).is_absolute() or name == "minilm":
            return cls(Path(name).name, None, licence)
        return cls(name, name, licence)


def _licence_in(folder: Path) -> str:
    """Return the licence that the encoder's own model card names, or nothing."""
    try:
        found = ModelCard.load(folder / "README.md", ignore_metadata_errors=True).data.to_dict().get("license")
    except (OSError, ValueError):
        return ""
    return found if isinstance(found, str) else ""
