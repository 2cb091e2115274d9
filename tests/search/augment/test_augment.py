"""``python -m search.augment`` as a user meets it: plan, agreement, answers, a study that trains on them, mishaps."""

from __future__ import annotations

import errno
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from search.augment.__main__ import main
from search.storage.open import open_storage

Run = Callable[..., subprocess.CompletedProcess[str]]

SENTENCES = 20
STUDY = """\
tasks = ["sst"]
trials = 1
pruner = "none"
synthetic = { train = 40, dev = 30, test = 10 }

[base.model]
encoder = "scratch"
scratch = { vocab_size = 200, hidden_size = 16, intermediate_size = 32 }

[base.budget]
examples = 200
batch_size = 20

[base.compute]
device = "cpu"
threads = 1

[base.augmentation.sst.rephrased]
model = "llama"
fraction = 0.5

[endpoint]
base_url = "URL"
first_wait_s = 0.01
attempts = 2
concurrency = 1

[space]
"optim.learning_rate" = { low = 1e-4, high = 1e-2, log = true }
"""

app = typer.Typer()
app.command()(main)


class Augment:
    """The program on a study of its own, in this process."""

    def __init__(self, folder: Path, url: str) -> None:
        self.file, self.runs = folder / "tiny.toml", folder / "runs"
        self.file.write_text(STUDY.replace("URL", url))

    @property
    def arguments(self) -> list[str]:
        return ["--study", str(self.file), "--runs-dir", str(self.runs)]

    @property
    def answers(self) -> list[dict[str, Any]]:
        file = self.runs / "answers" / "answers.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def change(self, old: str, new: str) -> None:
        assert old in self.file.read_text()
        self.file.write_text(self.file.read_text().replace(old, new))

    def __call__(self, *options: object) -> Result:
        return CliRunner().invoke(app, [*self.arguments, *map(str, options)])

    def process(self, *options: str, **more: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "search.augment", *self.arguments, *options]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


@pytest.fixture
def augment(stub: Any, tmp_path: Path) -> Augment:
    return Augment(tmp_path, stub.base_url)


def is_refused(done: Result, code: int, *said: str) -> None:
    """Check that one line contains all of these words."""
    assert done.exit_code == code
    assert done.stderr.count("\n") == 1
    assert all(part in done.stderr for part in ("error: ", *said)), done.stderr


def test_replies_that_never_end_and_deep_ones(augment: Augment, stub: Any, reply: Any) -> None:
    deep = b'{"choices": ' + b"[" * 100_000
    for bad, said in (
        (reply(b"", trickle=0.02, slow_headers=True), "no answer within 0.3 s"),
        (reply(deep), 'not a chat completion: \'{"choices": [[['),
    ):
        stub.behave = lambda _, bad=bad: bad
        begun = time.monotonic()
        done = augment("--yes", "--timeout", 0.3, "--attempts", 1)
        assert time.monotonic() - begun < 15
        is_refused(done, 1, stub.base_url, said, "check base_url and that the endpoint is running")
    assert augment.answers == []


