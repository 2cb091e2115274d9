"""The functions that use Optuna's private API, and this API itself, against the installed version."""

import ast
import importlib
import inspect
import re
from pathlib import Path
from typing import Any, TypeVar, cast

import optuna
import optuna_dashboard
import plotly.graph_objects as go
import pytest
from memory_storage import MemoryStorage
from optuna.samplers import BaseSampler, BruteForceSampler, RandomSampler, TPESampler
from optuna.storages._cached_storage import _CachedStorage
from optuna.storages._rdb import models
from optuna.trial import Trial, TrialState, create_trial
from quick_storage import open_quickly

from search.storage import optuna_internals
from search.storage.damage import is_missing_record
from search.storage.open import open_storage

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[3]


def seeded(number: int) -> TPESampler:
    return TPESampler(seed=100 + number, n_startup_trials=3)


def suggest(trial: Trial) -> dict[str, float]:
    values = {"a": trial.suggest_float("a", 0.0, 1.0), "b": trial.suggest_int("b", 0, 1000)}
    return values | {"c": trial.suggest_categorical("c", ["x", "y", "z"])}


def begin(trial: Trial, suggested: T) -> tuple[Trial, T]:
    return trial, suggested


def propose(study: optuna.Study) -> Trial:
    trial, values = optuna_internals.ask(study, seeded(optuna_internals.next_number(study)), suggest, begin)
    assert values == trial.params
    return trial


def finish(study: optuna.Study, trial: Trial) -> None:
    optuna_internals.tell(study, trial, seeded(trial.number), TrialState.COMPLETE, trial.params["a"])


def reopened(folder: Path) -> optuna.Study:
    """Return the study as a new process finds it, with nothing cached."""
    return optuna.create_study(study_name="s", storage=open_quickly(folder), direction="maximize", load_if_exists=True)


@pytest.fixture(scope="module")
def expected() -> list[dict[str, float]]:
    """Return seven proposals of an undisturbed study."""
    study = optuna.create_study(storage=MemoryStorage(), direction="maximize")
    for _ in range(7):
        finish(study, propose(study))
    return [trial.params for trial in study.trials]


@pytest.mark.parametrize("number", [1, 5])  # drawn at random, and from the model
@pytest.mark.parametrize("drawn", [0, 2])
def test_a_proposal_cut_short_is_made_again(
    tmp_path: Path, expected: list[dict[str, float]], number: int, drawn: int
) -> None:
    class KilledError(BaseException):
        pass

    def cut_short(trial: Trial) -> None:
        if drawn > 0:
            trial.suggest_float("a", 0.0, 1.0)
        if drawn > 1:
            trial.suggest_int("b", 0, 1000)
        raise KilledError

    study = reopened(tmp_path / "cut")
    for _ in range(number):
        finish(study, propose(study))
    with pytest.raises(KilledError):
        optuna_internals.ask(study, seeded(number), cut_short, begin)
    study = reopened(tmp_path / "cut")
    assert [trial.number for trial in optuna_internals.running_trials(study)] == [number]
    again, values = optuna_internals.ask(study, seeded(number), suggest, begin, number=number)
    assert values == expected[number]
    finish(study, again)
    while len(study.trials) < 7:
        finish(study, propose(study))
    assert [trial.params for trial in study.trials] == expected


def test_a_resumed_trial_keeps_its_parameters_and_disturbs_nothing(
    tmp_path: Path, expected: list[dict[str, float]]
) -> None:
    study = reopened(tmp_path / "cut")
    for number in range(6):
        begun = propose(study)
        begun.report(0.5, 10)
        study = reopened(tmp_path / "cut")
        trial = optuna_internals.resume(study, number)
        assert suggest(trial) == trial.params == expected[number]
        assert optuna_internals.reported_steps(trial) == {10}
        finish(study, trial)
    finish(study, propose(study))
    assert [trial.params for trial in study.trials] == expected


def test_the_next_number_is_that_of_the_enqueued_trial(tmp_path: Path) -> None:
    study = reopened(tmp_path)
    study.enqueue_trial({"a": 0.25})
    assert optuna_internals.next_number(study) == 0
    trial = propose(study)
    assert (trial.number, trial.params["a"]) == (0, 0.25)
    assert optuna_internals.next_number(study) == 1


def halving_study(folder: Path) -> optuna.Study:
    study = reopened(folder)
    study.pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=10, reduction_factor=2)
    return study


