"""Which values of a space are refused, and which hints help."""

from pathlib import Path
from typing import Any

import pytest
from optuna.trial import FixedTrial

from search.display.values import shown
from search.parsing.errors import StudyFileError
from search.space.feasibility import try_space
from search.space.parsing import parse_space
from search.space.paths import get_value
from search.study.file import load_study
from tests.search.space.made_spaces import EVERYTHING, base
from tests.search.study_texts import message, with_space, write

COS = {"heads.sts.output": "cos"}


MENDED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"heads": {"sts": {"loss": "mse"}}},
        {
            "heads.sts.output": ["sigmoid", "classes"],
            "heads.sts.loss": {"value": "cross-entropy", "when": {"heads.sts.output": "classes"}},
        },
    ),
    (
        {"heads": {"sts": {"pair": "cross", "output": "sigmoid", "loss": "mse"}}},
        {
            "heads.sts.output": ["sigmoid", "cos"],
            "heads.sts.pair": {"value": "siamese", "when": COS},
            "heads.sts.combine": {"value": "cos", "when": COS},
            "heads.sts.loss": {"value": "pearson", "when": COS},
        },
    ),
    (
        {"sampler": {"order": "together"}},
        {
            "gradients.rule": ["sum", "anchored"],
            "gradients.anchor": {"choices": ["sst", "para"], "when": {"gradients.rule": "anchored"}},
        },
    ),
    (  # only one of two choices makes it valid, and the base has another
        {"heads": {"sts": {"pair": "siamese", "side_layers": 2}}},
        {
            "heads.sts.pair": ["cross", "siamese"],
            "heads.sts.side_layers": {"value": 0, "when": {"heads.sts.pair": "cross"}},
        },
    ),
]


@pytest.mark.parametrize(("sections", "table"), MENDED)
def test_a_value_is_judged_together_with_what_it_brings_about(sections: dict[str, Any], table: dict[str, Any]) -> None:
    """Without the settings that the first one's values bring about, one of its values makes no run."""
    start = base(**sections)
    first = next(iter(table))
    assert {row.path for row in parse_space(table, start).describe()} == set(table)
    with pytest.raises(StudyFileError, match="is not allowed here"):
        parse_space({first: table[first]}, start)


def test_a_value_that_suits_another_way_to_meet_its_condition_is_not_refused() -> None:
    """``mse`` with ``mse`` is not allowed, with ``pearson`` it is: only some draws of both fail."""
    auxiliary = {"choices": ["mse", "cosent"], "when": {"heads.sts.loss": ["mse", "pearson"]}}
    table = {"heads.sts.loss": ["mse", "pearson"], "heads.sts.auxiliary_loss": auxiliary}
    with pytest.raises(StudyFileError) as caught:
        parse_space(table, base())
    assert caught.value.key == ("space",)
    assert caught.value.what.startswith("some trials would fail: no valid run has heads.sts.loss = mse, ")
    assert caught.value.what.endswith('; a condition (when) on "heads.sts.auxiliary_loss" may help')


def test_the_two_designs_of_sts_from_a_base_that_spells_one_out() -> None:
    siamese = {"heads.sts.pair": "siamese"}
    table = {
        "heads.sts.pair": ["cross", "siamese"],
        "heads.sts.combine": {"value": "cos", "when": siamese},
        "heads.sts.loss": {"value": "pearson", "when": siamese},
    }
    start = base(heads={"sts": {"pair": "cross", "loss": "mse"}})
    space = parse_space(table, start)
    assert space.suggest(FixedTrial({"heads.sts.pair": "cross"}), start) == start
    head = space.suggest(FixedTrial({"heads.sts.pair": "siamese"}), start).heads["sts"]
    assert (head.combine, head.score_output, head.loss) == ("cos", "cos", "pearson")


def test_what_was_tried_is_seeded_and_holds_every_end_and_choice() -> None:
    space = parse_space(EVERYTHING, base())
    runs = try_space(space, base())
    assert runs == try_space(space, base())
    ends = [(run.key, run.value) for run in runs if len(run.key) > 1]
    expected = [
        (key, shown(value))
        for dimension in space.dimensions
        if dimension.path != "loss.weights"
        for key, value in dimension.distribution.probes(dimension.path)
    ]
    assert ends == expected
    assert len(runs) == len(expected) + 100
    for run in runs[: len(ends)]:
        assert shown(get_value(run.config, run.key[1])) == run.value
        changed = {run.key[1]}
        for path in {"optim.learning_rate", "sampler.alpha"} - changed:
            assert get_value(run.config, path) == get_value(base(), path)


