"""Which executor a command's options make, and what does not go together; more in test_ray_cluster.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from stub_study import BASE, changed

from core.config.augmentation import AugmentationConfig, RephrasedConfig
from data.errors import UserError
from search.console.executor_choice import local_executor, make_executor_by
from search.executors.local import LocalExecutor
from search.executors.ray_cluster import RayExecutor
from search.storage.runs_url import copy_of
from search.study.spec import SyntheticSpec


def test_this_machine_or_a_cluster(tmp_path: Path) -> None:
    assert make_executor_by("local", None, None, None) is local_executor
    assert isinstance(local_executor(changed(workers=3), tmp_path), LocalExecutor)
    on_ray = make_executor_by("ray", "head:6379", 0.5, 4.0)(changed(workers=3), tmp_path)
    assert isinstance(on_ray, RayExecutor)
    assert on_ray.workers == 3


@pytest.mark.parametrize("option", ["--ray-address", "--ray-gpus", "--ray-memory"])
def test_options_of_a_cluster_need_one(option: str) -> None:
    options = ["--ray-address", "--ray-gpus", "--ray-memory"]
    with pytest.raises(UserError, match=f"^{option} needs --executor ray$"):
        make_executor_by("local", *(1 if one == option else None for one in options))  # type: ignore[arg-type]


@pytest.mark.parametrize("gpus", [1.5, 1e-5])
def test_shares_that_ray_cannot_count(gpus: float) -> None:
    with pytest.raises(UserError, match="give a whole number, or a share of one GPU"):
        make_executor_by("ray", None, gpus, None)


def test_machines_without_a_shared_folder_cannot_read_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    generated, make = changed(synthetic=SyntheticSpec()), make_executor_by("ray", None, None, None)
    with pytest.raises(UserError, match=r"--runs-dir s3://b/runs: only this machine has generated data"):
        make(generated, copy_of("s3://b/runs") / "cache")
    base = BASE.model_copy(update={"augmentation": {"sst": AugmentationConfig(rephrased=RephrasedConfig(model="m"))}})
    with pytest.raises(UserError, match="only this machine has the answers of a language model"):
        make(changed(base=base), copy_of("s3://b/runs") / "cache")
    assert isinstance(make(generated, tmp_path / "cache"), RayExecutor)
    assert isinstance(local_executor(generated, copy_of("s3://b/runs") / "cache"), LocalExecutor)
