"""An endpoint that is listened to: its replies stream, say the same, and are counted as they come."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from typing import Any

import httpx2
import pytest
from faulty_server import Answer, Asked, FaultyServer, apart, chunks, error, events, says, streams
from hypothesis import given, settings
from hypothesis import strategies as st
from small_text_models import answered

from bench.engine import feed
from bench.errors import BenchError
from bench.models.base import Device
from bench.models.endpoint import Endpoint
from bench.models.endpoint_client import Limits
from bench.models.endpoint_errors import Failure
from bench.models.endpoint_events import Events
from bench.models.endpoint_overhead import overhead
from bench.models.endpoint_seen import Seen
from bench.models.endpoint_stream import Streamed, Telling
from bench.types import Audio, Choose, Generate, Prediction, Request, Text

KEY = "sk-a-key-that-nobody-may-see-0123456789"
QUICK: dict[str, Any] = {"backoff_seconds": 0.001, "max_backoff_seconds": 0.004, "timeout_seconds": 60.0}
MOODS = Choose(("good", "bad"))


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def endpoint(server: FaultyServer | str, limits: dict[str, Any] | None = None, **changes: Any) -> Endpoint:
    url = server if isinstance(server, str) else server.url
    model = Endpoint(url, Limits(**QUICK | (limits or {})), **{"model": "m"} | changes)
    model.load(Device(), seed=3)
    return model


def ask(name: str = "a", text: str = "hello", output: Any = None) -> Request:
    return Request(name, (Text(text),), output or Generate(8))


class Ear:
    """Listens to a model, and remembers what it was told and when."""

    def __init__(self, model: Endpoint) -> None:
        self.told: list[tuple[str, int]] = []
        self.seconds: list[float] = []
        model.hear(self)

    def __call__(self, name: str, n: int) -> None:
        self.told.append((name, n))
        self.seconds.append(time.monotonic())


# -- the events --------------------------------------------------------------------------------------------------------


def read(*packets: bytes) -> list[tuple[str, str]]:
    decoder = Events()
    return [event for packet in packets for event in decoder.fed(packet)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\ndata:b\r\n\r\ndata:  c\r\r", ["a", "b", " c"]),
        (b": a comment\n\n:\n\nid: 3\nretry: 9\ndata: a\nnothing\n\n", ["a"]),
        (b"data: a\ndata: b\ndata\n\n", ["a\nb\n"]),
        (b"event: error\n\ndata: a\n\n", ["a"]),
        (b"\xef\xbb\xbfdata: a\n\ndata: not ended\n", ["a"]),
        (b"data: \xc3\xa9\xe2\x80\xa8\x0b\x0c\n\ndata: \xff\n\n", ["é\u2028\x0b\x0c", "�"]),
    ],
)
def test_an_event_is_its_data_lines_up_to_the_empty_line_in_whatever_packets(
    stream: bytes, expected: list[str]
) -> None:
    assert [data for _, data in read(stream)] == expected
    assert read(*(bytes([byte]) for byte in stream)) == read(stream)


def test_an_event_is_given_with_its_last_byte_even_where_a_line_may_go_on() -> None:
    decoder = Events()
    assert [list(decoder.fed(packet)) for packet in (b"data: a\r\n\r", b"\ndata: b\n", b"\n")] == [
        [("message", "a")], [], [("message", "b")],
    ]  # fmt: skip


@pytest.mark.slow
@settings(max_examples=60)
@given(
    st.lists(
        st.sampled_from([b"data: x", b"data:y", b"event: e", b": c", b"id: 1", b"", b"\n", b"\r", b"\r\n", b"\xc3"])
    ),
    st.lists(st.integers(0, 60)),
)
def test_events_are_those_of_a_library_however_the_bytes_are_cut(parts: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(parts).replace(b"\xc3", b"\xc3\xa9") + b"\n\n"  # of one that breaks off each says its own
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    packets = [stream[a:b] for a, b in pairwise(places)]
    asked, head = httpx2.Request("POST", "http://127.0.0.1"), {"Content-Type": "text/event-stream"}
    response = httpx2.Response(200, headers=head, content=iter(packets), request=asked)
    theirs = [(event.event, event.data) for event in httpx2.EventSource(response) if event.data]
    assert [event for event in read(*packets) if event[1]] == theirs


# -- the reply ---------------------------------------------------------------------------------------------------------


def streamed(packets: tuple[bytes | float, ...], told: Callable[[str, int], None] = lambda name, n: None) -> Any:
    """What a stream makes, its bytes in packets of seven."""

    async def cut() -> AsyncIterator[bytes]:
        whole = b"".join(packet for packet in packets if isinstance(packet, bytes))
        for start in range(0, len(whole), 7):
            yield whole[start : start + 7]

    return asyncio.run(Streamed(Telling(told, "a"), Seen(), lambda value: value, 10**6).read(cut()))


def body(message: dict[str, Any], reason: Any = "stop", usage: Any = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant"} | message, "text": message.get("content")}
    counted = usage if usage is not None else {"prompt_tokens": 7, "completion_tokens": 5}
    return {"model": "served", "choices": [choice | {"finish_reason": reason} | more], "usage": counted}


THOUGHT = {"prompt_tokens": 7, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 3}}
PIECES = [{"type": "thinking", "thinking": [{"type": "text", "text": "3 or 5"}]}, {"type": "text", "text": "it is 5"}]
DETAILS = [
    {"type": "reasoning.text", "index": 0, "text": "may be"},
    {"type": "reasoning.text", "index": 1, "text": "or not"},
]
CALL = [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
REPLIES: dict[str, dict[str, Any]] = {
    "words": body({"content": "The answer is  good.\nmore"}),
    "nothing": body({"content": ""}),
    "no content": body({"content": None}),
    "cut": body({"content": "a b c"}, "length"),
    "cut before a word": body({"content": None}, "length"),
    "filtered": body({"content": "so"}, "content_filter"),
    "refusal": body({"content": None, "refusal": "I will not."}),
    "thinking apart": body({"content": "good", "reasoning_content": "3 or 5\nbut"}, usage=THOUGHT),
    "thinking called so": body({"content": "good", "reasoning": "3 or 5"}),
    "thinking in details": body({"content": "good", "reasoning_details": DETAILS}),
    "thinking in tags": body({"content": "<think>good or\nbad?</think>\n\ngood"}),
    "thinking without end": body({"content": "<think>good or"}, "length"),
    "pieces": body({"content": PIECES}),
    "a call": body({"content": None, "tool_calls": CALL}, "tool_calls"),
    "an old call": body({"content": None, "function_call": {"name": "f", "arguments": "{}"}}, "function_call"),
    "an error": body({"content": "so far"}, "error"),
    "another word for the end": body({"content": "good"}, None, stop_reason="max_tokens"),
    "a native word for the end": body({"content": "good"}, "", native_finish_reason="SAFETY"),
    "no count": {key: value for key, value in body({"content": "good"}).items() if key != "usage"},
    "an odd count": body({"content": "good"}, usage={"prompt_tokens": "7", "completion_tokens": -1}),
    "a count aside": body({"content": "good"}, usage=THOUGHT | {"total_tokens": 15}),
    "no words at all": {"choices": [3]},
}  # fmt: skip


@pytest.mark.parametrize("output", [Generate(8, ("\n",)), MOODS], ids=["text", "label"])
@pytest.mark.parametrize("chat", [True, False], ids=["chat", "completion"])
@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_that_streams_is_read_as_one_that_does_not(name: str, chat: bool, output: Any) -> None:
    model, request = Endpoint("http://127.0.0.1:1/v1", Limits(), "m", chat=chat), ask(output=output)
    whole = json.loads(json.dumps(REPLIES[name]))
    found = streamed(events(*chunks(json.loads(json.dumps(whole)), chat=chat)))
    assert model._read(request, found) == model._read(request, whole)


@pytest.mark.parametrize(
    ("packets", "told"),
    [
        (events(*chunks(says("one two three").body)), [1, 1, 1]),
        (events({"choices": [{"delta": {"role": "assistant"}}]}, {"choices": []}, *chunks(says("").body)), []),
        (events(*chunks(body({"content": "so", "reasoning_content": "a b"}))), [1, 1, 1]),
        (events(*({"choices": [{"delta": {"content": "x"}}], "usage": {"completion_tokens": n}} for n in (3, 3, 7)),
                {"choices": [{"delta": {}, "finish_reason": "stop"}]}), [3, 1, 3]),
        (events(*chunks(body({"content": None, "tool_calls": CALL}))), [1]),
    ],
    ids=["a token a piece", "no words", "thinking", "several a piece", "a call"],
)  # fmt: skip
def test_a_piece_with_words_is_a_token_or_as_many_as_the_server_counts(packets: Any, told: list[int]) -> None:
    found: list[int] = []
    streamed(packets, lambda name, n: found.append(n))
    assert found == told


WORD = {"choices": [{"delta": {"content": "so"}, "finish_reason": None}]}
END = {"choices": [{"delta": {}, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    ("packets", "says_why"),
    [
        (events(WORD, END), None),
        (events(WORD, END, end=b""), None),  # `transformers serve` sends no [DONE]
        (events(WORD), None),
        (events(WORD, END, end=b"data:[DONE]\n\nall that comes behind"), None),
        ((b": so\n\ndata: \n\n", *events(WORD, END)), None),
        (events(WORD, end=b""), "cut the connection (the stream ended before the reply did)"),
        (events(end=b""), "cut the connection (the stream ended before the reply did)"),
        ((events(WORD)[0], b'data: {"choices"'), "cut the connection (the stream ended before the reply did)"),
        (events(), "answered with no choices in its stream"),
        ((b"data: {nonsense\n\n",), "answered with invalid JSON in its stream"),
        ((b"data: " + b"[" * 9**6 + b"\n\n",), "answered with invalid JSON in its stream"),
        (events(WORD, {"error": {"message": "the GPU is gone"}}), "broke its reply off: the GPU is gone"),
        (events(WORD, {"error": "the GPU is gone"}), "broke its reply off: the GPU is gone"),
        ((b'event: error\ndata: {"message": "the GPU is gone"}\n\n',), "broke its reply off: the GPU is gone"),
        (events(*[WORD] * 20_000), "answered with more than 1,000,000 bytes"),
    ],
)  # fmt: skip
def test_a_stream_is_whole_where_the_server_says_so_and_else_a_failure(packets: Any, says_why: str | None) -> None:
    told: list[int] = []
    found = streamed(packets, lambda name, n: told.append(n))
    if says_why is None:
        assert found["choices"][0]["message"] == {"content": "so"}
        assert sum(told) == 1
    else:
        assert isinstance(found, Failure)
        assert found.text == says_why
        assert sum(told) == 0  # what was told of it is taken back


def test_only_what_a_filter_breaks_off_is_not_asked_again() -> None:
    filtered = streamed(events(WORD, {"error": {"message": "no", "code": "content_filter"}}))
    assert (filtered.again, filtered.refused) == (False, True)
    assert streamed(events(WORD, {"error": {"message": "no", "code": 500}})).again


# -- through the client ------------------------------------------------------------------------------------------------


def test_nothing_is_streamed_while_nobody_listens() -> None:
    with FaultyServer(then=lambda asked: streams(says("a b")) if asked.body.get("stream") else says("a b")) as server:
        model = endpoint(server)
        quiet = answered(model, [ask()])
        ear = Ear(model)
        heard = answered(model, [ask()])
        model.hear(None)
        again = answered(model, [ask()])
        bodies = [asked.body for asked in server.asked]
    assert quiet == heard == again
    assert bodies[1] == bodies[0] | {"stream": True, "stream_options": {"include_usage": True}}
    assert bodies[2] == bodies[0]
    assert ear.told == [("a", 1), ("a", 1)]


def test_the_listener_is_told_when_a_piece_arrives() -> None:
    role, one, two, *end = events(*chunks(says("one two").body))
    slow = Answer(packets=(0.01, role, 0.02, one, 0.3, two, *end))
    with FaultyServer(then=lambda asked: slow) as server:
        model = endpoint(server)
        ear = Ear(model)
        answered(model, [ask()])
        start = time.monotonic()
        answered(model, [ask()])
        end = time.monotonic()
    first, last = (seconds - start for seconds in ear.seconds[2:])
    assert 0.03 <= first <= last - 0.15  # told when it came, not with the last one
    assert 0.33 <= last <= end - start
    assert model.caveats() == []


def refuses(*names: str) -> Callable[[Asked], Answer]:
    """A server that knows nothing of these keys."""

    def then(asked: Asked) -> Answer:
        unknown = [name for name in names if name in asked.body]
        if unknown:
            return error(400, f"Unrecognized request argument supplied: {unknown[0]}")
        return streams(says("a b")) if asked.body.get("stream") else says("a b")

    return then


@pytest.mark.parametrize(
    ("names", "asked", "told", "line"),
    [
        (("stream_options",), 3, 4, None),
        (
            ("stream", "stream_options"),
            4,
            0,
            "2 of 2 answers were not streamed, which the server refuses: they have no",
        ),
        (("nothing",), 2, 4, None),
    ],
)
def test_a_server_that_refuses_to_stream_is_asked_for_less_once(names: Any, asked: int, told: int, line: Any) -> None:
    with FaultyServer(then=refuses(*names)) as server:
        model = endpoint(server)
        ear = Ear(model)
        found = [answered(model, [ask()])[0].text for _ in range(2)]
        assert len(server.asked) == asked
    assert found == ["a b", "a b"]
    assert sum(n for _, n in ear.told) == told
    assert [text for text in model.caveats() if "stream" in text] == ([] if line is None else model.caveats())
    assert all((line or "") in text for text in model.caveats())


def test_a_request_that_is_refused_for_itself_is_no_reason_to_stop_streaming() -> None:
    def then(asked: Asked) -> Answer:
        return error(400, "too long") if asked.text == "long" else streams(says("a"))

    with FaultyServer(then=then) as server:
        model = endpoint(server)
        Ear(model)
        bad, good, worse = (answered(model, [ask(text=text)])[0] for text in ("long", "hello", "long"))
        assert [asked.body.get("stream") for asked in server.asked] == [True, True, None, True, True]
    assert (bad.error, good.text, worse.error) == ("endpoint answered HTTP 400: too long", "a", bad.error)


OK = says("a b").body
WHOLE_AT_ONCE = Answer(packets=(b"".join(events(*chunks(says("a b c", new_tokens=3).body))),))


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        (streams(says("a b")), []),
        (says("a b"), ["2 of 2 answers were not streamed: they have no time to first token"]),
        (WHOLE_AT_ONCE, ["2 of 2 answers came all at once: the server, or what stands before it, holds replies back"]),
        (streams(says("a b c d", new_tokens=3)), ["the server's count is wrong for 2 of 2 answers: 6 tokens in 8 pieces"]),
        (Answer(packets=apart(events(*chunks(OK)[:-1]))), ["the server told no number of tokens for 2 of 2 answers"]),
        (streams(Answer(body({"content": "a b"}, usage=THOUGHT))), ["for 2 of 2 answers the server counts thinking that it did"]),
        (Answer(packets=(*apart(events(*chunks(OK))), 0.01, events(WORD)[0])), ["2 of 2 answers went on behind"]),
    ],
    ids=["well", "whole", "at once", "miscounted", "uncounted", "hidden thinking", "behind the end"],
)  # fmt: skip
def test_what_makes_the_times_others_than_they_seem_is_said_in_a_line(answer: Answer, lines: list[str]) -> None:
    with FaultyServer(then=lambda asked: answer) as server:
        model = endpoint(server)
        Ear(model)
        found = [answered(model, [ask()])[0] for _ in range(2)]
        until = time.monotonic() + 20
        while lines and not any(map(str.startswith, model.caveats(), lines)) and time.monotonic() < until:
            time.sleep(0.002)  # what comes behind the end is looked at outside the time
    assert all(one.error is None for one in found)
    assert len(model.caveats()) == len(lines)
    assert all(map(str.startswith, model.caveats(), lines))
    model.hear(None)
    assert model.caveats() == []


CUT = Answer(packets=events(WORD, WORD, end=b""), cuts=True)


@pytest.mark.parametrize("fault", [CUT, error(500, "busy"), Answer(packets=(*events(WORD, end=b""), 9.0))])
def test_an_answer_that_needed_a_second_try_keeps_its_whole_time_and_the_second_tokens_alone(fault: Answer) -> None:
    with FaultyServer([fault], then=lambda asked: streams(says("a b"))) as server:
        model = endpoint(server, {"timeout_seconds": 0.1} if fault.packets and fault.packets[-1] == 9.0 else None)
        ear = Ear(model)
        (found,) = answered(model, [ask()])
    assert (found.text, found.new_tokens) == ("a b", 2)
    counts = [n for _, n in ear.told]
    assert sum(counts) == 2
    assert counts[-2:] == [1, 1]
    assert model.caveats() == ["1 answer needed more than one try; their times hold all tries"]


def test_a_stream_that_never_comes_whole_fails_its_request_only() -> None:
    with FaultyServer(then=lambda asked: CUT if asked.text == "cut" else streams(says("ok"))) as server:
        model = endpoint(server, {"max_tries": 2})
        ear = Ear(model)
        bad, good = feed.answer(model, [ask("b", "cut"), ask("g")], "endpoint")
    assert good.text == "ok"
    assert "cut the connection" in (bad.error or "")
    assert bad.finish == "error"
    assert sum(n for name, n in ear.told if name == "b") == 0


def test_an_empty_completion_that_is_asked_again_without_stops_is_counted_once() -> None:
    def then(asked: Asked) -> Answer:
        return streams(says("\n\n" if "stop" in asked.body else "\n\n14.8 more"), chat=False)

    with FaultyServer(then=then) as server:
        model = endpoint(server, chat=False)
        ear = Ear(model)
        (found,) = answered(model, [ask(output=Generate(8, ("\n",)))])
        assert len(server.asked) == 2
    assert (found.text, found.new_tokens) == ("\n\n14.8 more", 2)
    assert sum(n for _, n in ear.told) == 2


def test_the_key_shows_in_no_streamed_answer_or_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    halves = [{"choices": [{"delta": {"content": half}}]} for half in (KEY[:9], KEY[9:])]
    broken = Answer(packets=events({"error": {"message": f"not {KEY}"}}))
    with FaultyServer(
        [Answer(packets=events(*halves, END)), broken, Answer(packets=events({KEY: 1, "error": KEY}))]
    ) as server:
        model = endpoint(server, {"max_tries": 1})
        Ear(model)
        found = [answered(model, [ask()])[0] for _ in range(3)]
    assert [one.text or one.error for one in found] == [
        "[key]", "endpoint broke its reply off: not [key]", "endpoint broke its reply off: [key]",
    ]  # fmt: skip
    assert KEY[:9] not in f"{found} {model.caveats()}"


# -- many at once ------------------------------------------------------------------------------------------------------


def test_requests_that_are_submitted_are_under_way_at_once() -> None:
    all_here = threading.Barrier(8)

    def answer(asked: Asked) -> Answer:
        all_here.wait(60)  # nobody is answered before all have asked
        return streams(says(asked.text))

    with FaultyServer(then=answer) as server:
        model = endpoint(server, {"concurrency": 16, "timeout_seconds": 60.0})
        ear = Ear(model)
        asked = [model.submit(ask(f"r{i}", f"text {i}")) for i in range(8)]
        found = [one.result(60) for one in asked]
        assert server.most_at_once == 8
    assert [(one.id, one.text, one.new_tokens) for one in found] == [(f"r{i}", f"text {i}", 2) for i in range(8)]
    assert {name for name, _ in ear.told} == {one.id for one in found}
    assert model.caveats() == []


def test_limits_that_hold_requests_back_are_said() -> None:
    with FaultyServer(then=lambda asked: Answer(packets=(0.01, *apart(events(*chunks(says("a b").body)))))) as server:
        model = endpoint(server, {"concurrency": 2, "requests_per_minute": 6000})
        Ear(model)
        for one in [model.submit(ask(f"r{i}")) for i in range(6)]:
            one.result(60)
        assert server.most_at_once < 6  # a handler still counts one that has just ended
    held, paced = model.caveats()
    assert held == "model.limits.concurrency=2 held 4 requests back; their times hold the wait"
    assert "had to wait for model.limits.requests_per_minute=6000" in paced


def test_what_is_wrong_with_a_submitted_request_is_its_own_error_or_ends_the_measurement() -> None:
    with FaultyServer([error(422, "no"), error(422, "no"), error(422, "no"), error(401, "who")]) as server:
        model = endpoint(server)
        Ear(model)
        assert model.submit(Request("b", (Audio("x.wav"),), Generate(8))).result().error == (
            "ValueError: a chat takes text and pictures, not audio"
        )
        assert model.submit(ask()).result(60) == Prediction("a", error="endpoint answered HTTP 422: no", finish="error")
        with pytest.raises(BenchError, match="HTTP 401"):
            model.submit(ask()).result(60)


def test_a_submitted_request_that_is_cancelled_is_let_go() -> None:
    with FaultyServer(then=lambda asked: Answer(hangs=True)) as server:
        model = endpoint(server, {"timeout_seconds": 60.0})
        Ear(model)
        one = model.submit(ask())
        until = time.monotonic() + 30
        while not server.now and time.monotonic() < until:
            time.sleep(0.001)
        assert one.cancel()
        assert model._client is not None
        while asyncio.all_tasks(model._client._loop) and time.monotonic() < until:
            time.sleep(0.001)
        assert asyncio.all_tasks(model._client._loop) == set()


def test_nothing_is_asked_ahead_of_its_time_while_somebody_listens() -> None:
    with FaultyServer() as server:
        model = endpoint(server)
        Ear(model)
        model.prepare([ask()])
        time.sleep(0.02)
        assert server.asked == []


# -- the client's own part ---------------------------------------------------------------------------------------------


@pytest.fixture
def quick_overhead(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"_SECONDS": 0.1, "_LEAST": 5, "_MOST": 8, "_FIRST": 0.002, "_BETWEEN": 0.0005}.items():
        monkeypatch.setattr(f"bench.models.endpoint_overhead.{name}", value)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_overhead")
@pytest.mark.parametrize("qps", [None, 200.0])
@pytest.mark.parametrize("chat", [True, False])
def test_the_clients_own_part_is_what_is_measured_beside_the_servers_own_times(qps: float | None, chat: bool) -> None:
    model = Endpoint("http://127.0.0.1:1/v1", Limits(concurrency=1), "m", chat=chat, key_env=None)
    found = overhead(model, qps)
    assert 0 < found.first < 0.1
    assert 0 < found.end < 0.1
