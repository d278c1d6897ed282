"""Energy: measured where a counter was read, estimated and called so where it was not, absent where a part is missing."""

from __future__ import annotations

import importlib.machinery
import importlib.metadata
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from bench.errors import BenchError
from bench.leaderboard import board as boards
from bench.leaderboard.definition import Board
from bench.leaderboard.markdown import markdown
from bench.models.base import Device
from bench.record import Run
from bench.run import evaluate
from bench.runs import energy, record_schema
from bench.runs.codecarbon_reader import begun
from bench.runs.energy import FILE
from bench.tracking import fields

Make = Callable[..., Any]
CPU_DEVICE, CUDA = Device("cpu", "float32", 1), Device("cuda", "float32", 1)


class CPU:
    """As codecarbon's: the mode says how it tracks."""

    def __init__(self, mode: str, folder: Path, skipped: bool = False) -> None:
        self._mode, self._tdp = mode, 240.0
        domain = folder / "intel-rapl:0"
        domain.mkdir(exist_ok=True)
        (domain / "name").write_text("package-0\n")
        files = [SimpleNamespace(path=str(domain / "energy_uj"), sample_skipped=skipped)]
        self._intel_interface = SimpleNamespace(_rapl_files=files if mode == "intel_rapl" else [])


class GPU:
    """As codecarbon's: a device without a counter falls back to readings of its power."""

    def __init__(self, fallback: bool = False) -> None:
        self.gpu_ids = [0]
        self.devices = SimpleNamespace(devices=[SimpleNamespace(gpu_index=0, _use_power_fallback=fallback)])


class RAM:
    """Always a model."""


