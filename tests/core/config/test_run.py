"""RunConfig: validation, rungs, weights, identity."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.config import BudgetConfig, EvalConfig, RunConfig
from core.config.run import stored_digest
from data.task_files import builtin_tasks


def run_config(*tasks: str, **sections: Any) -> RunConfig:
    specs = builtin_tasks()
    return RunConfig.model_validate(
        {"tasks": {name: {"spec": specs[name]} for name in tasks or ("sst", "para", "sts")}, **sections}
    )


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"optim": {"learning_rate": 0.0}}, "greater than 0"),
        ({"optim": {"lerning_rate": 1e-3}}, "Extra inputs are not permitted"),
        ({"heads": {"sst": {"pair": "siamese"}}}, "heads.sst.pair = 'siamese': task 'sst' has single sentences"),
        ({"heads": {"sts": {"combine": "uv"}}}, "heads.sts.combine = 'uv' needs pair = 'siamese'"),
        ({"heads": {"sts": {"loss": "cross-entropy"}}}, "heads.sts.loss = 'cross-entropy': task 'sts'"),
        ({"heads": {"sst": {"loss": "bce"}}}, "task 'sst' (classify) needs cross-entropy"),
        ({"heads": {"irony": {}}}, "heads.irony: no such task; the run has sst, para, sts"),
        ({"loss": {"weights": {"irony": 1.0}}}, "loss.weights.irony: no such task"),
        ({"loss": {"weights": {"sst": 0, "para": 0, "sts": 0}}}, "at least one task needs a weight above 0"),
        ({"model": {"encoder": "scratch"}}, "model.scratch must be given if and only if"),
        ({"eval": {"rungs": [10, 5]}}, "eval.rungs must be ascending"),
        ({"eval": {"rungs": 0}}, "eval.rungs must be at least 1"),
        ({"eval": {"rungs": [50_000]}}, "eval.rungs must not exceed budget.examples = 20000, got 50000"),
        *(
            ({"eval": {"rungs": rungs}}, f"above 0 and at most 1, got {rungs}")
            for rungs in ([0.5, 0.25], [0.0, 0.5], [0.5, 1.5], [0.5, 0.5], [100.5, 200.0])
        ),
        ({"optim": {"learning_rate": float("nan")}}, "finite number"),
    ],
)
def test_what_is_wrong_is_named(sections: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        run_config(**sections)


def test_two_class_tasks_may_take_bce() -> None:
    assert run_config("para", heads={"para": {"loss": "bce"}}).heads["para"].loss == "bce"


def test_a_task_named_otherwise_than_its_spec_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"tasks\.mood\.spec\.name must be 'mood', got 'sst'"):
        RunConfig.model_validate({"tasks": {"mood": {"spec": builtin_tasks()["sst"]}}})


@given(examples=st.integers(1, 10**6), count=st.integers(1, 40))
def test_rungs_rise_to_the_budget(examples: int, count: int) -> None:
    config = run_config(budget=BudgetConfig(examples=examples), eval=EvalConfig(rungs=count))
    assert config.rungs[-1] == examples
    assert list(config.rungs) == sorted(set(config.rungs))
    assert len(config.rungs) == min(count, examples)


def test_listed_rungs_end_at_the_budget() -> None:
    assert run_config(eval={"rungs": [100, 900]}).rungs == (100, 900, 20_000)
    assert run_config(eval={"rungs": [100, 20_000]}).rungs == (100, 20_000)


def test_rungs_in_shares_of_the_budget() -> None:
    assert run_config(eval={"rungs": [0.25, 0.5, 1.0]}).rungs == (5_000, 10_000, 20_000)
    assert run_config(eval={"rungs": [0.1]}).rungs == (2_000, 20_000)
    assert run_config(eval={"rungs": [1.0]}).rungs == (20_000,)  # a share; 1 is an example
    assert run_config(eval={"rungs": [1]}).rungs == (1, 20_000)
    assert run_config(budget={"examples": 3}, eval={"rungs": [0.01, 0.3, 0.34, 1]}).rungs == (1, 3)


def test_rungs_are_read_back_as_they_were_written() -> None:
    for rungs in ([0.25, 1.0], [1.0], [100, 900], [100.0, 900.0], 3):
        config = run_config(eval={"rungs": rungs})
        again = RunConfig.model_validate_json(config.canonical_json())
        assert (again.rungs, again.digest) == (config.rungs, config.digest)
    assert run_config(eval={"rungs": [100.0, 900.0]}) == run_config(eval={"rungs": [100, 900]})


def test_loss_weights_have_mean_one() -> None:
    config = run_config(loss={"weights": {"sst": 0.2, "para": 0.2, "sts": 0.6}})
    assert [config.loss_weight(name) for name in config.tasks] == pytest.approx([0.6, 0.6, 1.8])
    assert run_config().loss_weight("sst") == 1.0


def test_digest_is_the_same_in_another_process_and_after_json() -> None:
    config = run_config(heads={"sts": {"dropout": 0.3}})
    again = RunConfig.model_validate_json(config.model_dump_json())
    assert again == config
    assert hash(again) == hash(config)
    program = (
        "import sys; from core.config import RunConfig; print(RunConfig.model_validate_json(sys.stdin.read()).digest)"
    )
    other = subprocess.run(
        [sys.executable, "-c", program], input=config.model_dump_json(), capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == config.digest
    assert run_config().digest != config.digest


def test_the_order_of_the_tasks_is_a_part_of_the_run() -> None:
    """Batches are drawn task by task, so another order is another curve; the order within a section says nothing."""
    config = run_config()
    turned = run_config(*reversed(config.tasks))
    assert list(turned.tasks) != list(config.tasks)
    assert turned.digest != config.digest
    assert turned != config
    again = RunConfig.model_validate_json(turned.canonical_json())
    assert list(again.tasks) == list(turned.tasks)
    assert again == turned
    heads = {name: {"dropout": 0.2} for name in config.tasks}
    assert run_config(heads=heads) == run_config(heads=dict(reversed(heads.items())))


def test_the_digest_of_a_stored_config_is_that_of_the_config() -> None:
    moved, deeper = run_config(data={"directory": "/else/where"}), run_config(heads={"sst": {"layers": 2}})
    assert stored_digest(moved.canonical_json()) == moved.digest == run_config().digest
    assert stored_digest(deeper.canonical_json()) == deeper.digest != run_config().digest


def test_digest_does_not_depend_on_where_the_data_lies() -> None:
    moved = run_config(data={"directory": "elsewhere"})
    assert moved.digest == run_config().digest
    assert moved != run_config()


def test_configs_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        run_config().seed = 3  # type: ignore[misc]
