"""Read the [space] of a study file."""

from pathlib import Path

import pytest

from search.space.parsing import parse_space
from search.study.file import load_study
from tests.search.space.made_spaces import EVERYTHING, base
from tests.search.study_texts import KEY, RATE, message, with_space, write


def test_types_follow_the_fields_and_the_order_follows_the_conditions() -> None:
    space = parse_space(EVERYTHING, base())
    rows = {row.path: (row.kind, row.values, row.condition) for row in space.describe()}
    assert rows == {
        "heads.sts.pair": ("choice", "cross, siamese", ""),
        "heads.sts.combine": ("choice", "uv, uv-diff, uv-absdiff", "heads.sts.pair = siamese"),
        "heads.sst.layers": ("int", "1 .. 5 step 2", ""),
        "heads.sst.dropout_hidden": ("float", "0 .. 0.5", "heads.sst.layers above 1"),
        "heads.sst.hidden_size": ("int", "8 .. 512 log", "heads.sst.layers = 3 or 5"),
        "optim.learning_rate": ("float", "1e-05 .. 0.001 log", ""),
        "optim.clip_norm": ("choice", "none, 1, 5", ""),
        "sampler.alpha": ("float", "0 .. 1 step 0.1", ""),
        "loss.weights": ("simplex", "shares of sst, para, sts, each at least 0.05", ""),
    }
    order = list(rows)
    assert order.index("heads.sts.pair") < order.index("heads.sts.combine")
    assert order.index("heads.sst.layers") < order.index("heads.sst.dropout_hidden")


ALONE = "a single value needs a condition (when) here; without one, set it under [base]"


SPACE = [
    (
        '"optim.learning_rat" = { low = 1e-5, high = 1e-3 }',
        "space.\"optim.learning_rat\": no such setting of a run; did you mean 'optim.learning_rate'?",
    ),
    (
        '"learning_rate" = { low = 1e-5, high = 1e-3 }',
        "space.learning_rate: no such setting of a run; did you mean 'optim.learning_rate'?",
    ),
    (
        '"heads.sst.lyers" = { low = 1, high = 3 }',
        "space.\"heads.sst.lyers\": no such setting of a run; did you mean 'heads.sst.layers'?",
    ),
    (
        "optim.learning_rate = { low = 1e-5, high = 1e-3 }",
        'space.optim: write the whole path in quotes: "optim.learning_rate" = ...',
    ),
    (RATE + "{ low = 1e-3, high = 1e-5 }", f"{KEY}.low: must be below high = 1e-05, got 0.001"),
    (RATE + "{ low = 1e-3, high = 1e-3 }", f"{KEY}.low: must be below high = 0.001, got 0.001"),
    (RATE + "{ low = 1e-3 }", f"{KEY}: needs high; give low and high, or choices"),
    (RATE + "{ low = 1e-5, hihg = 1e-3 }", f"{KEY}.hihg: unknown key; did you mean 'high'?"),
    (RATE + "{ low = 1e-5, high = 2.0 }", f"{KEY}.high: must be at most 1, got 2"),
    (RATE + "{ low = 0.0, high = 0.1 }", f"{KEY}.low: must be above 0, got 0"),
    (RATE + "{ low = 0.0, high = 0.1, log = true }", f"{KEY}.low: must be above 0 with log = true, got 0"),
    (RATE + "{ low = 1e-5, high = 0.1, log = 1 }", f"{KEY}.log: must be true or false, got 1"),
    (RATE + "{ low = '1e-5', high = 0.1 }", f"{KEY}.low: must be a number, got '1e-5'"),
    (RATE + "{ low = -inf, high = 0.1 }", f"{KEY}.low: must be a finite number, got -inf"),
    (
        RATE + "{ low = 0.1, high = 0.5, step = 0.15 }",
        f"{KEY}.step: 0.15 does not divide the range from low = 0.1 to high = 0.5; the nearest values are 0.4 and 0.55",
    ),
    (RATE + "{ low = 0.1, high = 0.5, step = 0 }", f"{KEY}.step: must be above 0, got 0"),
    (
        RATE + "{ low = 0.1, high = 0.5, step = 0.1, log = true }",
        f"{KEY}.step: cannot be combined with log = true, got 0.1",
    ),
    (RATE + "[1e-3]", f"{KEY}.choices: must contain at least two different values, each once, got [0.001]"),
    (
        RATE + "[1e-3, 1e-3]",
        f"{KEY}.choices: must contain at least two different values, each once, got [0.001, 0.001]",
    ),
    (RATE + "[1e-3, 'a']", f"{KEY}.choices: must be a number, got 'a'"),
    (RATE + "[1e-3, 2]", f"{KEY}.choices: must be at most 1, got 2"),
    (RATE + "{ choices = 1e-3 }", f"{KEY}.choices: must be a list, got 0.001"),
    (RATE + "{ choices = [1e-3, 1e-4], low = 1e-5 }", f"{KEY}.low: cannot be combined with choices"),
    (
        RATE + "1e-3",
        f"{KEY}: must be a table with low and high, or a list of choices, got 0.001; set a single value under [base]",
    ),
    (RATE + "{ simplex = true }", f'{KEY}.simplex: shares of tasks are searched under "loss.weights" only'),
    ('"heads.sst.layers" = { low = 1, high = 2.5 }', 'space."heads.sst.layers".high: must be a whole number, got 2.5'),
    ('"heads.sst.layers" = { low = 0, high = 3 }', 'space."heads.sst.layers".low: must be at least 1, got 0'),
    (
        '"heads.sst.layers" = { low = 1, high = 4, step = 2 }',
        'space."heads.sst.layers".step: 2 does not divide the range from low = 1 to high = 4; '
        "the nearest values are 3 and 5",
    ),
    (
        '"heads.sst.pooling" = { low = 0, high = 3 }',
        'space."heads.sst.pooling": this setting is not a number; give choices = [...], for example '
        "cls, pooler, mean, max",
    ),
    (
        '"heads.sst.pooling" = ["cls", "men"]',
        "space.\"heads.sst.pooling\".choices: must be one of cls, pooler, mean, max, got 'men'; did you mean 'mean'?",
    ),
    (
        '"eval.rungs" = [3, 5]',
        'space."eval.rungs": cannot be searched: all trials are scored at the same positions; set it under [base]',
    ),
    (
        '"budget.examples" = [3, 5]',
        'space."budget.examples": cannot be searched: all trials are scored at the same positions; set it under [base]',
    ),
    (
        '"tasks.sst.score_weight" = [1.0, 2.0]',
        'space."tasks.sst.score_weight": cannot be searched: it changes what the score means; set it under [base]',
    ),
    (
        '"model.scratch.layers" = [1, 2]',
        'space."model.scratch.layers": can be searched only if the base has [base.model.scratch]',
    ),
    (
        '"heads.sts.combine" = ["uv", "uv-diff"]',
        'space."heads.sts.combine".choices: uv is not allowed here: '
        "heads.sts.combine = 'uv' needs pair = 'siamese', got 'cross'",  # no condition would help
    ),
    ('"heads.sst.layers" = { value = 2 }', f'space."heads.sst.layers".value: {ALONE}'),
    (
        '"heads.sst.layers" = { value = 2, low = 1, when = { "heads.sst.pooling" = "cls" } }',
        'space."heads.sst.layers".low: cannot be combined with value',
    ),
    (
        '"heads.sst.layers" = { value = 0, when = { "heads.sst.pooling" = "cls" } }\n"optim.warmup" = [0.0, 0.1]',
        'space."heads.sst.layers".value: must be at least 1, got 0',
    ),
    (
        '"heads.sst.layers" = { value = "two", when = { "heads.sst.pooling" = "cls" } }',
        "space.\"heads.sst.layers\".value: must be a whole number, got 'two'",
    ),
    (
        '"heads.sst.class_weights" = { value = [1, 1, 1, 1, 2], when = { "heads.sst.pooling" = "cls" } }',
        'space."heads.sst.class_weights": this setting cannot be searched; set it under [base]',
    ),
    (
        '"heads.sst.pooling" = { choices = ["mean"], when = { "heads.sst.layers" = 1 } }',
        'space."heads.sst.pooling".choices: must contain at least two different values; for one, write value = "mean"',
    ),
]


