"""The raw readings of timing scenarios as processes of a timeline."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.artifacts.digest import digest
from bench.record import Run
from bench.runs import forms
from bench.runs.journal import lines
from bench.text.shown import terminal
from bench.timeline.bars import Answer, Process
from bench.types import Json

FOLDER = "scenarios"
_MOST_SECONDS = 1e10


@dataclass(frozen=True)
class Raw:
    """The raw file of a scenario: what its header says, and its answers; `failed` of them ended in an error."""

    scenario: str
    header: Mapping[str, Json]
    answers: tuple[Answer, ...]
    failed: int


def read(path: Path) -> Raw:
    """The raw file of a scenario; raises ValueError for what is none, saying in which line."""
    header: Mapping[str, Json] | None = None
    answers: list[Answer] = []
    failed = 0
    for number, (_, line) in enumerate(lines(path), start=1):
        try:
            record = forms.loaded(line)
            if header is None:
                header = _header(record)
            elif "issued" in record:
                failed += record.get("error") is not None
                answers.append(_answer(record))
        except forms.WRONG as error:
            raise ValueError(f"line {number}: {terminal(error, 200)}") from None
    if header is None:
        raise ValueError("it is empty")
    return Raw(str(header["scenario"]), header, tuple(answers), failed)


def _header(record: Json) -> Mapping[str, Json]:
    if record["form"] != 1 or not isinstance(record["scenario"], str):
        raise ValueError("not a header of form 1")
    return dict(record)


def _answer(record: Json) -> Answer:
    """An answer whose times follow each other: scheduled, issued, first token, ended; raises one of `forms.WRONG` for another."""
    scheduled, issued, first, ended = (_seconds(record, name) for name in ("scheduled", "issued", "first", "ended"))
    if scheduled is None or issued is None or ended is None:
        raise ValueError("scheduled, issued and ended are needed")
    told = [one for one in (scheduled, issued, first, ended) if one is not None]
    if told != sorted(told):
        raise ValueError(f"its times are not in order: scheduled, issued, first, ended are {told}")
    about = {name: record[name] for name in ("prompt_tokens", "new_tokens", "finish") if record.get(name) is not None}
    if record.get("error") is not None:
        about["failed"] = True
    return Answer(int(record["place"]), scheduled, issued, first, ended, about)


def _seconds(record: Mapping[str, Json], name: str) -> float | None:
    value = record.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} is no number of seconds")
    if not 0 <= value < _MOST_SECONDS:
        raise ValueError(f"{name} is {value}")
    return float(value)


def of_run(run: Run, folder: Path) -> tuple[list[Raw], list[str]]:
    """The raw files that the record of a run names, and a note for each that is not here, or not the one that it names."""
    found: list[Raw] = []
    notes: list[str] = []
    for name, summary in run.scenarios.items():
        path = folder / FOLDER / f"{name}.jsonl"
        what = f"the raw readings of scenario {terminal(name, 60)}"
        if "/" in name or name.startswith(".") or not path.is_file():
            notes.append(f"{what} are not here")
        elif not isinstance(summary, Mapping) or digest(path) != summary.get("sha256"):
            notes.append(f"{what} are not those that the record names: they are left out")
        else:
            try:
                found.append(read(path))
            except ValueError as error:
                notes.append(f"{what} cannot be read ({error})")
    return found, notes


def process(raw: Raw, offset: float) -> Process:
    """A scenario as a process that began at `offset`."""
    failed = [f"{raw.failed} answers failed"] if raw.failed else []
    return Process(f"scenario {terminal(raw.scenario, 60)}", offset, answers=raw.answers, notes=tuple(failed))


def settings_of(raw: Raw) -> str:
    """The settings of a scenario, as one line."""
    return json.dumps(raw.header.get("settings", {}), ensure_ascii=True, sort_keys=True)
