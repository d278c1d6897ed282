"""Scenario readings in bundles and in local records: what honest ones keep, and what forged ones are refused for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bundles
import pytest
import readings as made
from bundles import Files, Here, changed, contents, put_right, zipped
from timed import Hand, Served

from bench.bundles import bundle
from bench.bundles.unpack import unpack
from bench.commands.shared.bundle_verdicts import REFUSED, VERIFIED, judge
from bench.engine.progress import SILENT
from bench.errors import BenchError
from bench.ground import ground_of
from bench.leaderboard import readings
from bench.leaderboard.evidence import with_evidence
from bench.models.base import Device
from bench.run import evaluate
from bench.runs.folder import RECORD, read_run
from bench.runs.readings import FILES
from bench.runs.settings import Settings
from bench.scenarios.measure import measure
from bench.scenarios.order import arrivals
from bench.timing.settings import TimingSettings

SECONDS = [0.1 + 0.01 * (i % 7) for i in range(60)]
RAW = "scenarios/single_stream.jsonl"


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with a reading of a single stream and one of offline."""
    folder = bundles.run(tmp_path_factory.mktemp("timed"))
    made.measure(folder, made.lines(SECONDS), made.lines([1.0 + s for s in SECONDS], "offline"))
    return folder


@pytest.fixture
def files(timed: Path, tmp_path: Path) -> Files:
    """What is in its bundle."""
    return contents(bundles.made(tmp_path, timed))


def verdict(tmp_path: Path, files: Files, **options: Any) -> Any:
    tmp_path.mkdir(exist_ok=True)
    path = zipped(tmp_path / "theirs.zip", files)
    (found,) = judge([path], tmp_path / "room", Here(), tmp_path / "runs", **options)
    return found