def test_a_pruning_decision_stays_the_same_when_asked_again(tmp_path: Path) -> None:
    """Optuna's own ``should_prune`` would let the trial pass the second time."""
    study = halving_study(tmp_path)
    for value in (0.9, 0.8):
        trial = propose(study)
        trial.report(value, 10)
        assert optuna_internals.should_prune(trial) == (value == 0.8)
    again = optuna_internals.resume(halving_study(tmp_path), 1)
    assert not again.should_prune()
    assert optuna_internals.should_prune(again)
    stored = halving_study(tmp_path).trials
    assert [trial.system_attrs["completed_rung_0"] for trial in stored] == [0.9, 0.8]


def test_a_decision_to_continue_stays_the_same_when_other_trials_have_overtaken(tmp_path: Path) -> None:
    study = reopened(tmp_path)
    study.pruner = optuna.pruners.ThresholdPruner(lower=0.5)
    trial = propose(study)
    trial.report(0.9, 10)
    assert not optuna_internals.should_prune(trial)
    study.pruner = optuna.pruners.ThresholdPruner(lower=0.95)
    assert not optuna_internals.should_prune(trial, is_decided=True)
    assert optuna_internals.should_prune(trial)


def test_an_exhausted_sampler_does_not_lose_the_last_result(tmp_path: Path) -> None:
    study = reopened(tmp_path)
    with pytest.warns(optuna.exceptions.ExperimentalWarning):
        sampler: BaseSampler = BruteForceSampler(seed=0)
    trial, _ = optuna_internals.ask(study, sampler, lambda trial: trial.suggest_categorical("only", ["one"]), begin)
    with pytest.raises(RuntimeError, match="stop"):
        sampler.after_trial(study, study.trials[0], TrialState.COMPLETE, [0.5])
    optuna_internals.tell(study, trial, sampler, TrialState.COMPLETE, 0.5)
    assert study.trials[0].value == 0.5


def test_a_failed_tell_is_not_hidden(tmp_path: Path) -> None:
    class Broken(RandomSampler):
        def after_trial(self, *_: object) -> None:
            raise RuntimeError("broken")

    study = reopened(tmp_path)
    trial = propose(study)
    study._storage.set_trial_state_values = lambda *_: None  # as if the write had not happened
    with pytest.raises(RuntimeError, match="broken"):
        optuna_internals.tell(study, trial, Broken(), TrialState.FAIL)


def test_a_transaction_that_is_repeated_finds_the_trial_unchanged(tmp_path: Path) -> None:
    study = reopened(tmp_path)
    trial, calls = study.ask(), list[set[int]]()

    def report() -> None:
        calls.append(optuna_internals.reported_steps(trial))
        trial.report(0.5, 10)
        if len(calls) == 1:
            raise ConnectionError

    storage: Any = trial.storage
    original = storage.in_transaction

    def retrying(write: Any) -> Any:
        try:
            return original(write)
        except ConnectionError:
            return original(write)

    storage.in_transaction = retrying
    optuna_internals.trial_transaction(trial, report)
    assert calls == [set(), set()]
    assert study.trials[0].intermediate_values == {10: 0.5}


# The contract with Optuna's private API


