"""Export and prediction: the course's files, a model that transformers loads, the same predictions for new text."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import torch
import transformers
from huggingface_hub import ModelCard

import search
from core.config import RunConfig
from core.inputs.resources import Resources
from core.inputs.task_data import sorted_batches
from core.model_files.formats import registry
from core.model_files.model_folder import load_model_folder
from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.trainer import train
from data.errors import UserError
from data.examples import Examples
from data.reading import read_split
from data.task_files import builtin_tasks
from search.analysis.expected_score import estimate_best
from search.export.trial import export_trial
from search.recorded.ranking import open_study
from search.trials.folders import TrialFolders
from tests.docs.pages import text

Run = Callable[..., subprocess.CompletedProcess[str]]

HEADERS = {"sst": "Predicted_Sentiment", "para": "Predicted_Is_Paraphrase", "sts": "Predicted_Similiary"}


@pytest.fixture(scope="module")
def exported(finished_study: Any, run_command: Run) -> Path:
    done = run_command("search.export", "--study", "tiny", "--runs-dir", finished_study.runs)
    assert done.returncode == 0, done.stderr
    return Path(finished_study.runs) / "tiny" / "export"


@pytest.fixture(scope="module")
def corpus(finished_study: Any) -> Path:
    return Path(finished_study.runs) / "tiny" / "corpus"


@pytest.mark.parametrize("split", ["dev", "test"])
@pytest.mark.parametrize("task", ["sst", "para", "sts"])
def test_prediction_files_have_the_courses_format(exported: Path, corpus: Path, task: str, split: str) -> None:
    content = (exported / "predictions" / f"{task}-{split}-output.csv").read_bytes()
    assert b"\r" not in content
    lines = content.decode().splitlines()
    assert lines[0].rstrip() == f"id \t {HEADERS[task]}"
    rows = [line.split(" , ") for line in lines[1:]]
    assert [row[0] for row in rows] == read_split(builtin_tasks()[task], corpus, split).ids  # type: ignore[arg-type]
    values = [float(row[1]) for row in rows]
    if task == "sts":
        assert all(0 <= value <= 5 for value in values)
    else:
        assert set(values) <= set(range(5 if task == "sst" else 2))


def test_the_exported_dev_scores_are_those_of_the_search(exported: Path, finished_study: Any) -> None:
    provenance = json.loads((exported / "model" / "provenance.json").read_text())
    trial = Path(finished_study.runs) / "tiny" / f"trial-{provenance['trial']:04d}"
    best = json.loads((trial / "best" / "evaluation.json").read_text())
    assert provenance["dev"] == {"overall": best["overall"], **best["scores"]}
    for task, metrics in provenance["dev_metrics"].items():
        on_training = {name: best["metrics"][task][name] for name in best["metrics"][task] if name.startswith("train_")}
        assert len(on_training) == 2
        assert {**metrics, **on_training} == best["metrics"][task]
    assert provenance["dev_confusion"] == best["confusion"]
    assert provenance["rung"] == best["rung"]
    assert provenance["study"] == "tiny"
    assert len(provenance["data_sha256"]) == len(provenance["config_sha256"]) == 64
    assert provenance["versions"]["torch"] == torch.__version__
    others = trial.parent.glob("trial-*/best/evaluation.json")
    assert best["overall"] == max(json.loads(p.read_text())["overall"] for p in others)
    # and the predictions written are those that were scored
    gold = read_split(builtin_tasks()["sst"], Path(finished_study.runs) / "tiny" / "corpus", "dev").labels
    lines = (exported / "predictions" / "sst-dev-output.csv").read_text().splitlines()[1:]
    predicted = [int(line.split(" , ")[1]) for line in lines]
    assert gold is not None
    assert np.mean(np.array(predicted) == gold) == provenance["dev"]["sst"]


def test_the_model_card_has_the_scores_of_the_provenance(exported: Path) -> None:
    card = ModelCard.load(exported / "model" / "README.md")
    provenance = json.loads((exported / "predictions" / "provenance.json").read_text())
    found = {one.dataset_name: one.metric_value for one in card.data.eval_results}
    assert found == {name: pytest.approx(provenance["dev"][name], abs=1e-4) for name in provenance["tasks"]}
    assert str(exported.parent) not in card.text


def test_the_estimate_is_exported(exported: Path, finished_study: Any, run_command: Run, tmp_path: Path) -> None:
    """With it, search.score needs only the labels; here those of train and dev serve for test."""
    provenance = json.loads((exported / "predictions" / "provenance.json").read_text())
    study = open_study("tiny", None, finished_study.runs)
    estimate, _ = estimate_best(study, TrialFolders(finished_study.runs / "tiny"))
    assert estimate is not None
    assert provenance["expected"] == estimate.to_dict()
    for task in ("sst", "para", "sts"):
        lines = (exported / "predictions" / f"{task}-test-output.csv").read_text().splitlines()[1:]
        rows = [line.rsplit(",", 1)[0].strip() + f",{place % 2}" for place, line in enumerate(lines)]
        (tmp_path / f"{task}-labels.csv").write_text("id,label\n" + "\n".join(rows) + "\n")
    done = run_command("search.score", "--study", "tiny", "--runs-dir", finished_study.runs, "--labels", tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"on dev {estimate.scores.overall.dev:.4f}, expected" in done.stdout


def trained(finished_study: Any, folder: Path, **sections: dict[str, Any]) -> tuple[RunConfig, Resources, RunFolder]:
    """Return a short run of the study with other sections."""
    stored = json.loads((finished_study.runs / "tiny" / "trial-0000" / "config.json").read_text())
    stored |= {name: {**stored[name], **section} for name, section in sections.items()}
    stored |= {"budget": {"examples": 100, "batch_size": 20}, "eval": {"rungs": 1}}
    config, resources, run = RunConfig.model_validate(stored), Resources(folder / "cache"), RunFolder(folder / "run")
    train(config, run.path, resources, NullRunObserver())
    return config, resources, run


def test_a_bfloat16_run_is_exported_as_it_was_scored(finished_study: Any, tmp_path: Path) -> None:
    """Fails if export predicts in another precision than the trial: no prediction would be quite the same."""
    config, resources, folder = trained(finished_study, tmp_path, compute={"precision": "bfloat16"})
    provenance = export_trial("s", optuna.trial.create_trial(value=0.5), folder, config, resources, tmp_path / "out")
    best = Evaluation.from_json(folder.best_evaluation.read_text())
    assert provenance["dev"] == {"overall": best.overall, **best.scores}
    for task, metrics in provenance["dev_metrics"].items():
        assert metrics.items() <= best.metrics[task].items()
    lines = (tmp_path / "out" / "predictions" / "sts-dev-output.csv").read_text().splitlines()[1:]
    written = np.array([float(line.split(" , ")[1]) for line in lines], dtype=np.float32)
    assert np.array_equal(written, np.load(folder.predictions("sts", 100)))


@pytest.mark.parametrize("model", [{"encoders": "per-task"}, {"own_layers": 1}])
def test_encoders_of_the_tasks_own_predict_what_was_scored(
    finished_study: Any, tmp_path: Path, corpus: Path, run_command: Run, model: dict[str, Any]
) -> None:
    """In the export and, loaded again, for new text."""
    config, resources, folder = trained(finished_study, tmp_path, model=model)
    export_trial("s", optuna.trial.create_trial(value=0.5), folder, config, resources, tmp_path / "out")
    written = {}
    for task in ("para", "sts"):
        lines = (tmp_path / "out" / "predictions" / f"{task}-dev-output.csv").read_text().splitlines()[1:]
        written[task] = np.array([float(line.split(" , ")[1]) for line in lines], dtype=np.float32)
    assert np.array_equal(written["sts"], np.load(folder.predictions("sts", 100)))
    assert np.array_equal(written["para"], np.load(folder.predictions("para", 100)).argmax(axis=1))
    pairs = read_split(builtin_tasks()["sts"], corpus, "dev").sentences
    text = "".join("\t".join(pair) + "\n" for pair in pairs)
    done = run_command("search.predict", "--model-dir", tmp_path / "out" / "model", "--task", "sts", input=text)
    assert done.returncode == 0, done.stderr
    assert np.allclose([float(value) for value in done.stdout.split()], written["sts"], atol=1e-4)


def test_tasks_for_other_libraries(finished_study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As trained, the pairs of the tiny study are siamese with a layer on both sentences."""
    heads = {"para": {"pair": "cross", "pooling": "cls"}}
    config, resources, folder = trained(finished_study, tmp_path, heads=heads)
    out, trial = tmp_path / "out", optuna.trial.create_trial(value=0.5)
    (out / "model" / "sst").mkdir(parents=True)
    (out / "model" / "sst" / "config.json").write_text("mine")
    with pytest.raises(UserError, match="sst' was not exported, and would be overwritten"):
        export_trial("s", trial, folder, config, resources, out, formats=["transformers"])
    assert not (out / "predictions").exists()
    (out / "model" / "sst" / "config.json").unlink()
    provenance = export_trial("s", trial, folder, config, resources, out, formats=["transformers"])
    assert provenance["formats"]["written"] == {"sst": "transformers", "para": "transformers"}
    (refusal,) = provenance["formats"]["refused"]
    assert refusal.startswith("Task sts is not written for other libraries. transformers: its sentences are encoded")
    classes = config.tasks["para"].spec.classes
    read = read_split(builtin_tasks()["para"], Path(config.data.directory), "dev").sentences
    pipe = transformers.pipeline("text-classification", str(out / "model" / "para"), truncation=True, device="cpu")
    answers = [pipe({"text": first, "text_pair": second}, top_k=None) for first, second in read[:10]]
    given = [
        [one["score"] for one in sorted(answer, key=lambda one: classes.index(one["label"]))] for answer in answers
    ]
    assert np.allclose(given, np.load(folder.predictions("para", 100))[:10], atol=1e-5)
    # What cannot be built leaves the earlier export as it was.
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}

    def fail(folder: Path, *_: object) -> None:
        folder.mkdir(parents=True)
        raise UserError("cannot be built")

    with monkeypatch.context() as patched, pytest.raises(UserError, match="cannot be built"):
        patched.setitem(registry._FORMATS, "transformers", registry._FORMATS["transformers"]._replace(write=fail))
        export_trial("s", trial, folder, config, resources, out, formats=["transformers"])
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert sorted(path.name for path in out.iterdir()) == ["model", "predictions"]
    provenance = export_trial("s", trial, folder, config, resources, out)
    assert "formats" not in provenance
    assert not (out / "model" / "para").exists()


