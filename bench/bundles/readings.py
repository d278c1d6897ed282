"""Scenario readings in bundles: their public form, and what of a stranger's can be told from its raw file.

A summary is computed again from the raw file and must be the same; the raw file must be one that a clock could have given, on the
examples of the run. That its times are true nobody can say: they stay claimed.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.bundles.archive import MIB, Refused
from bench.bundles.public import public_text
from bench.bundles.strict import short
from bench.disk import json_lettered
from bench.errors import BenchError
from bench.record import Run
from bench.runs.readings import FILES, Reading, checked, file_of, lowered
from bench.scenarios.order import arrivals, places
from bench.timing.raw import Probe
from bench.types import Example, Json, Prediction

_GIVEN_UP = ("limit", "capacity", "bound")  # a server that takes several at once leaves those under way unanswered
MOST_BYTES = 32 * MIB  # of a raw file: 150,000 answers


def public_readings(folder: Path, run: Run) -> tuple[dict[str, bytes], dict[str, Json]]:
    """The raw files as others may see them, by their place in the run's folder, and the summaries that these give.

    Raises BenchError for a reading that is not what its raw file gives, or whose file is larger than a bundle may hold.
    """
    files: dict[str, bytes] = {}
    summaries: dict[str, Json] = {}
    for name in run.scenarios:
        path = folder / file_of(name)
        try:
            found = checked(folder, run, name)
            if below := lowered(found.raw):
                raise BenchError(below)
        except BenchError as error:
            raise BenchError(f"{folder}: {error}; measure it again with `bench run … timing={name}`") from None
        data = _public_lines(path.read_bytes())
        if len(data) > MOST_BYTES:
            raise BenchError(f"{path} has {len(data):,} bytes; a bundle may hold {MOST_BYTES:,} of a raw file")
        files[file_of(name)] = data
        header = {"environment": json.loads(data.partition(b"\n")[0])["environment"]}
        summaries[name] = {**found.summary, **header, "sha256": hashlib.sha256(data).hexdigest()}
    return files, summaries


def _public_lines(data: bytes) -> bytes:
    """The lines as they were written; those that hold a secret or a local path in the public form."""
    lines = []
    for line in data.splitlines(keepends=True):
        record = json.loads(line)
        public = {name: _public(value) for name, value in record.items() if name != "id"}
        if public != {name: value for name, value in record.items() if name != "id"}:
            line = (json_lettered(record | public) + "\n").encode()
        lines.append(line)
    return b"".join(lines)


def _public(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: one if name == "ids" else _public(one) for name, one in value.items()}
    return public_text(value) if isinstance(value, str) else value


def same_readings(run: Run, folder: Path) -> None:
    """Raise Refused unless each reading of an unpacked run has its raw file, which gives it, and each raw file its reading."""
    where = f"{run.task}/{run.model}"
    named = {file_of(name) for name in run.scenarios}
    if other := sorted(set(run.files) & set(FILES) - named):
        raise Refused(f"{where} has {other[0]}, of which its record holds no reading")
    for name in run.scenarios:
        if file_of(name) not in FILES:
            raise Refused(f"{where}: {short(repr(name))} is no timing scenario")
        if file_of(name) not in run.files:
            raise Refused(f"{where}: its reading of {name} has no raw file, without which it says nothing")
        if (size := (folder / file_of(name)).stat().st_size) > MOST_BYTES:
            raise Refused(f"{where}: {file_of(name)} has {size:,} bytes; at most {MOST_BYTES:,} are read")
        try:
            checked(folder, run, name)
        except BenchError as error:
            said = str(error).replace(f"{folder}/", "")
            raise Refused(f"{where}: {short(said)}") from None


def refuse_impossible(
    run: Run, folder: Path, examples: Sequence[Example], predictions: Mapping[str, Prediction]
) -> None:
    """Raise Refused where a raw file is not of this run's examples, settings and answers, or no clock could have given it."""
    if run.scenarios and run.submission:
        raise Refused(
            "it has readings of timing scenarios, and says that its predictions were brought and timed by nobody"
        )
    for name in run.scenarios:
        found = Reading.of(folder / file_of(name))
        for check in (_header, _places, _times, _tokens):
            if said := check(run, found, examples, predictions):
                raise Refused(f"{file_of(name)}: {short(said)}")


