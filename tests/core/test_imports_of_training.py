"""What training does not load, for the sake of each worker's memory and start.

Torch's compiler takes 70 MiB and a second, scikit-learn 80 MiB, SciPy's statistics 45 MiB, the Hub's library 9 MiB.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.config import RunConfig
from tests.core.small_encoders import encoder_folder, loaded

TRAIN = """
import sys
from pathlib import Path
from core.config import RunConfig
from core.inputs.resources import Resources
from core.run_observer import NullRunObserver
from core.trainer import train

folder = Path(sys.argv[1])
train(RunConfig.model_validate_json(sys.stdin.read()), folder, Resources(folder / "cache"), NullRunObserver())
unwanted = {"torch._dynamo", "torch._inductor", "sympy", "optuna", "sklearn", "pandas"}
unwanted |= {"scipy.stats", "scipy.optimize", "huggingface_hub"}
print(*unwanted & set(sys.modules))
"""


@pytest.mark.parametrize("sections", [{}, {"lora": {"rank": 2}}], ids=["plain", "LoRA"])
def test_what_is_not_loaded(small_config: Callable[..., RunConfig], tmp_path: Path, sections: dict[str, Any]) -> None:
    config = loaded(
        small_config(**sections, budget={"examples": 40}, eval={"rungs": 1}), encoder_folder(tmp_path / "e")
    )
    command = [sys.executable, "-c", TRAIN, str(tmp_path / "run")]
    done = subprocess.run(command, input=config.model_dump_json(), text=True, capture_output=True, check=True)
    assert done.stdout.split() == []
    assert (tmp_path / "run" / "metrics.jsonl").exists()
