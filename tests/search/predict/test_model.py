"""Models that programs load: the numbers of core.scoring.predict, one pass for several tasks, and what is refused."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import search
from core.ensembles import average
from core.model.bert import Bert
from core.model_files.model_folder import TrainedModel, load_model_folder, save_model_folder
from core.scoring import predict
from data.errors import UserError
from data.examples import Examples
from search.predict.model import Model
from tests.search.predict.conftest import SPECS, TONE, WORDS, MakeModel

CPU = torch.device("cpu")
rng = np.random.default_rng(0)
SINGLE = [" ".join(rng.choice(WORDS.split(), size)) for size in (0, 1, 3, 60, 7, 7, 2, 30, 12, 5)]
PAIRS = [*zip(SINGLE, reversed(SINGLE), strict=True), ("", "")]


def alone(trained: TrainedModel, task: str, texts: list[Any]) -> np.ndarray:
    """Return what core.scoring.predict says of one task."""
    sentences = [(text,) if isinstance(text, str) else text for text in texts]
    examples = Examples.from_sentences(SPECS[task], sentences, trained.tokenizer)
    return predict(trained.model, trained.config, examples, trained.layout, CPU)


def probabilities(model: Model, texts: list[Any], task: str) -> np.ndarray:
    found = model.predict(texts, task)
    return np.asarray(found.values if found.probabilities is None else found.probabilities)


def test_one_task_is_predicted_as_in_a_run_to_the_bit(saved: Path) -> None:
    model, trained = search.load_model(saved), load_model_folder(saved)
    assert model.tasks == ("sst", "tone", "para", "sts")
    for task in model.tasks:
        texts = PAIRS if SPECS[task].kind.is_pair else SINGLE
        assert np.array_equal(probabilities(model, texts, task), alone(trained, task, texts)), task


def test_another_precision_than_that_of_the_run(saved: Path) -> None:
    """As if the run itself had this precision; the default is the run's."""
    trained = load_model_folder(saved)
    compute = trained.config.compute.model_copy(update={"precision": "bfloat16"})
    rough = replace(trained, config=trained.config.model_copy(update={"compute": compute}))
    found = probabilities(search.load_model(saved, "cpu", precision="bfloat16"), SINGLE, "tone")
    assert np.array_equal(found, alone(rough, "tone", SINGLE))
    exact = alone(trained, "tone", SINGLE)
    assert 0 < np.abs(found - exact).max() < 0.1
    assert np.array_equal(probabilities(search.load_model(saved, "cpu", precision="float32"), SINGLE, "tone"), exact)


