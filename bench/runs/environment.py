"""What a run ran on: versions, processor, commit. Facts for the record, never a host name, user or path."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from bench import __version__

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


CPUINFO = Path("/proc/cpuinfo")


@functools.cache
def commit() -> str:
    """The commit of the checkout this code runs from, "-dirty" if tracked files differ; "" outside a checkout."""
    root = Path(__file__).resolve().parents[2]
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
        lines = CPUINFO.read_text().splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), "")


def cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself (AVX-512 BF16, AMX, or Arm's bf16), by what the kernel says of it.

    Else torch computes in float32 and rounds, at a fraction of the speed. False where the kernel says nothing (no /proc/cpuinfo).
    """
    flags = (_cpu_field("flags") or _cpu_field("Features")).split()
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & set(flags))


def usable_cpus() -> set[int]:
    """The logical processors that this process may run on."""
    return set(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def physical_cores(cpus: Collection[int] | None = None, topology: Path = Path("/sys/devices/system/cpu")) -> int:
    """The cores behind these logical processors (None: those of this process), each counted once however many threads it runs.

    Hyper-threads share one core's arithmetic, so that a thread on each of them computes no faster. A processor that
    the kernel says nothing about counts as a core of its own.
    """
    cores = set()
    for cpu in usable_cpus() if cpus is None else cpus:
        found = str(cpu)
        for name in ("core_cpus_list", "thread_siblings_list"):  # the second is what kernels before 5.3 call it
            with contextlib.suppress(OSError):
                found = (topology / f"cpu{cpu}" / "topology" / name).read_text().strip() or found
                break
        cores.add(found)
    return max(1, len(cores))


def describe() -> dict[str, Any]:
    """Versions, processor, cores (logical, and the physical ones behind them) and commit."""
    return {
        "commit": commit(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_field("model name") or platform.processor() or "unknown",
        "cores": len(usable_cpus()),
        "physical_cores": physical_cores(),
        "packages": dict(_versions()),
    }


@functools.cache
def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


_COMPUTING = (
    "torch", "transformers", "tokenizers", "safetensors", "accelerate", "numpy", "onnxruntime", "rapidocr", "pillow", "av",
    "pocketsphinx",
)  # fmt: skip


@functools.cache
def computing(with_libraries: bool) -> dict[str, str]:
    """The versions of what can change an answer: Python, the libraries that compute, and this package's own models.

    The last is its version and a digest of the source of `bench/models`, `bench/decoding` and `bench/engine`.
    """
    found = {"python": platform.python_version()}
    for package in _COMPUTING if with_libraries else ():
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    state = hashlib.sha256()
    for room in ("models", "decoding", "engine"):
        for path in sorted((Path(__file__).resolve().parents[1] / room).glob("*.py")):
            state.update(path.name.encode() + b"\n" + path.read_bytes())
    return found | {"finai-bench": f"{__version__}+{state.hexdigest()[:8]}"}


def peak_memory_bytes() -> int:
    """The largest resident size of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
