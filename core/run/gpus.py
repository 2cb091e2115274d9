"""Find the GPUs of this machine, and errors that say that one has failed. Does not import torch.

A process with :attr:`Device.visible` in CUDA_VISIBLE_DEVICES sees one GPU, as ``cuda``.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final, Literal

from data.errors import UserError

__all__ = ["VISIBLE", "Device", "GpuChoice", "device_fault", "find_gpus", "parse_gpus"]

GpuChoice = Literal["all"] | tuple[int, ...]
"""Which GPUs: all, or their numbers as ``nvidia-smi`` counts them; within CUDA_VISIBLE_DEVICES, if it is set."""

VISIBLE: Final = "CUDA_VISIBLE_DEVICES"
"""The variable that says which GPUs a process sees."""
_LISTED: Final = re.compile(r"GPU (\d+): (.*?) \(UUID: (\S+)\)")
_SECONDS: Final = 60.0  # that nvidia-smi may take; it loads the driver
# What CUDA says of a device that is gone or broken. Errors of a program, such as a wrong index or too little memory,
# would come again on another device.
_BROKEN: Final = re.compile(
    r"no CUDA-capable device|busy or unavailable|uncorrectable|is lost|fallen off|unspecified launch failure"
    r"|hardware stack error|system not yet initialized|driver shutting down|unknown error"
    r"|device 'cuda' is not available on this machine",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Device:
    """A GPU.

    Attributes:
        name: for people and torch, such as ``cuda:1``.
        visible: value of CUDA_VISIBLE_DEVICES with which a process sees this GPU alone.
        model: such as ``NVIDIA H100``; empty if it is not known.
    """

    name: str
    visible: str
    model: str = ""


def parse_gpus(value: object) -> GpuChoice:
    """Parse ``all``, ``0,2`` or a list of numbers.

    Raises:
        ValueError: it is something else; the message says what is expected.
    """
    if value == "all":
        return "all"
    numbers = value.split(",") if isinstance(value, str) else value
    parts = [str(part).strip() for part in numbers] if isinstance(numbers, Sequence) else []
    if not parts or not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError("must be all, or numbers of GPUs such as 0,1")
    found = tuple(map(int, parts))
    if len(set(found)) < len(found):
        raise ValueError("names a GPU twice; workers_per_gpu says how many workers share one")
    return found


def find_gpus(choice: GpuChoice, environment: Mapping[str, str] = os.environ) -> tuple[Device, ...]:
    """Return the chosen GPUs of this machine, of those that CUDA_VISIBLE_DEVICES shows if it is set.

    Raises:
        UserError: there is no GPU, or none of a number.
    """
    there = _visible_gpus(environment)
    if not there:
        hidden = f", or {VISIBLE} hides it" if VISIBLE in environment else ""
        raise UserError(f"no NVIDIA GPU: nvidia-smi lists none{hidden}; leave out gpus, or run where there is one")
    if choice == "all":
        return there
    if missing := [str(number) for number in choice if number >= len(there)]:
        raise UserError(f"no GPU {', '.join(missing)}: there are {', '.join(device.name for device in there)}")
    return tuple(there[number] for number in choice)


def _visible_gpus(environment: Mapping[str, str]) -> tuple[Device, ...]:
    listed = _listed(environment)
    shown = environment.get(VISIBLE)
    if shown is None:
        return tuple(Device(f"cuda:{number}", uuid, model) for number, (uuid, model) in enumerate(listed))
    models = {name: model for number, (uuid, model) in enumerate(listed) for name in (str(number), uuid)}
    names = [name.strip() for name in shown.split(",") if name.strip()] if listed else []
    # CUDA counts up to the first name that is no GPU; -1 hides all.
    visible = takewhile(lambda name: not name.startswith("-"), names)
    return tuple(Device(f"cuda:{at}", name, models.get(name, "")) for at, name in enumerate(visible))


def _listed(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return UUID and model of every GPU that ``nvidia-smi`` lists; UUIDs do not depend on how CUDA counts."""
    try:
        done = subprocess.run(
            ["nvidia-smi", "-L"],
            capture_output=True,
            text=True,
            check=True,
            timeout=_SECONDS,
            env=dict(environment),
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [(uuid, model) for _, model, uuid in _LISTED.findall(done.stdout)]


def device_fault(error: BaseException) -> str | None:
    """Return why an exception of a run says that its device has failed, in one line; None if it does not."""
    text = " ".join(str(error).split())
    return text.partition(" CUDA kernel errors might")[0] if _BROKEN.search(text) else None
