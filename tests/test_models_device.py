"""How many threads a model computes with: one for each physical core that the process may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.models.device import emulates, resolve
from bench.runs import environment
from bench.runs.environment import physical_cores


def machine(folder: Path, cores: list[str], name: str = "core_cpus_list") -> Path:
    """A made-up /sys/devices/system/cpu: the siblings of each logical processor, as the kernel lists them."""
    for cpu, siblings in enumerate(cores):
        place = folder / f"cpu{cpu}" / "topology"
        place.mkdir(parents=True)
        (place / name).write_text(siblings + "\n")
    return folder


@pytest.mark.parametrize(
    ("cpus", "n"),
    [
        (range(8), 4),  # four cores of two threads
        ([0, 4], 1),  # both threads of one core
        ([0, 1, 4], 2),
        ([1, 2, 3], 3),
        ([7], 1),
        ([0, 4, 8, 9], 3),  # of 8 and 9 the kernel says nothing: a core each
        ([], 1),
    ],
)
@pytest.mark.parametrize("name", ["core_cpus_list", "thread_siblings_list"])
def test_threads_of_one_core_count_once_within_the_affinity_mask(
    tmp_path: Path, name: str, cpus: list[int], n: int
) -> None:
    topology = machine(tmp_path, [f"{cpu % 4},{cpu % 4 + 4}" for cpu in range(8)], name)
    assert physical_cores(cpus, topology) == n


def test_without_hyper_threads_every_processor_is_a_core(tmp_path: Path) -> None:
    assert physical_cores(range(4), machine(tmp_path, ["0", "1", "2", "3"])) == 4
    assert physical_cores(range(4), tmp_path / "nothing") == 4


def test_a_model_gets_a_thread_a_core_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.models.device.physical_cores", lambda: 3)
    assert resolve("cpu", "float32", None).threads == 3
    assert resolve("cpu", "float32", 5).threads == 5
    assert resolve("cpu", "float32", None).describe()["threads"] == 3


@pytest.mark.parametrize(
    ("told", "native"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 avx_vnni", True),
        ("flags\t\t: fpu avx512f amx_bf16 amx_tile", True),
        ("flags\t\t: fpu avx2 avx512f avx512_vnni", False),
        ("Features\t: fp asimd bf16 i8mm", True),
        ("Features\t: fp asimd", False),
        ("model name\t: a processor without flags", False),
        (None, False),  # no /proc/cpuinfo, as on macOS
    ],
)
def test_auto_takes_bfloat16_where_the_processor_has_it_and_float32_where_it_is_emulated(
    told: str | None, native: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    if told is not None:
        cpuinfo.write_text(f"processor\t: 0\n{told}\n")
    monkeypatch.setattr(environment, "CPUINFO", cpuinfo)
    assert resolve("cpu", "auto", 1).dtype == ("bfloat16" if native else "float32")
    assert emulates("cpu", "bfloat16") != native
    assert not emulates("cpu", "float32")
    assert [resolve("cpu", dtype, 1).dtype for dtype in ("float32", "bfloat16")] == ["float32", "bfloat16"]


def test_no_threads_are_refused() -> None:
    for threads in (0, -2):
        with pytest.raises(BenchError, match=rf"device\.threads={threads} must be at least 1"):
            resolve("cpu", "float32", threads)


def test_a_run_says_how_many_cores_there_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "usable_cpus", lambda: {10_000, 10_001})  # unknown to any kernel
    described = environment.describe()
    assert (described["cores"], described["physical_cores"]) == (2, 2)


def test_the_cores_are_those_of_the_affinity_mask() -> None:
    assert 1 <= physical_cores() <= len(environment.usable_cpus()) == len(os.sched_getaffinity(0))
