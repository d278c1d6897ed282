"""What it costs to know what was asked: digests of SQuAD's requests, and of pictures at first and when they are known.

    python scripts/bench_identity.py path/to/dev-v1.1.json

Prints the least of five readings of each, in seconds. The pictures are 1,000 files of 300 kB in a folder of their own.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.artifacts.seals import Sealer
from bench.config.build import build
from bench.runs.asked import ask
from bench.runs.identity import fingerprint
from bench.types import Example, ImageFile, Request, Span, Text


def least(act: Callable[[], object], times: int = 5) -> float:
    """The least of several readings, in seconds."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        act()
        found.append(time.perf_counter() - start)
    return min(found)


def squad(path: str) -> None:
    """The requests of SQuAD: building them, digesting them, and what was done before (the fingerprint of the examples alone)."""
    data = {"_target_": "bench.data.source.DataSource", "local": "squad/dev-v1.1.json", "path": path}
    task = build({"_target_": "tasks.squad.SquadV1", "data": data}, "task")
    examples = task.examples()
    requests = {example.id: task.request(example) for example in examples}
    print(f"{len(examples):,} SQuAD requests")
    print(f"  fingerprint of the examples alone  {least(lambda: fingerprint(*map(vars, examples))):.3f}")
    print(f"  building the requests              {least(lambda: [task.request(example) for example in examples]):.3f}")
    print(
        f"  digests and fingerprint            {least(lambda: ask(examples, lambda e: requests[e.id], Sealer())):.3f}"
    )
    print(f"  all of it                          {least(lambda: ask(examples, task.request, Sealer())):.3f}")


def pictures(n: int = 1000) -> None:
    """Requests with a picture each: at first, and when the cache knows the files."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BENCH_CACHE"] = f"{folder}/cache"
        pages = [Path(folder) / "pages" / f"{i}.png" for i in range(n)]
        pages[0].parent.mkdir()
        for page in pages:
            page.write_bytes(os.urandom(300_000))
        time.sleep(2.5)  # a file that has just changed is not remembered
        examples = [Example(str(i), {"i": i}, "x", "c") for i in range(n)]

        def request(example: Example) -> Request:
            return Request(example.id, (ImageFile(str(pages[example.inputs["i"]])), Text("What?")), Span(8))

        print(f"{n:,} pictures of 300 kB")
        print(f"  at first                           {least(lambda: ask(examples, request, Sealer()), 1):.3f}")
        print(f"  known                              {least(lambda: ask(examples, request, Sealer())):.3f}")
        read = least(lambda: [fingerprint(request(example).parts[0].data.hex()[:8]) for example in examples])
        print(f"  reading them (what a run did)      {read:.3f}")


if __name__ == "__main__":
    squad(sys.argv[1])
    pictures()
