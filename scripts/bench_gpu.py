"""Times one language model on one device by our engine, the library's, vLLM's and lm-evaluation-harness, as a Markdown table.

    python scripts/bench_gpu.py --shapes 1b 8b --dtype bfloat16 --lm-eval PYTHON     on a GPU: what docs/log.md wants to know
    python scripts/bench_gpu.py --shapes 1b --new-tokens 128                         longer replies: steps weigh more than prompts
    python scripts/bench_gpu.py --shapes 1b --new-tokens 64 --uneven                 replies of many lengths, 64 tokens on average
    python scripts/bench_gpu.py --small                                              any machine, in a minute: that the script runs

The work is that of `bench_engine.py generate`: 200 questions over 40 passages, the passage first, 16 new tokens. Weights are
random, of a known model's shape, made here, so nothing is fetched; words are made up too, one token each. Random weights say
nothing of answers and all of speed: no reply ends before its limit, which with --uneven is drawn for each from a geometric
distribution, up to 8 times --new-tokens. "continuous" is our own engine with texts that join those under way. Each side has a
process of its own, a loaded model, and eight prompts to warm up; the middle of `--repeat` times counts. What is not run is said,
with the reason. The own engine has no option for CUDA graphs or torch.compile. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.config import compose as conf
from bench.engine import feed
from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.models.device import resolve
from bench.types import Example, Generate, Request, Text

# Of SmolLM2-135M, which is what a CPU can run, and of Llama 3.2 1B and 3.1 8B.
SHAPES: dict[str, dict[str, int]] = {
    "135m": {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9,
             "num_key_value_heads": 3, "vocab_size": 49152, "head_dim": 64},
    "1b": {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32,
           "num_key_value_heads": 8, "vocab_size": 128256, "head_dim": 64},
    "8b": {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
           "num_key_value_heads": 8, "vocab_size": 128256, "head_dim": 128},
    "small": {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
              "num_key_value_heads": 2, "vocab_size": 512, "head_dim": 16},
}  # fmt: skip
SIDES = ("own engine", "continuous", "generate_batch", "vLLM", "lm-eval")
_WORDS, _PASSAGE, _QUESTION, _PER_PASSAGE = 500, 170, 14, 5
_CONTEXT = 2048


def checkpoint(folder: Path, shape: str, dtype: str) -> None:
    """Write random weights of this shape, and a tokenizer for which each word is a token."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["<unk>", "<s>", "</s>", *(f"w{i}" for i in range(_WORDS))]
    inner = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    names = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>"}
    transformers.PreTrainedTokenizerFast(tokenizer_object=inner, **names).save_pretrained(folder)
    config = transformers.LlamaConfig(
        **SHAPES[shape], max_position_embeddings=_CONTEXT, bos_token_id=1, eos_token_id=2, pad_token_id=2,
        tie_word_embeddings=shape in ("135m", "1b"),
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype))
    model.save_pretrained(folder)


def prompts(n: int) -> list[str]:
    """Questions behind passages, as many tokens as SQuAD's have on average."""
    found = []
    for i in range(n):
        passage, question = i // _PER_PASSAGE, i
        before = [f"w{(7 * passage + 13 * k * k + k) % _WORDS}" for k in range(_PASSAGE)]
        found.append(" ".join([*before, *(f"w{(11 * question + 17 * k * k + k) % _WORDS}" for k in range(_QUESTION))]))
    return found


def limits(n: int, mean: int, *, uneven: bool) -> list[int]:
    """How many tokens each reply has: as many for all, or drawn, always the same."""
    rand = random.Random(0)
    drawn = [1 + int(rand.expovariate(1 / max(mean - 0.5, 0.5))) for _ in range(n)]
    return [min(one, 8 * mean) for one in drawn] if uneven else [mean] * n


def model_of(asked: dict[str, Any]) -> Model:
    """The side's adapter, as `bench run` makes it."""
    source = f"file:{asked['folder']}"
    if asked["side"] == "vLLM":
        from bench.models.vllm import VLLM

        model = VLLM(source, chat=False, attention_backend=asked["attention"])
        model.expects(Generate)
        return model
    from bench.models.causal import CausalLM

    made = CausalLM(source, chat=False, engine="tree" if asked["side"] == "own engine" else asked["side"])
    made.expects(Generate)
    return made


