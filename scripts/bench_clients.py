"""Measures one endpoint by `bench run timing=` and by a public client, guidellm, and prints both beside each other.

    python -m venv other && other/bin/pip install guidellm
    python scripts/bench_clients.py other/bin/guidellm                       a server of known delays on this machine
    python scripts/bench_clients.py other/bin/guidellm --serve smollm2       `transformers serve` with its weights
    python scripts/bench_clients.py other/bin/guidellm --qps 10              Poisson arrivals

Both ask the same questions of finmm_qa, as many tokens each, one after another or at the same rate. The clients' definitions
differ: see docs/endpoints-timing.md. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import mean, median
from typing import Any

FIRST, BETWEEN = 0.1, 0.01  # seconds of the server of known delays
TASK = "finmm_qa"


@contextmanager
def served(what: str, tokens: int) -> Iterator[tuple[str, str]]:
    """The address of a server and what it calls its model."""
    from bench.models.endpoint_overhead import loopback

    if what == "loopback":
        with loopback(FIRST, BETWEEN, tokens) as url:
            yield url, "loopback"
        return
    import yaml

    from bench.config import compose as conf
    from bench.models.weights import folder

    settings = yaml.safe_load((conf.conf_dir() / "model" / f"{what}.yaml").read_text())
    weights = str(folder(settings["source"], settings["sha256"]))
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    program = shutil.which("transformers", path=str(Path(sys.executable).parent)) or "transformers"
    command = [
        program,
        "serve",
        weights,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--device",
        "cpu",
        "--dtype",
        "float32",
    ]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env={**os.environ, "HF_HUB_OFFLINE": "1"}, **quiet) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/health")
            yield f"http://127.0.0.1:{port}/v1", weights
        finally:
            process.terminate()


def _wait(url: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise SystemExit(f"nothing answers at {url}")


def ours(url: str, model: str, n: int, tokens: int, qps: float | None, folder: Path) -> dict[str, float]:
    """What `bench run timing=` reads, and other definitions out of its raw times."""
    scenario = ["timing=single_stream"] if qps is None else ["timing=server", f"timing.qps={qps}"]
    options = [f"task={TASK}", f"limit={n}", f"max_new_tokens={tokens}", f"runs_dir={folder}", "tracking.enabled=false"]
    options += ["model=endpoint", f"model.base_url={url}", f"model.model={model}", "model.limits.concurrency=256"]
    options += ["timing.alone=true", f"timing.min_count={n}", "timing.audit=false", *scenario]
    command = [str(Path(sys.executable).parent / "bench"), "run", *options]
    subprocess.run(command, check=True, stdout=sys.stderr)
    (path,) = folder.glob("*/*/*/scenarios/*.jsonl")
    lines = [json.loads(line) for line in path.read_text().split("\n") if line]
    client = next((line["client"] for line in lines if "client" in line), {})
    print(f"  the client's own part: {1000 * client['overhead_seconds']:.2f} ms; {client['caveats']}")
    answers = [line for line in lines if "id" in line and "error" not in line]
    return figures([
        {"due": a["scheduled"], "start": a["issued"], "first": a["first"], "last": a["last"], "end": a["ended"],
         "n": max(a["new_tokens"], a["heard"])} for a in answers
    ])  # fmt: skip


def theirs(
    program: str, url: str, model: str, n: int, tokens: int, qps: float | None, folder: Path
) -> dict[str, float]:
    """What guidellm reads of the same questions, by the same definitions, and its own summary."""
    prompts, out = folder / "prompts.jsonl", folder / "guidellm.json"
    prompts.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in questions(n)))
    profile = "kind=synchronous" if qps is None else f"kind=poisson,rate={qps}"
    backend = f"kind=openai_http,target={url.removesuffix('/v1')},model={model},max_tokens={tokens}"
    command = [
        program,
        "run",
        "--backend",
        backend,
        "--profile",
        profile,
        "--constraint",
        f"kind=max_requests,count={n}",
    ]
    command += ["--data", f"kind=json_file,path={prompts}", "--output", f"kind=json,path={out}", "--disable-console"]
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(command, check=True, stdout=sys.stderr, env={**plain, "HF_HUB_OFFLINE": "1"})
    (found,) = json.loads(out.read_text())["benchmarks"]
    for name in (
        "time_to_first_token_ms",
        "inter_token_latency_ms",
        "time_per_output_token_ms",
        "output_tokens_per_second",
    ):
        shown = found["metrics"][name]["successful"]
        print(f"  its own {name}: mean {shown['mean']:.3f}, median {shown['median']:.3f}")
    rows = []
    for one in found["requests"]["successful"]:
        times = one["info"]["timings"]
        rows.append({
            "due": times["targeted_start"], "start": times["request_start"], "first": times["first_token_iteration"],
            "last": times["last_token_iteration"], "end": times["request_end"], "n": one["output_tokens"],
        })  # fmt: skip
    return figures(rows)


def questions(n: int) -> list[str]:
    """The task's first questions, as one text each."""
    from bench.config import compose as conf
    from bench.config.build import build
    from bench.types import Text

    config, _ = conf.compose([f"task={TASK}", "model=constant"])
    task = build(conf.plain(config)["task"], "task")
    asked = [task.request(example) for example in list(task.examples())[:n]]
    return [
        "\n".join(part.text for part in one.parts if isinstance(part, Text) and part.role == "user") for one in asked
    ]


def figures(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Both clients' definitions of the same raw times, medians in milliseconds and tokens a second."""
    many = [row for row in rows if row["n"] > 1]
    seconds = max(row["end"] for row in rows) - min(row["start"] for row in rows)
    return {
        "answers": len(rows),
        "TTFT from the request, ms": 1000 * median(row["first"] - row["start"] for row in rows),
        "TTFT from when it was due, ms": 1000 * median(row["first"] - row["due"] for row in rows),
        "TPOT (end - first) / (n - 1), ms": 1000 * median((row["end"] - row["first"]) / (row["n"] - 1) for row in many),
        "ITL (last - first) / (n - 1), ms": 1000
        * median((row["last"] - row["first"]) / (row["n"] - 1) for row in many),
        "guidellm's TPOT (last - start) / n, ms": 1000
        * median((row["last"] - row["start"]) / row["n"] for row in rows),
        "an answer, ms": 1000 * median(row["end"] - row["start"] for row in rows),
        "tokens an answer": mean(row["n"] for row in rows),
        "tokens a second, all tokens by all seconds": sum(row["n"] for row in rows) / seconds,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("guidellm", help="the program, in an environment of its own")
    parser.add_argument("--serve", default="loopback", help="loopback, or the name of a language model in conf/model")
    parser.add_argument("--n", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--qps", type=float)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, served(given.serve, given.tokens) as (url, model):
        for name in ("theirs", "ours"):
            (Path(place) / name).mkdir()
        there = theirs(given.guidellm, url, model, given.n, given.tokens, given.qps, Path(place) / "theirs")
        here = ours(url, model, given.n, given.tokens, given.qps, Path(place) / "ours")
    width = max(map(len, here))
    print(f"{given.serve}, {given.n} answers, {f'{given.qps:g} a second' if given.qps else 'one after another'}")
    print(f"{'':{width}}{'guidellm':>12}{'bench':>12}")
    for name, value in here.items():
        print(f"{name:{width}}{there[name]:>12.3f}{value:>12.3f}")


if __name__ == "__main__":
    main()
