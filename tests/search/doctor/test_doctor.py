"""search.doctor: what it says of sound and of broken surroundings, and that it changes nothing."""

from __future__ import annotations

import json
import os
import time
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
import torch
import typer
from optuna.trial import create_trial
from stub_study import SPEC

from core.config import ComputeConfig
from core.run_size import RunSize
from data.errors import UserError
from data.synthetic.corpus import write_corpus
from search.doctor import disk, examination, machine, packages, storage
from search.doctor.__main__ import main
from search.doctor.check import Check, ok, safely
from search.doctor.disk import nearest_folder
from search.doctor.machine import cpu_quota
from search.doctor.storage import file_system, is_remote
from search.doctor.study import check_folder_of_data, check_study
from search.recorded.study import create_or_load
from search.storage.open import open_storage
from search.study.file import load_study

GIB = 2**30


def tree(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def states(checks: list[Check]) -> list[tuple[str, str]]:
    return [(check.name, check.state) for check in checks]


def examined(tiny_study: str, folder: Path, *changes: tuple[str, str], **options: Any) -> dict[str, Check]:
    """By name, the worst of each, of a study file with changes."""
    for old, new in changes:
        assert old in tiny_study
        tiny_study = tiny_study.replace(old, new)
    file = folder / "tiny.toml"
    file.write_text(tiny_study)
    given = {"data": None, "model": None, "storage": f"sqlite:///{folder}/runs/s.db", "runs_dir": folder / "runs"}
    (folder / "runs").mkdir(exist_ok=True)
    checks = examination.examine(str(file), **{**given, **options})
    order = {"ok": 0, "warning": 1, "wrong": 2}
    return {check.name: check for check in sorted(checks, key=lambda check: order[check.state])}


# The whole


def test_a_sound_study_leaves_no_trace(
    tiny_study: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny.toml").write_text(tiny_study)
    monkeypatch.setattr(storage, "_SLOW_MS", 1e6)
    before = tree(tmp_path)
    main(study=str(tmp_path / "tiny.toml"), runs_dir=tmp_path / "runs", json=True)
    checks = json.loads(capsys.readouterr().out)
    assert [check["name"] for check in checks if check["name"] not in ("memory", "optuna")] == [
        "python", "packages", "device", "threads", "storage", "folder", "clock", "study", "data", "model", "disk",
    ]  # fmt: skip
    assert not [check for check in checks if check["state"] == "wrong"]
    assert tree(tmp_path) == before
    assert not (tmp_path / "runs").exists()


def test_something_wrong_is_exit_code_2_and_has_its_advice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "_ours", lambda: ["optuna>=99", "no-such-package"])
    with pytest.raises(typer.Exit) as end:
        main(runs_dir=tmp_path)
    assert end.value.exit_code == 2
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("wrong"))
    assert "optuna is 5." in line
    assert "no-such-package is not installed" in line
    assert line.endswith("pip install -c constraints.txt -e .")


def test_a_check_that_breaks_is_told_and_the_others_go_on() -> None:
    def look() -> Any:
        yield ok("a", "fine")
        raise ZeroDivisionError("no\nreason")

    assert safely("b", look) == [ok("a", "fine"), Check("b", "wrong", "ZeroDivisionError: no reason")]


# Packages


def test_our_own_requirements_are_met() -> None:
    assert ("packages", "ok") in states(list(packages.check_packages()))


def test_a_package_of_an_extra_may_be_missing_but_not_be_of_another_version() -> None:
    absent, *_ = packages.check_packages(["no-such-package; extra == 'augment'", "no-tool; extra == 'dev'"])
    assert (absent.state, "optional and not installed: no-such-package" in absent.found) == ("ok", True)
    assert "no-tool" not in absent.found
    other, *_ = packages.check_packages(["pytest<1; extra == 'dev'"])
    assert other.state == "wrong"


def test_another_optuna_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_version", lambda name: "5.1.0" if name == "optuna" else "1")
    assert ("optuna", "warning") in states(list(packages.check_packages([])))


# Device and threads


def test_a_device_that_is_not_here(tiny_study: str, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has it")
    check = examined(tiny_study, tmp_path, ('device = "cpu"', 'device = "cuda"'))["device"]
    assert (check.state, "'cuda' is not available" in check.found) == ("wrong", True)


def test_a_gpu_that_torch_cannot_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "pick_device", lambda _: torch.device("cpu"))
    monkeypatch.setattr(machine, "_has_nvidia", lambda: True)
    found = list(machine.check_device(ComputeConfig()))
    assert ("device", "warning") in states(found)
    assert ("device", "warning") not in states(list(machine.check_device(ComputeConfig(device="cpu"))))


