"""Each task gets a folder of a library that holds it, or a sentence that says why none does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.model_files.formats.registry import plan_formats, write_formats
from core.model_files.model_folder import TrainedModel, load_model_folder, save_model_folder
from core.run.checksums import Checksums
from data.errors import UserError

MakeModel = Callable[..., TrainedModel]

SIAMESE = {"pair": "siamese", "combine": "cos"}


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_first_library_that_holds_the_task(make_model: MakeModel) -> None:
    trained = make_model("sst", "tone", "para", "sts", heads={"sts": SIAMESE, "tone": {"pooling": "mean"}})
    plan = plan_formats(trained, ["sentence-transformers", "transformers"])
    assert plan.formats == {"sst": "transformers", "para": "sentence-transformers", "sts": "sentence-transformers"}
    assert plan.refusals == [
        "Task tone is not written for other libraries. sentence-transformers: its models are for pairs, and the task "
        "has single sentences; transformers: its head reads the mean of all tokens, and BERT's classifier the first "
        "one (pooling = 'cls'). onebert predict and search.load_model predict it."
    ]
    assert plan_formats(trained, []).refusals == []


def test_task_layers_are_in_no_library(make_model: MakeModel, tmp_path: Path) -> None:
    trained = make_model("sst", "sts", task_layers={"kind": "adapter", "size": 4})
    plan = plan_formats(trained, ["transformers", "sentence-transformers"])
    assert not plan.formats
    assert plan.refusals[0].startswith(
        "Task sst is not written for other libraries. transformers and sentence-transformers: its encoder has adapters "
        "in every layer (task_layers.kind = 'adapter')"
    )
    write_formats(tmp_path, trained, plan)
    assert files(tmp_path) == set()


def test_a_later_export_leaves_nothing_of_an_earlier_one(make_model: MakeModel, tmp_path: Path) -> None:
    trained = make_model("sst", "sts", heads={"sts": {**SIAMESE, "side_layers": 1}})
    save_model_folder(tmp_path, trained, {})
    plain = files(tmp_path)
    write_formats(tmp_path, trained, plan_formats(trained, ["transformers", "sentence-transformers"]))
    for task in ("sst", "sts"):
        here = {name.removeprefix(f"{task}/") for name in files(tmp_path) if name.startswith(f"{task}/")}
        assert {path.relative_to(tmp_path / task).as_posix() for path in Checksums(tmp_path / task).files()} == here - {
            "checksums.json"
        }
        Checksums(tmp_path / task).check_all("")
    load_model_folder(tmp_path)
    (tmp_path / "sst" / "notes.txt").write_text("mine")
    save_model_folder(tmp_path, trained, {})
    assert files(tmp_path) == plain | {"sst/notes.txt"}
    assert not (tmp_path / "sts").exists()


@pytest.mark.parametrize("step", ["write_large", "write"])
def test_an_interrupted_export_is_removed(
    make_model: MakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    trained = make_model("sst", "sts", heads={"sts": SIAMESE})
    save_model_folder(tmp_path, trained, {})
    plain, plan = files(tmp_path), plan_formats(trained, ["transformers", "sentence-transformers"])
    original, calls = getattr(Checksums, step), []

    def killed(self: Checksums, *arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        original(self, *arguments)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Checksums, step, killed)
        write_formats(tmp_path, trained, plan)
    assert not (tmp_path / "sts" / "modules.json").exists()
    save_model_folder(tmp_path, trained, {})
    assert files(tmp_path) == plain


def test_folders_of_others_are_not_overwritten(make_model: MakeModel, tmp_path: Path) -> None:
    trained = make_model("sst")
    save_model_folder(tmp_path, trained, {})
    (tmp_path / "sst").mkdir()
    (tmp_path / "sst" / "config.json").write_text("mine")
    with pytest.raises(UserError, match=r"sst' was not exported, and would be overwritten; choose another folder"):
        write_formats(tmp_path, trained, plan_formats(trained, ["transformers"]))
    assert (tmp_path / "sst" / "config.json").read_text() == "mine"


def test_a_damaged_record_is_refused(make_model: MakeModel, tmp_path: Path) -> None:
    trained = make_model("sst")
    save_model_folder(tmp_path, trained, {})
    before = files(tmp_path)
    for content in ("{", "[]", '{"../other": "transformers"}'):
        (tmp_path / "formats.json").write_text(content)
        with pytest.raises(UserError, match=r"formats\.json: .*; delete '.*' or choose another folder"):
            save_model_folder(tmp_path, trained, {})
    assert files(tmp_path) == before | {"formats.json"}
