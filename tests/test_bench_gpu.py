"""The script that measures a GPU, run on a processor with small settings: every side, and what is said of one that is not there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


def run(*words: str, path: tuple[Path, ...] = ()) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(ROOT), *map(str, path)])
    environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, str(ROOT / "scripts" / "bench_gpu.py"), "--small", "--device", "cpu", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)


@pytest.mark.slow
def test_the_whole_table_is_made_on_a_processor_and_says_what_was_not_run() -> None:
    sides = ("own engine", "continuous", "generate_batch", "vLLM", "lm-eval")
    words = ("--sides", *sides, "--lm-eval", "", "--attention", "CPU_ATTN")
    done = run(*words, path=(ROOT / "tests" / "stand_ins",))
    assert done.returncode == 0, done.stderr
    cells = {
        (found := [one.strip() for one in line.split("|")])[1]: found
        for line in done.stdout.split("\n")
        if line.startswith("| ")
    }
    assert list(cells) == ["side", *sides[:4]]
    assert cells["vLLM"][6] == "1.00"
    assert float(cells["own engine"][6]) > 0
    assert "no GPU, float32, torch " in done.stdout
    assert "vllm 0.33.0+stand.in" in done.stdout
    assert "- small, lm-eval: lm-eval is not installed here" in done.stdout
    assert "- a GPU: there is none here" in done.stdout


@pytest.mark.slow
def test_a_side_that_fails_is_named_with_its_last_line_and_our_own_ends_with_1(
    script: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gpu = script("bench_gpu")
    monkeypatch.setattr(gpu, "one_side", lambda asked: {"why": "no room"})
    monkeypatch.setattr(gpu, "checkpoint", lambda folder, shape, dtype: None)
    assert gpu.main(["--small", "--device", "cpu", "--sides", "own engine"]) == 1
    assert gpu.main(["--small", "--device", "cpu", "--sides", "generate_batch"]) == 0
    assert "no room" in capsys.readouterr().out
    assert gpu.main(["--small", "--device", "cpu", "--sides", "vLLM"]) == 0
    said = "- small, vLLM: vLLM is not installed here (pip install 'finai-bench[vllm]')"
    assert said in capsys.readouterr().out


def test_prompts_have_as_many_tokens_as_they_say_and_share_their_passages(script: Any) -> None:
    made = script("bench_gpu").prompts(12)
    assert {len(one.split()) for one in made} == {184}
    assert len({" ".join(one.split()[:170]) for one in made}) == 3
    assert len(set(made)) == 12


def test_uneven_replies_are_as_long_on_average_as_was_asked_for(script: Any) -> None:
    gpu = script("bench_gpu")
    assert gpu.limits(3, 16, uneven=False) == [16, 16, 16]
    drawn = gpu.limits(5000, 16, uneven=True)
    assert sum(drawn) / 5000 == pytest.approx(16, abs=0.5)
    assert (min(drawn), drawn[:9]) == (1, gpu.limits(9, 16, uneven=True))
    assert 100 < max(drawn) <= 128
