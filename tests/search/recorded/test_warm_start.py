"""A study that begins with the best configurations of others."""

from dataclasses import replace
from pathlib import Path

import pytest
from inline_study import InlineStudy, comparing, searching
from memory_storage import MemoryStorage
from stub_study import BASE

from core.config import RunConfig
from data.errors import UserError
from data.task_files import builtin_tasks
from search.recorded.study import create_or_load
from search.recorded.warm_start import with_warm_start
from search.samplers.registry import SamplerChoice
from search.study.first_trials import FirstTrial
from search.study.spec import StudySpec
from search.trials.record import ROLE, TrialRecord

RATE = {"low": 1e-6, "high": 1e-2, "log": True}


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> InlineStudy:
    """Record eight trials over the learning rate and the layers of the head; trials 5 and 3 are the best."""
    table = {"optim.learning_rate": RATE, "heads.sst.layers": {"low": 1, "high": 3}}
    random = searching("old", table, trials=8, sampler=SamplerChoice("random"))
    return InlineStudy(tmp_path_factory.mktemp("old"), random).run()


@pytest.fixture
def storage(old: InlineStudy) -> MemoryStorage:
    """Return the storage that the old study left; new studies have other names."""
    for study in old.storage.get_all_studies():
        if study.study_name != "old":
            old.storage.delete_study(study._study_id)
    return old.storage


def ranked(old: InlineStudy) -> list[int]:
    return sorted(range(8), key=lambda number: -(old.trials[number].value or 0.0))


def roles(spec: StudySpec) -> list[str]:
    return [trial.role for trial in spec.first_trials]


def test_the_queue_begins_with_the_best_after_the_default(
    old: InlineStudy, storage: MemoryStorage, tmp_path: Path
) -> None:
    new = searching("new", {"optim.learning_rate": RATE}, trials=6)
    given = FirstTrial("first mine", {"optim.learning_rate": 2e-3})
    warm = with_warm_start(replace(new, first_trials=(*new.first_trials, given)), ["old"], 3, storage)
    best = ranked(old)[:3]
    assert roles(warm) == ["default", *(f"from old, trial {number}" for number in best), "first mine"]
    study = InlineStudy(tmp_path, warm, storage).run()
    assert [trial.user_attrs.get(ROLE) for trial in study.trials][:5] == roles(warm)
    for trial, number in zip(study.records[1:4], best, strict=True):
        assert trial.config is not None
        taken = old.trials[number].params["optim.learning_rate"]
        assert trial.config == BASE.model_copy(update={"optim": BASE.optim.model_copy(update={"learning_rate": taken})})
        assert (
            trial.result.overall != old.trials[number].value or trial.config.heads == old.records[number].config.heads
        )


def test_a_value_outside_is_left_out_with_a_line(old: InlineStudy, storage: MemoryStorage) -> None:
    best = ranked(old)[0]
    rate, layers = (old.trials[best].params[path] for path in ("optim.learning_rate", "heads.sst.layers"))
    narrow = {"low": rate * 1.01, "high": 1.0, "log": True}
    table = {"optim.learning_rate": narrow, "heads.sst.layers": {"low": 1, "high": 9}}
    new = searching(
        "new", table, BASE.model_copy(update={"optim": BASE.optim.model_copy(update={"learning_rate": 0.5})})
    )
    warm = with_warm_start(new, ["old"], 1, storage)
    assert warm.first_trials[1].params == {"optim.learning_rate": 0.5, "heads.sst.layers": layers}
    (note,) = warm.notes
    assert note.startswith(f"from old, trial {best}: optim.learning_rate = ")
    assert note.endswith(" .. 1 log; left out")


def test_what_the_other_study_does_not_search_is_as_in_the_base(storage: MemoryStorage) -> None:
    base = BASE.model_copy(update={"sampler": BASE.sampler.model_copy(update={"alpha": 0.25})})
    new = searching("new", {"optim.learning_rate": RATE, "sampler.alpha": {"low": 0.0, "high": 1.0}}, base)
    warm = with_warm_start(new, ["old"], 2, storage)
    assert [trial.params["sampler.alpha"] for trial in warm.first_trials] == [0.25] * 3


def test_trials_that_are_the_same_here_are_taken_once(old: InlineStudy, storage: MemoryStorage) -> None:
    warm = with_warm_start(searching("new", {"heads.sst.layers": {"low": 1, "high": 3}}), ["old"], 8, storage)
    layers = [trial.params["heads.sst.layers"] for trial in warm.first_trials[1:]]
    assert sorted(layers) == [1, 2, 3]
    assert layers[0] == old.trials[ranked(old)[0]].params["heads.sst.layers"]


