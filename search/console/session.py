"""Run a study from the command line: check its data, measure its speed, and show it while it trains."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import typer
from rich.console import Console

from core.inputs.augmentation import answers_dir
from search.console.cli import ExitCode, end_with
from search.console.executor_choice import local_executor
from search.console.phases import StudyPhases
from search.console.plan import show_data, show_estimate, show_warnings
from search.console.progress import JsonLines, LiveProgress, PlainProgress
from search.console.signals import RESUME
from search.console.state import StudyState
from search.display.console import make_console, working
from search.driver.driver import Driver, StudyResult
from search.driver.events import Observer
from search.driver.settled_precision import with_precision
from search.executors.base import Executor, ExecutorError
from search.preflight.data import DataReport, check_data, with_synthetic_data
from search.preflight.encoder import check_encoder_fits
from search.preflight.encoder_content import read_folders, survey_encoders
from search.preflight.further import check_further
from search.preflight.nli import check_nli_files
from search.preflight.study_inputs import StudyInputs
from search.recorded.second_start import SecondStart
from search.storage.open import describe_storage, open_storage
from search.study.file import check_own_classes
from search.study.spec import StudySpec

__all__ = ["StudySession"]


@dataclass(frozen=True)
class StudySession:
    """How a command runs and shows studies.

    Attributes:
        runs_dir: contains the studies' folders.
        storage: the URL that the user gave; None for the default.
        quiet: print the result and warnings only.
        json: write one JSON object per event to standard output, and everything else to standard error.
        restart: whether to move a recorded study of the same name aside; None: the command has no such option.
        make_executor: makes the executor for a study and a cache folder.
    """

    runs_dir: Path
    storage: str | None = None
    quiet: bool = False
    json: bool = False
    restart: bool | None = None
    make_executor: Callable[[StudySpec, Path], Executor] = local_executor

    @cached_property
    def console(self) -> Console:
        """Console for everything before the result."""
        return make_console(stderr=self.json, quiet=self.quiet)

    @cached_property
    def end(self) -> Console:
        """Console for the result."""
        return make_console(stderr=self.json)

    @property
    def start(self) -> SecondStart:
        """How studies begin whose names are recorded already."""
        return SecondStart(self.storage, self.runs_dir, self.restart)

    def survey(
        self, spec: StudySpec, check_source: Callable[[StudyInputs], None] = lambda _: None
    ) -> tuple[StudySpec, DataReport]:
        """Read all data, generating it first for a study with synthetic data, and print sizes and warnings.

        What of the study is recorded, and differs, is refused, moved aside or replaced; see
        :mod:`search.recorded.second_start`. It is refused as soon as the difference is known: encoders are compared
        before the data are read, and the tasks' files before further examples are made and texts are tokenised.

        Args:
            spec: the study.
            check_source: raises an error if the study that this one is made from had other data or encoders; called
                with what is known, and again when more is.

        Returns:
            The study, which reads its generated data if it has any, and the report on its data.

        Raises:
            UserError: the study is running, or is recorded with other settings or data; the data cannot be used, or a
                class of the user that the study names.
        """
        start = self.start

        def check(inputs: StudyInputs) -> None:
            check_source(inputs)
            start.check(spec, inputs)

        start.finish_moves(spec.name)
        known = StudyInputs(encoders=read_folders(spec))
        check(known)
        check_own_classes(spec)
        if spec.synthetic is not None:  # its data are in the folder that may be moved
            self._say(start.make_room(spec, known))
        faults = self.runs_dir / spec.name / "malformed-rows.txt"
        with self._working("generating data" if spec.synthetic else "reading data"):
            spec = with_synthetic_data(spec, self.runs_dir)
            report = check_data(spec.base, faults, spec.named_ids)
            check(replace(known, splits_digest=report.splits_digest, data_parts=report.parts))
            report = check_nli_files(spec, report)
            report = check_further(report, spec, answers_dir(self.runs_dir / "cache"), faults)
            report = survey_encoders(report, spec, self.runs_dir / "cache", known.encoders)
        check(report.inputs)
        if spec.synthetic is None or not self.restart:
            self._say(start.make_room(spec, report.inputs))
        show_data(self.console, report)
        show_warnings(make_console(stderr=True) if self.quiet else self.console, report.warnings)
        return spec, report

    def _working(self, text: str) -> AbstractContextManager[None]:
        """Show a spinner, unless a program reads what is printed."""
        return nullcontext() if self.json else working(self.console, text)

    def _say(self, line: str | None) -> None:
        if line is not None:
            self.end.print(line, soft_wrap=True)

    def phases(self) -> StudyPhases:
        """Return the observer that shows several calls of :meth:`train` as one study."""
        return StudyPhases(self._observers)

    def train(
        self, spec: StudySpec, report: DataReport, *, phases: StudyPhases | None = None, later: int = 0
    ) -> StudyResult:
        """Train until the study has ended, and show it.

        Args:
            report: on its data.
            phases: the phases that this call is one of; None if it is the only one.
            later: number of trials that later calls train.

        Raises:
            UserError: like :meth:`search.driver.driver.Driver.run`.
            typer.Exit: the study was interrupted, or workers cannot be started; a message has been printed.
        """
        try:
            with nullcontext(phases) if phases is not None else self.phases() as shown:
                result = self._train(spec, report, shown, later)
        except ExecutorError as error:
            end_with(error, ExitCode.FAILED)
        if not result.finished:
            self.console.print(RESUME)
            raise typer.Exit(ExitCode.INTERRUPTED)
        return result

    def _train(self, spec: StudySpec, report: DataReport, phases: StudyPhases, later: int) -> StudyResult:
        state = phases.state
        executor = self.make_executor(spec, self.runs_dir / "cache")
        driver = Driver(
            spec,
            open_storage(self.storage, self.runs_dir),
            executor,
            self.runs_dir / spec.name,
            storage_name=describe_storage(self.storage, self.runs_dir),
            inputs=report.inputs,
        )
        try:
            # Only before the first trial: a study that has begun keeps its space, whatever became of its trials.
            if driver.is_new:
                with self._working("loading the encoder"):
                    check_encoder_fits(spec, executor)
            if spec.base.compute.precision == "auto":
                with self._working("choosing the precision"):
                    choice = driver.precision
                if choice is not None:
                    spec = with_precision(spec, choice)
                    self.console.print(f"precision: {choice.describe()}", soft_wrap=True)
            ahead = driver.remaining
            # The estimate covers all phases, and is made once.
            if ahead.trials != 0 and not self.quiet and state.expected_seconds is None:
                every = replace(ahead, trials=None if ahead.trials is None else ahead.trials + later)
                with self._working("measuring the speed"):
                    speed = executor.measure(spec.base)
                state.expected_seconds = show_estimate(self.console, speed, spec, every)
            state.planned = state.planned or spec.planned_examples
            phases.begin(later)
            return driver.run([phases])
        finally:
            executor.stop()

    @contextmanager
    def _observers(self, state: StudyState) -> Iterator[list[Observer]]:
        """Open what shows the study: JSON lines, nothing, a live display, or plain lines outside a terminal."""
        if self.json:
            yield [JsonLines(sys.stdout)]
        elif self.quiet:
            yield []
        elif self.console.is_terminal:
            with LiveProgress(self.console, state) as live:
                yield [live]
        else:
            yield [state, PlainProgress(self.console)]
