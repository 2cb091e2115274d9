"""Time forward and backward passes of our BERT against transformers' BertModel, interleaved in one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
import transformers
from torch import Tensor, nn

from core.model.bert import Bert, BertConfig

SHAPE = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
ROUNDS = 12


def forward_backward(model: nn.Module, hidden: Callable[[], Tensor]) -> float:
    """Return the seconds of one pass."""
    begun = time.perf_counter()
    hidden().square().mean().backward()
    seconds = time.perf_counter() - begun
    model.zero_grad(set_to_none=True)
    return seconds


def main() -> None:
    torch.set_num_threads(2)
    config = BertConfig(vocab_size=30522, **SHAPE)
    ours = Bert(config)
    peers = {
        attention: transformers.BertModel(
            transformers.BertConfig(vocab_size=30522, attn_implementation=attention, **SHAPE)
        )
        for attention in ("eager", "sdpa")
    }
    print(f"MiniLM's shape, {torch.get_num_threads()} threads, median of {ROUNDS} interleaved rounds")
    for rows, tokens in ((16, 32), (32, 64), (8, 256)):
        ids = torch.randint(1000, 30000, (rows, tokens))
        mask = torch.ones(rows, tokens, dtype=torch.int64)
        mask[0, tokens // 2 :] = 0
        runs: dict[str, tuple[nn.Module, Callable[[], Tensor]]] = {"ours": (ours, lambda i=ids, m=mask: ours(i, m))}
        for name, peer in peers.items():
            runs[name] = (peer, lambda p=peer, i=ids, m=mask: p(i, m).last_hidden_state)
        seconds: dict[str, list[float]] = {name: [] for name in runs}
        for training in (True, False):
            for round_number in range(ROUNDS + 2):
                for name, (model, hidden) in runs.items():
                    model.train(training)
                    passed = forward_backward(model, hidden)
                    if round_number >= 2:  # the first rounds warm up
                        seconds[name].append(passed)
            medians = {name: statistics.median(times) for name, times in seconds.items()}
            print(
                f"{rows:>3} x {tokens:<4} {'train' if training else 'eval '}  ours {1000 * medians['ours']:.0f} ms, "
                f"/eager {medians['ours'] / medians['eager']:.2f}, /sdpa {medians['ours'] / medians['sdpa']:.2f}"
            )
            seconds = {name: [] for name in runs}


if __name__ == "__main__":
    main()
