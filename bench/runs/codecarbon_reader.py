"""Energy by codecarbon: its counters are told from its guesses by the mode in which it tracks, and no guess passes for a reading.

Where there is no counter codecarbon takes the processor's rated power, or a constant, and says so in its log only; memory is a
model always. So the energy of a processor counts as measured in a mode of `_COUNTERS` alone, that of a GPU while its own counter
was read. Settings of its own (environment, ~/.codecarbon.config) could scale what it reads: all that do are given here.

It is the offline tracker without outputs: no network, no file. Its threads wake each second, for under a millisecond.
"""

from __future__ import annotations

import importlib.metadata
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.runs.energy import CODECARBON, ESTIMATED, MEASURED, Reading

JOULES = 3.6e6  # in a kilowatt-hour
_COUNTERS = {"intel_rapl": "RAPL", "windows_emi": "EMI"}
_POLL_SECONDS = 15.0  # a RAPL counter of 262 kJ starts again after four minutes at 1,000 W
_STARVED = "Background scheduler didn't run"  # changes nothing of a counter
_UNREADABLE = (AttributeError, TypeError, ValueError, KeyError, IndexError)  # of a version with other insides


class _Complaints(logging.Handler):
    """Keeps what codecarbon warns of while it reads: a counter that cannot be read counts as nothing to it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the message."""
        text = " ".join(record.getMessage().split())
        if not text.startswith(_STARVED):
            self.said.append(text[:200])


def begun(kind: str) -> CodecarbonReader:
    """A reader of the energy of this machine from now on, for a run on a device of this kind."""
    log = logging.getLogger(CODECARBON)
    log.propagate = False
    from codecarbon import OfflineEmissionsTracker  # type: ignore[import-not-found, unused-ignore]

    log.setLevel(logging.CRITICAL)  # that it guesses, the record says
    tracker = OfflineEmissionsTracker(
        measure_power_secs=_POLL_SECONDS, output_methods=[], output_handlers=[], emissions_endpoint=None, log_level="critical",
        tracking_mode="machine", allow_multiple_runs=True, pue=1.0, wue=0.0, force_carbon_intensity_g_co2e_kwh=1.0,
        force_cpu_power=None, force_ram_power=None, force_mode_cpu_load=False, rapl_include_dram=False, rapl_prefer_psys=False,
        gpu_ids=None, cloud_provider=None, cloud_region=None, country_iso_code="USA", metadata=None,
    )  # fmt: skip  # the country says how clean the current is, which nobody asks
    complaints = _Complaints()
    log.handlers = [logging.NullHandler()]
    tracker.start()  # what it cannot start it logs, and goes on without
    log.setLevel(logging.WARNING)
    log.addHandler(complaints)
    return CodecarbonReader(tracker, kind, complaints)


class CodecarbonReader:
    """A tracker under way, for a run on a device of this kind."""

    def __init__(self, tracker: Any, kind: str, complaints: _Complaints) -> None:
        self._tracker, self._kind, self._complaints = tracker, kind, complaints

    def stop(self) -> Reading | str:
        """What was read since it began, or why nothing can be said."""
        try:
            self._tracker.stop()
            by = f"codecarbon {importlib.metadata.version(CODECARBON)}"
            if self._complaints.said:
                return f"codecarbon could not read all of it ({self._complaints.said[0]})"
            found = self._gpu(by) if self._kind == "cuda" else self._cpu(by)
        except importlib.metadata.PackageNotFoundError:
            return "codecarbon is here, but not as a package whose version can be told"
        except _UNREADABLE as error:
            return f"this version of codecarbon does not tell how it reads ({type(error).__name__}: {error})"
        finally:
            logging.getLogger(CODECARBON).removeHandler(self._complaints)
        if isinstance(found, Reading) and not 0 < found.joules < float("inf"):
            return f"{found.counter} did not move while it ran"
        return found

    def _hardware(self, kind: str) -> Any:
        """Codecarbon's object for one kind of hardware, None where it has none."""
        return next((one for one in self._tracker._hardware if type(one).__name__ == kind), None)

    def _joules(self, *parts: str) -> float:
        data = self._tracker.final_emissions_data
        return sum(float(getattr(data, f"{part}_energy")) for part in parts) * JOULES

    def _cpu(self, by: str) -> Reading | str:
        """Of a run on the processor: its counter, else the library's guess at processor and memory."""
        cpu = self._hardware("CPU")
        if cpu is None:
            return "codecarbon knows no processor here"
        if counter := _counter(cpu):
            if any(one.sample_skipped for one in _files(cpu)):
                return f"{counter} could not be read to the end"
            return Reading(self._joules("cpu"), MEASURED, by, counter, "processor, whole machine; not memory")
        guess = f"no counter: {_guess(cpu)}"
        return Reading(self._joules("cpu", "ram"), ESTIMATED, by, guess, "processor and memory, whole machine")

    def _gpu(self, by: str) -> Reading | str:
        """Of a run on a GPU: the counters of all that can be seen, and that of the processor where it has one."""
        gpu, cpu = self._hardware("GPU"), self._hardware("CPU")
        devices = [one for one in gpu.devices.devices if one.gpu_index in gpu.gpu_ids] if gpu is not None else []
        if not devices:
            return "codecarbon sees no GPU here"
        counter = _counter(cpu) if cpu is not None else ""
        what = f"{len(devices)} GPU" + "s" * (len(devices) > 1)
        if any(one._use_power_fallback for one in devices):
            guess = "no counter: readings of the GPU's power, one a second"
            return Reading(self._joules("gpu"), ESTIMATED, by, guess, f"{what}; not processor and memory")
        if not self._joules("gpu") > 0:
            return "the GPU's energy counter did not move while it ran"
        if counter and not any(one.sample_skipped for one in _files(cpu)):
            both = f"energy counter of the GPU's driver, {counter}"
            return Reading(
                self._joules("gpu", "cpu"), MEASURED, by, both, f"{what} and processor, whole machine; not memory"
            )
        alone = "energy counter of the GPU's driver"
        return Reading(self._joules("gpu"), MEASURED, by, alone, f"{what}; not processor and memory")


def _files(cpu: Any) -> list[Any]:
    """The counters that are read as files, with what each domain is called."""
    return list(getattr(getattr(cpu, "_intel_interface", None), "_rapl_files", ()))


def _counter(cpu: Any) -> str:
    """The counter by which codecarbon reads the processor, with the domains that it adds up; "" where it reads none."""
    known = _COUNTERS.get(cpu._mode, "")
    names = []
    for one in _files(cpu):
        with suppress(OSError):
            names.append(Path(one.path).with_name("name").read_text(encoding="utf-8").strip())
    return " ".join(filter(None, (known, ", ".join(sorted(names))))) if known else ""


def _guess(cpu: Any) -> str:
    """What codecarbon assumes of the processor where it reads no counter."""
    rated = f"{cpu._tdp:g} W as the processor's rated or assumed power"
    return {"cpu_load": f"{rated}, by load", "constant": f"half of {rated}"}.get(cpu._mode, f"mode {cpu._mode}")
