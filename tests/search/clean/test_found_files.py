"""Files are found and deleted below one folder only."""

from __future__ import annotations

from pathlib import Path

from search.clean.found_files import FilesBelow, Finding, FoundFile, Freed, free, in_both, mib
from tests.search.clean.runs_folder import Runs, gone, write


def test_links_are_not_followed(runs: Runs, tmp_path: Path) -> None:
    folders = runs.study("s", "PRUNED", "PRUNED", "PRUNED", "PRUNED")
    (outside := tmp_path / "outside").mkdir()
    for number, name in enumerate(["best", "predictions"]):
        (folders.path(number) / name).rename(outside / name)
        (folders.path(number) / name).symlink_to(outside / name)
    folders.path(2).rename(outside / "trial")
    folders.path(2).symlink_to(outside / "trial")
    folders.run(3).checkpoint.unlink()
    folders.run(3).checkpoint.symlink_to(write(outside / "checkpoint.pt"))
    (runs.root / "cache" / "tokens").mkdir(parents=True)
    write(outside / "tokens" / "manifest.json")
    (runs.root / "cache" / "tokens" / "sst-dev-0a").symlink_to(outside / "tokens")
    (runs.root / "cache" / "further").symlink_to(outside)
    (runs.root / "elsewhere").symlink_to(runs.study("e", "PRUNED").root.rename(outside / "elsewhere"))
    (runs.root / "e").symlink_to(outside / "elsewhere")
    before = {path: path.stat().st_size for path in outside.rglob("*") if path.is_file()}
    assert len(before) > 15
    freed = runs.freed(keep=0)
    assert {path: path.stat().st_size for path in outside.rglob("*") if path.is_file()} == before
    assert freed == (gone(0, model=False) | gone(1, model=True) | gone(3, model=True)) - {
        "s/trial-0001/predictions/p.tmp.npy",
        "s/trial-0003/checkpoint.pt",
    }
    assert folders.run(3).checkpoint.is_symlink()


def test_files_are_found_below_the_root_only(tmp_path: Path) -> None:
    root, inside, outside = tmp_path / "root", write(tmp_path / "root" / "a" / "file", 7), write(tmp_path / "file")
    below = FilesBelow(root)
    assert [(file.path, file.size) for file in below.files(root / "a")] == [(inside, 7)]
    assert below.folders(root) == [root / "a"]
    assert below.find(outside) is None
    assert below.find(root / "a" / ".." / ".." / "file") is None
    assert below.files(root / "none") == []
    assert below.find(root / "a") is None  # a folder


def test_only_files_of_both_surveys_are_freed(tmp_path: Path) -> None:
    below, stage = FilesBelow(tmp_path), tmp_path / "stage"
    for name, size in (("a", 3), ("b", 5), ("c", 9)):
        write(stage / name, size)
    first, second, third = below.files(stage)
    shown = [Finding("stage", tmp_path, 1, (first, third), (stage,)), Finding("x", tmp_path, 1, ())]
    both = in_both(shown, [Finding("stage", tmp_path, 1, (first, second, third))])
    assert [finding.files for finding in both] == [(first, third)]
    third.path.unlink()
    assert free(both, below) == Freed(3, ())
    assert below.files(stage) == [second]  # not empty, so the folder stays
    second.path.unlink()
    free(both, below)
    assert not stage.exists()


def test_sizes() -> None:
    found = Finding("models", Path(), 2, (FoundFile(Path("a"), 2**20, 5.0), FoundFile(Path("b"), 2**19, 9.0)))
    assert (found.size, found.used, mib(found.size)) == (3 * 2**19, 9.0, "1.5")
    assert mib(1234 * 2**20 + 2**19) == "1,234.5"