@pytest.mark.slow
def test_the_whole_model_for_onnx(finished_study: Any, run_command: Run, corpus: Path, tmp_path: Path) -> None:
    """In float32 and int8, from the command line; and the program in docs/tools.md predicts with it."""
    formats = ("--format", "onnx", "--format", "onnx-int8")
    done = run_command(
        "search.export", "--study", "tiny", "--runs-dir", finished_study.runs, "--out", tmp_path, *formats
    )
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stdout.splitlines() if line.startswith("onnx-int8: ")]
    assert [line.split()[1] for line in said] == ["sst", "para", "sts"]
    same = [float(line.split("; ")[1].split("%")[0]) for line in said[:2]]
    assert all(95 <= share <= 100 for share in same), said
    differ = float(said[2].split("scores differ by ")[1].split()[0])
    assert 0 < differ < 0.05, said
    dev = {task: read_split(builtin_tasks()[task], corpus, "dev").sentences[:20] for task in ("sst", "para", "sts")}
    model = search.load_model(tmp_path / "model", device="cpu")
    program = text("tools.md").partition("### ONNX")[2].partition("```python\n")[2].partition("\n\n\npredict(")[0]
    for name, tolerance in (("onnx", 1e-4), ("onnx-int8", 0.1)):
        here: dict[str, Any] = {}
        exec(program.replace("runs/mood/export/model/onnx", str(tmp_path / "model" / name)), here)
        for task, sentences in dev.items():
            ours = model.predict([one if len(one) == 2 else one[0] for one in sentences], task)
            expected = ours.values if ours.probabilities is None else ours.probabilities
            form = here["tasks"][task]["rows"]
            if form == "sentences-of-pairs":
                rows: list[Any] = [one[0] for one in sentences] + [one[1] for one in sentences]
            else:
                rows = [one if len(one) == 2 else one[0] for one in sentences]
            assert np.allclose(here["predict"](rows, task), expected, rtol=0, atol=tolerance)
    texts = "".join(f"{text}\n" for (text,) in dev["sst"])
    given = ("--model-dir", tmp_path / "model", "--task", "sst", "--precision", "int8")
    done = run_command("search.predict", *given, input=texts)
    assert done.returncode == 0, done.stderr
    int8 = search.load_model(tmp_path / "model", precision="int8").predict([text for (text,) in dev["sst"]], "sst")
    assert done.stdout.splitlines() == list(int8.written)


