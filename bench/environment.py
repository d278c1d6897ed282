"""What a run ran on: versions, processor, commit. Facts for the record, never a host name, user or path."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

_PACKAGES = (
    "finai-bench",
    "torch",
    "transformers",
    "tokenizers",
    "datasets",
    "numpy",
    "sacrebleu",
    "rapidfuzz",
    "rapidocr",
    "onnxruntime",
    "pillow",
)


@functools.cache
def commit() -> str:
    """The commit of the checkout this code runs from, "-dirty" if tracked files differ; "" outside a checkout."""
    root = Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return ""

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    try:
        found = git("rev-parse", "--short=12", "HEAD")
        return found + ("-dirty" if found and git("status", "--porcelain", "--untracked-files=no") else "")
    except OSError:  # no git on this machine
        return ""


def _cpu_field(name: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), "")


def cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 natively (AVX-512 BF16, AMX, or Arm's bf16)."""
    flags = (_cpu_field("flags") or _cpu_field("Features")).split()
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & set(flags))


def describe() -> dict[str, Any]:
    """Versions, processor, cores and commit."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "commit": commit(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_field("model name") or platform.processor() or "unknown",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "packages": versions,
    }


def peak_memory_bytes() -> int:
    """The largest resident size of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
