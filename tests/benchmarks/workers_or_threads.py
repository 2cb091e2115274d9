"""Measure training examples per second: two processes of one thread each against one process of two threads."""

from __future__ import annotations

import multiprocessing
import time

import torch

from core.model.bert import Bert, BertConfig

SHAPE = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
STEPS, ROWS, TOKENS = 12, 16, 32


def train(threads: int, ready: object, go: object) -> None:
    """Run a few AdamW steps on random tokens; all processes start at once."""
    torch.set_num_threads(threads)
    bert = Bert(BertConfig(vocab_size=30522, **SHAPE))
    optimiser = torch.optim.AdamW(bert.parameters(), lr=1e-5, fused=True)
    ids = torch.randint(1000, 30000, (ROWS, TOKENS))
    for step in range(STEPS + 2):
        if step == 2:
            ready.release()  # type: ignore[attr-defined]
            go.wait()  # type: ignore[attr-defined]
        bert(ids).square().mean().backward()
        optimiser.step()
        optimiser.zero_grad()


def rate(processes: int, threads: int) -> float:
    """Return examples per second of all processes together."""
    context = multiprocessing.get_context("spawn")
    ready, go = context.Semaphore(0), context.Event()
    workers = [context.Process(target=train, args=(threads, ready, go)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for _ in workers:
        ready.acquire()
    begun = time.perf_counter()
    go.set()
    for worker in workers:
        worker.join()
    return processes * STEPS * ROWS / (time.perf_counter() - begun)


def main() -> None:
    for number in range(3):
        two, one = rate(2, 1), rate(1, 2)
        print(
            f"round {number}: 2 workers x 1 thread {two:.0f}/s, 1 worker x 2 threads {one:.0f}/s, ratio {two / one:.2f}"
        )


if __name__ == "__main__":
    main()
