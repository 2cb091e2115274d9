"""A fine search around a study's best trial."""

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from inline_study import InlineStudy, comparing, searching
from optuna.trial import FixedTrial
from stub_study import BASE, SPACE, SPEC

from core.config import RunConfig
from data.errors import UserError
from data.task_files import builtin_tasks
from search.recorded.fine_search import fine_search
from search.recorded.ranking import best_trial
from search.recorded.study import create_or_load
from search.recorded.warm_start import with_warm_start
from search.space.ranges import FloatRange
from search.storage.open import open_storage
from search.study.first_trials import DEFAULT
from search.study.spec import StudySpec
from search.trials.record import TrialRecord

Run = Callable[..., subprocess.CompletedProcess[str]]
SPEC = replace(SPEC, trials=5)
RATE = {"optim.learning_rate": 5e-3, "heads.sst.layers": 1}


@pytest.fixture
def coarse(tmp_path: Path) -> InlineStudy:
    return InlineStudy(tmp_path, SPEC).run()


def best(study: InlineStudy) -> tuple[int, RunConfig]:
    trial = best_trial(study.study)
    assert trial is not None
    config = TrialRecord.read(trial).config
    assert config is not None
    return trial.number, config


def test_it_starts_from_the_best_trial_in_a_narrow_space(coarse: InlineStudy) -> None:
    number, config = best(coarse)
    fine = fine_search(SPEC, coarse.storage)
    assert (fine.name, fine.base) == ("stub-fine", config)
    assert fine.description == f"a fine search around trial {number} of stub"
    assert [trial.role for trial in fine.first_trials] == [DEFAULT]
    (rate,) = (one.distribution for one in fine.space.dimensions if one.path == "optim.learning_rate")
    assert isinstance(rate, FloatRange)
    assert 1e-6 <= rate.low < config.optim.learning_rate < rate.high <= 1e-2
    study = InlineStudy(coarse.folders.root.parent, fine, coarse.storage).run()
    assert study.records[0].config == config
    assert study.trials[0].value == coarse.trials[number].value  # trained again, to the same score
    assert all(not fine.space.encode(record.config or BASE).notes for record in study.records)


def test_a_configuration_that_is_not_the_trials(coarse: InlineStudy) -> None:
    number, config = best(coarse)
    other = config.model_copy(update={"seed": 77})
    coarse.folders.run(number).config.write_text(other.model_dump_json())
    said = rf"^trial {number}: seed is 0 in the storage and 77 in "
    with pytest.raises(UserError, match=said):
        fine_search(SPEC, coarse.storage, runs_dir=coarse.folders.root.parent)
    with pytest.raises(UserError, match=said):
        with_warm_start(replace(SPEC, name="new"), ["stub"], 1, coarse.storage, runs_dir=coarse.folders.root.parent)


def test_it_keeps_its_centre_when_the_study_changes(coarse: InlineStudy) -> None:
    begun = fine_search(SPEC, coarse.storage)
    create_or_load(begun, coarse.storage)
    better = coarse.study.ask()
    elsewhere = SPACE.suggest(FixedTrial(RATE), BASE)
    better.set_user_attr("config", elsewhere.canonical_json())
    coarse.study.tell(better, 1.0)
    again = fine_search(SPEC, coarse.storage)
    assert (again.base, again.space, again.origin) == (begun.base, begun.space, begun.origin)
    assert best(coarse)[1] == elsewhere != again.base
    optuna.delete_study(study_name="stub", storage=coarse.storage)
    gone = fine_search(SPEC, coarse.storage)
    assert gone.identity() == begun.identity()
    create_or_load(gone, coarse.storage)


def test_tasks_keep_their_order(tmp_path: Path) -> None:
    """Runs over the same tasks in another order are other runs."""
    tasks = {name: {"spec": builtin_tasks()[name]} for name in ("sst", "para", "sts")}
    base = RunConfig.model_validate({"tasks": tasks, "budget": {"examples": 100, "batch_size": 4}})
    rate = {"low": 1e-6, "high": 1e-2, "log": True}
    study = InlineStudy(tmp_path, searching("three", {"optim.learning_rate": rate}, base, trials=2)).run()
    first = fine_search(study.spec, study.storage)
    create_or_load(first, study.storage)
    for fine in (first, fine_search(study.spec, study.storage)):
        rate_there = {"learning_rate": fine.base.optim.learning_rate}
        expected = base.model_copy(update={"optim": base.optim.model_copy(update=rate_there)})
        assert fine.base.model_dump_json() == expected.model_dump_json()
        assert list(fine.base.tasks) == ["sst", "para", "sts"]


