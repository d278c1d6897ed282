"""The lm-evaluation-harness side of bench_engine.py; run by a Python in whose environment lm-eval is installed.

Standard input: {"folder", "dtype", "threads", "prompts", "new_tokens", "stop", "batch_sizes"}, and "device" ("cpu"); a line of JSON
a batch size.
Timed is `generate_until` alone, on a loaded model: no start-up, no task, no scoring.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from importlib.metadata import version


def main() -> None:
    """Answer the prompts at each batch size, on one model."""
    asked = json.load(sys.stdin)
    import torch
    import transformers
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    torch.set_num_threads(asked["threads"])
    device = asked.get("device", "cpu")
    model = transformers.AutoModelForCausalLM.from_pretrained(asked["folder"], dtype=getattr(torch, asked["dtype"]))
    model = model.to(device)
    tokenizer = transformers.AutoTokenizer.from_pretrained(asked["folder"])
    settings = {"until": [asked["stop"]], "max_gen_toks": asked["new_tokens"], "do_sample": False}
    for size in asked["batch_sizes"]:
        harness = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=size, device=device)
        requests = [
            Instance("generate_until", {}, (prompt, dict(settings)), i) for i, prompt in enumerate(asked["prompts"])
        ]
        harness.generate_until(requests[:4], disable_tqdm=True)
        start = time.perf_counter()
        texts = harness.generate_until(requests, disable_tqdm=True)
        seconds = time.perf_counter() - start
        peak = torch.cuda.max_memory_allocated() if device == "cuda" else 0
        peak = peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        found = {"batch_size": size, "seconds": seconds, "texts": texts, "peak_memory_bytes": peak}
        found |= {"version": version("lm-eval"), "torch": torch.__version__, "transformers": transformers.__version__}
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
