"""A run whose parts a real Slurm answers, each of which runs out of its time once."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from slurm_here import slurm_here, why_not

from bench.artifacts.digest import digest
from bench.launch import slurm
from bench.runs.folder import RunFolder

Main = Callable[..., tuple[int, list[str], list[str]]]


@pytest.mark.slow
@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_parts_that_run_out_of_time_are_put_back_and_go_on_to_the_run_of_one_process(
    own_package: Path, bench_main: Main, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm.library()
    monkeypatch.setenv("SLURM_CONF", "")  # which is put back behind the test
    words = ("run", "task=words", "task.n=80", "model=stub", "model.seconds=0.7", "tracking=none", "batch_size=1")
    with slurm_here(tmp_path / "slurm"):
        code, out, err = bench_main(*words, "launch=slurm", "launch.parts=2", "launch.slurm.minutes=1")
        assert code == 0, err
        assert "2 parts are submitted as job" in out[0]
        folder = next(Path("runs/words/stub").iterdir())
        assert bench_main(*words, "launch=slurm", "launch.parts=2")[0] == 2  # they are in the queue
        until = time.monotonic() + 540
        while not (folder / "run.json").exists():
            queue = subprocess.run(["squeue"], capture_output=True, text=True, check=False).stdout
            assert time.monotonic() < until, queue
            time.sleep(1)
        logs = "".join(path.read_text() for path in (folder / "shards" / "logs" / "slurm").glob("*.out"))
    assert logs.count("Requeued job") >= 2
    readings = RunFolder(folder).timings()
    assert (
        Counter(one.part.split()[0] for one in readings if one.phase == "begin" and one.part).most_common()[-1][1] >= 2
    )
    assert {place for one in readings for place in one.places or ()} == set(range(80))
    total = json.loads((folder / "run.json").read_text())["timings"]["seconds"]["total"]
    assert total == pytest.approx(sum(one.seconds for one in readings))
    assert bench_main(*words[:3], "model=stub", "model.seconds=0.7", *words[5:], "runs_dir=whole")[0] == 0
    whole = next(Path("whole/words/stub").iterdir())
    assert digest(folder / "predictions.jsonl") == digest(whole / "predictions.jsonl")
