"""A finished study without any training: labels, what its trials predicted at every rung, and its records."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import optuna
from memory_storage import MemoryStorage
from optuna.trial import TrialState

from core.config import RunConfig
from core.inputs.fixed_subset import fixed_subset, stratified_part
from core.run.evaluation import Evaluation
from core.statistics import overall_score, own_metric
from data.reading import read_split
from data.synthetic.corpus import write_corpus
from data.task_files import builtin_tasks
from search.trials.folders import TrialFolders
from search.trials.record import CONFIG, TrialResult

TASKS = ("sst", "sts")
SPECS = {task: builtin_tasks()[task] for task in TASKS}
WEIGHTS = {"sst": 3.0, "sts": 1.0}
SIZE = 80


@dataclass(frozen=True)
class MadeStudy:
    """Scores of every rung are recorded; its data and folders are its own to change."""

    study: optuna.Study
    folders: TrialFolders
    data: Path
    gold: dict[str, np.ndarray]

    def predictions(self, trial: int, rung: int) -> dict[str, np.ndarray]:
        return {task: np.load(self.folders.run(trial).predictions(task, rung)) for task in TASKS}


def make_study(
    root: Path, skills: list[list[float]], seed: int = 0, dev_limit: int | None = None, early_share: float = 1.0
) -> MadeStudy:
    """Return a trial for every list, with a rung for each of its skills: how much it knows of the labels, 0 to 1.

    With a share for early rungs, trials of fewer rungs than others were pruned.
    """
    write_corpus(root / "data", train=20, dev=SIZE, test=5, seed=0)
    tasks = {task: {"spec": SPECS[task], "score_weight": WEIGHTS[task], "dev_limit": dev_limit} for task in TASKS}
    most = max(map(len, skills), default=0)
    config = RunConfig.model_validate(
        {
            "tasks": tasks,
            "data": {"directory": str(root / "data")},
            "optim": {"learning_rate": 1e-4},
            "budget": {"examples": 100 if early_share == 1.0 else 100 * most, "batch_size": 4},
            "eval": {"early_share": early_share},
        }
    )
    gold = {task: np.asarray(read_split(SPECS[task], root / "data", "dev").labels) for task in TASKS}
    gold = {task: labels[fixed_subset(SIZE, dev_limit, task)] for task, labels in gold.items()}
    study = optuna.create_study(storage=MemoryStorage(), direction="maximize")
    folders = TrialFolders(root / "runs" / "made")
    rng = np.random.default_rng(seed)
    for number, of_trial in enumerate(skills):
        run = folders.run(number)
        run.make()
        run.write_config(config)
        evaluations = []
        for rung, skill in enumerate(of_trial, start=1):
            noise = rng.dirichlet(np.ones(5), len(gold["sst"]))
            predictions = {
                "sst": (skill * np.eye(5)[gold["sst"]] + noise).astype(np.float32),
                "sts": (skill * gold["sts"] + rng.normal(size=len(gold["sts"]))).astype(np.float32),
            }
            share = config.dev_share(100 * rung)
            rows = {task: stratified_part(gold[task], share, task) for task in TASKS}
            predictions = {task: values[rows[task]] for task, values in predictions.items()}
            for task, values in predictions.items():
                run.write_predictions(100 * rung, {task: values})
            scores = {task: own_metric(SPECS[task], predictions[task], gold[task][rows[task]]) for task in TASKS}
            overall = overall_score(scores, SPECS, WEIGHTS)
            evaluation = Evaluation(100 * rung, 100 * rung, rung, overall, scores, {}, {}, 1.0, 100.0)
            evaluations.append(replace(evaluation, dev_share=share))
        run.write_metrics(evaluations)
        trial = study.ask()
        trial.set_user_attr(CONFIG, config.model_dump_json())
        result = TrialResult.of(evaluations, "")
        result.write(trial)
        if early_share < 1.0 and len(of_trial) < most:
            for evaluation in evaluations:
                trial.report(evaluation.overall, evaluation.rung)
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, result.overall)
    return MadeStudy(study, folders, root / "data", gold)
