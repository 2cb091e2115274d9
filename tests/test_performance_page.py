"""The page about performance: it can be written, and has every section."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.performance.step_parts import part_of

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "tests" / "benchmarks" / "performance" / "page.md.jinja"
PEERS = ("accelerate", "datasets", "peft", "sentence_transformers", "transformers")


@pytest.mark.parametrize(
    ("operation", "callers", "part"),
    [
        ("aten::addmm", ["aten::linear"], "GEMM"),
        ("aten::mm", ["autograd::engine::evaluate_function: MmBackward0"], "GEMM"),
        ("aten::_scaled_dot_product_flash_attention_for_cpu", [], "attention"),
        ("aten::bmm", ["aten::matmul"], "attention"),
        ("aten::native_layer_norm_backward", [], "LayerNorm"),
        ("aten::gelu_backward", [], "GELU"),
        ("aten::bernoulli_", ["aten::dropout"], "dropout"),
        ("aten::embedding_dense_backward", [], "embedding"),
        ("aten::_fused_adamw_", ["part: optimiser"], "optimiser"),
        ("aten::mul_", ["part: clipping"], "clipping"),
        ("aten::add", [], "other operations"),
    ],
)
def test_operations_belong_to_parts(operation: str, callers: list[str], part: str) -> None:
    assert part_of(operation, callers) == part


@pytest.mark.slow
@pytest.mark.skipif(any(importlib.util.find_spec(name) is None for name in PEERS), reason="needs the extra benchmarks")
def test_the_page_is_measured_and_written(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.benchmarks.performance.page", "--quick", "--threads", "1"]
    subprocess.run([*command, "--out", tmp_path / "page.md"], cwd=ROOT, check=True)
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    fixed = [name for name in re.findall(r"^#+ (.+)$", TEMPLATE.read_text("utf-8"), re.MULTILINE) if "{" not in name]
    assert [name for name in headings if name in fixed] == fixed
    assert {"plain", "LoRA", "pairs", "Length of rows", "Rank of LoRA", "Tasks", "Encoder"} <= set(headings)
    for trainer in ("ours", "Trainer", "Trainer with peft", "sentence-transformers", "bound"):
        assert re.search(rf"^\| 8 \| {trainer} \| [\d,]+ \|", page, re.MULTILINE), trainer
    for part in ("GEMM", "attention", "LayerNorm", "GELU", "dropout", "embedding", "optimiser", "clipping", "data"):
        milliseconds = re.search(rf"^\| {part} \| ([\d.]+) ms", page, re.MULTILINE)
        assert milliseconds is not None, part
    assert "the numbers mean nothing" in page
    assert "{{" not in page