@pytest.mark.parametrize(("line", "expected"), SPACE)
def test_mistakes_in_the_space(tmp_path: Path, line: str, expected: str) -> None:
    assert message(tmp_path, with_space(line)) == f"study.toml:5: {expected}"


def test_a_weight_is_searched_once(tmp_path: Path) -> None:
    line = '"loss.weights" = { simplex = ["sst", "sts"] }\n"loss.weights.{}" = {{ low = 0.1, high = 1.0 }}'
    para = with_space(line.replace("{}", "para").replace("{{", "{").replace("}}", "}"))
    assert load_study(write(tmp_path, para)).trials == 12
    sst = with_space(line.replace("{}", "sst").replace("{{", "{").replace("}}", "}"))
    assert message(tmp_path, sst) == (
        'study.toml:6: space."loss.weights.sst": is already searched as a part of "loss.weights"; keep one'
    )


def test_conditions_in_a_circle_are_named(tmp_path: Path) -> None:
    line = (
        '"heads.sst.layers" = { low = 1, high = 3, when = { "heads.sts.layers" = 2 } }\n'
        '"heads.sts.layers" = { low = 1, high = 3, when = { "heads.sst.layers" = 2 } }'
    )
    assert message(tmp_path, with_space(line)) == (
        'study.toml:5: space."heads.sst.layers".when: '
        "the conditions depend on each other in a circle: heads.sst.layers, heads.sts.layers"
    )


def test_a_space_of_linked_values_alone_is_refused(tmp_path: Path) -> None:
    line = '"heads.sst.layers" = { value = 2, when = { "heads.sst.pooling" = "cls" } }'
    assert message(tmp_path, with_space(line)) == (
        "study.toml:4: space: contains nothing to search: each of its settings has one value"
    )