class Fake:
    """Stands for codecarbon on a machine with this hardware, on which so many kilowatt-hours are counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hardware: list[Any] = []
        self.kwh = {"cpu_energy": 1e-6, "gpu_energy": 2e-6, "ram_energy": 4e-6}  # 3.6, 7.2 and 14.4 J
        self.options: dict[str, Any] = {}
        self.warns = ""
        fake = self

        class OfflineEmissionsTracker:
            def __init__(self, **options: Any) -> None:
                fake.options = options

            def start(self) -> None:
                self._hardware = fake.hardware

            def stop(self) -> None:
                if fake.warns:
                    logging.getLogger("codecarbon").warning(fake.warns)
                self.final_emissions_data = SimpleNamespace(**fake.kwh)

        module = ModuleType("codecarbon")
        module.__spec__ = importlib.machinery.ModuleSpec("codecarbon", None)
        module.OfflineEmissionsTracker = OfflineEmissionsTracker  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "codecarbon", module)
        real = importlib.metadata.version
        monkeypatch.setattr(importlib.metadata, "version", lambda name: "3.9" if name == "codecarbon" else real(name))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    return Fake(monkeypatch)


@pytest.mark.parametrize(
    ("mode", "gpu", "kind", "how", "joules", "said"),
    [
        ("intel_rapl", None, "cpu", "measured", 3.6, "RAPL package-0"),
        ("intel_rapl", "counter", "cpu", "measured", 3.6, "RAPL package-0"),  # an idle GPU is not the run's
        ("cpu_load", None, "cpu", "estimated", 18.0, "240 W as the processor's rated or assumed power, by load"),
        ("constant", None, "cpu", "estimated", 18.0, "half of 240 W"),
        ("a later mode", None, "cpu", "estimated", 18.0, "mode a later mode"),
        ("intel_rapl", "counter", "cuda", "measured", 10.8, "energy counter of the GPU's driver, RAPL package-0"),
        ("cpu_load", "counter", "cuda", "measured", 7.2, "energy counter of the GPU's driver"),
        ("intel_rapl", "power", "cuda", "estimated", 7.2, "readings of the GPU's power"),
    ],
)
def test_what_was_read_is_told_from_what_was_guessed(
    fake: Fake, tmp_path: Path, mode: str, gpu: str | None, kind: str, how: str, joules: float, said: str
) -> None:
    fake.hardware = [RAM(), CPU(mode, tmp_path), *([GPU(gpu == "power")] if gpu else [])]
    found = begun(kind).stop()
    assert not isinstance(found, str)
    assert (found.how, found.joules, found.by) == (how, pytest.approx(joules), "codecarbon 3.9")
    assert said in found.counter
    assert not record_schema.misfit(vars(found), record_schema.RUN["properties"]["energy"])


def test_nothing_is_told_where_a_counter_failed_or_is_not_there(fake: Fake, tmp_path: Path) -> None:
    def reason(*hardware: Any, kind: str = "cpu") -> str:
        fake.hardware = list(hardware)
        found = begun(kind).stop()
        assert isinstance(found, str)
        return found

    rapl = CPU("intel_rapl", tmp_path)
    assert "sees no GPU" in reason(RAM(), rapl, kind="cuda")
    assert "could not be read to the end" in reason(CPU("intel_rapl", tmp_path, skipped=True))
    assert "knows no processor" in reason(RAM())
    fake.warns = "Unable to read RAPL value from energy_uj"
    assert "could not read all of it" in reason(rapl)
    fake.warns, fake.kwh["cpu_energy"] = "", 0.0
    assert "did not move" in reason(rapl)
    del fake.kwh["cpu_energy"]
    assert "does not tell how it reads (AttributeError" in reason(rapl)


def test_settings_of_codecarbon_s_own_cannot_scale_what_it_reads(fake: Fake, tmp_path: Path) -> None:
    fake.hardware = [CPU("intel_rapl", tmp_path)]
    begun("cpu").stop()
    assert fake.options["pue"] == 1.0
    assert (fake.options["output_methods"], fake.options["emissions_endpoint"]) == ([], None)
    forced = ("force_cpu_power", "force_ram_power", "rapl_prefer_psys", "force_mode_cpu_load")
    assert [fake.options[name] for name in forced] == [None, None, False, False]


def go(task: Any, model: Any, settings: Any, said: list[str], device: Device = CPU_DEVICE) -> tuple[Run, Any]:
    return evaluate(task, model, "echo", device, settings, say=said.append)


@pytest.mark.slow
def test_the_energy_of_attempts_adds_up_and_is_absent_where_one_was_killed(
    fake: Fake, tmp_path: Path, tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    fake.hardware, said = [CPU("intel_rapl", tmp_path)], list[str]()
    settings = quick_settings(energy="auto", batch_size=2)
    with pytest.raises(KeyboardInterrupt):
        go(tiny_task(), echo_model(interrupt_at=2), settings, said)
    run, folder = go(tiny_task(), echo_model(), settings, said)
    assert run.timings["attempts"] == 2
    assert run.energy["joules"] == pytest.approx(7.2)
    assert not said
    again, _ = go(tiny_task(), echo_model(), settings, said)
    assert (again, said) == (run, [])
    audited, _ = go(
        tiny_task(), echo_model(), quick_settings(batch_size=2, audit="batch_invariance", audit_size=2), said
    )
    assert audited.energy == run.energy

    fresh = quick_settings(energy="auto", batch_size=2, fresh=True)
    with pytest.raises(KeyboardInterrupt):
        go(tiny_task(), echo_model(interrupt_at=2), fresh, said)
    killed = max(folder.path.parent.glob("*/" + FILE), key=lambda path: path.stat().st_mtime_ns)
    assert killed.parent != folder.path
    killed.write_text(killed.read_text()[:20])  # the line that a kill cut off
    run, _ = go(tiny_task(), echo_model(), settings, said)
    assert run.energy == {}
    assert said == [
        "energy is absent: attempt 1 of 2 was not read (it was killed, or asked for none); --fresh measures all of it"
    ]


def test_attempts_that_were_not_read_alike_have_no_sum(
    fake: Fake, tmp_path: Path, tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    fake.hardware, said = [CPU("intel_rapl", tmp_path)], list[str]()
    settings = quick_settings(energy="auto", batch_size=2)
    with pytest.raises(KeyboardInterrupt):
        go(tiny_task(), echo_model(interrupt_at=2), settings, said)
    fake.hardware = [CPU("cpu_load", tmp_path)]
    run, _ = go(tiny_task(), echo_model(), settings, said)
    assert run.energy == {}
    assert "were not read alike" in said[0]


@pytest.mark.slow
def test_energy_is_absent_with_a_reason_where_nothing_can_read_it(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    said: list[str] = []
    served = echo_model()
    served.served_from = "near"
    run, _ = go(tiny_task(), served, quick_settings(energy="auto"), said)
    assert run.energy == {}
    assert "a server computes its answers" in said.pop()
    late, _ = go(tiny_task(), echo_model(), quick_settings(energy="auto"), said)
    assert late == run
    assert "was made without a reading of its energy" in said.pop()
    monkeypatch.delitem(sys.modules, "codecarbon")
    monkeypatch.setattr(energy, "_is_here", lambda: False)
    go(tiny_task(), echo_model(), quick_settings(energy="auto", fresh=True), said)
    assert "pip install 'finai-bench[energy]'" in said.pop()
    with pytest.raises(BenchError, match="the library is not installed"):
        energy.known_way("codecarbon")
    go(tiny_task(), echo_model(), quick_settings(fresh=True), said)
    assert not said


READ = {"joules": 12.345, "how": "measured", "by": "codecarbon 3.9", "counter": "RAPL package-0", "covers": "processor"}


def test_a_board_calls_an_estimate_one_and_a_stranger_s_reading_claimed(run_record: Make) -> None:
    runs = [
        run_record("read", energy=READ),
        run_record("guessed", value=0.4, energy=READ | {"how": "estimated"}),
        run_record("told", value=0.3, energy=READ, origin={"bundle": "", "submitter": "eve"}),
        run_record("edited", value=0.2, energy=READ | {"joules": float("nan")}),
    ]
    board = Board("b", "B", "squad_v1", 1, "f1", columns=("n",))
    rows = [line for line in markdown(board, boards.tables(board, runs)).split("\n") if line.startswith("| ")]
    assert [row.split(" | ")[-1] for row in rows] == [
        "energy |",
        "12.3 J |",
        "12.3 J (estimated) |",
        r"*\~12.3 J* |",
        "– |",
    ]
    assert "energy.joules" in fields.metrics(runs[0])
    assert "energy.joules_estimated" in fields.metrics(runs[1])
    assert "claimed.energy.joules" in fields.metrics(runs[2])


@pytest.mark.parametrize(
    "change", [{"joules": 0}, {"joules": "12"}, {"how": "guessed"}, {"watts": 1}, {"joules": -1.0}, {"joules": 1e18}]
)
def test_a_record_holds_energy_of_this_form_only(change: dict[str, Any]) -> None:
    schema = record_schema.RUN["properties"]["energy"]
    assert not record_schema.misfit(READ, schema)
    assert not record_schema.misfit({}, schema)
    assert record_schema.misfit(READ | change, schema)


@pytest.mark.slow
def test_the_real_library_reads_or_estimates_without_network_or_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    pytest.importorskip("codecarbon")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CODECARBON_PUE", "0.001")
    run, folder = go(tiny_task(), echo_model(), quick_settings(energy="codecarbon"), [])
    assert run.energy["how"] in ("measured", "estimated")
    assert json.loads((folder.path / FILE).read_text())["joules"] == run.energy["joules"]
    assert not list(tmp_path.glob("*.csv"))
