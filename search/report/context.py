"""The data that the sections of a report are made from; each piece is read or computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import optuna
import pandas as pd
from optuna.storages import BaseStorage

from core.config import RunConfig
from core.inputs.augmentation import answers_dir
from core.run.evaluation import Evaluation
from data.errors import UserError
from search.ablate.outcome import AblationOutcome, read_ablation
from search.ablate.plan import ORIGIN as ABLATION
from search.analysis.expected_score import Estimate, estimate_best
from search.analysis.mistakes.compared_runs import ComparedRuns, TaskRuns, best_runs, best_trials, task_runs
from search.analysis.seed_comparison import Comparison
from search.analysis.train_dev_curves import counted_passes
from search.finalists.exportable_models import ExportableModel, exportable_models
from search.finalists.final_outcome import FinalOutcome, read_final
from search.recorded.ranking import best_trial
from search.recorded.space import searched_settings
from search.recorded.study_folder import open_folders
from search.recorded.trial_table import trial_table
from search.report.importance_summary import ImportanceSummary, summarise_importance
from search.space.variants import VARIANT
from search.study.first_trials import DEFAULT
from search.trials.folders import TrialFolders
from search.trials.record import FinishedTrial, TrialRecord

__all__ = ["ReportContext"]


@dataclass(frozen=True)
class ReportContext:
    """A study, and what is known of it.

    Attributes:
        study: the recorded study. It is read several times: if the search is running, pass a
            :func:`search.recorded.ranking.snapshot`.
        folders: where its trials left their curves and predictions.
        comparison: of a study over several seeds; None for others.
        data: the folder with the tasks' files, if it has moved.
        storage: contains the studies that build on this one; None: not looked for.
        where: options that commands on this study need; see :func:`search.console.cli.location_options`.
        group_by: columns of the dev files by which scores are shown.
    """

    study: optuna.Study
    folders: TrialFolders
    comparison: Comparison | None = None
    data: Path | None = None
    storage: BaseStorage | None = None
    where: str = ""
    group_by: tuple[str, ...] = ()

    def sibling(self, suffix: str) -> tuple[optuna.Study, TrialFolders] | None:
        """Return the study ``NAME-suffix`` that builds on this one, and its folders; None if there is none."""
        name = f"{self.study.study_name}-{suffix}"
        if self.storage is None or name not in optuna.get_all_study_names(self.storage):
            return None
        study = optuna.load_study(study_name=name, storage=self.storage)
        return study, open_folders(study, self.folders.root.parent)

    @property
    def is_comparison(self) -> bool:
        """Whether the study compares variants, like finals and ablations, and thus has no finalists of its own."""
        return VARIANT in searched_settings(self.study)

    @cached_property
    def table(self) -> pd.DataFrame:
        """:func:`search.recorded.trial_table.trial_table`, with at least one row.

        Raises:
            UserError: if there is no trial.
        """
        table = trial_table(self.study)
        if table.empty:
            raise UserError(f"study '{self.study.study_name}' has no trial yet")
        return table

    @cached_property
    def records(self) -> dict[int, TrialRecord]:
        """All trials by number."""
        return {trial.number: TrialRecord.read(trial) for trial in self.study.get_trials(deepcopy=False)}

    @cached_property
    def curves(self) -> dict[int, list[Evaluation]]:
        """Learning curves by trial number; empty if a trial has none or its folder is gone."""
        return {number: self.folders.run(number).read_metrics() for number in self.table["trial"].tolist()}

    @cached_property
    def states(self) -> dict[int, str]:
        """``complete``, ``pruned``, ``failed``, ``running`` or ``waiting``, by number."""
        return dict(zip(self.table["trial"].tolist(), self.table["state"].tolist(), strict=True))

    @cached_property
    def best(self) -> FinishedTrial | None:
        """The best trial; None as long as no trial that may win has finished."""
        trial = best_trial(self.study)
        return None if trial is None else FinishedTrial.of(self.records[trial.number])

    @property
    def winner_config(self) -> RunConfig | None:
        """The configuration that the report recommends: that of the final's winner, else the best trial's."""
        if self.outcome is not None:
            return self.outcome.winner.config
        return None if self.best is None else self.best.config

    @property
    def default_config(self) -> RunConfig | None:
        """The default configuration as it was trained with the winner; None if it was not."""
        if self.outcome is not None:
            return None if self.outcome.default is None else self.outcome.default.config
        return None if self.default is None else self.default.config

    @property
    def is_over_folds(self) -> bool:
        """Whether trials train a model for each fold."""
        return any(one.config is not None and one.config.models > 1 for one in self.records.values())

    @cached_property
    def default(self) -> FinishedTrial | None:
        """The default configuration's trial; None if there is none or it has not finished."""
        found = (one for one in self.records.values() if one.role == DEFAULT)
        return next((FinishedTrial.of(one) for one in found if self.states[one.number] == "complete"), None)

    @cached_property
    def mattered(self) -> ImportanceSummary:
        """Importance and effects of the settings."""
        return summarise_importance(self.study)

    @cached_property
    def best_evaluation(self) -> Evaluation | None:
        """The best trial's evaluation at its best rung; None without a best trial, or if its folder is gone."""
        if self.best is None:
            return None
        at_best = (one for one in self.curves[self.best.number] if one.rung == self.best.result.best_rung)
        return next(at_best, None)

    @cached_property
    def compared_runs(self) -> ComparedRuns | None:
        """The runs whose errors are compared: the finalists, the winner first; without a final, the best trials.

        None if no trial has finished.
        """
        outcome, sibling = self.outcome, self.sibling("finalists")
        if outcome is None or sibling is None:
            return best_trials(self.study, self.folders)
        return best_runs(*sibling, {one.name: one.runs for one in outcome.finalists})

    @cached_property
    def compared_curve(self) -> list[Evaluation]:
        """The learning curve of the first of the compared runs, over folds their mean; empty if it is gone."""
        run = None if self.compared_runs is None else self.compared_runs.runs[0]
        return [] if run is None else run.folders.model_curve(run.record.number)

    @cached_property
    def passes(self) -> tuple[dict[int, dict[str, float]] | None, str]:
        """Passes of the first of the compared runs through its training sets, by rung and task; or None and why."""
        if self.compared_runs is None:
            return None, "no trial has finished"
        run = self.compared_runs.runs[0]
        answers = answers_dir(run.folders.root.parent / "cache")
        try:
            return counted_passes(run.record.config_with_data(self.data), self.compared_curve, answers), ""
        except UserError as error:
            return None, str(error)

    @cached_property
    def task_runs(self) -> dict[str, TaskRuns | UserError]:
        """The dev examples and predictions of the compared runs by task, or why they cannot be used."""
        panel = self.compared_runs
        found: dict[str, TaskRuns | UserError] = {}
        for task in () if panel is None else panel.runs[0].config.tasks:
            assert panel is not None
            try:
                found[task] = task_runs(panel, task, self.data, self.group_by)
            except UserError as error:
                found[task] = error
        return found

    @cached_property
    def expected(self) -> tuple[Estimate | None, str]:
        """Expected score of the best trial on new data; or None and the reason."""
        return estimate_best(self.study, self.folders, self.data)

    @cached_property
    def outcome(self) -> FinalOutcome | None:
        """The outcome of the study's finalists; None if there is no final or it has no winner yet."""
        return read_final(self.study, self.storage, self.folders, self.data)

    @cached_property
    def ablation(self) -> AblationOutcome | None:
        """The outcome of the winner's ablation; None if there is none or the winner's own runs have not finished."""
        own = (self.study, self.folders) if ABLATION in self.study.user_attrs else None
        found = own or self.sibling("ablation")
        return None if found is None else read_ablation(*found, self.data)

    @cached_property
    def models(self) -> list[ExportableModel]:
        """The models to use after a final, the best first; empty without one."""
        final = self.sibling("finalists")
        if self.outcome is None or final is None:
            return []
        return exportable_models((self.study, self.folders), final, self.data)