SIGNATURES: dict[str, tuple[str, ...]] = {
    "optuna.trial:Trial.__init__": ("self", "study", "trial_id"),
    "optuna.study:Study._get_trials": ("self", "deepcopy", "states", "use_cache"),
    "optuna.samplers._tpe.sampler:_split_trials": ("study", "trials", "n_below"),
    "optuna.storages._cached_storage:_CachedStorage.__init__": ("self", "backend"),
    "optuna.storages._cached_storage:_CachedStorage._read_trials_from_remote_storage": ("self", "study_id"),
    "optuna.storages._rdb.storage:_create_scoped_session": ("scoped_session", "ignore_integrity_error"),
    "optuna.storages:RDBStorage._get_trials": (
        "self",
        "study_id",
        "states",
        "included_trial_ids",
        "trial_id_greater_than",
    ),
    "optuna.storages:RDBStorage._set_trial_param_without_commit": (
        "self",
        "session",
        "trial_id",
        "param_name",
        "param_value_internal",
        "distribution",
        "previous_distribution",
    ),
    "optuna.storages:RDBStorage._set_trial_attr_without_commit": (
        "self",
        "session",
        "model_cls",
        "trial_id",
        "key",
        "value",
    ),
    "optuna.storages:RDBStorage._set_trial_intermediate_value_without_commit": (
        "self",
        "session",
        "trial_id",
        "step",
        "intermediate_value",
    ),
    "optuna.storages:RDBStorage._build_frozen_trial_from_trial_model": ("self", "trial"),
    "optuna.storages._rdb.models:StudyModel.find_or_raise_by_id": ("study_id", "session", "for_update"),
    "optuna.storages._rdb.models:TrialModel.find_or_raise_by_id": ("trial_id", "session", "for_update"),
}
"""Private function -> its parameters."""
COLUMNS = {
    "StudySystemAttributeModel": {"study_system_attribute_id", "study_id", "key", "value_json"},
    "TrialModel": {"trial_id", "number", "study_id", "state", "datetime_start", "datetime_complete"},
    "TrialParamModel": {"param_id", "trial_id", "param_name", "param_value", "distribution_json"},
    "TrialValueModel": {"trial_value_id", "trial_id", "objective", "value", "value_type"},
    "TrialUserAttributeModel": {"trial_user_attribute_id", "trial_id", "key", "value_json"},
    "TrialSystemAttributeModel": {"trial_system_attribute_id", "trial_id", "key", "value_json"},
    "TrialIntermediateValueModel": {
        "trial_intermediate_value_id",
        "trial_id",
        "step",
        "intermediate_value",
        "intermediate_value_type",
    },
}
"""Optuna's model of a table -> its columns."""
ADVICE = "search/storage/optuna_internals.py, rdb.py or database.py uses it: adapt them, then this test"


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_private_function_takes_what_it_took(name: str) -> None:
    module, _, path = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        assert hasattr(found, part), f"Optuna {optuna.__version__} has no {module}.{path} any more; {ADVICE}"
        found = getattr(found, part)
    parameters = tuple(inspect.signature(found).parameters)
    assert parameters == SIGNATURES[name], (
        f"Optuna {optuna.__version__}: {module}.{path} takes {parameters}, no longer {SIGNATURES[name]}; {ADVICE}"
    )


@pytest.mark.parametrize("name", COLUMNS)
def test_a_table_has_the_columns_that_it_had(name: str) -> None:
    model = getattr(models, name, None)
    assert model is not None, f"Optuna {optuna.__version__} has no table {name} any more; {ADVICE}"
    columns = {column.name for column in model.__table__.columns}
    assert columns == COLUMNS[name], f"Optuna {optuna.__version__}: {name} has the columns {columns}; {ADVICE}"


def test_private_attributes_are_there(tmp_path: Path) -> None:
    storage = open_quickly(tmp_path)
    study = optuna.create_study(storage=storage)
    trial = study.ask()
    owners: dict[str, tuple[Any, tuple[str, ...]]] = {
        "Study": (study, ("_storage", "_study_id")),
        "Trial": (trial, ("_trial_id", "_cached_frozen_trial", "storage", "study")),
        "FrozenTrial": (study.trials[0], ("_trial_id",)),
        "_CachedStorage": (
            storage,
            (
                "_backend",
                "_lock",
                "_studies",
                "_trial_id_to_study_id_and_number",
                "_study_id_and_number_to_trial_id",
            ),
        ),
        "_StudyInfo": (storage._studies[study._study_id], ("trials", "param_distribution", "unfinished_trial_ids")),
        "RDBStorage": (storage._backend, ("engine", "scoped_session")),
    }
    for name, (owner, attributes) in owners.items():
        for attribute in attributes:
            assert attribute in vars(owner), f"Optuna {optuna.__version__}: {name} has no {attribute}; {ADVICE}"


def test_optuna_reads_and_writes_where_we_replace_it(tmp_path: Path) -> None:
    """A study's storage can be exchanged, and Optuna's sessions are those of ``scoped_session``."""
    study = optuna.create_study(storage=open_quickly(tmp_path))
    real, seen = study._storage, list[str]()

    class Spy:
        def __getattr__(self, name: str) -> Any:
            seen.append(name)
            return getattr(real, name)

    study._storage = cast(Any, Spy())
    trial = study.ask()
    trial.suggest_float("a", 0.0, 1.0)
    assert {"create_new_trial", "get_trial", "set_trial_param"} <= set(seen), f"asking no longer uses it; {ADVICE}"
    seen.clear()
    study.tell(trial, 0.5)
    assert "set_trial_state_values" in seen, f"telling no longer uses it; {ADVICE}"
    sessions = list[str]()
    backend = real._backend
    original = backend.scoped_session
    backend.scoped_session = lambda: sessions.append("session") or original()
    backend.get_all_studies()
    assert sessions, f"RDBStorage no longer opens its sessions by scoped_session; {ADVICE}"


