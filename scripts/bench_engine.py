"""Times generation and label choice beside plain loops and lm-evaluation-harness, each in a process of its own.

    python scripts/bench_engine.py generate dev-v1.1.json [--lm-eval PYTHON] [--repeat 3]
    python scripts/bench_engine.py choose banking77/test.csv
    python scripts/bench_engine.py whole dev-v1.1.json        the share of a 1,000-example run that is not forward passes

`generate` asks the questions of every 52nd paragraph of SQuAD 1.1 (198 over 40 passages), SmolLM2-135M, 16 new tokens, stop
at a line break. Every side gets the same prompts, a loaded model and eight of them to warm up; the first of the sides is
measured again at the end, since a machine may slow down. lm-eval has to be installed, with the same torch and
transformers, in the environment whose Python is named. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.config import compose as conf
from bench.engine import feed
from bench.models import weights
from bench.models.base import Device, flat
from bench.models.causal import CausalLM
from bench.types import Choose, Example, Generate, Request, Text

NEW_TOKENS, STOP = 16, "\n"


class Forward:
    """How long a model's forward passes take, and how many of the tokens they are given are padding."""

    def __init__(self, model: Any) -> None:
        self.seconds = 0.0
        self.tokens = self.padding = 0
        model.register_forward_pre_hook(self.begin, with_kwargs=True)
        model.register_forward_hook(self.end)

    def begin(self, model: Any, args: Any, given: dict[str, Any]) -> None:
        """Start the watch, count the tokens."""
        ids, mask = given["input_ids"], given.get("attention_mask")
        self.tokens += ids.numel()
        if mask is not None and mask.dim() == 2:
            self.padding += int((mask[:, -ids.shape[1] :] == 0).sum())
        self.start = time.perf_counter()

    def end(self, *_: Any) -> None:
        """Stop it."""
        self.seconds += time.perf_counter() - self.start


def smollm2(dtype: str, threads: int, **changes: Any) -> CausalLM:
    """The shipped model, loaded."""
    found = conf.choice("model", "smollm2")
    model = CausalLM(found["source"], found["sha256"], **changes)
    model.load(Device("cpu", dtype, threads), seed=0)
    return model


def questions(path: Path) -> list[Example]:
    """Every 52nd paragraph's questions, each with its prompt."""
    paragraphs = [p for article in json.loads(path.read_text())["data"] for p in article["paragraphs"]]
    return [
        Example(qa["id"], {"prompt": f"{p['context']}\n\nQuestion: {qa['question']}\nAnswer:"}, None, str(number))
        for number, p in enumerate(paragraphs[::52])
        for qa in p["qas"]
    ]


def to_write(example: Example) -> Request:
    """The prompt as it is."""
    return Request(example.id, (Text(example.inputs["prompt"]),), Generate(NEW_TOKENS, (STOP,)))


def through_the_feed(
    model: CausalLM, examples: Sequence[Example], request: Callable[[Example], Request]
) -> dict[str, Any]:
    """Predictions by id, as `bench run` gets them with its own settings."""
    settings = conf.Conf()
    plan = feed.units(examples, request, model, batch_size=settings.batch_size, batch_tokens=settings.batch_tokens)
    return {p.id: p for unit in feed.ahead(plan, model) for p in feed.answer(model, unit.requests, "smollm2")}