def test_a_repeat_is_not_a_centre(coarse: InlineStudy) -> None:
    number, config = best(coarse)
    repeat = coarse.study.ask()
    repeat.set_user_attr("config", SPACE.suggest(FixedTrial(RATE), BASE).canonical_json())
    repeat.set_user_attr("repeat_of", number)
    coarse.study.tell(repeat, 1.0)
    assert fine_search(SPEC, coarse.storage).base == config


def test_data_and_workers_are_as_the_user_says_now(coarse: InlineStudy) -> None:
    moved = BASE.model_copy(update={"data": BASE.data.model_copy(update={"directory": "/elsewhere"})})
    moved = moved.model_copy(update={"compute": BASE.compute.model_copy(update={"threads": 7})})
    fine = fine_search(replace(SPEC, base=moved, workers=2, trials=9), coarse.storage, name="other")
    assert (fine.name, fine.workers, fine.trials) == ("other", 2, 9)
    assert (fine.base.data.directory, fine.base.compute.threads) == ("/elsewhere", 7)


def test_refusals_are_one_line(coarse: InlineStudy) -> None:
    def refusal(spec: StudySpec = SPEC, **options: Any) -> str:
        with pytest.raises(UserError) as caught:
            fine_search(spec, coarse.storage, **options)
        return str(caught.value)

    assert refusal(replace(SPEC, source=Path("nope.toml"))) == "--study nope: no such study; it has stub"
    assert refusal(name="stub") == "--name stub: a fine search of 'stub' needs a different name"
    assert "'stub', the centre of the search, has the encoder bert-base-uncased" in refusal(model="minilm")
    choices = searching("choices", {"heads.sst.pooling": ["cls", "mean"]}, trials=1)
    for spec, reason in ((choices, "searches choices only"), (comparing(), "compares variants")):
        InlineStudy(coarse.folders.root.parent, spec, coarse.storage).run()
        assert refusal(spec) == f"--fine: study '{spec.name}' {reason}; there is no range to narrow"
    taken = "--fine: study '{}' already exists and is {}; choose another --name"
    assert refusal(name="choices") == taken.format("choices", "not a fine search")
    create_or_load(fine_search(SPEC, coarse.storage), coarse.storage)
    assert refusal(choices, name="stub-fine") == taken.format("stub-fine", "a fine search of 'stub'")


@pytest.mark.slow
def test_on_the_command_line(finished_study: Any, tmp_path: Path, run_command: Run) -> None:
    """The best trial is the fine study's default, and comes again as the other study's best: it is trained once."""
    runs = Path(shutil.copytree(finished_study.runs, tmp_path / "runs"))
    command = ["search.run", "--study", finished_study.file, "--runs-dir", runs, "--trials", 2, "--fine"]
    shown = run_command(*command, "--dry-run", "--json")
    assert shown.returncode == 0, shown.stderr
    study = optuna.load_study(study_name="tiny", storage=open_storage(None, runs))
    trial = best_trial(study)
    assert trial is not None
    assert f"a fine search around trial {trial.number} of tiny" in shown.stderr
    assert "shares of sst from" in shown.stderr
    base = json.loads(shown.stdout)
    assert base["optim"]["learning_rate"] == trial.params["optim.learning_rate"]
    assert not (runs / "tiny-fine").exists()
    done = run_command(*command, "--warm-start", "tiny", "--warm-start-trials", 1, "--quiet")
    assert done.returncode == 0, done.stderr
    assert "study tiny-fine: 2 finished, 1 of them equal to an earlier one, and not trained again" in done.stdout
    fine = optuna.load_study(study_name="tiny-fine", storage=open_storage(None, runs))
    default, again = (TrialRecord.read(trial) for trial in fine.trials)
    assert (again.role, again.repeat_of) == (f"from tiny, trial {trial.number}", 0)
    assert default.result.overall == again.result.overall
    assert list(base["tasks"]) == ["sst", "para", "sts"]
    folders = [runs / "tiny-fine" / f"trial-000{number}" for number in (0, 1)]
    files = [{path.relative_to(one) for path in one.rglob("*") if path.is_file()} for one in folders]
    kept = ("best/model.safetensors", "best/encoder/config.json", "best/encoder/tokenizer.json")
    assert files[0] - files[1] == set(map(Path, kept))
    assert not files[1] - files[0]