@pytest.mark.slow
def test_from_the_plan_to_a_trained_study(augment: Augment, stub: Any, run_command: Run) -> None:
    study = ["search.run", *augment.arguments]
    before = run_command(*study)
    assert before.returncode == 2
    assert f"{augment.file}:19: base.augmentation.sst.rephrased.model: of 20 sentences 20 have not " in before.stderr
    assert before.stderr.count("\n") == 1

    keyboard, terminal = pty.openpty()
    os.write(keyboard, b"y\n")
    process = augment.process("--prompt-price", "10", "--answer-price", "30", stdin=terminal)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (0, "")
    plan, agreed, *examples = stdout.splitlines()
    assert plan.startswith(f"sst: 20 examples: 20 requests to 'llama' at {stub.base_url}/chat/completions; at most 60")
    assert "at the given prices" in plan
    assert agreed.startswith("send the requests? [y/N]: sst: 20 examples made (0 from cached answers, 20 requests)")
    assert len(examples) == 4
    for original, rephrased in (examples[:2], examples[2:]):
        assert rephrased == f"  -> nice {original.strip()}"
    assert len(stub.calls) == len(augment.answers) == SENTENCES
    assert {call.body["model"] for call in stub.calls} == {"llama"}

    done = run_command(*study)
    assert done.returncode == 0, done.stderr
    assert "data:   sst: 40 train, 30 dev, 10 test\ndata:   sst: 20 further examples of rephrased\n" in done.stdout
    trial = optuna.load_study(study_name="tiny", storage=open_storage(None, augment.runs)).get_trials()[0]
    assert trial.state.name == "COMPLETE"
    (further,) = (augment.runs / "cache" / "further").iterdir()
    assert further.name.startswith("sst-")

    exported = run_command("search.export", "--study", "tiny", "--runs-dir", augment.runs)
    assert exported.returncode == 0, exported.stderr
    provenance = json.loads((augment.runs / "tiny" / "export" / "predictions" / "provenance.json").read_text())
    stored = optuna.load_study(study_name="tiny", storage=open_storage(None, augment.runs)).user_attrs
    assert provenance["data_sha256"] == stored["splits_digest"] != stored["data_digest"]
    splits = provenance["data_rows_sha256"]["sst"]
    assert splits == {split: json.loads(stored["data_parts"])["sst"][split] for split in ("train", "dev", "test")}

    file = augment.runs / "answers" / "answers.jsonl"
    file.write_text(file.read_text().replace("nice", "fine"))
    changed = run_command(*study, "--trials", 2)
    assert changed.returncode == 2
    what = "further examples (rephrased) of task 'sst'"
    assert f"the data have changed since study 'tiny' began: {what}; run with --restart" in changed.stderr


def test_again_there_is_nothing_to_ask(augment: Augment, stub: Any) -> None:
    assert augment("--yes").exit_code == 0
    again = augment()
    assert again.exit_code == 0
    assert again.stdout.splitlines() == [
        "sst: 20 examples: all answers are cached, no requests needed",
        "nothing to request",
    ]
    augment.change("fraction = 0.5", "fraction = 1.0")
    assert "40 examples: 20 requests" in augment("--yes").stdout
    assert set(stub.sentences.values()) == {1}
    assert len(stub.calls) == 40


def test_answers_that_cannot_be_stored_are_not_asked_for(augment: Augment, stub: Any) -> None:
    """An answer costs money: the folder is tried first, and the user is not even asked."""
    augment.runs.mkdir()
    (augment.runs / "answers").touch()
    is_refused(augment(), 2, "is a file where a folder is needed: move it away, or use another folder")
    (augment.runs / "answers").unlink()
    (augment.runs / "answers").mkdir()
    (augment.runs / "answers" / "answers.lock").mkdir()
    is_refused(augment(), 2, "cannot write answers to ", "Is a directory")
    assert not stub.calls