def ours(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """The engine, `repeat` times."""
    model = smollm2(asked["dtype"], asked["threads"], chat=False)
    examples = [Example(str(i), {"prompt": p}, None, asked["clusters"][i]) for i, p in enumerate(asked["prompts"])]
    through_the_feed(model, examples[:8], to_write)
    found = []
    for _ in range(asked["repeat"]):
        watch = Forward(model.model)
        start = time.perf_counter()
        done = through_the_feed(model, examples, to_write)
        found.append(reading(time.perf_counter() - start, watch, [done[e.id].text or "" for e in examples]))
    return found


def alone(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """The engine, one prompt at a time: what the flips of the others are counted against."""
    model = smollm2(asked["dtype"], asked["threads"], chat=False)
    watch = Forward(model.model)
    start = time.perf_counter()
    texts = [
        next(flat(model.predict([Request("q", (Text(prompt),), Generate(NEW_TOKENS, (STOP,)))]))).text or ""
        for prompt in asked["prompts"]
    ]
    return [reading(time.perf_counter() - start, watch, texts)]


def plain(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """A loop over `generate`: prompts of like length together, padded on the left, stopped by the library."""
    import torch
    import transformers

    torch.set_num_threads(asked["threads"])
    tokenizer = transformers.AutoTokenizer.from_pretrained(asked["folder"], padding_side="left")
    model = transformers.AutoModelForCausalLM.from_pretrained(asked["folder"], dtype=getattr(torch, asked["dtype"]))
    prompts, size = asked["prompts"], asked["batch_size"]
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token

    def answers(some: Sequence[str]) -> list[str]:
        texts = [""] * len(some)
        order = sorted(range(len(some)), key=lambda i: -len(some[i]))
        for batch in (order[first : first + size] for first in range(0, len(order), size)):
            inputs = tokenizer([some[i] for i in batch], return_tensors="pt", padding=True)
            out = model.generate(
                **inputs, max_new_tokens=NEW_TOKENS, do_sample=False, stop_strings=[STOP], tokenizer=tokenizer,
                pad_token_id=tokenizer.pad_token_id,
            )  # fmt: skip
            said = tokenizer.batch_decode(out[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
            for i, text in zip(batch, said, strict=True):
                texts[i] = text.split(STOP)[0]
        return texts

    answers(prompts[:8])
    watch = Forward(model)
    start = time.perf_counter()
    texts = answers(prompts)
    return [reading(time.perf_counter() - start, watch, texts)]


def reading(seconds: float, watch: Forward, texts: list[str]) -> dict[str, Any]:
    """One measurement."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "seconds": seconds, "outside": 1 - watch.seconds / seconds, "tokens": watch.tokens,
        "padding": watch.padding / max(watch.tokens, 1), "texts": texts, "peak_memory_bytes": peak,
    }  # fmt: skip


SIDES: dict[str, Callable[[dict[str, Any]], list[dict[str, Any]]]] = {"ours": ours, "alone": alone, "plain": plain}


def measured(side: str, asked: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """What a side says, from a process of its own."""
    command = [sys.executable, __file__, "side", side]
    out = subprocess.run(command, input=json.dumps(asked | more), stdout=subprocess.PIPE, text=True, check=True).stdout
    found: list[dict[str, Any]] = json.loads(out.rstrip("\n").split("\n")[-1])
    return found


def lm_eval(python: Path, asked: dict[str, Any], sizes: Sequence[int]) -> dict[int, dict[str, Any]]:
    """lm-eval's measurement for each batch size."""
    command = [str(python), str(Path(__file__).with_name("bench_engine_lm_eval.py"))]
    asked = asked | {"new_tokens": NEW_TOKENS, "stop": STOP, "batch_sizes": list(sizes)}
    out = subprocess.run(command, input=json.dumps(asked), stdout=subprocess.PIPE, text=True, check=True).stdout
    found = [json.loads(line) for line in out.split("\n") if line.startswith("{")]
    return {one["batch_size"]: one for one in found}


def generate(given: argparse.Namespace) -> None:
    """Print a row for each side."""
    examples = questions(given.data)
    found = conf.choice("model", "smollm2")
    asked = {
        "prompts": [example.inputs["prompt"] for example in examples], "clusters": [example.cluster for example in examples],
        "folder": str(weights.folder(found["source"], found["sha256"])), "dtype": given.dtype, "threads": given.threads,
        "repeat": given.repeat,
    }  # fmt: skip
    print(f"{len(examples)} questions over {len({e.cluster for e in examples})} passages, {about(given)}")
    print(
        f"{'side':<24} {'seconds':>8} {'examples/s':>11} {'outside forward':>16} {'padding':>8} {'peak GiB':>9} {'flips':>6}"
    )
    one_by_one = measured("plain", asked, batch_size=1)
    flips = Flips(one_by_one[0]["texts"])
    first = measured("ours", asked)
    row("FinAI Bench", first, flips)
    row("  one at a time", measured("alone", asked), Flips(first[0]["texts"]))
    row("plain generate, batch 1", one_by_one, flips)
    for size in given.batch_sizes:
        row(f"plain generate, batch {size}", measured("plain", asked, batch_size=size), flips)
    best = 0.0
    if given.lm_eval:
        for size, one in lm_eval(given.lm_eval, asked, [1, *given.batch_sizes]).items():
            row(f"lm-eval {one['version']}, batch {size}", [one], flips)
            best = max(best, len(examples) / one["seconds"])
    again = measured("ours", asked)
    row("FinAI Bench, again", again, flips)
    rate = len(examples) / statistics.median(one["seconds"] for one in [*first, *again])
    print(
        "flips: answers that differ from plain generate at batch 1; below FinAI Bench, from FinAI Bench's own batches"
    )
    if best:
        print(f"FinAI Bench, median of {2 * given.repeat}, against lm-eval's best: {rate / best:.2f} times")


class Flips:
    """Counts the answers that differ from these up to their first line break, white space aside.

    Others stop at a line break that an answer begins with; FinAI Bench goes on there, which is a rule and no flip.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts

    def __call__(self, texts: Sequence[str]) -> int:
        """How many differ."""
        return sum(a.split(STOP)[0].strip() != b.split(STOP)[0].strip() for a, b in zip(self.texts, texts, strict=True))


def row(name: str, found: Sequence[dict[str, Any]], flips: Callable[[Sequence[str]], int]) -> None:
    """The median of a side's measurements."""
    one = sorted(found, key=lambda one: one["seconds"])[len(found) // 2]
    shares = [f"{one[key]:.1%}" if key in one else "-" for key in ("outside", "padding")]
    print(
        f"{name:<24} {one['seconds']:>8.2f} {len(one['texts']) / one['seconds']:>11.1f} {shares[0]:>16} {shares[1]:>8} "
        f"{max(o['peak_memory_bytes'] for o in found) / 2**30:>9.2f} {flips(one['texts']):>6}",
        flush=True,
    )


def choose(given: argparse.Namespace) -> None:
    """Label choice over all intents of Banking77: the engine beside each label behind its own copy of the prompt."""
    from bench.decoding import tree_model

    with given.data.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    labels = tuple(sorted({row["category"].replace("_", " ") for row in rows}))
    examples = [
        Example(str(i), {"prompt": row["text"]}, None, str(i))
        for i, row in enumerate(rows[:: len(rows) // given.n][: given.n])
    ]
    model = smollm2(given.dtype, given.threads)
    print(f"{len(examples)} texts, {len(labels)} labels, {about(given)}")

    def request(example: Example) -> Request:
        parts = (Text("Say what the customer of a bank wants.", "system"), Text(example.inputs["prompt"]))
        return Request(example.id, parts, Choose(labels))

    best: dict[str, list[dict[str, float]]] = {}
    for name, reason in (("prefix tree", ""), ("padded copies", "it is the plain side")):
        model.no_tree = reason
        model.model.set_attn_implementation("sdpa" if reason else tree_model.NAME)
        some = examples if not reason else examples[: max(4, len(examples) // 8)]
        through_the_feed(model, some[:2], request)
        start = time.perf_counter()
        found = through_the_feed(model, some, request)
        seconds = time.perf_counter() - start
        best[name] = [dict(found[e.id].label_scores or {}) for e in some]
        print(f"{name:<16} {len(some):>5} texts {seconds:>8.2f} s {len(some) / seconds:>8.2f} examples/s", flush=True)
    pairs = zip(best["prefix tree"], best["padded copies"], strict=False)
    flips = sum(max(a, key=a.__getitem__) != max(b, key=b.__getitem__) for a, b in pairs)
    print(f"another label: {flips} of {len(best['padded copies'])}")


def whole(given: argparse.Namespace) -> None:
    """A whole run of 1,000 examples: how much of it, loading aside, is not forward passes."""
    from bench.data.source import DataSource
    from bench.run import evaluate
    from bench.runs.settings import Settings
    from tasks.squad import SquadV1

    device = Device("cpu", given.dtype, given.threads)
    model = smollm2(given.dtype, given.threads)
    model.loaded = device, 0
    watch = Forward(model.model)
    task = SquadV1(DataSource("squad/", path=str(given.data.resolve())))
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        run, _ = evaluate(task, model, "smollm2", device, Settings(runs_dir=Path(folder), limit=given.n))
        seconds = time.perf_counter() - start
    print(
        f"{run.n_examples} examples of squad_v1, {about(given)}: {seconds:.1f} s, {run.n_examples / seconds:.1f} examples/s, "
        f"outside forward passes {1 - watch.seconds / seconds:.1%}, padding {watch.padding / watch.tokens:.1%}, "
        f"prompt tokens {run.timings['prompt_tokens']:,}, computed {watch.tokens:,}"
    )


def about(given: argparse.Namespace) -> str:
    """What was measured, on what."""
    import torch
    import transformers

    return (
        f"SmolLM2-135M, {given.dtype}, {given.threads} threads, {platform.machine()}, torch {torch.__version__}, "
        f"transformers {transformers.__version__}"
    )


def main() -> None:
    """Measure what is asked for."""
    if sys.argv[1:2] == ["side"]:
        print(json.dumps(SIDES[sys.argv[2]](json.load(sys.stdin))))
        return
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("what", choices=["generate", "choose", "whole"])
    options.add_argument("data", type=Path)
    options.add_argument("--lm-eval", type=Path, help="the Python of an environment that has lm-eval")
    options.add_argument("--dtype", default="bfloat16", choices=["float32", "bfloat16"])
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--n", type=int, help="examples of `choose` (200) and `whole` (1000)")
    options.add_argument("--batch-sizes", type=int, nargs="+", default=[8, 16, 32])
    given = options.parse_args()
    given.n = given.n or {"choose": 200}.get(given.what, 1000)
    {"generate": generate, "choose": choose, "whole": whole}[given.what](given)


if __name__ == "__main__":
    main()
