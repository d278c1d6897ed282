"""`bench run timing=` on endpoints that stream badly: what is counted is what came, and one line says what was wrong."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faulty_server import Answer, Asked, FaultyServer, apart, chunks, error, events, says
from test_scenarios import lindley

WORDS = "one two three four five six"
OK = chunks(says(WORDS, new_tokens=6).body)
WELL = (0.01, *apart(events(*OK)))
LATE = events({"choices": [{"delta": {"content": " and more"}, "finish_reason": None}]}, end=b"")
CUT = (*apart(events(*OK[:4], end=b"")), 0.01)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"_SECONDS": 0.05, "_LEAST": 4, "_MOST": 6, "_FIRST": 0.001, "_BETWEEN": 0.0002}.items():
        monkeypatch.setattr(f"bench.models.endpoint_overhead.{name}", value)


@pytest.fixture
def timed(bench_main: Callable[..., Any], own_package: Path, tmp_path: Path) -> Callable[..., Any]:
    """The summary of a timing, its raw answers and all lines, of a server that streams so; unstreamed it says `WORDS`."""

    def run(then: Callable[[Asked], Answer], *options: str, scenario: str = "single_stream", n: int = 12) -> Any:
        def both(asked: Asked) -> Answer:
            return then(asked) if "stream" in asked.body else says(WORDS, new_tokens=6)

        with FaultyServer(then=both) as server:
            code, out, err = bench_main(
                "run", "task=words", f"task.n={n}", "model=endpoint", "model.model=m", f"model.base_url={server.url}",
                "model.limits.backoff_seconds=0.001", "resamples=5", "tracking.enabled=false", f"timing={scenario}",
                "timing.warmup=1", "timing.audit=false", *options, "--json",
            )  # fmt: skip
        assert code in (0, 1), err
        (raw,) = tmp_path.glob(f"runs/*/*/*/scenarios/{scenario}.jsonl")
        answers = [one for line in raw.read_text().splitlines() if "id" in (one := json.loads(line))]
        (summary,) = json.loads(out[-1])["scenarios"].values()
        return summary, answers, err

    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("packets", "tokens", "heard", "has_tpot", "caveat"),
    [
        (WELL, 6, 6, True, ""),
        ((0.02, b"".join(events(*OK))), 6, 6, False, "12 of 12 answers came all at once"),
        ((0.02, b"".join(events(OK[0] | {"choices": [{"delta": {"content": WORDS}}]}, *OK[-2:]))), 6, 1, False,
         "12 of 12 answers came all at once"),
        (apart(events(*chunks(says(WORDS, new_tokens=2).body))), 2, 6, True,
         "the server's count is wrong for 12 of 12 answers: 24 tokens in 72 pieces that came"),
        (apart(events(*OK[:-1])), 0, 6, True, "the server told no number of tokens for 12 of 12 answers"),
        ((*WELL, 0.005, *LATE), 6, 6, True, "answers went on behind their end ([DONE])"),
        (apart(events(*(one | {"created": 0, "date": "Thu, 01 Jan 1970 00:00:00 GMT"} for one in OK))), 6, 6, True, ""),
        (None, 6, 0, False, "12 of 12 answers were not streamed: they have no time to first token"),
    ],
    ids=["well", "held back", "one piece", "wrong count", "no count", "behind the end", "another clock", "not streamed"],
)  # fmt: skip
def test_what_came_is_counted_and_what_was_wrong_is_said(
    packets: Any, tokens: int, heard: int, has_tpot: bool, caveat: str, timed: Callable[..., Any]
) -> None:
    def then(asked: Asked) -> Answer:
        return says(WORDS, new_tokens=6) if packets is None else Answer(packets=packets)

    summary, answers, _ = timed(then)
    assert {(one["new_tokens"], one["heard"]) for one in answers} == {(tokens, heard)}
    assert (summary["n"], summary["failed"]) == (12, 0)
    assert summary["reasons"][:1] == [
        "p90 needs 64 answers, there are 12: 52 more; the data have 12, and each is asked once"
    ]
    assert all(
        one["issued"] <= (one["first"] or one["ended"]) <= one.get("last", one["ended"]) <= one["ended"]
        for one in answers
    )
    assert (summary["ttft"] is None) == (heard == 0)
    assert (summary["tpot"] is not None) == has_tpot
    if has_tpot:
        seconds = [(one["ended"] - one["first"]) / 5 for one in answers]
        assert summary["tpot"]["mean"] == pytest.approx(sum(seconds) / 12)
    assert [line for line in summary["caveats"] if caveat not in line] == []
    assert len(summary["caveats"]) == bool(caveat)
    assert 0 < summary["client_overhead_seconds"] < 0.1


@pytest.mark.slow
def test_a_stream_that_drops_is_asked_again_and_its_time_is_that_of_all_tries(timed: Callable[..., Any]) -> None:
    streamed = itertools.count()

    def then(asked: Asked) -> Answer:
        n = next(streamed)
        return Answer(packets=CUT, cuts=True) if n < 8 and n % 2 == 0 else Answer(packets=WELL)

    summary, answers, _ = timed(then, "timing.warmup=0")
    assert {(one["new_tokens"], one["heard"]) for one in answers} == {(6, 6)}
    slow, quick = answers[:4], answers[4:]
    assert min(one["ended"] - one["scheduled"] for one in slow) > 0.02 + 14 * 0.003 - 0.001
    assert (
        min(one["first"] - one["issued"] for one in slow) > 4 * 0.003 + 0.02
    )  # not the first of the try that broke off
    assert max(one["last"] - one["first"] for one in quick) > 5 * 0.003
    assert summary["caveats"] == ["4 answers needed more than one try; their times hold all tries"]


@pytest.mark.slow
@pytest.mark.parametrize("answer", [Answer(packets=CUT, cuts=True), Answer(packets=(9.0,)), error(500, "busy")])
def test_what_never_comes_whole_has_failed_and_is_in_no_time(answer: Answer, timed: Callable[..., Any]) -> None:
    options = ("model.limits.max_tries=1", "model.limits.timeout_seconds=0.08")
    summary, answers, _ = timed(lambda asked: answer, *options)
    assert (summary["verdict"], summary["n"], summary["failed"]) == ("INVALID", 0, len(answers))
    assert {one["heard"] for one in answers} == {0}
    assert {one["first"] for one in answers} == {None}
    assert all(one["error"].startswith("endpoint ") for one in answers)
    assert (summary["tokens_per_second"], summary["ttft"], summary["tpot"]) == (None, None, None)
    assert "answers failed" in summary["reasons"][0]


@pytest.mark.slow
def test_requests_that_arrive_are_sent_at_once_and_what_a_limit_holds_back_is_said(timed: Callable[..., Any]) -> None:
    def then(asked: Asked) -> Answer:
        return Answer(packets=(0.05, *apart(events(*OK))))

    summary, answers, _ = timed(then, "timing.qps=200", "model.limits.concurrency=3", scenario="server")
    assert max(one["issued"] - one["scheduled"] for one in answers) < 0.04
    late = [one["ended"] - one["scheduled"] for one in answers]
    assert max(late) > 0.15  # behind three at a time
    (held,) = summary["caveats"]
    assert held.startswith("model.limits.concurrency=3 held ")
    assert held.endswith(" requests back; their times hold the wait")


@pytest.mark.slow
@pytest.mark.parametrize("load", [0.5, 0.8, 0.95])
def test_the_queue_behind_an_endpoint_is_that_of_arithmetic_within_5_percent_or_6_ms(
    load: float, timed: Callable[..., Any]
) -> None:
    """One request after another, each ending at a time known beforehand; client and server share a processor here."""
    service, lock, busy = 0.05, threading.Lock(), [0.0]

    def then(asked: Asked) -> Answer:
        with lock:
            busy[0] = max(busy[0], asked.seconds) + service
            end = busy[0]
        time.sleep(max(0.0, end - time.monotonic()))
        return Answer(packets=tuple(events(*OK)))

    options = (f"timing.qps={load / service}", "timing.min_count=100", "model.limits.concurrency=200")
    summary, answers, _ = timed(then, *options, scenario="server", n=120)
    due = np.array([one["scheduled"] for one in answers])
    expected = service + lindley(due, service).mean()
    assert (len(answers), summary["failed"]) == (102, 0)
    assert summary["latency"]["mean"] == pytest.approx(expected, rel=0.05, abs=0.006)
    assert summary["achieved_qps"] == pytest.approx(102 / (answers[-1]["ended"] - due[0]), rel=1e-6)