def test_combinations_that_make_no_run_are_found_before_the_study(tmp_path: Path) -> None:
    """'cross' alone fits the base, and with neither 'uv' nor 'uv-diff'."""
    text = with_space(
        '"heads.sts.pair" = ["cross", "siamese"]\n"heads.sts.combine" = ["uv", "uv-diff"]',
        '[base.heads.sts]\npair = "siamese"\n',
    )
    assert message(tmp_path, text) == (
        'study.toml:7: space."heads.sts.pair".choices: cross is not allowed here: '
        "heads.sts.combine = 'uv-diff' needs pair = 'siamese', got 'cross'; "
        'a condition (when) on "heads.sts.combine" may help'
    )
    corrected = text.replace(
        '["uv", "uv-diff"]', '{ choices = ["uv", "uv-diff"], when = { "heads.sts.pair" = "siamese" } }'
    )
    assert load_study(write(tmp_path, corrected)).space.has_conditions


HINTS = [
    (  # the default of the other setting does
        "[base.heads.sts]\nloss = 'mse'",
        '"heads.sts.output" = ["sigmoid", "classes"]',
        '; this may help: "heads.sts.loss" = { value = "none", when = { "heads.sts.output" = "classes" } }',
    ),
    (  # only a task's name does
        "[base.sampler]\norder = 'together'",
        '"gradients.rule" = ["sum", "anchored"]',
        '; this may help: "gradients.anchor" = { value = "sst", when = { "gradients.rule" = "anchored" } }',
    ),
    (
        "[base.model]\nencoder = 'scratch'\nscratch.layers = 4\nfreeze_layers = 2",
        '"model.scratch.layers" = [1, 4]',
        '; this may help: "model.freeze_layers" = { value = 0, when = { "model.scratch.layers" = 1 } }',
    ),
    (
        "[base.model]\nencoder = 'scratch'\nscratch.layers = 2",
        '"model.freeze_layers" = { low = 0, high = 2 }\n"model.reinit_layers" = { low = 0, high = 2 }',
        '; a condition (when) on "model.freeze_layers" may help',
    ),
]


@pytest.mark.parametrize(("base", "line", "hint"), HINTS)
def test_hints_that_help(tmp_path: Path, base: str, line: str, hint: str) -> None:
    said = message(tmp_path, with_space(line, base))
    assert said.endswith(hint)
    if (link := hint.removeprefix("; this may help: ")) != hint:
        assert load_study(write(tmp_path, with_space(f"{line}\n{link}", base))).space


NO_HINTS = [
    # nothing but another base would do
    ("[base.lora]\nrank = 4", '"model.freeze_layers" = { low = 0, high = 2 }'),
    ("[base.model]\nencoder = 'scratch'\nscratch.layers = 2", '"model.freeze_layers" = { low = 0, high = 7 }'),
    # the value that goes along is there, and is the wrong one
    (
        "",
        '"heads.sts.output" = ["sigmoid", "classes"]\n'
        '"heads.sts.loss" = { value = "pearson", when = { "heads.sts.output" = "sigmoid" } }\n'
        '"heads.sts.auxiliary_loss" = { value = "pearson", when = { "heads.sts.output" = "sigmoid" } }',
    ),
]


@pytest.mark.parametrize(("base", "line"), NO_HINTS)
def test_no_hint_where_none_helps(tmp_path: Path, base: str, line: str) -> None:
    assert "help" not in message(tmp_path, with_space(line, base))


def test_layers_that_a_scratch_encoder_lacks_are_reported_at_once(tmp_path: Path) -> None:
    scratch = "[base.model]\nencoder = 'scratch'\nscratch.layers = 2"
    line = '"model.freeze_layers" = { low = 0, high = 7 }'
    assert message(tmp_path, with_space(line, scratch)) == (
        'study.toml:7: space."model.freeze_layers".high: 7 is not allowed here: '
        "model.freeze_layers = 7, but model.scratch.layers = 2"
    )
    both = with_space(f'{line.replace("7", "4")}\n"model.scratch.layers" = {{ value = 4, when = {FROZEN} }}', scratch)
    assert load_study(write(tmp_path, both)).space.describe()[1].values == "4"
    assert load_study(write(tmp_path, with_space(line))).space  # how many layers a checkpoint has is not known here


FROZEN = '{ "model.freeze_layers" = { above = 0 } }'