def test_a_model_of_other_encoders_is_refused(finished_study: Any, tmp_path: Path) -> None:
    """Such as one of an earlier version: its weights have other names."""
    config, resources, folder = trained(finished_study, tmp_path)
    other = config.model_copy(update={"model": config.model.model_copy(update={"encoders": "per-task"})})
    with pytest.raises(
        UserError, match=r"model\.safetensors: does not match .*config\.json, or was written by an earlier version"
    ):
        export_trial("s", optuna.trial.create_trial(value=0.5), folder, other, resources, tmp_path / "out")


def test_transformers_loads_the_encoder_and_the_tokenizer(exported: Path, corpus: Path) -> None:
    trained = load_model_folder(exported / "model")
    reference = transformers.AutoModel.from_pretrained(exported / "model").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(exported / "model")
    spec = builtin_tasks()["sst"]
    sentences = read_split(spec, corpus, "dev").sentences[:8]
    examples = Examples.from_sentences(spec, sentences, trained.tokenizer)
    batch = next(iter(sorted_batches(examples, trained.layout, False, 8)))
    padded = batch.padded()
    encoded = tokenizer([sentences[i][0] for i in batch.positions], padding=True, return_tensors="pt")
    assert torch.equal(encoded["input_ids"], padded.input_ids)
    with torch.inference_mode():
        ours = trained.model.encode(batch).hidden
        theirs = reference(**encoded).last_hidden_state
    mask = padded.attention_mask
    assert torch.allclose(ours[mask], theirs[mask], atol=1e-5)


