"""Show progress: as a live display in a terminal, as one line per event elsewhere, as JSON for other programs."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import IO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from core.run.evaluation import Evaluation
from search.console.state import ShownTrial, StudyState
from search.display.values import duration
from search.driver.events import (
    DeviceLost,
    Event,
    StudyStarted,
    TrialAdvanced,
    TrialEnded,
    TrialEvaluated,
    TrialRetried,
    TrialStarted,
    WorkerDied,
)
from search.driver.retries import describe_exit

__all__ = ["JsonLines", "LiveProgress", "PlainProgress", "scores_text"]


def scores_text(scores: dict[str, float]) -> str:
    """Format the tasks' scores: ``sst .512  para .861  sts .858``."""
    return "  ".join(f"{task} {score:.3f}".replace(" 0.", " .").replace("-0.", "-.") for task, score in scores.items())


def _overall_text(evaluation: Evaluation) -> str:
    return f"overall {evaluation.overall:.4f}  {scores_text(evaluation.scores)}"


def trial_line(event: TrialEnded) -> str:
    """Describe an ended trial in one line."""
    line = f"trial {event.number:>3}  {event.state:<8}"
    if event.best is not None:
        line += f"  {_overall_text(event.best)}"
    if event.reason:
        line += f"  ({event.reason})"
    return line + f"  {duration(event.seconds)}"


class JsonLines:
    """Observer that writes ``{"event": "TrialEnded", "time": ..., ...}`` lines to a text stream, each flushed."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        """Write one line, except for the once-a-second progress of running trials."""
        if isinstance(event, TrialAdvanced):
            return
        line = {"event": type(event).__name__, "time": round(time.time(), 3), **asdict(event)}
        print(json.dumps(line, default=str), file=self._stream, flush=True)  # this is the log


class PlainProgress:
    """Observer that prints one line per event."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, event: Event) -> None:
        """Print the event, if it belongs in a log."""
        match event:
            case StudyStarted() if event.done or event.resumed:
                of = "" if event.trials is None else f" of {event.trials}"
                self._print(f"resuming: {event.done}{of} trials have ended, {len(event.resumed)} continue")
            case TrialStarted() if event.revived:
                self._print(f"trial {event.number:>3}  continues: it is now among the best at its last rung")
            case TrialEvaluated():
                evaluation = event.evaluation
                self._print(
                    f"trial {event.number:>3}  at {evaluation.rung:>7,} examples  {_overall_text(evaluation)}  "
                    f"{evaluation.examples_per_second:.0f} examples/s"
                )
            case TrialEnded():
                self._print(trial_line(event))
            case DeviceLost():
                trial = "" if event.number is None else f"; trial {event.number} continues on another one"
                self._print(
                    f"{event.device} has failed and is used no longer ({event.reason}){trial if event.workers else ''}"
                )
            case WorkerDied():
                what = "retrying its trial" if event.retried else "starting another one"
                self._print(f"worker {event.worker} {describe_exit(event.exit_code)}; {what}")
            case TrialRetried():
                self._print(f"trial {event.number:>3}  crashed ({event.reason}); retrying")

    def _print(self, line: str) -> None:
        self._console.print(line, soft_wrap=True)


class LiveProgress:
    """Observer that updates the state and keeps a live display below the lines of ended trials; a context manager."""

    def __init__(self, console: Console, state: StudyState) -> None:
        self._console = console
        self._state = state
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=4, transient=True)

    def __enter__(self) -> LiveProgress:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def __call__(self, event: Event) -> None:
        """Update the display; print ended trials above it."""
        self._state(event)
        match event:
            case TrialEnded():
                style = {"complete": "green", "pruned": "yellow", "failed": "red"}[event.state]
                self._console.print(Text(trial_line(event), style=style))
            case TrialStarted() | DeviceLost() | WorkerDied() | TrialRetried():
                PlainProgress(self._console)(event)

    def _render(self) -> RenderableType:
        started = self._state.started
        if started is None:
            return Text("starting workers …", style="dim")
        bar = Progress(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("trials  {task.fields[left]}", markup=False),
        )
        left = self._state.seconds_left
        bar.add_task(
            started.study,
            total=started.trials,
            completed=self._state.done,
            left="" if left is None else f"about {duration(left)} left",
        )
        table = Table.grid(padding=(0, 2))
        for trial in list(self._state.running.values()):
            table.add_row(*_running_row(trial))
        best = self._state.best
        best_line = "no finished trial yet"
        if best is not None and best.best is not None:
            best_line = f"best on dev: trial {best.number}  {_overall_text(best.best)}"
        return Group(bar, table, Text(best_line, style="bold"))


def _running_row(trial: ShownTrial) -> tuple[str, str, str]:
    share = trial.examples / trial.planned
    latest = ""
    if trial.evaluation is not None:
        latest = _overall_text(trial.evaluation)
    place = f" on {trial.device}" if trial.device else ""
    return f"  trial {trial.number}{place}", f"{trial.examples:,} / {trial.planned:,} examples ({share:.0%})", latest
