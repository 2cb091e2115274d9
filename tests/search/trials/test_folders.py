"""Trial folders: names, and what is deleted."""

import json
from pathlib import Path

import pytest
from stub_study import BASE

from core.config import RunConfig
from search.trials.folders import TrialFolders


def test_names(tmp_path: Path) -> None:
    folders = TrialFolders(tmp_path)
    assert [folders.path(number).name for number in (7, 9999, 10000)] == ["trial-0007", "trial-9999", "trial-10000"]


def test_a_left_over_folder_is_emptied(tmp_path: Path) -> None:
    folders = TrialFolders(tmp_path)
    folders.path(3).mkdir()
    (folders.path(3) / "x.tmp").touch()
    folder = folders.begin(3, BASE)
    assert [path.name for path in folder.iterdir()] == ["config.json"]
    assert RunConfig.model_validate(json.loads((folder / "config.json").read_text())) == BASE


def test_tidying_deletes_checkpoints_and_models_only(tmp_path: Path) -> None:
    folders = TrialFolders(tmp_path)
    for number in range(3):
        folder = folders.begin(number, BASE)
        for name in ("best/model.safetensors", "best/evaluation.json", "predictions/sst-dev-20.npy"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).touch()
        half = (
            "checkpoint.pt.tmp",
            "checkpoint.pt.0123456789abcdef.tmp",
            "best/model.safetensors.0123456789abcdef.tmp",
        )
        for name in ("checkpoint.pt", "metrics.jsonl", *half):
            (folder / name).touch()
    folders.tidy(0, keep_model=False)
    folders.tidy(1, keep_model=True)
    folders.tidy(7, keep_model=False)  # is not there
    left = {
        number: {str(p.relative_to(folders.path(number))) for p in folders.path(number).rglob("*.*")}
        for number in range(3)
    }
    always = {"config.json", "metrics.jsonl", "best/evaluation.json", "predictions/sst-dev-20.npy"}
    assert left[0] == always
    assert left[1] == always | {"best/model.safetensors"}
    running = {"best/model.safetensors", "checkpoint.pt", *half}
    assert left[2] == always | running


def test_links_and_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = TrialFolders(tmp_path)
    source = folders.run(0)
    source.make()
    for path in (source.metrics, source.best_model, source.checkpoint, source.predictions("sst", 20)):
        path.write_text(path.name)
    for number in (1, 2, 2):  # once more, after a crash
        folders.copy_outputs(0, number)
        target = folders.path(number)
        found = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
        assert found == {"metrics.jsonl", "predictions/sst-dev-20.npy"}
        assert (target / "metrics.jsonl").read_text() == "metrics.jsonl"
        assert source.metrics.samefile(target / "metrics.jsonl") == (number == 1)
        monkeypatch.setattr("os.link", refuse)


def refuse(*_: object) -> None:
    raise OSError("no hard links here")
