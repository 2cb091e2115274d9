"""Propose the tasks of all files, show why, and write the study file."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from tokenizers import Tokenizer

from core.config.tasks import DataConfig
from core.model_files.encoder_source import find_encoder
from core.run.atomic_files import write_atomically
from data.errors import UserError, did_you_mean, escaped
from data.kinds import Kind
from data.tokenizer import load_tokenizer
from search.console.cli import PROGRAM
from search.display.console import working
from search.display.table import Table
from search.display.terminal_table import print_table
from search.display.values import shown
from search.init.check import check_proposals, check_text
from search.init.data_files import TaskFiles, data_folder
from search.init.questions import EVERY_TASK, Questions, by_task
from search.init.row_lengths import RowLengths, max_length
from search.init.study_text import StudyProposal, passes_of, study_text
from search.init.task_names import task_name
from search.init.task_proposal import TaskProposal, propose_task
from search.study.lookup import check_not_taken, check_study_name, is_study_name

__all__ = ["InitRequest", "write_study"]

_STUDIES: Final = Path("studies")
_WIDEST: Final = 60  # characters of a value in the table of proposals


@dataclass(frozen=True)
class InitRequest:
    """What the command line says.

    Attributes:
        options: values by option, as given.
        pair: two columns that are read as a pair.
        model: the encoder.
        name: of the study.
        output: path of the study file.
        takes_proposals: whether nothing is asked.
        overwrites: whether an existing file is replaced.
    """

    options: Mapping[str, Sequence[str]]
    pair: tuple[str, str] | None
    model: str
    name: str | None
    output: Path | None
    takes_proposals: bool
    overwrites: bool


def write_study(console: Console, found: Sequence[TaskFiles], request: InitRequest, *, can_ask: bool) -> None:
    """Write the study file that is proposed for the files of some tasks.

    Args:
        console: shows the proposals and what to do next.
        found: files by task.
        request: what the user wants.
        can_ask: whether there is a terminal.

    Raises:
        UserError: the files cannot be used, it takes an option to tell how, or the study file exists.
    """
    own_folder = data_folder(found)
    folder = own_folder or Path(DataConfig().directory)
    named = _names(found)
    path = _path(request, list(named), own_folder)
    tokenizer = _tokenizer(request.model)
    options = _options(request, list(named))
    questions = Questions(request.takes_proposals, can_ask)
    tasks = [propose_task(name, files, folder, options, request.pair, questions) for name, files in named.items()]
    for task in tasks:
        print_table(console, _table(task))
    with working(console, "reading all rows"):
        report = check_proposals(tasks, folder)
    length, why = max_length([RowLengths.of(task.sentences, tokenizer) for task in tasks])
    examples = sum(report.sizes[task.name]["train"] for task in tasks)
    dev_rows = {task.name: report.sizes[task.name]["dev"] for task in tasks}
    command = _command(path, own_folder)
    text = study_text(StudyProposal(tasks, request.model, length, why, examples, dev_rows, command))
    check_text(text, path.stem, folder)
    write_atomically(path, text.encode())
    for task in tasks:
        console.print(f"data: {task.name}: {report.describe(task.name)}", soft_wrap=True)
    console.print(f"length: {length} tokens, {passes_of(examples)} passes; {why}", soft_wrap=True)
    for note in (*(f"{task.name}: {note}" for task in tasks for note in task.notes), *report.warnings):
        console.print(f"warning: {note}", style="yellow", soft_wrap=True)
    console.print(f"wrote {path}; look at it, then run", soft_wrap=True)
    console.print(f"  {command} --dry-run\n  {command}", soft_wrap=True)


def _names(found: Sequence[TaskFiles]) -> dict[str, TaskFiles]:
    named: dict[str, TaskFiles] = {}
    for files in found:
        named[task_name(files.key, files.train.parent, named)] = files
    return named


def _path(request: InitRequest, tasks: Sequence[str], folder: Path | None) -> Path:
    """Return the path of the study file.

    Raises:
        UserError: it has no valid name, or exists and must not be overwritten.
    """
    if request.output is not None and request.name is not None:
        raise UserError("--name and --output both name the study; give one of them")
    if request.output is not None:
        path = request.output
        if path.suffix != ".toml" or not is_study_name(path.stem):
            raise UserError(
                f"--output {path}: a study file is NAME.toml; NAME has letters, digits, '_', '-' and '.' only"
            )
        check_not_taken(path.stem)
    else:
        of_files = "-".join(tasks) if folder is None or len(tasks) == 1 else task_name("", folder, ())
        name = request.name or of_files
        check_study_name(name)
        path = _STUDIES / f"{name}.toml"
    if path.is_dir() or (path.exists() and not request.overwrites):
        raise UserError(f"'{path}' exists; write to another file with --name NAME, or overwrite it with --force")
    return path


def _tokenizer(model: str) -> Tokenizer | None:
    """Return the encoder's tokenizer if it is on this machine.

    Raises:
        UserError: there can be no such encoder.
    """
    if model == "scratch":
        return None
    encoder = find_encoder(model)
    return None if encoder is None else load_tokenizer(encoder)


def _options(request: InitRequest, tasks: Sequence[str]) -> dict[str, Mapping[str, str]]:
    options = {option: by_task(option, values, tasks) for option, values in request.options.items()}
    kinds = [str(kind) for kind in Kind]
    for task, kind in options["--kind"].items():
        if kind not in kinds:
            of = f"{task}=" if task != EVERY_TASK else ""
            raise UserError(f"--kind {of}{kind}: choose from {', '.join(kinds)}{did_you_mean(kind, kinds)}")
    return options


def _command(path: Path, folder: Path | None) -> str:
    study = path.stem if path.parent == _STUDIES else str(path)
    data = "" if folder is None else f" --data {shlex.quote(str(folder))}"
    return f"{PROGRAM} run --study {shlex.quote(study)}{data}"


def _table(task: TaskProposal) -> Table:
    fields = dict(task.fields)
    columns = fields.pop("columns")
    values = {
        "files": ", ".join(fields["files"].values()),
        **columns,
        **{key: value for key, value in fields.items() if key != "files"},
    }
    order = ("files", "split", "sentences", "label", "id", "quoting", "kind", "classes", "score_range", "metric")
    rows = tuple((key, _shown(values[key]), escaped(task.why[key])) for key in order if key in values)
    return Table(f"task {task.name}", ("what", "proposal", "why"), rows)


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        text = ", ".join(f"{key} {shown(part)}" for key, part in value.items())
    else:
        text = ", ".join(map(shown, value)) if isinstance(value, list) else shown(value)
    text = escaped(text)
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 3]}..."
