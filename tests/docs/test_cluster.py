"""The job script of ``docs/cluster.md`` runs as it stands there, and its manifest fits the commands."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import optuna
import pytest
import typer
import yaml

from search import run
from search.console import cli
from search.storage.open import open_storage
from tests.docs.pages import ROOT, text
from tests.search.conftest import TINY_STUDY
from tests.search.postgresql import free_port

STUBS = {
    "srun": """#!/bin/bash
echo "$@" >> "$STUB_LOG"
while [[ "$1" == --* ]]; do shift; done
exec "$@"
""",
    "scontrol": """#!/bin/bash
echo "scontrol $@" >> "$STUB_LOG"
[ "$1" = show ] && echo 127.0.0.1 && echo elsewhere
true
""",
}


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", text("cluster.md"), re.DOTALL)
    return str(found)


def options_of_run() -> set[str]:
    command: Any = typer.main.get_command(cli.make_app(run.main))
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}


def used_options(line: str) -> set[str]:
    return set(re.findall(r"(?<!\S)--[a-z-]+", line))


def test_options_are_those_there_are() -> None:
    lines = [line for line in text("cluster.md").splitlines() if "search.run --" in line or "onebert run --" in line]
    assert len(lines) >= 4
    for line in lines:
        assert used_options(line) <= options_of_run(), line


def test_the_manifest() -> None:
    job = yaml.safe_load(block("yaml"))
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    shell, flag, command = shlex.split(job["spec"]["entrypoint"])
    assert (shell, flag) == ("sh", "-c")
    words = shlex.split(command)
    assert words[:3] == ["exec", "onebert", "run"]
    assert used_options(command) <= options_of_run()
    assert words[words.index("--executor") + 1] == "ray"
    cluster = job["spec"]["rayClusterSpec"]
    groups = cluster["workerGroupSpecs"]
    pods = [cluster["headGroupSpec"]["template"]["spec"], *(group["template"]["spec"] for group in groups)]
    shared = Path(words[words.index("--runs-dir") + 1]).parent
    for pod in pods:
        (container,) = pod["containers"]
        assert container["image"] == "REGISTRY/onebert-ray:1"
        (mount,) = container["volumeMounts"]
        assert Path(mount["mountPath"]) == shared
        assert [volume["name"] for volume in pod["volumes"]] == [mount["name"]]
        assert [variable["name"] for variable in container["env"]] == ["STORAGE"]
    workers = int(words[words.index("--workers") + 1])
    assert sum(group["maxReplicas"] for group in groups) == workers  # one GPU each
    assert words[words.index("--ray-gpus") + 1] == "1"  # when the search begins, the cluster has none
    for group in groups:
        limits = group["template"]["spec"]["containers"][0]["resources"]["limits"]
        assert (limits["nvidia.com/gpu"], limits["cpu"]) == ("1", words[words.index("--threads") + 1])
    assert cluster["headGroupSpec"]["rayStartParams"] == {"num-cpus": "0"}


def test_the_image_has_the_extras_and_the_version_of_ray() -> None:
    image = block("dockerfile")
    version = re.search(r"^ray==(.*)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert version is not None
    assert f"rayproject/ray:{version[1]}-py311" in image
    assert "'.[ray,postgresql,minilm]'" in image


def start_job(folder: Path, port: int) -> subprocess.Popen[str]:
    programs = [str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
    env = {
        **os.environ,
        "PATH": os.pathsep.join(programs),
        "PYTHONPATH": str(ROOT),
        "STUB_LOG": str(folder / "stub.log"),
        "SLURM_JOB_NODELIST": "node[1-2]",
        "SLURM_NNODES": "2",
        "SLURM_CPUS_PER_TASK": "1",
        "SLURM_JOB_ID": "77",
        "RAY_PORT": str(port),
    }
    words = ["bash", "job.sbatch"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(words, cwd=folder, env=env, start_new_session=True, **pipes)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_job_that_is_asked_to_end_is_queued_again_and_resumes(tmp_path: Path) -> None:
    """With a stand-in for SLURM, whose two machines are this one."""
    (tmp_path / "bin").mkdir()
    for name, content in STUBS.items():
        (tmp_path / "bin" / name).write_text(content)
        (tmp_path / "bin" / name).chmod(0o755)
    study = TINY_STUDY.replace("trials = 4", 'trials = 3\nsampler = "random"').replace(
        "examples = 1600", "examples = 8000"
    )
    (tmp_path / "starter.toml").write_text(study)
    script = block("bash")
    for old, new in {"--study starter --data data": "--study starter.toml", "--threads 4": "--threads 1"}.items():
        assert old in script
        script = script.replace(old, new)
    (tmp_path / "job.sbatch").write_text(script)
    port = free_port()
    job = start_job(tmp_path, port)
    try:
        first = tmp_path / "runs" / "starter" / "trial-0000" / "metrics.jsonl"
        end = time.monotonic() + 120
        while not first.exists() and time.monotonic() < end and job.poll() is None:
            time.sleep(0.2)
        job.send_signal(signal.SIGTERM)
        said, _ = job.communicate(timeout=100)
        assert job.returncode == 130, said
        log = (tmp_path / "stub.log").read_text()
        assert "scontrol requeue 77" in log
        assert f"--exclude=127.0.0.1 ray start --address=127.0.0.1:{port} --num-cpus=1 --num-gpus=0" in log
        job = start_job(tmp_path, free_port())
        said, _ = job.communicate(timeout=150)
        assert job.returncode == 0, said
    finally:
        with suppress(ProcessLookupError):
            os.killpg(job.pid, signal.SIGKILL)
    trials = optuna.load_study(study_name="starter", storage=open_storage(None, tmp_path / "runs")).get_trials()
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * 3
