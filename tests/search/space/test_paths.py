"""Paths into a RunConfig and the types behind them."""

import pytest

from core.config import RunConfig
from data.task_files import builtin_tasks
from search.parsing.errors import StudyFileError
from search.space.paths import FieldType, check_value, config_fields, get_value, set_value

FIELDS = config_fields(["sst", "sts"])
BASE = RunConfig.model_validate({"tasks": {name: {"spec": builtin_tasks()[name]} for name in ("sst", "sts")}})


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("optim.learning_rate", FieldType(float)),
        ("optim.clip_norm", FieldType(float, optional=True)),
        ("model.dropout", FieldType(float, optional=True)),
        ("model.encoder", FieldType(str)),
        ("model.scratch.layers", FieldType(int)),
        ("heads.sst.layers", FieldType(int)),
        ("heads.sts.pair", FieldType(str, ("cross", "siamese"))),
        ("loss.weights.sts", FieldType(float)),
        ("tasks.sst.train_limit", FieldType(int, optional=True)),
        ("eval.rungs", FieldType(None)),
        ("seed", FieldType(int)),
    ],
)
def test_types_behind_paths(path: str, field: FieldType) -> None:
    assert FIELDS[path] == field


def test_every_path_can_be_read_from_a_run_and_no_description_is_a_path() -> None:
    for path in FIELDS:
        get_value(BASE, path)
    assert not [path for path in FIELDS if "spec" in path or path.startswith("heads.para")]


def test_a_missing_loss_weight_is_1_and_a_missing_section_none() -> None:
    assert get_value(BASE, "loss.weights.sst") == 1.0
    assert get_value(BASE, "model.scratch.layers") is None
    assert get_value(BASE, "heads.sts.dropout") == 0.1


def test_set_makes_the_tables_on_the_way() -> None:
    tree = {"model": {"scratch": None}}
    set_value(tree, "model.scratch.layers", 2)
    set_value(tree, "optim.learning_rate", 1e-3)
    assert tree == {"model": {"scratch": {"layers": 2}}, "optim": {"learning_rate": 1e-3}}


@pytest.mark.parametrize(
    ("value", "field", "expected"),
    [
        (1, FieldType(float), 1.0),
        ("none", FieldType(float, optional=True), None),
        ("none", FieldType(str, ("none", "all"), optional=True), "none"),
        (True, FieldType(bool), True),
    ],
)
def test_values_take_the_type_of_the_field(value: object, field: FieldType, expected: object) -> None:
    checked = check_value(value, field, ("k",))
    assert checked == expected
    assert type(checked) is type(expected)


@pytest.mark.parametrize(
    ("value", "field", "message"),
    [
        ("1e-3", FieldType(float), "k: must be a number, got '1e-3'"),
        (True, FieldType(int), "k: must be a whole number, got True"),
        (2.0, FieldType(int), "k: must be a whole number, got 2.0"),
        (1, FieldType(bool), "k: must be true or false, got 1"),
        ("none", FieldType(float), "k: must be a number, got 'none'"),
        (
            "crss",
            FieldType(str, ("cross", "siamese")),
            "k: must be one of cross, siamese, got 'crss'; did you mean 'cross'?",
        ),
    ],
)
def test_values_of_a_wrong_type_are_refused(value: object, field: FieldType, message: str) -> None:
    with pytest.raises(StudyFileError) as caught:
        check_value(value, field, ("k",))
    assert str(caught.value) == message
