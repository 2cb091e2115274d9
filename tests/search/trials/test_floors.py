"""Floors: what they prune, what may win, and how a study file sets them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_storage import MemoryStorage
from optuna.trial import FrozenTrial
from rich.console import Console
from scripted_executor import ScriptedExecutor
from stub_study import BASE, changed

from core.config import RunConfig
from core.run.evaluation import Evaluation
from data.errors import UserError
from data.task_files import builtin_tasks
from search.console.state import StudyState
from search.console.summary import show_summary
from search.driver.driver import Driver
from search.driver.events import Event, TrialEnded, TrialStarted
from search.parsing.errors import StudyFileError
from search.pruners.registry import PrunerChoice
from search.recorded.ranking import best_trial, pick_trial
from search.report.context import ReportContext
from search.report.sections.answer import answer_section
from search.samplers.registry import SamplerChoice
from search.space.parsing import parse_space
from search.study.file import load_study
from search.study.first_trials import default_trial
from search.study.spec import StudySpec
from search.study.variant_study import plan_comparison
from search.trials.floors import Floor, is_feasible, parse_floors, why_no_winner, why_pruned
from search.trials.folders import TrialFolders
from search.trials.record import TrialResult
from tests.core.fold_cases import folds_config, write_rows

optuna.logging.set_verbosity(optuna.logging.WARNING)
TWO = RunConfig.model_validate(
    {**BASE.model_dump(), "tasks": {name: {"spec": builtin_tasks()[name]} for name in ("sst", "sts")}, "heads": {}}
)
SPACE = parse_space({"optim.learning_rate": {"low": 1e-6, "high": 1e-2, "log": True}}, TWO)
RUNGS = TWO.rungs  # 20, 40, 60, 80, 100
Curve = list[tuple[float, float]]  # sst and sts at each rung


def spec_of(*floors: Floor, **changes: Any) -> StudySpec:
    options = {"pruner": "none", "sampler": SamplerChoice("random"), "first_trials": default_trial(SPACE, TWO)}
    return changed(base=TWO, space=SPACE, floors=floors, **{**options, **changes})


def run(
    spec: StudySpec, curves: Mapping[int, Curve], root: Path, storage: MemoryStorage | None = None
) -> tuple[optuna.Study, list[Event]]:
    seen: list[Event] = []
    executor = ScriptedExecutor(lambda number, index: dict(zip(("sst", "sts"), curves[number][index], strict=True)))
    result = Driver(spec, storage or MemoryStorage(), executor, root).run([seen.append])
    assert result.finished
    return result.study, seen


def evaluation(rung: int, **scores: float) -> Evaluation:
    return Evaluation(rung, rung, 0, sum(scores.values()) / len(scores), scores, {}, {}, 1.0, 1.0)


score = st.integers(0, 10).map(lambda n: n / 10)
curve = st.lists(st.tuples(score, score), min_size=len(RUNGS), max_size=len(RUNGS))


@settings(max_examples=40)
@given(st.lists(curve, min_size=4, max_size=4), score, score, st.sampled_from([0, 21, 60, 100]))
def test_a_floor_prunes_where_the_rule_says_and_nothing_below_it_wins(
    found: list[Curve], sst: float, sts: float, start: int
) -> None:
    curves = dict(enumerate(found))
    floors = {"sst": sst, "sts": sts}
    with tempfile.TemporaryDirectory() as folder:
        study, seen = run(spec_of(Floor("sst", sst, start), Floor("sts", sts, 60), trials=4), curves, Path(folder))
        kept = {path.parents[1].name for path in Path(folder).glob("trial-*/best/model.safetensors")}
    winners: dict[int, float] = {}
    for trial in study.get_trials():
        points = curves[trial.number]
        ends = [
            index
            for index, (rung, (s, t)) in enumerate(zip(RUNGS, points, strict=True))
            if (rung >= start and s < sst) or (rung >= 60 and t < sts)
        ]
        if trial.number > 0 and ends and ends[0] < len(RUNGS) - 1:
            assert trial.state.name == "PRUNED"
            assert trial.last_step == RUNGS[ends[0]]
            assert "is below its floor of" in trial.user_attrs["reason"]
            assert not is_feasible(trial)
        else:
            assert trial.state.name == "COMPLETE"
            best = max(points, key=lambda pair: sum(pair))  # ties go to the first
            fit = all(value >= floor for value, floor in zip(best, floors.values(), strict=True))
            assert is_feasible(trial) == fit
            assert bool(trial.user_attrs["reason"]) != fit
            if fit:
                winners[trial.number] = sum(best) / 2
    winner = best_trial(study)
    expected = max(winners, key=lambda number: (winners[number], -number), default=None)
    assert (winner.number if winner else None) == expected
    best_two = sorted(winners, key=lambda number: (-winners[number], number))[:2]
    assert kept == {f"trial-{number:04d}" for number in best_two}
    state = StudyState()
    for event in seen:
        state(event)
    assert (state.best.number if state.best else None) == expected


GOOD: Curve = [(0.5, 0.5)] * 5
LAME: Curve = [(0.3, 0.9)] * 5  # a higher overall score, but sst below .45
DIPS: Curve = [(0.5, 0.5), (0.5, 0.5), (0.44, 0.9), (0.6, 0.9), (0.6, 0.9)]
EARLY: Curve = [(0.2, 0.98), (0.5, 0.5), (0.5, 0.5), (0.5, 0.5), (0.5, 0.5)]  # best before the floor begins
LATE: Curve = [*GOOD[:4], (0.4, 0.9)]  # its last rung is its best, and below
FLOOR = Floor("sst", 0.45, 50)


@pytest.fixture
def told(tmp_path: Path) -> tuple[optuna.Study, list[Event], StudySpec]:
    """Run the default and four others under a floor of .45 from 50 examples on."""
    spec = spec_of(FLOOR, trials=6)
    study, seen = run(spec, dict(enumerate([LAME, GOOD, LAME, DIPS, EARLY, LATE])), tmp_path / spec.name)
    return study, seen, spec


def test_the_end_of_each_trial(told: tuple[optuna.Study, list[Event], StudySpec]) -> None:
    study, seen, _ = told
    trials = study.get_trials()
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * 2 + ["PRUNED"] * 2 + ["COMPLETE"] * 2
    ended = [event for event in seen if isinstance(event, TrialEnded)]
    assert [event.reason for event in ended] == [
        "sst .300 is below its floor of .45, so it cannot win",  # the default is never pruned, but cannot win
        "",
        "sst .300 is below its floor of .45 at 60 examples",
        "sst .440 is below its floor of .45 at 60 examples",
        "sst .200 is below its floor of .45, so it cannot win",
        "sst .400 is below its floor of .45, so it cannot win",
    ]
    assert [event.feasible for event in ended] == [False, True, False, False, False, False]
    assert [event.examples for event in ended] == [100, 100, 60, 60, 100, 100]
    assert [trial.constraints["floor sst"] > 0 for trial in trials] == [True, False, True, True, True, True]
    assert study.best_trial.number == 1  # Optuna agrees, and so does its dashboard
    assert pick_trial(study, None).number == 1
    assert TrialResult.read(trials[0].user_attrs).overall == pytest.approx(0.6)


def test_the_summary_and_the_report_count_them(
    told: tuple[optuna.Study, list[Event], StudySpec], tmp_path: Path
) -> None:
    study, _, spec = told
    console = Console(width=300, record=True)
    with console.capture() as captured:
        show_summary(console, study, spec, tmp_path, None)
    said = captured.get()
    assert "study stub: 4 finished (3 of them below a floor), 2 pruned (2 of them by a floor)" in said
    assert "best: trial 1" in said
    assert "-0.1000" in said  # against the default, which stays the comparison
    words = answer_section(ReportContext(study, TrialFolders(tmp_path / "elsewhere"))).parts
    assert str(words[1]).startswith("Winner: trial 1, the only one trained to the end")
    assert any(isinstance(part, str) and "0.100 lower than the default" in part for part in words)


def test_where_smaller_is_better_a_floor_is_a_ceiling() -> None:
    sts = {**builtin_tasks()["sts"].model_dump(), "metric": "rmse"}
    tasks = {"sst": {"spec": builtin_tasks()["sst"]}, "sts": {"spec": sts}}
    base = RunConfig.model_validate({**TWO.model_dump(), "tasks": tasks, "heads": {}})
    (ceiling,) = parse_floors({"sts": {"score": 0.8, "from": 40}}, base)
    assert ceiling == Floor("sts", 0.8, 40, is_ceiling=True)
    assert ceiling.lack(evaluation(40, sts=1.0)) == pytest.approx(0.2)
    assert ceiling.lack(evaluation(40, sts=0.8)) == 0.0
    assert why_pruned([ceiling], evaluation(40, sts=1.25)) == "sts 1.250 is above its ceiling of .8 at 40 examples"
    assert why_pruned([ceiling], evaluation(20, sts=1.25)) == ""
    assert why_no_winner([ceiling], evaluation(20, sts=0.80001)) == (
        "sts .80001 is above its ceiling of .8, so it cannot win"
    )
    assert why_no_winner([ceiling], evaluation(100, sts=0.5)) == ""
    with pytest.raises(StudyFileError, match="rmse is at least 0, got -1"):
        parse_floors({"sts": -1.0}, base)


def test_a_study_whose_trials_are_all_below_has_no_winner(tmp_path: Path) -> None:
    spec = spec_of(FLOOR, trials=3)
    study, _ = run(spec, dict.fromkeys(range(3), LAME), tmp_path / spec.name)
    assert best_trial(study) is None
    console = Console(width=300)
    with console.capture() as captured:
        show_summary(console, study, spec, tmp_path, None)
    assert "no finished trial meets the floors" in captured.get()
    said = answer_section(ReportContext(study, TrialFolders(tmp_path / "elsewhere"))).parts
    assert said[0] == "No finished trial meets the floors."
    with pytest.raises(UserError, match="no finished trial that meets its floors"):
        pick_trial(study, None)


def test_a_run_that_a_floor_ends_is_not_among_those_that_the_pruner_compares(tmp_path: Path) -> None:
    """Halving keeps the better half of all that it has seen at a rung."""
    spec = spec_of(Floor("sst", 0.45, 0), trials=5, pruner="halving")
    lame, good = [(0.0, 1.0)] * 5, [(0.46, 0.4)] * 5
    study, _ = run(spec, dict(enumerate([good, lame, lame, lame, good])), tmp_path)
    assert [trial.state.name for trial in study.get_trials()] == ["COMPLETE", *["PRUNED"] * 3, "COMPLETE"]


@pytest.mark.parametrize("name", ["tpe", pytest.param("gp", marks=pytest.mark.slow)])
def test_samplers_take_the_floors_as_constraints(tmp_path: Path, name: str) -> None:
    """sst falls with the learning rate and sts rises up to .8 of it: the best overall scores are below the floor."""
    spec = spec_of(Floor("sst", 0.5, 0), trials=16, sampler=SamplerChoice(name, {"n_startup_trials": 5}))
    spec_without = spec_of(trials=16, sampler=spec.sampler)
    proposed = {}
    for spec_now in (spec, spec_without):
        storage = MemoryStorage()

        def scores(number: int, index: int, storage: MemoryStorage = storage) -> dict[str, float]:  # noqa: ARG001
            trial: FrozenTrial = storage.get_all_trials(0)[number]
            x = trial.params["optim.learning_rate"] / 1e-2
            return {"sst": 1 - x, "sts": 3 * x - 2 - 6 * max(x - 0.8, 0.0)}

        folder = tmp_path / str(len(spec_now.floors))
        study = Driver(spec_now, storage, ScriptedExecutor(scores), folder).run().study
        rates = [trial.params["optim.learning_rate"] for trial in study.get_trials()[5:]]
        proposed[len(spec_now.floors)] = sum(rate > 0.6e-2 for rate in rates)
    assert proposed[1] < proposed[0]


def test_the_words_are_true_to_the_digit() -> None:
    """A score that rounds to its floor is shown in full."""
    close = evaluation(60, sst=0.44996, sts=0.1)
    assert why_pruned([FLOOR], close) == "sst .44996 is below its floor of .45 at 60 examples"
    negative = [Floor("sts", -0.25, 0), Floor("sst", 1.0, 0)]
    assert why_no_winner(negative, evaluation(60, sst=0.5, sts=-0.5)) == (
        "sts -.500 is below its floor of -.25 and sst .500 is below its floor of 1, so it cannot win"
    )
    assert why_no_winner([Floor("sst", 0.45, 0)], evaluation(60, sst=0.45, sts=0.0)) == ""


STUDY = """\
tasks = ["sst", "sts"]
base.budget.examples = 12000
base.eval.rungs = 5
[space]
"optim.learning_rate" = { low = 1e-5, high = 1e-3, log = true }
[floors]
sst = 0.45
sts = { score = -0.2, from = 3000 }
"""


def load(folder: Path, text: str = STUDY) -> StudySpec:
    (folder / "study.toml").write_text(text)
    return load_study(folder / "study.toml")


def test_floors_of_a_study_file(tmp_path: Path) -> None:
    spec = load(tmp_path)
    assert spec.floors == (
        Floor("sst", 0.45, 7200),
        Floor("sts", -0.2, 3000),
    )  # rungs every 2,400: 4,800 is before half
    without = load(tmp_path, STUDY[: STUDY.index("[floors]")])
    assert without.floors == ()
    assert "floors" not in without.identity()  # studies begun before there were floors keep their identity
    assert spec.difference(without.identity()) == [
        "floors.sst.score: was not set, is now 0.45",
        "floors.sst.from: was not set, is now 7200",
        "floors.sts.score: was not set, is now -0.2",
        "floors.sts.from: was not set, is now 3000",
    ]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("sstt = 0.4", "study.toml:7: floors.sstt: no task 'sstt' in this study; did you mean 'sst'? Known: sst, sts"),
        ("sst = 45", "study.toml:7: floors.sst.score: accuracy lies between 0 and 1, got 45"),
        ("sst = -0.1", "study.toml:7: floors.sst.score: accuracy lies between 0 and 1, got -0.1"),
        ("sts = -1.5", "study.toml:7: floors.sts.score: pearson lies between -1 and 1, got -1.5"),
        (
            "sst = { score = 0.4, from = 12001 }",
            "study.toml:7: floors.sst.from: must be at most 12,000, the examples of a full run, got 12,001",
        ),
        ("sst = { score = 0.4, from = -1 }", "study.toml:7: floors.sst.from: must be at least 0, got -1"),
        ("sst = { score = 0.4, form = 1 }", "study.toml:7: floors.sst.form: unknown key; did you mean 'from'?"),
        ("sst = { from = 10 }", "study.toml:7: floors.sst.score: is missing"),
        ("sst = true", "study.toml:7: floors.sst: must be a score, or a table { score = 0.5, from = 1000 }, got True"),
        ("sst = nan", "study.toml:7: floors.sst.score: must be a finite number, got nan"),
    ],
)
def test_mistakes_are_reported_with_their_line(tmp_path: Path, line: str, error: str) -> None:
    text = STUDY[: STUDY.index("sst = 0.45")] + line + "\n"
    with pytest.raises(UserError) as raised:
        load(tmp_path, text)
    assert str(raised.value) == f"{tmp_path}/{error}"


def test_a_floor_begins_at_the_first_rung_not_before_half() -> None:
    (floor,) = parse_floors({"sst": 0.5}, TWO)
    assert floor.start == 60
    with pytest.raises(StudyFileError):
        parse_floors({"overall": 0.5}, TWO)


def test_runs_of_different_lengths_are_compared_at_equal_shares(tmp_path: Path) -> None:
    """A study of variants from its start to its end: pruner and floors look at shares, results are in examples."""
    runs = {"short": TWO, "long": changed_budget(1000), "low": changed_budget(500), "thirds": changed_budget(90, 3)}
    base, space, first = plan_comparison(runs, [0, 1])
    halving = PrunerChoice("halving", {"reduction_factor": 2})
    (floor,) = parse_floors({"sts": 0.2}, base)
    spec = changed(
        base=base,
        space=space,
        first_trials=first,
        pruner=halving,
        sampler=SamplerChoice("grid"),
        trials=8,
        floors=(floor,),
    )
    high, low, ruined = [(0.5, 0.5)] * 5, [(0.3, 0.3)] * 5, [(1.0, 0.1)] * 5
    curves = {0: high, 1: low, 2: ruined, 3: low, 4: high, 5: high, 6: high, 7: high}
    study, seen = run(spec, curves, tmp_path)
    found = {trial.number: (trial.state.name, trial.last_step) for trial in study.get_trials()}
    assert found[0] == ("COMPLETE", 100)
    assert found[1] == ("PRUNED", 200)  # a fifth, where the first had .5
    assert found[2] == ("PRUNED", 300)  # the first rung from half on
    assert found[3] == ("COMPLETE", 90)  # at thirds, nothing is compared with fifths
    assert found[5] == ("COMPLETE", 1000)
    planned = [event.planned_examples for event in seen if isinstance(event, TrialStarted)]
    assert planned == [100, 1000, 500, 90] * 2


def changed_budget(examples: int, rungs: int = 5) -> RunConfig:
    return RunConfig.model_validate(
        {**TWO.model_dump(), "budget": {**TWO.budget.model_dump(), "examples": examples}, "eval": {"rungs": rungs}}
    )


def test_in_folds_a_floor_begins_at_the_same_rung_of_each(tmp_path: Path) -> None:
    """The mean over folds falls when the model of another one begins."""
    write_rows(tmp_path)
    config = folds_config(tmp_path)  # 3 folds of 160 examples, scored at 80 and 160
    (floor,) = parse_floors({"mood": {"score": 0.5, "from": 160}}, config)
    own = floor.in_run(config)
    assert [own.holds_at(rung) for rung in config.rungs] == [False, True] * 3
    (half,) = parse_floors({"mood": 0.5}, config)
    assert [half.in_run(config).holds_at(rung) for rung in config.rungs] == [True] * 6
