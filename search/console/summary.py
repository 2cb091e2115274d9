"""Print the result of a study: its best trial, the gain over the default configuration, and what to run next."""

from __future__ import annotations

import operator
import shlex
import shutil
import sys
from pathlib import Path

import optuna
from optuna.trial import TrialState
from rich.console import Console

from search.analysis.comparison_text import comparison_notes, narrow_tables
from search.analysis.expected_score import Estimate, estimate_best
from search.analysis.expected_text import estimate_sentences, expectation_text
from search.analysis.seed_comparison import Comparison, compare_over_seeds
from search.console.cli import PROGRAM, location_options
from search.display.table import Table
from search.display.terminal_table import print_table
from search.display.values import cost_text, rounded
from search.recorded.ranking import best_trial
from search.space.variants import VARIANT
from search.study.first_trials import DEFAULT
from search.study.spec import StudySpec
from search.trials.floors import is_feasible
from search.trials.folders import TrialFolders
from search.trials.record import REPEAT_OF, FinishedTrial, TrialRecord

__all__ = ["command_line", "next_commands", "show_comparison", "show_summary"]


def show_summary(console: Console, study: optuna.Study, spec: StudySpec, runs_dir: Path, storage: str | None) -> None:
    """Print the result of a study, whose folder is in ``runs_dir``, and what to run next.

    The storage is the URL that the user gave, None for the default.
    """
    console.print(f"study {study.study_name}: {_counts(study)}", soft_wrap=True)
    winner = best_trial(study)
    if winner is None:
        has_finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        console.print(_BELOW_FLOORS if has_finished else _NONE_FINISHED, style="red", soft_wrap=True)
        return
    best = FinishedTrial.read(winner)
    folders, data = TrialFolders(runs_dir / spec.name), Path(spec.base.data.directory)
    with console.status("estimating what the best trial will score on new data"):
        estimate, unknown = estimate_best(study, folders, data)
    print_table(console, _score_table(best, _default(study), spec, estimate))
    for line in estimate_sentences(estimate, unknown):
        console.print(line, soft_wrap=True)
    settings = ", ".join(f"{path} = {rounded(value)}" for path, value in spec.space.chosen(best.config).items())
    console.print(f"settings: {settings}", soft_wrap=True)
    if best.result.cost is not None:
        console.print(f"cost:     {cost_text(best.result.cost)}", soft_wrap=True)
    console.print(f"files:    {folders.path(best.number)}", soft_wrap=True)
    comparison = compare_over_seeds(study, folders, data)
    if comparison is not None:
        show_comparison(console, comparison)
    console.print("\nnext:", style="bold")
    # A comparison has trained its variants over several seeds already.
    final = [] if VARIANT in spec.space.paths else [f"finalists --study {spec.name}"]
    todo = ("dashboard", f"report --study {spec.name}", *final, f"export --study {spec.name}")
    for command in next_commands(runs_dir, storage, *todo):
        console.print(f"  {command}", soft_wrap=True)


def show_comparison(console: Console, comparison: Comparison) -> None:
    """Print the comparison as two tables, each narrow enough for a terminal, and its notes."""
    console.print()
    for table in narrow_tables(comparison):
        print_table(console, table)
    for note in comparison_notes(comparison):
        console.print(note, soft_wrap=True)


_NONE_FINISHED = "no trial finished; each failed trial's folder has an error.txt"
_BELOW_FLOORS = "no finished trial meets the floors, so none can win; to lower them, start a new study with --name NEW"
_STATES = {"complete": "finished", "pruned": "pruned", "fail": "failed", "running": "unfinished"}


def _counts(study: optuna.Study) -> str:
    """Count the trials: ``12 finished (1 of them below a floor), 8 pruned (3 of them by a floor)``."""
    trials = study.get_trials(deepcopy=False)
    words = []
    for state, word in _STATES.items():
        there = [trial for trial in trials if trial.state.name.lower() == state]
        unfit = sum(not is_feasible(trial) for trial in there)
        floor = f" ({unfit} of them {'by' if word == 'pruned' else 'below'} a floor)" if unfit else ""
        words += [f"{len(there)} {word}{floor}"] if there else []
    if repeats := sum(REPEAT_OF in trial.user_attrs for trial in trials):
        words.append(f"{repeats} of them equal to an earlier one, and not trained again")
    return ", ".join(words) or "no trial"


def _default(study: optuna.Study) -> TrialRecord | None:
    """Return the trial of the default configuration, if the space contains it and it has a score."""
    records = (TrialRecord.read(trial) for trial in study.get_trials(deepcopy=False))
    return next((r for r in records if r.role == DEFAULT and r.result.overall is not None), None)


def _score_table(best: FinishedTrial, default: TrialRecord | None, spec: StudySpec, estimate: Estimate | None) -> Table:
    scores = {} if default is None else {**default.result.scores, "overall": default.result.overall}

    def row(name: str, label: str, value: float) -> tuple[str, ...]:
        other = scores.get(name)
        gain = spec.base.tasks[name].spec.metric.gain if name in spec.base.tasks else operator.sub
        compared = [] if other is None else [f"{other:.4f}", f"{gain(value, other):+.4f}"]
        expected = [] if estimate is None else [expectation_text(estimate.rows[name])]
        return (label, f"{value:.4f}", *compared, *expected)

    tasks = (
        row(name, f"{name} {task.spec.metric}", best.result.scores[name]) for name, task in spec.base.tasks.items()
    )
    overall = row("overall", "overall", best.overall)
    headings = ["best", *(["default", "gain"] if default else []), *(["expected on new data"] if estimate else [])]
    return Table(f"best: trial {best.number}, by its overall score on dev", ("", *headings), (*tasks, overall))


def next_commands(runs_dir: Path, storage: str | None, *commands: str) -> list[str]:
    """Return what to type for commands such as ``report --study NAME``, for these runs and this storage."""
    where = location_options(runs_dir, storage)
    return [command_line(command) + where for command in commands]


def command_line(command: str) -> str:
    """Return what to type for a command such as ``report --study NAME``: as the running program was started itself."""
    if Path(sys.argv[0]).stem == PROGRAM:
        return f"{_typed(PROGRAM, sys.argv[0])} {command}"
    return f"{_typed('python', sys.executable)} -m search.{command}"


def _typed(name: str, file: str) -> str:
    """Return the name of a program if a shell finds this file by it, else the file's path."""
    found, path = shutil.which(name), Path(file).absolute()
    if found is not None and Path(found).absolute() == path:
        return name
    return shlex.quote(str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path))
