"""The README's study is what init writes, and its commands run, or have the options that it shows."""

from __future__ import annotations

import csv
import json
import os
import random
import re
import shlex
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
import torch

from core.model.bert import Bert, BertConfig
from core.model_files.bert_checkpoint import save_bert
from data.tokenizer import save_tokenizer
from data.vocabulary import build_wordpiece
from search.study.file import load_study

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


COMMANDS = sorted(
    {line.split("#")[0].strip() for block in blocks("sh") for line in block.splitlines() if "python -m" in line}
)


@cache
def help_of(module: str) -> str:
    done = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True)
    return done.stdout


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 7


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_have_the_options_shown(command: str) -> None:
    words = shlex.split(command.split("<")[0])
    assert words[:2] == ["python", "-m"]
    text = help_of(words[2])
    for option in [word for word in words if word.startswith("--")]:
        assert re.search(rf"{option}\b", text), f"{words[2]} has no {option}"


@pytest.mark.parametrize("option", sorted(set(re.findall(r"`(--[a-z-]+)", README))))
def test_options_in_the_text_exist(option: str) -> None:
    modules = {shlex.split(command)[2] for command in COMMANDS}
    assert any(re.search(rf"{option}\b", help_of(module)) for module in sorted(modules))


def write_own_data(folder: Path) -> None:
    """Write the two files of the section, with rows like the ones that it shows."""
    rng = random.Random(0)
    folder.mkdir()
    (shown,) = blocks("csv")
    words = {"happy": ("lovely", "sunny"), "neutral": ("usual", "normal"), "sad": ("rainy", "lonely")}
    with (folder / "mood.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows(csv.reader(shown.splitlines()))
        for number in range(70):
            mood = list(words)[number % 3]
            writer.writerow([f"What a {rng.choice(words[mood])} day, friend {number}", mood])
    (pair,) = map(json.loads, blocks("json"))
    topics = ["my parcel", "a refund", "the manual", "a new password", "the invoice"]
    with (folder / "faq.jsonl").open("w") as lines:
        print(json.dumps(pair), file=lines)
        for number in range(59):
            first, other = rng.sample(topics, 2)
            same = rng.random() < 0.5
            second = first if same else other
            row = {"question1": f"Where is {first}? Order {number}", "question2": f"looking for {second}", "same": same}
            print(json.dumps(row), file=lines)


def write_encoder(folder: Path, sentences: list[str]) -> None:
    """Write a small encoder in the Hub's layout; a folder of an encoder's name comes before the Hub."""
    tokenizer = build_wordpiece(sentences, 300)
    shape = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
    )
    save_bert(folder, shape, Bert(shape, None, torch.Generator().manual_seed(0)).state_dict())
    save_tokenizer(tokenizer, folder)


def five_minutes() -> list[str]:
    """Return the commands of the section, in order."""
    section = README.split("## Five minutes on your own data")[1].split("\n## ")[0]
    found = re.findall(r"```sh\n(.*?)```", section, flags=re.DOTALL)
    return [line.split("  #")[0].strip() for block in found for line in block.splitlines()]


def test_the_study_is_what_init_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_own_data(tmp_path / "my-data")
    words = shlex.split(five_minutes()[0])
    assert words[:3] == ["python", "-m", "search.init"]
    # Without a terminal, a question would end the command.
    done = subprocess.run(
        [sys.executable, *words[1:]], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (shown,) = blocks("toml")
    assert tomllib.loads(shown) == tomllib.loads(Path("studies/mood.toml").read_text())
    spec = load_study("mood", data="my-data")
    assert list(spec.base.tasks) == ["faq", "mood"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_command_of_the_five_minutes_runs(tmp_path: Path) -> None:
    """As they stand there, one after the other; only the encoder is a small one."""
    write_own_data(tmp_path / "my-data")
    texts = [row[0] for row in csv.reader((tmp_path / "my-data" / "mood.csv").open())]
    questions = [json.loads(line) for line in (tmp_path / "my-data" / "faq.jsonl").open()]
    texts += [row[key] for row in questions for key in ("question1", "question2")]
    write_encoder(tmp_path / "bert-base-uncased", texts)
    (tmp_path / "new.csv").write_text('id,text\na,What a sunny day\nb,"rainy,\nand lonely"\n')
    (tmp_path / "sentences.txt").write_text("a sunny day\na rainy day\n")
    commands = five_minutes()
    assert len(commands) >= 15
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    outputs = {}
    for command in commands:
        line = command.replace("python -m", f"{shlex.quote(sys.executable)} -m", 1)
        done = subprocess.run(
            line,
            shell=True,
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, command
        outputs[command] = done.stdout
    assert (tmp_path / "moods.csv").read_text().splitlines()[0] == (
        "id,prediction,probability_happy,probability_neutral,probability_sad"
    )
    (predicted,) = (text for command, text in outputs.items() if "sentences.txt" in command)
    assert set(predicted.split()) <= {"happy", "neutral", "sad"}
    assert len(predicted.splitlines()) == 2
    # No command replaces what an earlier one wrote.
    runs = tmp_path / "runs" / "mood"
    assert [(runs / name).is_dir() for name in ("export/model/members", "ensemble/model", "soup/model")] == [
        False,
        False,
        True,
    ]
    assert (runs / "ensemble-of-models" / "model" / "members").is_dir()
    (program,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", program.replace(".values", ".values.tolist()\nprint(model.tasks)")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "('faq', 'mood')\n"


def test_links_and_pictures_are_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


def test_make_targets_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


def test_the_layout_names_every_package_of_search() -> None:
    (row,) = re.findall(r"^\| `search/` \|.*$", README, flags=re.MULTILINE)
    packages = {path.parent.name for path in (ROOT / "search").glob("*/__init__.py")}
    commands = {path.parent.name for path in (ROOT / "search").glob("*/__main__.py")}
    assert packages - commands <= set(re.findall(r"`(\w+)`", row))
    for folder, names in re.findall(r"^\| `(core|data|search)/` \|([^\n]*)", README, flags=re.MULTILINE):
        for name in re.findall(r"`(\w+)`", names):
            assert (ROOT / folder / name).is_dir(), f"{folder}/{name}"
