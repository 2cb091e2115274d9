"""Scoring: precision, training examples, what an evaluation carries, and that training never notices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from core.config import RunConfig
from core.inputs.fixed_subset import fixed_subset, stratified_part
from core.inputs.resources import Resources
from core.inputs.task_data import sorted_batches
from core.model.randomness import random_state
from core.run.errors import DivergedError
from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.scoring import DevScores, predict, predict_tasks, score_dev
from core.statistics import task_metrics
from core.trainer import TrainingRun, train
from data.rows import assemble

MakeConfig = Callable[..., RunConfig]
CPU = torch.device("cpu")


@pytest.fixture
def run(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> TrainingRun:
    torch.set_num_threads(1)
    return TrainingRun(small_config(eval={"rungs": 2, "train_examples": 30}), RunFolder(tmp_path), resources)


def predictions_of(run: TrainingRun, config: RunConfig, task: str = "sts") -> np.ndarray:
    data = run.tasks[task]
    return predict(run.model, config, data.dev, data.layout, CPU)


def test_dev_is_scored_in_the_precision_of_training(run: TrainingRun) -> None:
    """A forward pass outside autocast would give the float32 numbers to the bit."""
    half = run.config.model_copy(update={"compute": run.config.compute.model_copy(update={"precision": "bfloat16"})})
    full, rounded = predictions_of(run, run.config), predictions_of(run, half)
    assert full.dtype == rounded.dtype == np.float32
    assert np.abs(full - rounded).max() > 0
    assert np.allclose(full, rounded, atol=0.1)
    # Outputs are rounded to bfloat16's 8 bits, but probabilities are computed from them in float32.
    assert np.allclose(predictions_of(run, half, "sst").sum(axis=1), 1.0, atol=1e-6)


def test_predictions_do_not_depend_on_the_batches(run: TrainingRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the examples' order, although the batches are sorted by length; in float64, where rounding is out of sight."""
    run.model.double()
    small = run.config.model_copy(update={"eval": run.config.eval.model_copy(update={"batch_size": 7})})
    for task in run.tasks:
        usual = predictions_of(run, run.config, task)
        assert np.allclose(usual, predictions_of(run, small, task), rtol=0, atol=1e-12)
        with monkeypatch.context() as patched:
            patched.setattr("core.scoring._TOKENS_ON_CPU", 50)
            assert np.allclose(usual, predictions_of(run, run.config, task), rtol=0, atol=1e-12)


@pytest.mark.parametrize("task", ["sst", "sts"])
def test_batches_have_a_limited_number_of_tokens(run: TrainingRun, task: str) -> None:
    data = run.tasks[task]
    batches = list(sorted_batches(data.dev, data.layout, data.siamese, 16, tokens=100))
    assert sorted(torch.cat([batch.positions for batch in batches]).tolist()) == list(range(len(data.dev)))
    sizes = [batch.padded().input_ids.numel() for batch in batches]
    assert max(sizes) <= 100 < sum(sizes)
    assert max(map(len, batches)) <= 16
    single = sorted_batches(data.dev, data.layout, data.siamese, 16, tokens=1)
    assert [len(batch) for batch in single] == [1] * len(data.dev)


def test_the_gap_is_that_of_a_fixed_subset_of_the_training_examples(run: TrainingRun) -> None:
    scores = score_dev(run.model, run.config, run.tasks, CPU)
    for name, data in run.tasks.items():
        everything = predict(run.model, run.config, data.train, data.layout, CPU)
        chosen = fixed_subset(len(data.train), 30, f"train-dev gap of {name}")
        labels = np.asarray(data.train.labels)[chosen]
        spec = data.train.spec
        expected = task_metrics(spec, everything[chosen], labels)[spec.metric.name]
        metrics = scores.metrics[name]
        assert metrics[f"train_{spec.metric}"] == pytest.approx(expected, abs=1e-6)
        assert metrics["train_dev_gap"] == metrics[f"train_{spec.metric}"] - scores.scores[name]
        # not the examples that a train_limit of 30 would keep
        assert not np.array_equal(chosen, fixed_subset(len(data.train), 30, name))