@pytest.mark.slow
def test_an_honest_bundle_keeps_its_readings_and_is_taken_in_with_them(
    timed: Path, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = verdict(tmp_path, files, add=True)
    assert (found.status, found.line[:20]) == (VERIFIED, "f1 75.0 [70.8, 79.2]")
    (folder,) = (tmp_path / "runs").glob("*/*/*")
    taken = read_run(folder / RECORD)
    assert taken.scenarios["single_stream"]["latency"] == read_run(timed / RECORD).scenarios["single_stream"]["latency"]
    assert (folder / RAW).is_file()
    assert with_evidence(folder, taken).scenarios["single_stream"]["verdict"] == "VALID"


@pytest.mark.slow
@pytest.mark.parametrize(
    "asked",
    [
        {"scenario": "offline", "min_seconds": 20.0},
        {"scenario": "single_stream", "percentile": 50},
        {"scenario": "server", "qps": 5.0, "percentile": 50},
        {"scenario": "server", "bound": "p50:150ms"},
        {"scenario": "server", "qps": 80.0, "percentile": 50},  # given up: more comes than is answered
        {"scenario": "single_stream", "rules": "mlperf", "limit_seconds": 20.0},
    ],
)
def test_what_was_really_measured_is_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    hand = Hand()
    model = Served(hand, tokens=2)
    where = Settings(runs_dir=tmp_path / "made", batch_size=16, resamples=50, config={"seed": 0})
    ground = ground_of(bundles.Numbers(), model, "served", Device("cpu", "none", 1), where)
    run, folder = evaluate(bundles.Numbers(), model, "served", Device("cpu", "none", 1), where, ground=ground)
    measure(ground, TimingSettings.of(asked), run, progress=SILENT, say=str, clock=hand)
    found = verdict(tmp_path, contents(bundles.made(tmp_path, folder.path)))
    assert found.status == VERIFIED, found.line


@pytest.mark.slow
def test_a_server_that_gave_up_may_lack_what_was_under_way_but_no_other_may(tmp_path: Path) -> None:
    due = arrivals(5.0, 0, 60, 0.0, None)
    raw = made.lines(SECONDS, "server", qps=5.0, at_once=True)
    answers = [
        line | {"scheduled": at, "issued": at, "ended": at + 1} for line, at in zip(raw[3:63], due, strict=True) if at
    ]
    for why, status in (("capacity", VERIFIED), ("done", REFUSED)):
        folder = bundles.run(tmp_path / why)
        made.measure(folder, [*raw[:3], *answers[:9], *answers[10:40], *raw[-3:-1], {"end": {"why": why}}])
        (tmp_path / why / "b").mkdir()
        found = verdict(tmp_path / why, contents(bundles.made(tmp_path / why / "b", folder)))
        assert found.status == status, found.line


@pytest.mark.slow
def test_a_bundle_without_readings_is_verified_as_before(tmp_path: Path) -> None:
    files = contents(bundles.made(tmp_path))
    assert not [name for name in files if "scenarios" in name]
    changed(files, "run.json", lambda run: {k: v for k, v in run.items() if k not in ("scenarios", "price", "energy")})
    put_right(files)
    assert verdict(tmp_path, files).status == VERIFIED


@pytest.mark.slow
def test_what_leaves_this_machine_has_no_local_path_and_its_summary_is_that_of_the_public_file(tmp_path: Path) -> None:
    folder = bundles.run(tmp_path / "made")
    raw = made.lines(SECONDS, environment=made.CPU | {"dtype": "none", "cpu": "/home/anna/machines/epyc"})
    raw[5]["error"] = "no file /home/anna/x/weights.bin"
    made.measure(folder, raw)
    files = contents(bundles.made(tmp_path, folder))
    assert b"anna" not in b"".join(data for name, data in files.items() if name != "manifest.json")
    assert verdict(tmp_path, files).status == VERIFIED


def test_a_local_record_that_its_raw_file_does_not_give_makes_no_bundle(timed: Path, tmp_path: Path) -> None:
    folder = bundles.run(tmp_path / "made")
    made.measure(folder, made.lines(SECONDS))
    record = json.loads((folder / RECORD).read_text())
    record["scenarios"]["single_stream"]["latency"]["p50"] = 0.001
    (folder / RECORD).write_text(json.dumps(record))
    with pytest.raises(BenchError, match=r"latency\.p50 says 0\.001, its raw file gives 0\.1"):
        bundle.pack([folder], "Anna")
    shown = with_evidence(folder, read_run(folder / RECORD)).scenarios["single_stream"]
    assert readings.barred(shown).startswith("INVALID: single_stream: latency.p50 says 0.001, its raw file gives 0.1")


def test_a_reading_that_went_below_the_minimums_of_its_rules_ranks_nowhere_and_makes_no_bundle(tmp_path: Path) -> None:
    folder = bundles.run(tmp_path / "made")
    made.measure(folder, made.lines(SECONDS, min_seconds=0.0))
    with pytest.raises(BenchError, match=r"not by its rules: default are .* s, 0 were asked for; measure it again"):
        bundle.pack([folder], "Anna")
    shown = with_evidence(folder, read_run(folder / RECORD)).scenarios["single_stream"]
    assert readings.barred(shown).startswith("not by its rules")


Edit = Callable[[list[dict[str, Any]]], Any]


def forged(files: Files, edit: Edit, *, summarise: bool = True, tmp_path: Path | None = None) -> None:
    """Edit the raw file's lines; a careful forger also puts the summary and the digests right."""
    changed(files, "single_stream.jsonl", edit)
    if summarise:
        assert tmp_path is not None
        path = tmp_path / "single_stream.jsonl"
        path.write_bytes(files[bundles.place(files, "single_stream.jsonl")])
        found = made.summary_of(path)
        changed(files, "run.json", lambda run: run | {"scenarios": run["scenarios"] | {"single_stream": found}})
    put_right(files)


def _each(edit: Callable[[dict[str, Any]], dict[str, Any]]) -> Edit:
    return lambda raw: [edit(line) if "id" in line else line for line in raw]


def _first(**values: Any) -> Edit:
    def edit(raw: list[dict[str, Any]]) -> list[dict[str, Any]]:
        raw[3] |= values
        return raw

    return edit


def _settings(**values: Any) -> Edit:
    return lambda raw: [raw[0] | {"settings": raw[0]["settings"] | values}, *raw[1:]]


def _environment(**values: Any) -> Edit:
    return lambda raw: [raw[0] | {"environment": raw[0]["environment"] | values}, *raw[1:]]


def _thinned(raw: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in raw if "id" not in line or line["ended"] - line["issued"] < 0.15]


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (_thinned, "it skips or repeats examples"),
        (lambda raw: [*raw[:3], *raw[5:]], "answer 1 is to place"),
        (_settings(min_seconds=0.0, min_count=1), "not by its rules: default are 11 answers, 1 were asked for"),
        (_settings(n_examples=50), "says that the data have 50 examples, they have 60"),
        (_first(id="other"), "has an answer to 'other' in place"),
        (_first(prompt_tokens=3), "has 3 tokens when timed, 4 in its predictions"),
        (_environment(device="cuda"), "says to be measured with device 'cuda', the run with 'cpu'"),
        (lambda raw: [raw[0] | {"started": "2099-01-01T00:00:00+00:00"}, *raw[1:]], "in the future"),
        (_each(lambda line: line | {"ended": line["issued"]}), "took no time"),
        (_each(lambda line: line | {"issued": line["issued"] / 2, "scheduled": line["issued"] / 2}), "before the answer before"),
    ],
)  # fmt: skip
def test_a_raw_file_that_was_no_measurement_of_this_run_is_refused(
    files: Files, tmp_path: Path, edit: Edit, why: str
) -> None:
    forged(files, edit, tmp_path=tmp_path)
    found = verdict(tmp_path, files)
    assert (found.status, why in found.line) == (REFUSED, True), found.line


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (_first(ended=-1.0), "single_stream.jsonl line 4: answer.ended is -1.0"),
        (_first(issued=5.0, ended=4.0), "do not follow each other"),
        (lambda raw: [*raw[:3], raw[4], raw[3], *raw[5:]], "issued before the line above"),
        (_first(new_tokens=10**30), "answer.new_tokens is"),
        (lambda raw: raw[:-1], "was cut off"),
        (lambda raw: [raw[0] | {"scenario": "server"}, *raw[1:]], "is of a server without a rate or a bound"),
        (
            lambda raw: [raw[0] | {"scenario": "server", "settings": raw[0]["settings"] | {"qps": 1.0}}, *raw[1:]],
            "is of the scenario server",
        ),
        (lambda raw: [raw[0] | {"started": "yesterday"}, *raw[1:]], "header.started is 'yesterday'"),
        (_first(ended=0.05), "its raw file gives"),
    ],
)
def test_a_raw_file_that_no_clock_could_have_given_is_refused(
    files: Files, tmp_path: Path, edit: Edit, why: str
) -> None:
    forged(files, edit, summarise=False)
    found = verdict(tmp_path, files)
    assert (found.status, why in found.line) == (REFUSED, True), found.line


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        (("latency", "p50"), 0.01, "latency.p50 says 0.01, its raw file gives 0.1"),
        (("latency", "p99"), 0.2, "latency.p99 says 0.2, its raw file gives None"),
        (("n",), 700, "n says 700, its raw file gives 60"),
        (("tokens_per_second",), 1e9, "tokens_per_second says 1000000000.0"),
        (("sha256",), "0" * 64, "sha256 says '0000"),
        (("percentile",), 90, "percentile says 90, its raw file gives 50"),
    ],
)
def test_a_summary_that_is_better_than_its_raw_file_is_refused(
    files: Files, tmp_path: Path, field: tuple[str, ...], value: Any, why: str
) -> None:
    changed(files, "run.json", bundles.with_key("scenarios", "single_stream", *field, value=value))
    put_right(files)
    found = verdict(tmp_path, files)
    assert (found.status, why in found.line) == (REFUSED, True), found.line


