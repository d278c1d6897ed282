"""What is reported of a timing: computed from its raw file alone, so that anybody can compute it again."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bench.timing.percentiles import estimate, percentile, spread
from bench.timing.raw import Answer, Probe, Raw, read
from bench.timing.settings import Bound
from bench.timing.verdict import audits, reasons, seconds_of
from bench.types import Json

FOLDER = "scenarios"  # in a run's folder: a raw file for each scenario, NAME.jsonl


def summary_of(path: Path) -> dict[str, Json]:
    """The summary of a raw file, as `Run.scenarios` holds it; raises BenchError for a file that is none."""
    raw = read(path)
    return summarise(raw) | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def summarise(raw: Raw) -> dict[str, Json]:
    """The summary without the file's digest. Of several rates that were tried it is that of the highest which meets the bound.

    Latency and time to first token count from the time at which a request was due. Failed answers are in no time or rate.
    """
    header, settings = raw.header, raw.settings
    searched = header["scenario"] == "server" and settings["qps"] is None
    meeting = [one for one in raw.probes if searched and one.answers and not _faults(raw, one)]
    best = max(meeting, key=lambda one: one.qps or 0.0, default=None)
    probe = best or (min(raw.probes, key=lambda one: one.qps or 0.0) if searched else raw.probes[0])
    right = [one for one in probe.answers if one.error is None]
    why = reasons(raw, probe)
    if searched and not meeting:
        tried = ", ".join(f"{one.qps:.3g}" for one in raw.probes)
        why.insert(0, f"no rate that was tried meets the bound of {Bound(**settings['bound'])}: {tried} a second")
    seconds, new_tokens = seconds_of(probe.answers), sum(one.new_tokens for one in right)
    rate = len(right) / seconds if seconds else None
    is_server, each = header["scenario"] == "server", header["scenario"] != "offline"
    mlperf = each and settings["rules"] == "mlperf"
    sure = estimate([one.latency for one in right], settings["percentile"]) if mlperf else None
    return {
        "scenario": header["scenario"], "rules": settings["rules"], "verdict": "INVALID" if why else "VALID", "reasons": why,
        "percentile": settings["percentile"] if each else None, "n": len(right), "failed": len(probe.answers) - len(right),
        "seconds": seconds,
        "examples_per_second": rate, "tokens_per_second": new_tokens / seconds if seconds and new_tokens else None,
        "prompt_tokens": sum(one.prompt_tokens for one in right), "new_tokens": new_tokens,
        "latency": spread([one.latency for one in right]) if each else None,
        "ttft": spread([one.ttft for one in right if one.ttft is not None]) if each else None,
        "tpot": spread([one.tpot for one in right if one.tpot is not None]) if each else None,
        "early_stopping": sure and {"seconds": sure.seconds, "discarded": sure.discarded},
        "qps": probe.qps if is_server else None, "achieved_qps": rate if is_server else None,
        "bound": settings["bound"] if is_server else None,
        "search": [_tried(raw, one) for one in raw.probes] if searched else None,
        "audit": audits(raw), "client_overhead_seconds": raw.notes.get("client", {}).get("overhead_seconds"),
        "caveats": raw.notes.get("client", {}).get("caveats", []),
        "environment": header["environment"], "started": header["started"],
    }  # fmt: skip


def _faults(raw: Raw, probe: Probe) -> list[str]:
    """What is wrong with one rate, be it the rate's fault or that it was measured too little."""
    return reasons(Raw(raw.header, [probe], {}), probe)


def _tried(raw: Raw, probe: Probe) -> dict[str, Json]:
    bound = raw.settings["bound"]
    return {
        "qps": probe.qps, "verdict": "INVALID" if _faults(raw, probe) else "VALID",
        "seconds": percentile(_latencies(probe.answers), bound["percentile"]), "n": len(probe.answers),
    }  # fmt: skip


def _latencies(answers: list[Answer]) -> list[float]:
    return [one.latency for one in answers if one.error is None]
