"""Resolving `device=auto dtype=auto` into what this machine has."""

from __future__ import annotations

from bench.errors import BenchError
from bench.models.base import Device
from bench.runs import spans
from bench.runs.environment import cpu_has_bfloat16, physical_cores

KINDS = ("auto", "cpu", "cuda")
DTYPES = ("auto", "float32", "bfloat16", "float16")


def emulates(kind: str, dtype: str) -> bool:
    """Whether this machine has no arithmetic of the type: it is then slower than float32."""
    if kind == "cuda":
        import torch

        return dtype == "bfloat16" and not torch.cuda.is_bf16_supported(including_emulation=False)
    return dtype == "float16" or (dtype == "bfloat16" and not cpu_has_bfloat16())


def resolve(kind: str, dtype: str, threads: int | None) -> Device:
    """The device to use; `auto` takes the GPU if there is one, and bfloat16 only where it is native.

    `threads` None means one for each physical core that this process may use. Raises BenchError for an unknown name or a GPU
    that is not there.
    """
    if kind not in KINDS or dtype not in DTYPES:
        raise BenchError(
            f"device.kind={kind} device.dtype={dtype}: kind is one of {', '.join(KINDS)}, dtype of {', '.join(DTYPES)}"
        )
    threads = physical_cores() if threads is None else threads
    if threads < 1:
        raise BenchError(f"device.threads={threads} must be at least 1, or null for all cores")
    name = ""
    if kind != "cpu":
        with spans.imports():
            import torch

        found = torch.cuda.is_available()
        if kind == "cuda" and not found:
            raise BenchError(
                "device.kind=cuda, but torch finds no GPU; use device=cpu, or install a CUDA build of torch"
            )
        kind = "cuda" if found else "cpu"
        name = torch.cuda.get_device_name() if found else ""
    native = not emulates(kind, "bfloat16")
    return Device(kind, ("bfloat16" if native else "float32") if dtype == "auto" else dtype, threads, name)