@pytest.mark.parametrize("task", ["sst", "para", "sts"])
def test_new_text_gets_the_same_predictions(exported: Path, corpus: Path, run_command: Run, task: str) -> None:
    spec = builtin_tasks()[task]
    examples = read_split(spec, corpus, "test").sentences
    text = "".join("\t".join(sentences) + "\n" for sentences in examples)
    done = run_command("search.predict", "--model-dir", exported / "model", "--task", task, input=text)
    assert done.returncode == 0, done.stderr
    lines = (exported / "predictions" / f"{task}-test-output.csv").read_text().splitlines()[1:]
    written = [line.split(" , ")[1].strip() for line in lines]
    if spec.kind.is_score:
        assert np.allclose([float(v) for v in done.stdout.split()], [float(v) for v in written], atol=1e-4)
    else:
        assert done.stdout.splitlines() == [spec.classes[int(float(value))] for value in written]


def test_a_file_gets_the_same_predictions(exported: Path, corpus: Path, run_command: Run, tmp_path: Path) -> None:
    """Of two tasks at once, with the probabilities of the classes."""
    spec, output = builtin_tasks()["para"], tmp_path / "y.jsonl"
    tasks = ("--task", "sts", "--task", "para")
    given = corpus / str(spec.files.test)
    arguments = ("--model-dir", exported / "model", *tasks, "--input", given, "--output", output)
    done = run_command("search.predict", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    lines = (exported / "predictions" / "para-test-output.csv").read_text().splitlines()[1:]
    written = [tuple(line.split(" , ")) for line in lines]
    assert [row["id"] for row in rows] == [example for example, _ in written]
    assert [row["para_prediction"] for row in rows] == [spec.classes[int(float(value))] for _, value in written]
    assert list(rows[0]) == [
        *("id", "sts_prediction", "para_prediction"),
        *("para_probability_not duplicate", "para_probability_duplicate"),
    ]


def test_probabilities(exported: Path, run_command: Run) -> None:
    arguments = ("search.predict", "--model-dir", exported / "model", "--task", "sst", "--probabilities")
    done = run_command(*arguments, input="the film is great .\n")
    header, row = csv.reader(done.stdout.splitlines(), delimiter="\t")
    assert header == ["prediction", *builtin_tasks()["sst"].classes]
    assert sum(map(float, row[1:])) == pytest.approx(1, abs=1e-3)
    assert row[0] == header[1 + int(np.argmax([float(p) for p in row[1:]]))]


def test_text_that_is_not_utf8(exported: Path) -> None:
    command = [sys.executable, "-m", "search.predict", "--model-dir", str(exported / "model"), "--task", "sst"]
    done = subprocess.run(command, input="fine\ncaf\xe9\n".encode("latin-1"), capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stderr.decode().startswith("error: standard input, line 2: byte 0xe9 is not UTF-8")


@pytest.mark.parametrize(
    ("task", "text", "message"),
    [
        ("para", "one sentence only\n", "line 1: task 'para' reads two sentences separated by a tab"),
        ("sst", "fine\na\tb\nfine\n", "line 2: task 'sst' reads one sentence a line"),
        ("sst", "", "standard input is empty"),
        ("sst", "id,sentence,sentiment\n1,fine,3\n", "line 1: 'id', 'sentence', 'sentiment' are columns of task 'sst'"),
        ("cfimdb", "x\n", "the model has the tasks sst, para, sts"),
    ],
)
def test_unusable_text(exported: Path, run_command: Run, task: str, text: str, message: str) -> None:
    done = run_command("search.predict", "--model-dir", exported / "model", "--task", task, input=text)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--study", "tny"], "no such study in sqlite:///"),
        (["--study", "tiny", "--trial", "9"], "has trials 0 to 3"),
        (["--study", "tiny", "--data", "/nowhere"], "no data folder '/nowhere'"),
    ],
)
def test_what_cannot_be_exported(finished_study: Any, run_command: Run, arguments: list[str], message: str) -> None:
    done = run_command("search.export", *arguments, "--runs-dir", finished_study.runs)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_models_beyond_the_best_three_are_not_kept(finished_study: Any, run_command: Run) -> None:
    trials = sorted((Path(finished_study.runs) / "tiny").glob("trial-*"))
    gone = [trial for trial in trials if not (trial / "best" / "model.safetensors").exists()]
    assert len(trials) == 4
    assert len(gone) == 1
    assert not any((trial / "checkpoint.pt").exists() for trial in trials)
    assert all((trial / "metrics.jsonl").exists() for trial in trials)
    number = int(gone[0].name.removeprefix("trial-"))
    done = run_command("search.export", "--study", "tiny", "--trial", number, "--runs-dir", finished_study.runs)
    assert done.returncode == 2
    assert "the model is gone; studies keep the models of their best trials only (keep_models)" in done.stderr


def test_a_folder_that_is_not_a_model(tmp_path: Path, run_command: Run) -> None:
    done = run_command("search.predict", "--model-dir", tmp_path, "--task", "sst", input="x\n")
    assert done.returncode == 2
    assert "give a folder written by search.export" in done.stderr