def test_a_precision_that_the_device_lacks(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.run.precision._has_bfloat16", lambda _: False)
    with pytest.raises(UserError, match="device 'cpu' does not support bfloat16 here"):
        search.load_model(saved, "cpu", precision="bfloat16")


def test_values_are_class_names_or_scores(saved: Path) -> None:
    model = search.load_model(str(saved))
    tone, sts = model.predict(SINGLE, "tone"), model.predict(PAIRS, "sts")
    assert tone.probabilities is not None
    assert tone.classes == TONE.classes
    assert list(tone.values) == [TONE.classes[k] for k in tone.probabilities.argmax(axis=1)]
    assert tone.probabilities.std(axis=0).max() > 0.01
    assert sts.probabilities is None
    assert sts.values.dtype == np.float32
    assert len(sts) == len(PAIRS)


def test_an_ensemble_averages_its_members(ensemble: Path) -> None:
    model = search.load_model(ensemble)
    first, second = (load_model_folder(ensemble / "members" / name) for name in "ab")
    both = model.predict(SINGLE, ["sst", "tone"])
    members = [alone(member, "sst", SINGLE) for member in (first, second)]
    assert both["sst"].probabilities is not None
    assert np.allclose(both["sst"].probabilities, average(members, [0.25, 0.75]), rtol=0, atol=1e-6)
    assert np.array_equal(probabilities(model, SINGLE, "tone"), alone(second, "tone", SINGLE))


HEADS = {
    "same pooling": ({}, 1),
    "other poolings": ({"heads": {"sst": {"pooling": "cls"}, "tone": {"pooling": "mean"}}}, 1),
    "poolers": ({"heads": {"sst": {"pooling": "pooler"}, "tone": {"pooling": "max", "layers": 2}}}, 1),
    "own encoders": ({"model": {"encoders": "per-task"}}, 2),
    "own layers": ({"model": {"own_layers": 1}}, 2),
    "adapters": ({"task_layers": {"kind": "adapter", "size": 4}}, 2),
}


def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that will have the rows of every pass of an encoder."""
    rows: list[int] = []
    forward: Callable[..., torch.Tensor] = Bert.forward

    def counted(self: Bert, input_ids: torch.Tensor, *more: Any, **named: Any) -> torch.Tensor:
        rows.append(len(input_ids))
        return forward(self, input_ids, *more, **named)

    monkeypatch.setattr(Bert, "forward", counted)
    return rows


@pytest.mark.parametrize("name", HEADS)
def test_the_encoder_runs_once_for_tasks_that_share_it(
    name: str, make_model: MakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sections, count = HEADS[name]
    trained = make_model("sst", "tone", **sections)
    save_model_folder(tmp_path / "m", trained, {})
    model = search.load_model(tmp_path / "m", device="cpu")
    rows = passes(monkeypatch)
    found = model.predict(SINGLE)
    assert sum(rows) == count * len(SINGLE)
    assert list(found) == ["sst", "tone"]
    for task, together in found.items():
        assert together.probabilities is not None
        assert np.allclose(together.probabilities, alone(trained, task, SINGLE), rtol=0, atol=1e-6)


PAIRED = {
    "both cross": ({}, 1),
    "both siamese": ({"heads": {name: {"pair": "siamese", "pooling": "mean"} for name in ("para", "sts")}}, 2),
    "one of each": ({"heads": {"sts": {"pair": "siamese", "pooling": "mean"}}}, 3),
    "one in both orders": ({"heads": {"sts": {"pair_order": "both"}}}, 2),
    "both in both orders": ({"heads": {name: {"pair_order": "both"} for name in ("para", "sts")}}, 2),
}


@pytest.mark.parametrize("name", PAIRED)
def test_pairs_that_are_encoded_in_the_same_way_share_a_pass(
    name: str, make_model: MakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sections, rows_per_pair = PAIRED[name]
    trained = make_model(**sections)
    save_model_folder(tmp_path / "m", trained, {})
    model = search.load_model(tmp_path / "m")
    rows = passes(monkeypatch)
    found = model.predict(PAIRS)  # sst and tone read single sentences
    assert sum(rows) == rows_per_pair * len(PAIRS)
    assert list(found) == ["para", "sts"]
    for task, together in found.items():
        outputs = together.values if together.probabilities is None else together.probabilities
        assert np.allclose(outputs, alone(trained, task, PAIRS), rtol=0, atol=5e-6)  # of a range of 5


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(len(SINGLE))), size=st.integers(1, len(SINGLE)))
def test_other_texts_of_a_call_change_rounding_only(loaded: Model, order: list[int], size: int) -> None:
    whole = loaded.predict(SINGLE)
    part = loaded.predict([SINGLE[place] for place in order[:size]])
    for task in whole:
        expected, found = whole[task].probabilities, part[task].probabilities
        assert expected is not None
        assert found is not None
        assert np.allclose(found, expected[order[:size]], rtol=0, atol=1e-5)


@pytest.fixture(scope="module")
def loaded(make_model: MakeModel, tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("loaded") / "model"
    save_model_folder(folder, make_model(), {})
    return search.load_model(folder)


def test_an_empty_text_is_predicted_from_the_special_tokens(loaded: Model) -> None:
    (text,) = loaded.predict([""], "sst").values
    assert text in SPECS["sst"].classes
    assert np.array_equal(probabilities(loaded, [""], "sst"), probabilities(loaded, [" \n "], "sst"))


def test_no_texts(loaded: Model) -> None:
    nothing = loaded.predict([])
    assert list(nothing) == list(loaded.tasks)
    assert {name: len(found) for name, found in nothing.items()} == dict.fromkeys(loaded.tasks, 0)
    assert nothing["sst"].to_frame().columns.tolist()[0] == "prediction"
    assert loaded.predict(iter([]), "sts").values.shape == (0,)


@pytest.mark.parametrize(
    ("texts", "task", "message"),
    [
        (["a"], "tne", "no task 'tne': the model has the tasks sst, tone, para, sts; did you mean 'tone'?"),
        (["a"], ["sst", "x"], "no task 'x': the model has the tasks"),
        (["a"], "sts", "task 'sts' reads a pair of sentences; got a single sentence"),
        ([("a", "b")], "sst", "task 'sst' reads a single sentence; got a pair of sentences"),
        (["a"], ["sst", "para"], "task 'para' reads a pair of sentences; got a single sentence"),
        (["a", float("nan")], "sst", "text 1 must be a string, or a pair of strings, got 'nan'"),
        (["a", None], None, "text 1 must be a string, or a pair of strings, got 'None'"),
        ([("a", "b", "c")], "sts", "text 0 must be a string, or a pair of strings"),
        ([("a", 1)], "sts", "text 0 must be a string, or a pair of strings"),
        ([()], "sts", "text 0 must be a string, or a pair of strings"),
        (["a", ("a", "b")], None, "texts must be strings or pairs, not both; text 1 is a pair of sentences"),
        ("one text", "sst", "texts must be a list; put a single text in brackets"),
        (["a\ud800"], "sst", "text 0 cannot be encoded as UTF-8"),
    ],
)
def test_what_cannot_be_predicted(loaded: Model, texts: Any, task: Any, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)) as refused:
        loaded.predict(texts, task)
    assert "\n" not in str(refused.value)


def test_no_task_reads_such_texts(make_model: MakeModel, tmp_path: Path) -> None:
    save_model_folder(tmp_path, make_model("sst"), {})
    with pytest.raises(UserError, match=r"^no task of the model reads a pair of sentences; its tasks are sst$"):
        search.load_model(tmp_path).predict(PAIRS)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no run_config\.json; give a folder written by search\.export"):
        search.load_model(tmp_path)


def test_neither_the_import_nor_a_model_needs_optuna(saved: Path) -> None:
    program = f"""
import sys, search
slow = {{"torch", "optuna", "pandas", "scipy", "sklearn", "numpy", "plotly", "sqlalchemy", "transformers"}}
assert not slow & set(sys.modules), slow & set(sys.modules)
model = search.load_model({str(saved)!r}, device="cpu")
assert len(model.predict(["a fine film"], "sst")) == 1
found = {{name.partition(".")[0] for name in sys.modules}}
assert not found & {{"optuna", "optuna_dashboard", "sqlalchemy", "plotly", "transformers"}}, found
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