def test_a_model_that_knows_its_training_examples_has_a_gap(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    """20 examples learnt by heart: the sign is train minus dev."""
    base = small_config(("sst",), budget={"examples": 4000, "batch_size": 20}, optim={"learning_rate": 1e-2})
    base = base.model_dump()
    base["tasks"]["sst"]["train_limit"] = 20
    train(RunConfig.model_validate({**base, "eval": {"rungs": 1}}), tmp_path, resources, NullRunObserver())
    metrics = RunFolder(tmp_path).read_metrics()[-1].metrics["sst"]
    assert metrics["train_accuracy"] > 0.9
    assert metrics["train_dev_gap"] > 0.3


def test_no_training_examples_no_gap(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    config = small_config(eval={"train_examples": 0})
    run = TrainingRun(config, RunFolder(tmp_path), resources)
    scores = score_dev(run.model, config, run.tasks, CPU)
    assert not [name for metrics in scores.metrics.values() for name in metrics if name.startswith("train_")]


def test_scoring_draws_nothing_at_random(run: TrainingRun) -> None:
    run.step()
    before = random_state(CPU)
    streams = {name: str(data.state_dict()) for name, data in run.tasks.items()}
    score_dev(run.model, run.config, run.tasks, CPU)
    after = random_state(CPU)
    assert str(before) == str(after)
    assert all(torch.equal(before[key], after[key]) for key in before if isinstance(before[key], torch.Tensor))
    assert streams == {name: str(data.state_dict()) for name, data in run.tasks.items()}


def test_looking_at_training_examples_does_not_change_training(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    ends = []
    for count in (0, 50):
        folder = tmp_path / str(count)
        train(small_config(eval={"rungs": 3, "train_examples": count}), folder, resources, NullRunObserver())
        ends.append([(e.scores, e.train_loss) for e in RunFolder(folder).read_metrics()])
    assert ends[0] == ends[1]


def test_broken_predictions_on_training_examples_are_reported(run: TrainingRun) -> None:
    data = run.tasks["sst"]
    data.dev = data.dev.subset(np.array([0, 1]))
    seen = data.train.subset(fixed_subset(len(data.train), 30, "train-dev gap of sst"))
    word = min(set(seen.token_ids.tolist()) - set(data.dev.token_ids.tolist()))
    with torch.no_grad():
        run.model.encoder("sst").embeddings.word_embeddings.weight[word] = float("nan")
    with pytest.raises(DivergedError, match="the sst predictions on training examples are not finite"):
        score_dev(run.model, run.config, {"sst": data}, CPU)


def test_an_evaluation_carries_confusion_and_cost_through_json(run: TrainingRun) -> None:
    run.folder.make()
    for _ in range(4):
        run.step()
    evaluation = run.evaluate()
    assert Evaluation.from_json(evaluation.to_json()) == evaluation
    assert set(evaluation.confusion) == {"sst", "para"}
    for task, confusion in evaluation.confusion.items():
        gold = np.asarray(run.tasks[task].dev.labels)
        assert [sum(row) for row in confusion] == np.bincount(gold, minlength=len(confusion)).tolist()
        assert np.trace(confusion) / len(gold) == evaluation.metrics[task]["accuracy"]
    assert evaluation.cost is not None
    assert evaluation.cost.forward_examples == 80
    assert evaluation.cost.trainable_share == 1.0
    assert evaluation.cost.parameters == sum(weight.numel() for weight in run.model.parameters())
    assert evaluation.cost.peak_memory_mib > 50


def test_frozen_weights_are_not_trainable(run: TrainingRun) -> None:
    frozen = sum(weight.numel() for weight in run.model.encoder("sst").parameters())
    run.model.encoder("sst").requires_grad_(False)
    run.folder.make()
    cost = run.evaluate().cost
    assert cost is not None
    assert cost.parameters - cost.trainable_parameters == frozen


def test_a_resumed_run_continues_to_count_its_cost(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    first = TrainingRun(small_config(), RunFolder(tmp_path), resources)
    first.folder.make()
    first.step()
    peak = 1e6  # MiB: a million, which no later peak reaches
    first._memory.resume(peak)
    first.save()
    second = TrainingRun(small_config(), RunFolder(tmp_path), resources)
    second.resume()
    second.step()
    cost = second.evaluate().cost
    assert cost is not None
    assert cost.forward_examples == 40
    assert cost.peak_memory_mib == peak


def test_scores_without_training_examples_are_those_with_them(run: TrainingRun) -> None:
    """As an export has them: the same dev numbers to the bit."""
    scores = score_dev(run.model, run.config, run.tasks, CPU)
    gold = {name: np.asarray(data.dev.labels) for name, data in run.tasks.items()}
    again = DevScores(run.config, scores.predictions, gold)
    assert (again.overall, again.scores, again.confusion) == (scores.overall, scores.scores, scores.confusion)
    for task, metrics in again.metrics.items():
        assert metrics.items() < scores.metrics[task].items()


def test_both_orders_are_averaged_and_drawn(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    config = small_config(("para", "sts"), heads={"sts": {"pair_order": "both"}}, eval={"rungs": 2})
    run = TrainingRun(config, RunFolder(tmp_path / "a"), resources)
    data = run.tasks["sts"]
    in_order = small_config(("para", "sts"), heads={"sts": {}}, eval={"rungs": 2})
    mean, given = predictions_of(run, config), predictions_of(run, in_order)
    with torch.inference_mode():
        positions = np.arange(len(data.dev))
        batch = assemble(data.dev, positions, data.layout, False, np.ones(len(positions), dtype=bool))
        swapped = run.model.predict(batch).numpy()
    assert np.abs(given - swapped).max() > 1e-5
    assert np.allclose(mean, (given + swapped) / 2, rtol=0, atol=1e-6)

    other = TrainingRun(config, RunFolder(tmp_path / "b"), resources).tasks["sts"]
    batches = [data.next_batch(50) for _ in range(4)]
    other.next_batch(50)
    other.load_state_dict(other.state_dict())
    assert torch.equal(other.next_batch(50).input_ids, batches[1].input_ids)
    as_given = [assemble(data.train, b.positions.numpy(), data.layout, False).input_ids for b in batches]
    lengths = [batch.offsets.tolist() for batch in batches]
    drawn = [
        not torch.equal(batch.input_ids[a:b], plain[a:b])
        for batch, plain, offsets in zip(batches, as_given, lengths, strict=True)
        for a, b in pairwise(offsets)
    ]
    assert 70 <= sum(drawn) <= 130  # of 200


def test_early_rungs_score_a_part_and_training_does_not_notice(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    runs = {}
    for share in (1.0, 0.25):
        config = small_config(eval={"rungs": 3, "train_examples": 30, "early_share": share})
        folder = RunFolder(tmp_path / str(share))
        train(config, folder.path, resources, NullRunObserver())
        runs[share] = config, folder, folder.read_metrics()
    (config, whole, everywhere), (_, part, evaluations) = runs.values()
    assert [one.dev_share for one in evaluations] == [0.25, 0.25, 1.0]
    assert [one.train_loss for one in evaluations] == [one.train_loss for one in everywhere]
    assert timeless(evaluations[-1]) == timeless(everywhere[-1])
    assert part.read_best_evaluation() == evaluations[-1]
    for task, data in resources.task_data(config).items():
        rows = stratified_part(np.asarray(data.dev.labels), 0.25, task)
        for evaluation in evaluations[:-1]:
            predictions = np.load(part.predictions(task, evaluation.rung))
            assert len(predictions) == 15
            assert np.allclose(predictions, np.load(whole.predictions(task, evaluation.rung))[rows], atol=1e-5)
            score = task_metrics(data.dev.spec, predictions, np.asarray(data.dev.labels)[rows])
            assert evaluation.scores[task] == score[data.dev.spec.metric.name]


def test_a_better_score_on_a_part_keeps_no_weights(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every rung is made to look worse than the one before."""
    config = small_config(("sst",), eval={"rungs": 3, "early_share": 0.5})
    run = TrainingRun(config, RunFolder(tmp_path), resources)
    overall = iter([0.9, 0.8, 0.1])
    monkeypatch.setattr(run, "_evaluation", lambda *given: replace(original(*given), overall=next(overall)))
    original = TrainingRun._evaluation.__get__(run)
    while not run.finished:
        if run.at_rung:
            run.evaluate()
            assert run.folder.best_model.is_file() == run.finished
        else:
            run.step()
    assert run.folder.read_best_evaluation().overall == 0.1


def timeless(evaluation: Evaluation) -> Evaluation:
    return replace(evaluation, seconds=0.0, examples_per_second=0.0, cost=None, dev_share=1.0)


def test_several_tasks_at_once_have_the_predictions_of_each(run: TrainingRun) -> None:
    """In float64, where rounding is out of sight."""
    run.model.double()
    pairs, layout = run.tasks["para"].dev, run.tasks["para"].layout
    together = predict_tasks(run.model, run.config, pairs, ["sts", "para"], layout, CPU)
    assert list(together) == ["sts", "para"]
    for task, found in together.items():
        alone = predict(run.model, run.config, replace(pairs, spec=run.config.tasks[task].spec), layout, CPU)
        assert np.allclose(found, alone, rtol=0, atol=1e-12)
        assert found.std() > 0
