"""An honest bundle of every task in conf/task is verified, whatever its answers: right, wrong, drawn, or none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from small_data import ENTRIES, NAMES, part, shipped, without_meteor, write

from bench.bundles import bundle
from bench.commands.shared import bundle_verdicts as verify
from bench.commands.shared.bundle_verdicts import UNABLE, VERIFIED
from bench.errors import BenchError
from bench.metrics import meteor
from bench.models.base import Device
from bench.models.reference import Constant, Failing, Random, Reference
from bench.run import evaluate
from bench.runs.settings import Settings
from bench.task import Task
from bench.types import Prediction, Request


class Mixed(Reference):
    """By turns the ideal answer, a fixed one, a drawn one and a failure; a model of somebody's own, not a reference row."""

    is_reference, reads_targets = False, True

    def load(self, device: object, *, seed: int) -> None:
        self.drawn = Random()
        self.drawn.load(device, seed=seed)

    def reveal(self, ideal: Mapping[str, Prediction]) -> None:
        self.ideal, self.turn = ideal, {name: i % 4 for i, name in enumerate(ideal)}

    def one(self, request: Request) -> Prediction:
        match self.turn[request.id]:
            case 0:
                return self.ideal[request.id]
            case 1:
                return Constant().one(request)
            case 2:
                return self.drawn.one(request)
            case _:
                return Failing(every=1).one(request)


@dataclass
class Here(verify.Ground):
    """The task that a test gives."""

    own: Task | None = None

    def task(self, name: str) -> Task:
        return self.own or super().task(name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data"))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_an_honest_bundle_of_every_task_is_verified(
    name: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if name == "dstc7":
        monkeypatch.setattr(meteor, "ready", without_meteor)
    task = shipped(name, folder)
    settings = Settings(runs_dir=tmp_path / "made", limit=part(task), resamples=20, config={"seed": 0})
    run, made = evaluate(task, Mixed(), "mixed", Device("cpu", "none", 1), settings)
    path = tmp_path / "mixed.zip"
    bundle.write(path, bundle.pack([made.path], "Ann Lee")[0])
    fresh = shipped.__wrapped__(name, folder)  # a verifier's task has not read its examples yet
    (verdict,) = verify.judge([path], tmp_path / "room", Here(own=fresh), tmp_path / "runs", add=True)
    assert (verdict.status, verdict.line[: len(run.scores[0].metric)]) == (VERIFIED, run.scores[0].metric), (
        verdict.text()
    )
    assert len(verdict.added) == 2


@pytest.mark.parametrize("name", ENTRIES)
def test_a_competition_of_entries_has_no_bundles(name: str) -> None:
    with pytest.raises(
        BenchError, match=rf"task '{name}' ranks entries and runs no model, so no bundle can hold a run"
    ):
        verify.Ground().task(name)
    assert UNABLE == "unable"