def measured(asked: dict[str, Any]) -> dict[str, Any]:
    """Seconds of each repetition through the feed, tokens and peak memory of one of our adapters."""
    model, settings = model_of(asked), conf.Conf()
    model.load(Device(asked["kind"], asked["dtype"], asked["threads"]), seed=0)
    both = zip(asked["prompts"], asked["limits"], strict=True)
    examples = [Example(str(i), {"p": p, "n": n}, None, str(i // _PER_PASSAGE)) for i, (p, n) in enumerate(both)]

    def run(some: Sequence[Example]) -> list[Any]:
        plan = feed.units(
            some, lambda one: Request(one.id, (Text(one.inputs["p"]),), Generate(one.inputs["n"])), model,
            batch_size=settings.batch_size, batch_tokens=settings.batch_tokens,
        )  # fmt: skip
        groups = (feed.in_turn(unit, model, asked["side"], feed.Room()) for unit in feed.ahead(plan, model))
        return [p for some in groups for group in some for p in group]

    run(examples[:8])
    seconds = []
    for _ in range(asked["repeat"]):
        model.forget()
        model.sync()
        start = time.perf_counter()
        found = run(examples)
        model.sync()
        seconds.append(time.perf_counter() - start)
    if failed := [one.error for one in found if one.error]:
        raise BenchError(f"{len(failed)} of {len(found)} requests failed: {failed[0]}")
    tokens = sum(one.new_tokens for one in found), sum(one.prompt_tokens for one in found)
    peak = model.device_memory_bytes() or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "seconds": seconds,
        "new_tokens": tokens[0],
        "prompt_tokens": tokens[1],
        "peak": peak,
        "computed": dict(model.describe()),
    }


def one_side(asked: dict[str, Any]) -> dict[str, Any]:
    """A reading of this side in a process of its own, or why there is none."""
    command = [sys.executable, __file__, "--side"]
    if asked["side"] == "lm-eval":
        command = [asked["lm_eval"], str(Path(__file__).with_name("bench_engine_lm_eval.py"))]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.split("\n") if line.startswith("{")]
    if done.returncode or not lines:
        said = [line for line in done.stderr.split("\n") if line.strip()] or [f"ended with {done.returncode}"]
        return {"why": said[-1][:300]}
    if asked["side"] != "lm-eval":
        return dict(lines[-1])
    best = min(lines, key=lambda one: one["seconds"])
    n = len(asked["prompts"])
    return {
        "seconds": [best["seconds"]], "new_tokens": n * asked["new_tokens"], "peak": best["peak_memory_bytes"],
        "prompt_tokens": n * (_PASSAGE + _QUESTION), "computed": {"batch": best["batch_size"], "version": best["version"]},
    }  # fmt: skip


def why_not(side: str, asked: dict[str, Any]) -> str:
    """Why a side cannot be run here, "" if it can."""
    if side == "vLLM":
        try:
            importlib.metadata.version("vllm")
        except importlib.metadata.PackageNotFoundError:
            return "vLLM is not installed here (pip install 'finai-bench[vllm]')"
    if side == "lm-eval" and len(set(asked["limits"])) > 1:
        return "it is asked for replies of one length here"
    if side == "lm-eval" and not asked["lm_eval"]:
        return "lm-eval is not installed here; name a Python in whose environment it is with --lm-eval"
    return ""


def table(shape: str, found: dict[str, dict[str, Any]]) -> list[str]:
    """The readings of one shape; seconds beside vLLM's."""
    rows = [
        "| side | seconds (all) | examples/s | new tokens/s | prompt tokens/s | times vLLM's seconds | peak memory GiB |",
        "|---|---|---|---|---|---|---|",
    ]
    vllm = statistics.median(found["vLLM"]["seconds"]) if "vLLM" in found else None
    for side, one in found.items():
        seconds = statistics.median(one["seconds"])
        every = ", ".join(f"{s:.2f}" for s in one["seconds"])
        ratio = f"{seconds / vllm:.2f}" if vllm else "–"
        rows.append(
            f"| {side} | {seconds:.2f} ({every}) | {one['n'] / seconds:.1f} | {one['new_tokens'] / seconds:.0f} | "
            f"{one['prompt_tokens'] / seconds:.0f} | {ratio} | {one['peak'] / 2**30:.2f} |"
        )
    return [f"### {shape}", "", *rows, ""]


def versions(device: Device) -> str:
    """What it was measured on, in a line."""
    import torch
    import transformers

    more = []
    for name in ("vllm", "lm-eval"):
        if importlib.util.find_spec(name.replace("-", "_")) is not None:
            more.append(f"{name} {importlib.metadata.version(name)}")
    where = device.name if device.kind == "cuda" else f"{platform.machine()}, {device.threads} threads, no GPU"
    return ", ".join(
        [where, device.dtype, f"torch {torch.__version__}", f"transformers {transformers.__version__}", *more]
    )


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--small", action="store_true", help="a tiny model, few questions, one repetition")
    parser.add_argument("--shapes", nargs="+", choices=sorted(SHAPES), default=["1b", "8b"])
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--dtype", choices=("bfloat16", "float16", "float32"), default=None)
    parser.add_argument("--device", choices=("cuda", "cpu", "auto"), default="auto")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--new-tokens", type=int, default=16)
    parser.add_argument("--uneven", action="store_true", help="replies of many lengths")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--attention", default="FLASH_ATTN", help="vLLM's attention backend")
    parser.add_argument("--lm-eval", default=sys.executable if importlib.util.find_spec("lm_eval") else None)
    found = parser.parse_args(words)
    if found.small:
        found.shapes, found.questions, found.new_tokens, found.repeat = ["small"], min(found.questions, 10), 4, 1
    return found


def main(words: Sequence[str] | None = None) -> int:
    """Print the tables; 1 where our own engine was to be run and was not."""
    chosen = arguments(words)
    if chosen.side:
        try:
            print(json.dumps(measured(json.load(sys.stdin))), flush=True)
        except BenchError as error:
            print(f"bench: {error}", file=sys.stderr)
            return 2
        return 0
    device = resolve(chosen.device, chosen.dtype or ("float32" if chosen.small else "bfloat16"), chosen.threads)
    asked: dict[str, Any] = {
        "kind": device.kind, "dtype": device.dtype, "threads": device.threads, "new_tokens": chosen.new_tokens,
        "repeat": chosen.repeat, "prompts": prompts(chosen.questions),
        "limits": limits(chosen.questions, chosen.new_tokens, uneven=chosen.uneven),
        "attention": chosen.attention, "lm_eval": chosen.lm_eval,
        "stop": "\n", "batch_sizes": [4] if chosen.small else [16, 64, 256], "device": device.kind,
    }  # fmt: skip
    length = (
        f"{sum(asked['limits']) / len(asked['limits']):.1f} on average, 1 to {max(asked['limits'])}"
        if chosen.uneven
        else ""
    )
    print(f"{versions(device)}; {chosen.questions} questions, {length or chosen.new_tokens} new tokens\n")
    failed, not_run = False, []
    for shape in chosen.shapes:
        found = {}
        with tempfile.TemporaryDirectory() as folder:
            checkpoint(Path(folder), shape, device.dtype)
            for side in chosen.sides:
                why = why_not(side, asked)
                one = {"why": why} if why else one_side(asked | {"side": side, "folder": folder})
                if "why" in one:
                    not_run.append(f"- {shape}, {side}: {one['why']}")
                    failed |= side == "own engine"
                else:
                    found[side] = one | {"n": chosen.questions}
        print("\n".join(table(shape, found)), flush=True)
    if device.kind != "cuda":
        not_run.append("- a GPU: there is none here, so that nothing above says how fast one is")
    print("\n".join(["Not run:", *not_run] if not_run else ["All sides were run."]))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