def _header(run: Run, found: Reading, examples: Sequence[Example], predictions: Mapping[str, Prediction]) -> str:
    """What its header says that the record denies, or that its rules do not allow."""
    header = found.raw.header
    for name in ("device", "dtype"):
        if (said := header["environment"][name]) != run.environment[name]:
            return f"it says to be measured with {name} {said!r}, the run with {run.environment[name]!r}"
    if (n := found.raw.settings["n_examples"]) != len(examples):
        return f"it says that the data have {n} examples, they have {len(examples)}"
    started = header["started"]
    latest = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    try:
        if datetime.datetime.fromisoformat(started) > latest:
            return f"it says to be of {started}, which is in the future"
    except ValueError:
        return f"{started!r} is no time"
    return lowered(found.raw)


def _places(run: Run, found: Reading, examples: Sequence[Example], predictions: Mapping[str, Prediction]) -> str:
    """Which answer is of no example of the data, or not the one that its seed puts there: then some were left out."""
    for number, probe in enumerate(found.raw.probes):
        for one in probe.answers:
            if one.place >= len(examples) or examples[one.place].id != one.id:
                return f"it has an answer to {one.id!r} in place {one.place}, which is no example of your data"
        if said := _left_out(found, number, probe):
            return said
    same = (found.raw.notes.get("audit") or {}).get("same_answers") or {}
    if foreign := sorted(set(same.get("ids", ())) - {one.id for one in examples}):
        return f"its audit names {foreign[0]!r}, which is no example of your data"
    return ""


def _left_out(found: Reading, number: int, probe: Probe) -> str:
    """Which answer of a probe is not the next one of its seeded order, "" for none."""
    settings, scenario = found.raw.settings, found.raw.header["scenario"]
    n, rules = settings["n_examples"], settings["rules"]
    if scenario == "offline":  # whole passes, in an order that the batches make
        times = Counter(one.place for one in probe.answers)
        most, fewest = max(times.values(), default=0), min((times[place] for place in range(n)), default=0)
        if most - fewest > (0 if probe.why == "done" else 1):
            return f"it skips examples: passes over all of them are due, one was asked {fewest} times, another {most} times"
        return ""
    draw = number + 1 if settings["qps"] is None and scenario == "server" else 0
    due = enumerate(places(n, settings["seed"], draw, repeats=rules == "mlperf"))
    gaps = settings["at_once"] and probe.why in _GIVEN_UP
    positions = []
    for i, one in enumerate(probe.answers):
        position, place = next(due, (0, None))
        while gaps and place not in (one.place, None):
            position, place = next(due, (0, None))
        if place != one.place:
            asked = "none" if place is None else f"place {place}"
            return (
                f"answer {i + 1} is to place {one.place}, its seed asks for {asked} there: it skips or repeats examples"
            )
        positions.append(position)
    return _off_schedule(settings, probe, positions) if scenario == "server" else ""


def _off_schedule(settings: Mapping[str, Json], probe: Probe, positions: Sequence[int]) -> str:
    """Which request was due at another time than the seed's Poisson process says, "" for none."""
    if not positions:
        return ""
    due = arrivals(float(probe.qps or 0.0), settings["seed"], positions[-1] + 1, 0.0, None)
    begin = probe.answers[0].scheduled - due[positions[0]]
    for one, position in zip(probe.answers, positions, strict=True):
        if not math.isclose(one.scheduled - begin, due[position], rel_tol=1e-6, abs_tol=1e-6):
            return (
                f"request {position + 1} says to be due {one.scheduled - begin:.6g} s after the first, its seed says "
                f"{due[position]:.6g} s"
            )
    return ""


def _times(run: Run, found: Reading, examples: Sequence[Example], predictions: Mapping[str, Prediction]) -> str:
    """Which answer took no time, or in a single stream was asked for before the one before it was there."""
    single = found.raw.header["scenario"] == "single_stream"
    for probe in found.raw.probes:
        until = 0.0
        for one in probe.answers:
            if one.error is None and one.ended <= one.issued:
                return f"the answer to {one.id!r} took no time"
            if single and one.issued < until:
                return f"the request for {one.id!r} was sent {until - one.issued:.3g} s before the answer before it was there"
            until = max(until, one.ended)
    return ""


def _tokens(run: Run, found: Reading, examples: Sequence[Example], predictions: Mapping[str, Prediction]) -> str:
    """Which answer has another prompt than the run's own to the same example."""
    for one in found.answers:
        own = predictions.get(one.id)
        if own is not None and one.prompt_tokens and own.prompt_tokens and one.prompt_tokens != own.prompt_tokens:
            return f"the prompt of {one.id!r} has {one.prompt_tokens:,} tokens when timed, {own.prompt_tokens:,} in its predictions"
    return ""
