"""Make the executor that a command's options ask for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from data.errors import UserError
from search.executors.local import LocalExecutor
from search.storage.runs_url import url_of

if TYPE_CHECKING:
    from search.console.cli import ExecutorKind
    from search.executors.base import Executor
    from search.study.spec import StudySpec

__all__ = ["local_executor", "make_executor_by"]

GPUS_OF_ONE_MACHINE = "gpus are those of one machine; with --executor ray, --ray-gpus says how many each worker needs"
SMALLEST_SHARE = 1e-4  # of a GPU, that Ray can count


def local_executor(spec: StudySpec, cache_dir: Path) -> Executor:
    """Return the executor that trains a study on this machine."""
    return LocalExecutor(spec.workers, cache_dir, threads=spec.base.compute.threads, devices=spec.devices)


def make_executor_by(
    kind: ExecutorKind,
    address: str | None,
    gpus: float | None,
    memory_gib: float | None,
    *,
    machine_gpus: str | None = None,
) -> Callable[[StudySpec, Path], Executor]:
    """Return what makes the executor of a study, given a cache folder.

    Args:
        kind: ``--executor``.
        address: ``--ray-address``.
        gpus: ``--ray-gpus``.
        memory_gib: ``--ray-memory``.
        machine_gpus: ``--gpus``, which are those of one machine.

    Raises:
        UserError: the options do not go together.
    """
    if kind == "local":
        given = {"--ray-address": address, "--ray-gpus": gpus, "--ray-memory": memory_gib}
        for option, value in given.items():
            if value is not None:
                raise UserError(f"{option} needs --executor ray")
        return local_executor

    if machine_gpus is not None:
        raise UserError(GPUS_OF_ONE_MACHINE)
    if gpus is not None and (0 < gpus < SMALLEST_SHARE or (gpus > 1 and gpus != int(gpus))):
        raise UserError(f"--ray-gpus {gpus:g}: give a whole number, or a share of one GPU from {SMALLEST_SHARE:g} to 1")

    from search.executors.ray_cluster import RayExecutor, RayRequest

    def ray_executor(spec: StudySpec, cache_dir: Path) -> Executor:
        if spec.gpus is not None:
            raise UserError(GPUS_OF_ONE_MACHINE)
        if (url := url_of(cache_dir.parent)) is not None:
            _check_inputs(spec, url)
        compute = spec.base.compute
        request = RayRequest(address, gpus, memory_gib)
        uses_gpu = compute.device in ("auto", "cuda")
        return RayExecutor(spec.workers, cache_dir, request, threads=compute.threads, uses_gpu=uses_gpu)

    return ray_executor


def _check_inputs(spec: StudySpec, url: str) -> None:
    """Refuse a study whose inputs are in the runs folder: each machine has its own copy of that."""
    what = "generated data" if (spec.synthetic or spec.corpus) is not None else ""
    if any(task.rephrased.model is not None for task in spec.base.augmentation.values()):
        what = "the answers of a language model"
    if what:
        raise UserError(f"--runs-dir {url}: only this machine has {what}, which the others cannot read")