@pytest.mark.parametrize(
    ("usable", "quota", "workers", "threads", "state", "words"),
    [
        (8, None, 2, 4, "ok", "8 usable cores; the study uses 2 x 4"),
        (8, None, 2, 5, "warning", "pass --threads 4, or fewer --workers"),
        (8, 2.0, 1, 8, "warning", "8 usable cores, limited to 2 by a quota; the study uses 1 x 8"),
        (8, 1.5, 1, None, "warning", "pass --threads 1"),
        (1, None, 1, None, "ok", "1 usable core"),
    ],
)
def test_threads_against_cores(
    monkeypatch: pytest.MonkeyPatch,
    usable: int,
    quota: float | None,
    workers: int,
    threads: int | None,
    state: str,
    words: str,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(usable)), raising=False)
    monkeypatch.setattr(machine, "cpu_quota", lambda: quota)
    (check,) = machine.check_threads(workers, threads, {})
    assert check.state == state
    assert words in f"{check.found}; {check.advice}"


def test_variables_that_get_in_the_way() -> None:
    found = list(machine.check_threads(1, 1, {"OMP_NUM_THREADS": "64"}))
    assert "OMP_NUM_THREADS = 64 is ignored" in found[0].found
    environment = {"OMP_THREAD_LIMIT": "1", "OMP_PROC_BIND": "true"}
    advice = [check.advice for check in machine.check_threads(2, 4, environment)][1:]
    assert advice == ["unset OMP_THREAD_LIMIT", "unset OMP_PROC_BIND"]
    assert len(list(machine.check_threads(2, 1, {"OMP_THREAD_LIMIT": "4", "OMP_PROC_BIND": "false"}))) == 1


def test_quotas_of_control_groups(tmp_path: Path) -> None:
    member, root = tmp_path / "cgroup", tmp_path / "fs"
    assert cpu_quota(member, root) is None
    member.write_text("0::/pod/box\n")
    for group, limit in (("pod/box", "400000 100000"), ("pod", "150000 100000"), (".", "max 100000")):
        (root / group).mkdir(parents=True, exist_ok=True)
        (root / group / "cpu.max").write_text(f"{limit}\n")
    assert cpu_quota(member, root) == 1.5  # the tightest
    (root / "pod" / "cpu.max").write_text("max 100000\n")
    assert cpu_quota(member, root) == 4.0
    member.write_text("5:memory:/pod\n4:cpu,cpuacct:/job\n")
    folder = root / "cpu,cpuacct" / "job"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_period_us").write_text("100000\n")
    for quota, cores in ((-1, None), (250000, 2.5)):
        (folder / "cpu.cfs_quota_us").write_text(f"{quota}\n")
        assert cpu_quota(member, root) == cores


# Storage, folder, disk


def test_a_storage_keeps_its_studies_and_no_other(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    create_or_load(SPEC, open_storage(url, tmp_path))
    (check,) = storage.check_storage(url, tmp_path)
    assert "a write takes" in check.found
    assert optuna.get_all_study_names(open_storage(url, tmp_path)) == ["stub"]


def test_storages_that_are_not_there(tmp_path: Path) -> None:
    (check,) = storage.check_storage(None, tmp_path / "a" / "b")
    assert check.state in ("ok", "warning")
    assert "studies.db, which does not exist yet" in check.found
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="is not a URL"):
        list(storage.check_storage("nonsense", tmp_path))
    with pytest.raises(UserError, match="cannot be opened"):
        list(storage.check_storage("postgresql://nobody@127.0.0.1:9/none", tmp_path))


@pytest.mark.parametrize(("kind", "limit", "state"), [
    ("nfs4", 1e6, "warning"),
    ("ext4", 1e6, "ok"),
    ("ext4", 0.0, "warning"),
])  # fmt: skip
def test_slow_and_remote_disks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, limit: float, state: str
) -> None:
    monkeypatch.setattr(storage, "file_system", lambda _: kind)
    monkeypatch.setattr(storage, "_write", lambda _: 12.0)
    monkeypatch.setattr(storage, "_SLOW_MS", limit)
    assert [check.state for check in storage.check_storage(f"sqlite:///{tmp_path}/s.db", tmp_path)] == [state]