def test_a_disk_that_is_full_after_some_answers(augment: Augment, stub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        if len(stub.calls) >= 8:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("data.augmentation.rephrasing.answer_cache.os.fsync", refuse)
    done = augment("--yes")
    is_refused(done, 2, "answers.jsonl': No space left on device; free some space, then run the same command again")
    kept = len(augment.answers)
    assert kept in (6, 7), "the next request may be on its way while an answer is written"
    monkeypatch.undo()
    assert f"20 examples made ({kept} from cached answers, {20 - kept} requests)" in augment("--yes").stdout


def test_nothing_is_asked_without_a_yes(augment: Augment, stub: Any) -> None:
    planned = augment("--plan-only")
    assert planned.exit_code == 0
    assert planned.stdout.startswith("sst: 20 examples: 20 requests")
    is_refused(augment(), 2, "no terminal", "--yes")
    end_of_input = b"\x04"
    for typed, code in ((b"n\n", 1), (b"\n", 1), (end_of_input, 130)):
        keyboard, terminal = pty.openpty()
        os.write(keyboard, typed)
        declined = augment.process(stdin=terminal)
        stdout, stderr = declined.communicate(timeout=60)
        assert (declined.returncode, stderr) == (code, "")
        assert stdout.partition("send the requests? [y/N]: ")[2].strip() == (
            "nothing was requested" if code == 1 else ""
        )
    assert not stub.calls


def test_all_that_the_space_can_choose_is_planned_and_asked(augment: Augment, stub: Any) -> None:
    augment.change("[space]", '[space]\n"augmentation.sst.rephrased.model" = ["llama", "qwen"]')
    augment.change("[space]", '[space]\n"augmentation.sst.rephrased.fraction" = { low = 0.0, high = 1.0 }')
    done = augment("--yes", "--prompt-price", 1e6, "--answer-price", 3e6)
    lines = done.stdout.splitlines()
    assert [line.partition(": ")[0] for line in lines[:3]] == ["sst model=llama", "sst model=qwen", "total"]
    costs = [float(line.split(" at the given prices")[0].split()[-1].replace(",", "")) for line in lines[:2]]
    assert min(costs) > 20
    assert lines[2] == f"total: 80 requests, about {sum(costs):,.2f} at the given prices; less if some are the same"
    assert {(call.body["model"], call.sentence) for call in stub.calls} == {
        (model, call.sentence) for model in ("llama", "qwen") for call in stub.calls
    }
    assert len(stub.calls) == 80


def times_out(stub: Any, reply: Any) -> None:
    nice = stub.behave
    stub.behave = lambda call: reply(nice(call).content, delay=1.0)


def answers_nonsense(stub: Any, reply: Any) -> None:
    stub.behave = lambda _: reply(b"<html>Welcome</html>")


def asks_for_patience(stub: Any, reply: Any) -> None:
    stub.behave = lambda _: reply.failing(429, "slow down", retry_after="3600")


def refuses_the_key(stub: Any, reply: Any) -> None:
    stub.behave = lambda call: reply.failing(401, f"no such key: {call.headers['Authorization']}")


def has_no_such_model(stub: Any, reply: Any) -> None:
    stub.behave = lambda _: reply.failing(404, "no such model")


@pytest.mark.parametrize(
    ("spoil", "code", "said"),
    [
        (times_out, 1, "no answer within 0.2 s; check base_url and that the endpoint is running, then run this again"),
        (answers_nonsense, 1, "not a chat completion: '<html>Welcome</html>'; check base_url"),
        (asks_for_patience, 1, "asks to wait 3,600 s; run this again later, or increase longest_wait_s"),
        (refuses_the_key, 2, 'status 401 (\'{"error": {"message": "no such key: Bearer ***"}}\'); check the key in'),
        (has_no_such_model, 2, "the model name 'llama'"),
    ],
)
def test_an_endpoint_that_fails(
    spoil: Any, code: int, said: str, augment: Augment, stub: Any, reply: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Temporary failures exit with 1, so that a script may try again; mistakes exit with 2."""
    monkeypatch.setenv("STUB_KEY", "sk-very-secret-0123")
    nice = stub.behave
    spoil(stub, reply)
    done = augment("--yes", "--timeout", 0.2, "--key-variable", "STUB_KEY")
    is_refused(done, code, said, stub.base_url, "0 of 20 examples are done")
    assert "secret" not in done.output
    stub.behave = nice
    assert augment("--yes", "--key-variable", "STUB_KEY").exit_code == 0
    assert len(augment.answers) == SENTENCES


def test_sentences_without_an_answer_are_asked_about_again(augment: Augment, stub: Any, reply: Any) -> None:
    nice = stub.behave
    stub.behave = lambda call: reply.failing(400, "filtered") if len(stub.calls) == 3 else nice(call)
    done = augment("--yes")
    assert done.exit_code == 1
    assert "19 examples made" in done.stdout
    assert "1 without an answer (status 400" in done.stdout
    assert "run this again" in done.stdout
    again = augment("--yes")
    assert again.exit_code == 0
    assert "20 examples made (19 from cached answers, 1 requests)" in again.stdout
    assert sorted(stub.sentences.values()) == [1] * 19 + [2]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_stopped_in_the_middle_and_run_again(number: signal.Signals, augment: Augment, stub: Any) -> None:
    """Nothing that was answered is asked again; Ctrl-C waits for the answer under way too."""
    reached, released, nice = threading.Event(), threading.Event(), stub.behave

    def hold_the_eighth(call: Any) -> Any:
        if len(stub.calls) == 8:
            reached.set()
            released.wait(30)
        return nice(call)

    stub.behave = hold_the_eighth
    process = augment.process("--yes")
    assert reached.wait(60)
    process.send_signal(number)
    if number == signal.SIGINT:
        threading.Timer(0.5, released.set).start()
    stdout, stderr = process.communicate(timeout=60)
    released.set()
    assert stderr == ""
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert stdout.splitlines()[1:] == [
            "interrupted; every answer is stored, run the same command again to continue"
        ]
    kept = 8 if number == signal.SIGINT else 7
    assert len(augment.answers) == kept
    done = augment("--yes")
    assert done.exit_code == 0, done.output
    assert f"20 examples made ({kept} from cached answers, {20 - kept} requests)" in done.stdout
    assert sum(stub.sentences.values()) == SENTENCES + (8 - kept)


def test_a_missing_extra_is_named(augment: Augment, stub: Any, tmp_path: Path) -> None:
    """The plan can do without it."""
    (tmp_path / "without").mkdir()
    broken = "raise ModuleNotFoundError(\"No module named 'tenacity'\", name='tenacity')\n"
    (tmp_path / "without" / "tenacity.py").write_text(broken)
    path = os.pathsep.join([str(tmp_path / "without"), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = augment.process("--yes", env={**os.environ, "PYTHONPATH": path})
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 2
    assert stdout.startswith("sst: 20 examples: 20 requests")
    assert (
        stderr
        == "error: requests to a language model need 'tenacity': pip install -c constraints.txt -e '.[augment]'\n"
    )
    assert not stub.calls


def test_mistakes_are_reported_before_anything_is_asked(
    augment: Augment, stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STUB_KEY", raising=False)
    is_refused(augment("--key-variable", "STUB_KEY"), 2, "STUB_KEY is not set")
    is_refused(augment("--task", "para"), 2, "study 'tiny' has no task 'para'; it has sst")
    is_refused(augment("--timeout", 0), 2, "endpoint.timeout_s: must be above 0, got 0")
    is_refused(augment("--prompt-price", 1), 2, "give both prompt_price and answer_price")
    is_refused(augment("--endpoint", "localhost"), 2, "endpoint: base_url must begin with http:// or https://")
    for key in ("--key-variable", "sk-secret"), ("--endpoint", "https://me:secret@host/v1"):
        assert "secret" not in augment(*key).output
        is_refused(augment(*key), 2, "endpoint")
    augment.change("fraction = 0.5", "")
    is_refused(augment(), 2, "nothing to rephrase for sst", "a model and a fraction above 0")
    augment.change("concurrency = 1", "concurency = 1")
    is_refused(augment(), 2, "tiny.toml:26: endpoint.concurency: unknown key; did you mean 'concurrency'?")
    augment.file.write_text(augment.file.read_text().partition("[endpoint]")[0] + '[space]\n"seed" = [1, 2]\n')
    is_refused(augment(), 2, "no endpoint given: pass --endpoint URL", "[endpoint]")
    assert not stub.calls