def test_other_tasks_and_shares(tmp_path: Path) -> None:
    """Shares come over where both studies have these tasks; settings of other tasks are the base's."""
    tasks = {name: {"spec": builtin_tasks()[name]} for name in ("sst", "para", "sts")}
    base = RunConfig.model_validate({"tasks": tasks, "budget": {"examples": 100, "batch_size": 4}})
    table = {"loss.weights": {"simplex": ["sst", "sts"]}, "heads.sst.layers": {"low": 1, "high": 3}}
    wide = InlineStudy(tmp_path, searching("wide", table, base, trials=2)).run()
    both = {**table, "heads.para.layers": {"low": 1, "high": 3}}
    same = with_warm_start(searching("same", both, base), ["wide"], 1, wide.storage).first_trials[1]
    best = wide.trials[int(same.role.rpartition(" ")[2])]
    assert same.params == pytest.approx({**best.params, "heads.para.layers": 1})
    fewer = with_warm_start(searching("fewer", {"heads.sst.layers": {"low": 1, "high": 3}}), ["wide"], 1, wide.storage)
    assert fewer.first_trials[1].params == {"heads.sst.layers": best.params["heads.sst.layers"]}
    one = searching("one", {"heads.sst.layers": {"low": 1, "high": 3}}, trials=1)
    InlineStudy(tmp_path, one, wide.storage).run()
    more = with_warm_start(searching("more", both, base), ["one"], 1, wide.storage).first_trials[1]
    assert more.params["heads.para.layers"] == 1


def test_the_same_command_again_adds_nothing(storage: MemoryStorage) -> None:
    new = searching("new", {"optim.learning_rate": RATE}, trials=9)
    first = with_warm_start(new, ["old"], 2, storage)
    before = create_or_load(first, storage).trials
    again = with_warm_start(new, ["old"], 5, storage)  # a number, or another best trial, that came later
    assert again.first_trials == first.first_trials
    assert [trial.user_attrs for trial in create_or_load(again, storage).trials] == [t.user_attrs for t in before]


def test_a_further_source_comes_on_top(storage: MemoryStorage, tmp_path: Path) -> None:
    spec = searching("third", {"optim.learning_rate": RATE}, trials=2, seed=9)
    third = InlineStudy(tmp_path, spec, storage).run()
    new = searching("new", {"optim.learning_rate": RATE}, trials=9)
    create_or_load(with_warm_start(new, ["old"], 2, storage), storage)
    both = with_warm_start(new, ["old", "third"], 1, storage)
    best = max(third.trials, key=lambda trial: trial.value or 0.0).number
    assert roles(both)[3:] == [f"from third, trial {best}"]
    study = create_or_load(both, storage)
    assert [TrialRecord.read(trial).role for trial in study.trials] == roles(both)


def test_a_study_that_was_changed_before_it_began_is_encoded_again(storage: MemoryStorage) -> None:
    new = searching("new", {"optim.learning_rate": RATE})
    create_or_load(with_warm_start(new, ["old"], 1, storage), storage)
    other = with_warm_start(searching("new", {"heads.sst.layers": {"low": 1, "high": 3}}), ["old"], 1, storage)
    assert list(other.first_trials[1].params) == ["heads.sst.layers"]
    study = create_or_load(other, storage)
    assert [trial.system_attrs["fixed_params"] for trial in study.trials] == [t.params for t in other.first_trials]


@pytest.mark.parametrize(
    ("new", "source", "message"),
    [
        (searching("new", {"optim.learning_rate": RATE}), "odl", "--warm-start odl: no such study; it has old"),
        (searching("old", {"optim.learning_rate": RATE}), "old", "--warm-start old: a study cannot start from itself"),
        (
            searching("new", {"sampler.alpha": {"low": 0.0, "high": 1.0}}),
            "old",
            r"--warm-start old: no trial can be used: from old, trial \d: it searches none of the same settings",
        ),
        (
            searching("new", {"optim.learning_rate": {"low": 0.5, "high": 0.9}}),
            "old",
            r"--warm-start old: no trial can be used: from old, trial \d: optim.learning_rate = \S+ lies outside",
        ),
        (comparing(), "old", r"--warm-start cannot be combined with \[variants\]"),
    ],
)
def test_refusals_are_one_line(new: StudySpec, source: str, message: str, storage: MemoryStorage) -> None:
    with pytest.raises(UserError, match=message) as caught:
        with_warm_start(new, [source], 3, storage)
    assert "\n" not in str(caught.value)


def test_a_study_without_finished_trials_gives_nothing(storage: MemoryStorage) -> None:
    create_or_load(searching("empty", {"optim.learning_rate": RATE}), storage)
    with pytest.raises(UserError, match="--warm-start empty: no trial can be used: it has no finished trial"):
        with_warm_start(searching("new", {"optim.learning_rate": RATE}), ["empty"], 3, storage)