def test_valid_where_the_rules_say_invalid_is_refused(files: Files, tmp_path: Path) -> None:
    forged(files, lambda raw: [*raw[:10], *raw[-3:]], tmp_path=tmp_path)
    assert "INVALID" in str(json.loads(files[bundles.place(files, "run.json")])["scenarios"])
    changed(files, "run.json", bundles.with_key("scenarios", "single_stream", "verdict", value="VALID"))
    put_right(files)
    found = verdict(tmp_path, files)
    assert (found.status, "verdict says 'VALID', its raw file gives 'INVALID'" in found.line) == (REFUSED, True)


def test_a_reading_without_its_raw_file_and_a_raw_file_without_its_reading_are_refused(
    files: Files, tmp_path: Path
) -> None:
    alone = dict(files)
    changed(alone, "run.json", lambda run: run | {"scenarios": {"offline": run["scenarios"]["offline"]}})
    put_right(alone)
    assert "of which its record holds no reading" in verdict(tmp_path, alone).line
    name = bundles.place(files, "single_stream.jsonl")
    without = {path: data for path, data in files.items() if path != name}
    for edited in ("run.json", "manifest.json"):
        changed(without, edited, lambda record: json.loads(_without_raw(json.dumps(record))))
    put_right(without)
    assert "has no raw file, without which it says nothing" in verdict(tmp_path / "b", without).line


def _without_raw(text: str) -> str:
    record = json.loads(text)
    for one in [record, *record.get("runs", ())]:
        one.get("files", {}).pop(RAW, None)
    return json.dumps(record)


def test_a_bundle_holds_raw_files_of_known_scenarios_only(files: Files, tmp_path: Path) -> None:
    assert set(FILES) == {f"scenarios/{name}.jsonl" for name in ("offline", "single_stream", "server")}
    found = json.loads(files[bundles.place(files, "run.json")])["scenarios"]
    changed(files, "run.json", bundles.with_key("scenarios", value=found | {"../x": found["offline"]}))
    put_right(files)
    assert verdict(tmp_path, files).status == REFUSED
    (tmp_path / "c").mkdir()
    with pytest.raises(BenchError):
        unpack(tmp_path / "theirs.zip", tmp_path / "c" / "room")
