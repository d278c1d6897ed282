"""Times extractive answers: `SpanHead`, fed as `bench run` feeds it, beside a plain loop over padded batches.

    python scripts/bench_span_qa.py dev-v1.1.json [--n 1000] [--spread] [--batch-sizes 8 16 32]

The model is MiniLM-L6 (conf/model/minilm.yaml) with a fresh head from seed 0: its answers are worthless, its speed is that
of a trained one. The plain loop tokenises a batch in the order of the file, with the same windows, pads it to its longest
window and takes only the likeliest start and end, which is less than SpanHead does. Tokenising counts on both sides,
loading does not. `--spread` takes questions evenly from the whole file, so that neighbours share no passage.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.config import compose as conf
from bench.data.source import DataSource
from bench.engine import feed
from bench.models import weights
from bench.models.base import Device
from bench.models.span_head import SpanHead
from bench.types import Example
from tasks.squad import SquadV1

WINDOW, STRIDE = 384, 128


def checkpoint(folder: Path) -> str:
    """MiniLM with a fresh head, saved; its source."""
    import torch
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    config, _ = conf.compose(["model=minilm"])
    found = conf.plain(config)["model"]
    here = weights.folder(found["source"], found["sha256"])
    torch.manual_seed(0)
    AutoModelForQuestionAnswering.from_pretrained(here).save_pretrained(folder)
    AutoTokenizer.from_pretrained(here).save_pretrained(folder)
    return f"file:{folder}"


def plain(head: SpanHead, examples: Sequence[Example], size: int) -> tuple[int, int]:
    """The padded loop: (tokens computed, tokens that are padding)."""
    import torch

    area = padding = 0
    for first in range(0, len(examples), size):
        batch = [example.inputs for example in examples[first : first + size]]
        found = head.tokenizer(
            [one["question"] for one in batch], [one["context"] for one in batch], truncation="only_second",
            max_length=WINDOW, stride=STRIDE, return_overflowing_tokens=True, return_offsets_mapping=True,
            padding="longest", return_tensors="pt",
        )  # fmt: skip
        inputs = {name: found[name].to(head.device) for name in head.tokenizer.model_input_names}
        with torch.inference_mode():
            out = head.model(**inputs)
        out.start_logits.argmax(-1).tolist(), out.end_logits.argmax(-1).tolist()
        area += inputs["attention_mask"].numel()
        padding += int((inputs["attention_mask"] == 0).sum())
    return area, padding


def packed(head: SpanHead, task: SquadV1, examples: Sequence[Example], size: int) -> tuple[int, int]:
    """SpanHead in the engine's batches: (tokens computed, tokens that are padding)."""
    area = padding = 0
    pad = head._padded

    def counted(rows: Any) -> dict[str, Any]:
        nonlocal area, padding
        made = pad(rows)
        area += made["attention_mask"].numel()
        padding += made["attention_mask"].numel() - sum(len(row.ids) for row in rows)
        return made

    head._padded = counted  # type: ignore[method-assign]
    try:
        for unit in feed.units(examples, task.request, head, batch_size=size, batch_tokens=10**9):
            assert all(found.error is None for found in feed.answer(head, unit.requests, "span_head"))
    finally:
        head._padded = pad  # type: ignore[method-assign]
    return area, padding


def main() -> None:
    """Print a row for each way and batch size, and how the best of each compare."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path)
    options.add_argument("--n", type=int, default=1000)
    options.add_argument("--spread", action="store_true")
    options.add_argument("--batch-sizes", type=int, nargs="+", default=[8, 16, 32])
    options.add_argument("--tokens-per-pass", type=int)
    options.add_argument("--device", default="cpu")
    options.add_argument("--threads", type=int, default=2)
    given = options.parse_args()
    task = SquadV1(DataSource("squad/", path=str(given.data.resolve())))
    examples = task.examples()
    examples = examples[:: max(len(examples) // given.n, 1)][: given.n] if given.spread else examples[: given.n]
    with tempfile.TemporaryDirectory() as folder:
        head = SpanHead(
            checkpoint(Path(folder)), max_length=WINDOW, stride=STRIDE, tokens_per_pass=given.tokens_per_pass
        )
        head.load(Device(given.device, "float32", given.threads), seed=0)
    plain(head, examples[:16], 16)  # warm up
    packed(head, task, examples[:16], 16)
    print(f"{len(examples):,} questions of {given.data.name}, windows of {WINDOW}, {given.device}, float32")
    print(f"{'way':<18} {'batch':>5} {'seconds':>8} {'examples/s':>11} {'padding':>8}")
    best: dict[str, float] = {}
    ways = {
        "plain padded loop": lambda size: plain(head, examples, size),
        "SpanHead": lambda size: packed(head, task, examples, size),
    }
    for size in given.batch_sizes:
        for name, way in ways.items():
            start = time.perf_counter()
            area, padding = way(size)
            head.sync()
            seconds = time.perf_counter() - start
            rate = len(examples) / seconds
            best[name] = max(best.get(name, 0.0), rate)
            print(f"{name:<18} {size:>5} {seconds:>8.2f} {rate:>11.1f} {padding / area:>8.1%}", flush=True)
    print(f"best against best: {best['SpanHead'] / best['plain padded loop']:.2f} times the examples/s")


if __name__ == "__main__":
    main()
