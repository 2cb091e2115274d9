"""A stand-in for nvidia-smi."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["LISTED", "write_nvidia_smi"]

LISTED = """\
GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-a)
  MIG 1g.10gb     Device  0: (UUID: MIG-1)
GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-b)
GPU 2: NVIDIA T4 (UUID: GPU-c)
"""


def write_nvidia_smi(folder: Path, listed: str = LISTED) -> dict[str, str]:
    """Write a program that lists GPUs, and return an environment in which it is found before a real one."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{listed}END\n")
    program.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    return kept | {"PATH": f"{folder}:{os.environ['PATH']}"}