def test_kinds_of_file_systems(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    space = tmp_path / "my disk"
    mounts.write_text(
        f"/dev/sda1 / ext4 rw 0 0\nserver:/x {tmp_path} nfs4 rw 0 0\n"
        f"host: {str(space).replace(' ', chr(92) + '040')} fuse.sshfs rw 0 0\n"
    )
    assert file_system(tmp_path / "runs" / "s.db", mounts) == "nfs4"
    assert file_system(space / "s.db", mounts) == "fuse.sshfs"
    assert file_system(Path("/elsewhere"), mounts) == "ext4"
    assert file_system(tmp_path, tmp_path / "none") == ""
    assert all(map(is_remote, ("nfs4", "nfs", "cifs", "fuse.sshfs", "9p")))
    assert not any(map(is_remote, ("ext4", "overlay", "tmpfs", "")))
    assert nearest_folder(tmp_path / "a" / "b") == tmp_path


def test_a_folder_that_takes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    (check,) = disk.check_folder(tmp_path / "runs")
    assert (check.state, check.found) == ("wrong", f"cannot write to {tmp_path}: Permission denied")


def test_a_clock_that_goes_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time
    assert states(list(disk.check_folder(tmp_path))) == [("folder", "ok"), ("clock", "ok")]
    monkeypatch.setattr("time.time", lambda: now() + 60)
    assert "60 s behind" in list(disk.check_folder(tmp_path))[1].found
    monkeypatch.setattr(disk, "_CLOCK_SECONDS", 1e12)
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert "days behind this program's files" in list(disk.check_folder(tmp_path))[1].found


def test_room_for_a_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, size = replace(SPEC, workers=2, keep_models=3), RunSize(1 * GIB, 3 * GIB)
    usage = namedtuple("usage", "free")
    model = tmp_path / "stub" / "trial-0000" / "best" / "model.safetensors"

    def state(free: float) -> str:
        monkeypatch.setattr("shutil.disk_usage", lambda _: usage(free * GIB))
        (check,) = disk.check_room(tmp_path, spec, size)
        assert (
            "at most 17.0 GiB: 2 workers x (2 checkpoints of 3,072 MiB + a model of 1,024 MiB) + 3 models"
            in check.found
        )
        return check.state

    assert [state(16.9), state(17.1), state(34.1)] == ["wrong", "warning", "ok"]
    model.parent.mkdir(parents=True)
    with model.open("wb") as file:
        file.truncate(GIB)  # takes no room here
    assert state(16.9) == "warning"  # one of the models is there already
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(1.0 * GIB))
    assert [check.state for check in disk.check_room(tmp_path, None, None)] == ["warning"]


# The study


def test_a_mistake_in_the_study_file_has_its_line(tiny_study: str, tmp_path: Path) -> None:
    checks = examined(tiny_study, tmp_path, ("learning_rate = 1e-3", "learning_rat = 1e-3"))
    assert checks["study"].state == "wrong"
    assert "tiny.toml:21: base.optim.learning_rat" in checks["study"].found
    assert "model" not in checks
    assert checks["disk"].state == "ok"


def test_data_and_encoder_that_are_missing(tiny_study: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    checks = examined(tiny_study, tmp_path, data=tmp_path / "data", model=str(tmp_path / "no" / "model"))
    assert "ids-sst-train.csv" in checks["data"].found
    assert "no such folder" in checks["model"].found
    assert {checks["data"].state, checks["model"].state} == {"wrong"}


def test_what_an_encoder_lacks_is_told_with_the_line(tiny_study: str, tmp_path: Path) -> None:
    frozen = ("[space]\n", '[space]\n"model.freeze_layers" = [0, 9]\n')
    check = examined(tiny_study, tmp_path, frozen, model="minilm")["model"]
    assert check.state == "wrong"
    assert 'tiny.toml:35: space."model.freeze_layers"' in check.found
    assert "has 6 layers" in check.found


def test_a_study_that_was_begun_with_other_settings(tiny_study: str, tmp_path: Path) -> None:
    file, url = tmp_path / "tiny.toml", f"sqlite:///{tmp_path}/s.db"

    def check(text: str) -> Check:
        file.write_text(text)
        (found,) = check_study(load_study(file), url, tmp_path)
        return found

    assert check(tiny_study).state == "ok"  # there is no storage
    study = create_or_load(load_study(file), open_storage(url, tmp_path))
    changed = tiny_study.replace("examples = 1600", "examples = 3200")
    assert check(changed).state == "ok"  # nothing came of it yet
    study.add_trial(create_trial(value=0.5))
    assert (check(changed).state, check(changed).advice) == ("wrong", "run it under another name: --name NEW")
    assert "base.budget.examples: was 1600, is now 3200" in check(changed).found
    assert check(tiny_study).state == "ok"


def test_without_a_study_the_files_that_are_there_are_read(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus", train=40, dev=10, test=5, seed=0)
    (tmp_path / "empty").mkdir()
    (data,) = check_folder_of_data(tmp_path / "corpus")
    assert data.found.startswith("sst 40 train, 10 dev, 5 test; para 40 train")
    (none,) = check_folder_of_data(tmp_path / "empty")
    assert none.state == "wrong"
    assert "ids-sst-train.csv" in none.found