def test_trials_are_cached_until_the_next_one_is_asked_for(tmp_path: Path) -> None:
    study = reopened(tmp_path)
    propose(study)
    first = optuna_internals.cached_trials(study)
    assert optuna_internals.cached_trials(study) is first, f"Study._get_trials has no cache any more; {ADVICE}"
    finish(study, propose(study))
    assert [trial.state.name for trial in optuna_internals.cached_trials(study)] == ["RUNNING", "COMPLETE"]


def test_tpe_ranks_complete_trials_before_pruned_ones() -> None:
    study = optuna.create_study(direction="maximize")
    for state, value in (("PRUNED", 0.9), ("COMPLETE", 0.1), ("COMPLETE", 0.3)):
        study.add_trial(create_trial(state=TrialState[state], value=value, intermediate_values={1: value}))
    best = optuna_internals.tpe_best_trials(study, study.trials, 2)
    assert sorted(trial.number for trial in best) == [1, 2], f"_split_trials ranks otherwise; {ADVICE}"


def test_given_parameters_are_where_they_were(tmp_path: Path) -> None:
    study = reopened(tmp_path)
    study.enqueue_trial({"a": 0.25})
    attributes = study.trials[0].system_attrs
    assert attributes == {optuna_internals.GIVEN: {"a": 0.25}}, f"enqueue_trial keeps them elsewhere; {ADVICE}"


def test_the_dashboard_keeps_notes_and_figures_where_it_did(tmp_path: Path) -> None:
    study = reopened(tmp_path)
    trial = study.ask()
    note, figure = optuna_internals.trial_for_note(trial), optuna_internals.study_for_figure(study, "f")
    optuna_dashboard.save_note(note, "words")
    optuna_dashboard.save_plotly_graph_object(figure, go.Figure(), graph_object_id="f")
    keys = set(study._storage.get_study_system_attrs(study._study_id))
    prefixes = ("dashboard:1:note_", "dashboard:plot_data:f:")
    assert {next(prefix for prefix in prefixes if key.startswith(prefix)) for key in keys} == set(prefixes)
    assert optuna_dashboard.get_note(trial) == "words"


PRIVATE_MODULE = re.compile(r"(?:from|import)\s+optuna(?:\.\w+)*\._\w+|optuna(?:\.\w+)*\._\w+")
ALLOWED = {f"search/storage/{name}.py" for name in ("optuna_internals", "database", "rdb")}


def private_names() -> set[str]:
    """Return private attributes and methods of Optuna's public classes whose objects we hold."""
    classes = (optuna.Study, optuna.Trial, optuna.trial.FrozenTrial, optuna.storages.RDBStorage)
    own: set[str] = set()
    for one in (*classes, _CachedStorage):
        own |= {name for name in vars(one) if name.startswith("_") and not name.startswith("__")}
        own |= set(re.findall(r"self\.(_[a-z]\w*)\b", inspect.getsource(one)))
    return own


def test_no_other_file_uses_private_names_of_optuna() -> None:
    private, found = private_names(), []
    assert {"_storage", "_study_id", "_trial_id", "_cached_frozen_trial", "_get_trials", "_backend"} <= private
    for file in sorted(ROOT.glob("search/**/*.py")):
        name, text = file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")
        if name in ALLOWED:
            continue
        found += [f"{name}: {match}" for match in PRIVATE_MODULE.findall(text)]
        for node in ast.walk(ast.parse(text)):
            # Attributes of our own objects have such names too; another object's private ones are nobody's to use.
            if isinstance(node, ast.Attribute) and node.attr in private and not is_own(node.value):
                found.append(f"{name}:{node.lineno}: {ast.unparse(node)}")
            if isinstance(node, ast.keyword) and node.arg in private:
                found.append(f"{name}:{node.value.lineno}: {node.arg}=")
    assert not found, "use a function of search/storage/optuna_internals.py instead: " + "; ".join(found)


def is_own(owner: ast.expr) -> bool:
    return isinstance(owner, ast.Name) and owner.id in ("self", "cls")


def test_what_optuna_says_about_a_missing_record(tmp_path: Path) -> None:
    with pytest.raises(KeyError) as caught:
        open_storage(None, tmp_path).get_trial(7)
    assert is_missing_record(caught.value)
    assert not is_missing_record(KeyError("trial"))
