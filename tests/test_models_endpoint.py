"""A model behind an endpoint: what is sent, what is tried again, what ends a run, and that the key shows nowhere."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from faulty_server import Answer, Asked, FaultyServer, error, says, unused_address
from hypothesis import given, settings
from hypothesis import strategies as st
from small_text_models import answered

from bench.engine import feed
from bench.errors import BenchError
from bench.models.base import Device
from bench.models.endpoint import Endpoint
from bench.models.endpoint_client import Limits
from bench.models.endpoint_errors import retry_after
from bench.run import evaluate
from bench.text.reply import labels_said
from bench.text.signs import form
from bench.types import Audio, Choose, Generate, Image, Prediction, Regress, Request, Text

KEY = "sk-a-key-that-nobody-may-see-0123456789"
QUICK: dict[str, Any] = {"backoff_seconds": 0.001, "max_backoff_seconds": 0.004, "timeout_seconds": 60.0}


def endpoint(server: FaultyServer | str, limits: dict[str, Any] | None = None, **changes: Any) -> Endpoint:
    """A loaded endpoint with hardly any pauses."""
    url = server if isinstance(server, str) else server.url
    model = Endpoint(url, Limits(**QUICK | (limits or {})), **{"model": "m"} | changes)
    model.load(Device(), seed=3)
    return model


def ask(name: str = "a", text: str = "hello", output: Any = None) -> Request:
    return Request(name, (Text(text),), output or Generate(8))


def answers(model: Endpoint, *requests: Request) -> list[Prediction]:
    """What the engine would write in the journal."""
    return feed.answer(model, requests or (ask(),), "endpoint")


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_a_chat_is_sent_as_openai_takes_it() -> None:
    parts = (
        Text("Be brief.", "system"),
        Text("2+2?"),
        Text("4", "assistant"),
        Text("A page:"),
        Image(b"\x89PNG"),
        Text("Q?"),
    )
    with FaultyServer([says("yes\nand no", prompt_tokens=11, new_tokens=5)]) as server:
        model = endpoint(server, images=True)
        (found,) = answers(model, Request("a", parts, Generate(8, stop=("\n",))))
        (asked,) = server.asked
    assert found == Prediction("a", text="yes", prompt_tokens=11, new_tokens=5, finish="stop")
    assert asked.path == "/v1/chat/completions"
    assert asked.body == {
        "model": "m", "temperature": 0.0, "seed": 3, "max_tokens": 8,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "2+2?"},
            {"role": "assistant", "content": "4"},
            {"role": "user", "content": [
                {"type": "text", "text": "A page:"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
                {"type": "text", "text": "Q?"},
            ]},
        ],
    }  # fmt: skip
    assert model.parts == {"text", "image"}
    assert model.served == {("served", "")}


def test_a_base_model_is_prompted_with_one_text() -> None:
    parts = (Text("Be brief.", "system"), Text("2+2?"), Text("Answer: ", "assistant"))
    with FaultyServer([says(" 4\n\nQ")]) as server:
        (found,) = answers(endpoint(server, chat=False), Request("a", parts, Generate(8, stop=("\n",))))
        (asked,) = server.asked
    assert (asked.path, asked.body["prompt"]) == ("/v1/completions", "Be brief.\n\n2+2?\nAnswer:")
    assert "messages" not in asked.body
    assert (asked.body["stop"], found.text) == (["\n"], " 4")


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ('Answer: "Bohemia"', "Bohemia"),
        ('"Bohemia" it is', "Bohemia"),
        ("Bohemia\nor", "Bohemia"),
        ("answer: Bohemia", "Bohemia"),
    ],
)
def test_a_reply_that_says_its_beginning_again_is_read_behind_it(said: str, text: str) -> None:
    request = Request("a", (Text("Where?"), Text('Answer: "', "assistant")), Generate(8, stop=("\n", '"')))
    with FaultyServer([says(said)]) as server:
        (found,) = answers(endpoint(server), request)
        (asked,) = server.asked
    assert found.text == text
    assert asked.body["messages"] == [{"role": "user", "content": "Where?"}]
    assert "stop" not in asked.body  # a quote or a line break would end the reply at once


def test_a_server_that_can_go_on_from_a_beginning_is_asked_to() -> None:
    request = Request("a", (Text("Where?"), Text('Answer: "', "assistant")), Generate(8, stop=('"',)))
    with FaultyServer([says('Bohemia" and')]) as server:
        (found,) = answers(endpoint(server, prefill=True), request)
        (asked,) = server.asked
    assert found.text == "Bohemia"
    assert asked.body["messages"][-1] == {"role": "assistant", "content": 'Answer: "'}
    assert (asked.body["continue_final_message"], asked.body["add_generation_prompt"]) == (True, False)
    assert "stop" not in asked.body


def test_keys_of_a_request_can_be_added_renamed_and_taken_out() -> None:
    with FaultyServer() as server:
        extra = {"temperature": None, "seed": None, "reasoning_effort": "low"}
        answers(endpoint(server, max_tokens_key="max_completion_tokens", thinking_tokens=100, extra=extra))
        (asked,) = server.asked
    assert set(asked.body) == {"model", "messages", "max_completion_tokens", "reasoning_effort"}
    assert asked.body["max_completion_tokens"] == 108


MOODS = ("very good", "good", "bad")


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ("good", "good"),
        ('"Very_Good."', "very good"),
        ("It is very  good, I think", "very good"),
        ("Label: BAD!", "bad"),
    ],
)
def test_a_label_is_read_out_of_the_reply(said: str, label: str) -> None:
    with FaultyServer([says(said)]) as server:
        (found,) = answers(endpoint(server), ask(output=Choose(MOODS)))
        (asked,) = server.asked
    assert found.label_scores == {mood: 1.0 if mood == label else -1.0 for mood in MOODS}  # no probabilities
    assert asked.text == "hello\nAnswer with exactly one of these labels and nothing else: very good; good; bad"


@pytest.mark.parametrize(
    ("said", "why"),
    [("goodness", "none of the labels very good, good, bad: 'goodness'"), ("", "none of the labels"),
     ("good or bad", "more than one label, good, bad: 'good or bad'")],
)  # fmt: skip
def test_a_reply_without_one_label_is_an_error_that_quotes_it_and_keeps_its_tokens(said: str, why: str) -> None:
    with FaultyServer([says(said)]) as server:
        (found,) = answers(endpoint(server), ask(output=Choose(MOODS)))
    assert why in (found.error or "")
    assert (found.label_scores, found.prompt_tokens, found.new_tokens) == (None, 7, 2)


def test_several_labels_are_read_out_of_a_list() -> None:
    with FaultyServer([says("bad, Very good"), says("neither")]) as server:
        model = endpoint(server)
        (found,) = answers(model, ask(output=Choose(MOODS, several=True)))
        (none,) = answers(model, ask(output=Choose(MOODS, several=True)))
    assert found.label_scores == {"very good": 1.0, "good": 0.0, "bad": 1.0}
    assert "'neither'" in (none.error or "")


@settings(max_examples=25)
@given(
    st.lists(st.text("abc ", min_size=1).map(str.strip).filter(bool), min_size=1, max_size=4, unique=True), st.data()
)
def test_the_label_itself_is_always_read_as_that_label(labels: list[str], data: st.DataObject) -> None:
    by_form = list({form(label): label for label in labels}.values())
    label = data.draw(st.sampled_from(by_form))
    assert labels_said(f" {label.upper()}.", by_form) == [label]


VALENCE = Regress(("valence", "arousal"), (-1.0, 0.0), (1.0, 1.0))


@pytest.mark.parametrize(
    ("said", "values", "why"),
    [
        ('{"valence": -0.5, "arousal": 1}', {"valence": -0.5, "arousal": 1.0}, ""),
        ('Sure {x}: ```json\n{"arousal": 0.25, "valence": 0, "why": "{}"}\n```', {"valence": 0.0, "arousal": 0.25}, ""),
        ('{"Valence": "-0.5", "AROUSAL": 1}', {"valence": -0.5, "arousal": 1.0}, ""),
        ("{'valence': −0.5,\xa0'arousal':\xa01,}", {"valence": -0.5, "arousal": 1.0}, ""),
        ('{"emotion": {"valence": -0.5, "arousal": 1}}</s>', {"valence": -0.5, "arousal": 1.0}, ""),
        ('Not {"valence": -0.5, "arousal": 1}', None, "the reply denies what it gives"),
        ('{"valence": -0.5, "arousal": 1}\nSorry, that is wrong.', None, "the reply denies what it gives"),
        ('{"valence": 0, "Valence": 1, "arousal": 1}', None, "more than one answer"),
        ('{"a": {"valence": 0, "arousal": 1}, "b": {"valence": 1, "arousal": 1}}', None, "more than one answer"),
        ('{"valence": "high", "arousal": 1}', None, "the reply's valence is no number: 'high'"),
        ('{"valence": 2, "arousal": 1}', None, "the reply's valence is 2, outside -1 to 1"),
        ('{"valence": true, "arousal": 1}', None, "the reply's valence is no number: 'True'"),
        ('{"valence": NaN, "arousal": 1}', None, "the reply's valence is no number: 'nan'"),
        ('{"valence": 0}', None, "no JSON object with valence, arousal: '{\"valence\": 0}'"),
        ("0.5", None, "no JSON object with valence, arousal: '0.5'"),
    ],
)
def test_numbers_are_read_out_of_json(said: str, values: dict[str, float] | None, why: str) -> None:
    with FaultyServer([says(said)]) as server:
        (found,) = answers(endpoint(server), ask(output=VALENCE))
        (asked,) = server.asked
    assert found.values == values
    assert why in (found.error or "")
    assert asked.text.endswith('{"valence": a number from -1 to 1, "arousal": a number from 0 to 1}')


TRANSIENT = {
    "HTTP 408": error(408), "HTTP 409": error(409), "HTTP 429": error(429), "HTTP 500": error(500), "HTTP 503": error(503),
    "cut": Answer(cuts=True), "late": says("x" * 99), "hang": Answer(hangs=True), "invalid JSON": Answer(b"<html>busy"),
    "no choices": Answer({"choices": []}), "an error": Answer({"error": {"message": "overloaded"}}),
}  # fmt: skip


@pytest.mark.parametrize("name", TRANSIENT)
def test_what_may_pass_is_tried_again(name: str) -> None:
    fault = TRANSIENT[name] if name != "late" else Answer({"choices": ["x" * 999]}, cuts=True, late=True)
    with FaultyServer([fault, fault]) as server:
        model = endpoint(server, {"timeout_seconds": 0.08} if name == "hang" else None)
        assert answers(model) == [Prediction("a", text="to hello", prompt_tokens=7, new_tokens=2, finish="stop")]
        assert len(server.asked) == 3


def test_each_fault_in_turn_is_survived_by_every_request_of_a_batch() -> None:
    faults = [error(429, retry_after="0.01"), error(500), Answer(hangs=True), Answer(cuts=True), Answer(b"{")]
    with FaultyServer(faults) as server:
        model = endpoint(server, {"timeout_seconds": 0.1, "concurrency": 3})
        requests = [ask(f"r{i}", f"text {i}") for i in range(7)]
        found = answers(model, *requests)
        assert [one.text for one in found] == [f"to text {i}" for i in range(7)]
        assert len(server.asked) == 12
        assert server.most_at_once <= 4  # three, and the one that hangs on after its try has ended
        assert found == [answered(model, [request])[0] for request in requests]


@pytest.mark.parametrize(
    ("fault", "why"),
    [(error(500, "boom"), "answered HTTP 500: boom in 3 tries"), (Answer(cuts=True), "cut the connection"),
     (Answer(b"no"), "answered with invalid JSON: no in 3 tries")],
)  # fmt: skip
def test_after_all_tries_only_its_request_fails(fault: Answer, why: str) -> None:
    with FaultyServer(then=lambda asked: fault if "bad" in asked.text else says("ok")) as server:
        good, bad = answers(endpoint(server, {"max_tries": 3}), ask("g"), ask("b", "bad"))
        assert len(server.asked) == 4
    assert good.text == "ok"
    assert why in (bad.error or "")


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_that_the_endpoint_refuses_is_asked_once_and_fails_alone(status: int) -> None:
    fault = error(status, "maximum context length is 8192 tokens")
    with FaultyServer(then=lambda asked: fault if "long" in asked.text else says("ok")) as server:
        bad, good = answers(endpoint(server), ask("b", "long"), ask("g"))
        assert len(server.asked) == 2
    assert (good.text, bad.error) == ("ok", f"endpoint answered HTTP {status}: maximum context length is 8192 tokens")


@pytest.mark.parametrize(
    ("fault", "texts", "tries"),
    [
        (error(401, "who are you"), ["HTTP 401: who are you", "put the key into OPENAI_API_KEY"], 1),
        (error(402, "broke"), ["HTTP 402: broke", "no credit"], 1),
        (error(403, "not yours"), ["HTTP 403: not yours", "may not use model.model=m"], 1),
        (error(404, "no model m"), ["HTTP 404: no model m", "check model.model=m and model.base_url=http"], 1),
        (error(429, "pay", code="insufficient_quota"), ["HTTP 429: pay", "no credit"], 1),
        (error(429, "never", retry_after="1e308"), ["asks to wait for more than 1,000,000,000 s"], 1),
        (error(429, "tomorrow", retry_after="86400"), ["asks to wait for 86400 s", "run the same command again"], 1),
        (Answer(b"", 301, {"Location": "http://elsewhere/"}), ["HTTP 301", "check model.model=m"], 1),
        (error(503, "starting"), ["HTTP 503: starting in 2 tries", "check that it runs"], 2),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Answer) else "",
)
def test_what_no_request_can_pass_ends_the_run_in_one_line(fault: Answer, texts: list[str], tries: int) -> None:
    with FaultyServer(then=lambda asked: fault) as server:
        with pytest.raises(BenchError) as caught:
            answers(endpoint(server, {"max_tries": 2}))
        assert len(server.asked) == tries
    for text in [server.url, *texts]:
        assert text in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("status", [403, 404, 503])
def test_once_a_request_has_worked_a_refusal_fails_its_request_only(status: int) -> None:
    with FaultyServer([says("ok")], then=lambda asked: error(status)) as server:
        model = endpoint(server, {"max_tries": 1})
        assert answers(model)[0].text == "ok"
        assert f"HTTP {status}" in (answers(model)[0].error or "")


def test_a_key_that_is_refused_later_ends_the_run_too() -> None:
    with FaultyServer([says("ok")], then=lambda asked: error(401)) as server:
        model = endpoint(server)
        assert answers(model)[0].text == "ok"
        with pytest.raises(BenchError, match="HTTP 401"):
            answers(model)


def test_an_endpoint_that_is_down_ends_the_run_after_all_tries() -> None:
    model = endpoint(unused_address(), {"max_tries": 3})
    with pytest.raises(BenchError, match=r"cannot be reached \(.*refused.*\) in 3 tries; check that it runs"):
        answers(model)
    assert model._client is not None
    assert model._client.tries == 3


def test_retry_after_in_seconds_is_waited_for_by_all_requests() -> None:
    with FaultyServer([error(429, retry_after="0.08")]) as server:
        model = endpoint(server, {"concurrency": 1})
        answers(model, ask("a"), ask("b"))
        first, *later = [asked.seconds for asked in server.asked]
    assert len(later) == 2
    assert min(later) - first >= 0.08


@settings(max_examples=25)
@given(st.integers(0, 2_000_000_000), st.integers(-10_000, 10_000))
def test_a_date_to_retry_after_is_as_far_off_as_it_says(now: int, later: int) -> None:
    when = max(0, now + later)
    assert retry_after(formatdate(when, usegmt=True), now) == max(0, when - now)


@pytest.mark.parametrize("value", [None, "", "soon", "-3", "nan", "inf", "Thu, 99 Foo 1970 00:00:00 GMT"])
def test_a_retry_after_that_says_nothing_is_no_pause(value: str | None) -> None:
    assert retry_after(value, 0.0) == 0.0


@settings(max_examples=25)
@given(st.integers(1, 500), st.floats(0, 1, exclude_max=True))
def test_a_pause_is_within_its_doubling_bound(tries: int, draw: float) -> None:
    limits = Limits(backoff_seconds=0.5, max_backoff_seconds=20.0)
    bound = min(20.0, 0.5 * 2.0 ** min(tries - 1, 10))
    assert limits.pause(tries, draw) == pytest.approx(draw * bound)


def test_no_more_than_concurrency_requests_are_in_flight_and_no_fewer() -> None:
    with FaultyServer(then=lambda asked: says("ok", seconds=0.02)) as server:
        answers(endpoint(server, {"concurrency": 4}), *(ask(f"r{i}") for i in range(12)))
        assert server.most_at_once == 4


def test_requests_keep_to_so_many_a_minute() -> None:
    with FaultyServer() as server:
        model = endpoint(server, {"requests_per_minute": 3000})
        start = time.monotonic()
        answers(model, *(ask(f"r{i}") for i in range(5)))
        assert time.monotonic() - start >= 4 * 60 / 3000
        assert len(server.asked) == 5


def test_the_next_batch_is_under_way_while_the_slowest_of_this_one_answers() -> None:
    later = threading.Event()

    def slow_first(asked: Asked) -> Answer:
        if asked.text == "fourth":
            later.set()
        return says("in time" if asked.text == "slow" and later.wait(60) else asked.text)

    with FaultyServer(then=slow_first) as server:
        model = endpoint(server, {"concurrency": 2})
        one, two = [ask("a", "slow"), ask("b")], [ask("c", "third"), ask("d", "fourth")]
        model.prepare(one)
        model.prepare(two)
        found = answered(model, one) + answered(model, two)
        assert len(server.asked) == 4  # each once
    assert [one.text for one in found] == ["in time", "hello", "third", "fourth"]
    assert model._begun == {}


def test_a_reply_without_text_is_an_error_that_says_why() -> None:
    cut = says(None)
    cut.body["choices"][0]["finish_reason"] = "length"
    with FaultyServer([says(None, refusal="I will not."), cut, Answer({"choices": [3]})]) as server:
        model = endpoint(server)
        found = [(one.error, one.finish) for one in (answers(model, ask(output=Choose(MOODS)))[0] for _ in range(3))]
    assert found == [
        ("endpoint gave no text: I will not.", "refused"),
        ("endpoint gave no text: finish_reason 'length'; raise model.thinking_tokens", "length"),
        ("endpoint gave no text: finish_reason None", "error"),
    ]


def test_counts_that_are_no_counts_are_nothing() -> None:
    odd = [{"prompt_tokens": one, "completion_tokens": two} for one, two in (("7", -1), (10**30, True), (1.5, [3]))]
    with FaultyServer([Answer(says("ok").body | {"usage": usage}) for usage in (*odd, None, 7)]) as server:
        model = endpoint(server)
        found = [answers(model)[0] for _ in range(5)]
    assert found == [Prediction("a", text="ok", finish="stop")] * 5
    assert all(type(count) is int for one in found for count in (one.prompt_tokens, one.new_tokens))


def test_a_run_costs_its_tokens() -> None:
    model = Endpoint("http://127.0.0.1:1/v1", Limits(), price_per_million={"prompt": 0.5, "completion": 2.0})
    assert model.token_price == {"prompt": 0.5, "completion": 2.0}  # what they come to: tests/test_costs.py
    assert Endpoint("http://127.0.0.1:1/v1", Limits()).token_price is None
    assert (model.served_from, Endpoint("https://host/v1", Limits()).served_from) == ("near", "far")


def test_its_revision_is_the_name_with_what_the_user_knows() -> None:
    assert Endpoint("http://127.0.0.1:1/v1", Limits(), "gpt").revision == "gpt"
    assert Endpoint("http://127.0.0.1:1/v1", Limits(), "gpt", "2025-01-01").revision == "gpt@2025-01-01"


def leaks(folder: Path) -> list[str]:
    """Files below the folder that hold the key, or most of it."""
    return [str(path) for path in folder.rglob("*") if path.is_file() and KEY[:20].encode() in path.read_bytes()]


def test_the_key_is_sent_and_shows_nowhere(
    monkeypatch: pytest.MonkeyPatch, tiny_task: Any, quick_settings: Any, tmp_path: Path, capfd: Any, caplog: Any
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    echoes = [
        says(f"you are {KEY}"), error(400, "x" * 180 + f"Bearer {KEY} may not"), error(500, KEY), Answer(KEY.encode()),
        Answer({"choices": [], "echo": {KEY: [KEY]}}), error(400, KEY, code=KEY),
    ]  # fmt: skip
    with FaultyServer(echoes) as server:
        model = endpoint(server, {"concurrency": 1}, key_env="MY_KEY")
        quick = quick_settings(config={"model": {"base_url": server.url, "key_env": "MY_KEY"}})
        _, folder = evaluate(tiny_task(4), model, "endpoint", Device(), quick)
        assert {asked.headers["authorization"] for asked in server.asked} == {f"Bearer {KEY}"}
    assert (folder.path / "predictions.jsonl").read_text().count("[key]") >= 3
    said = []
    for fault in (
        error(401, f"bad {KEY}"),
        Answer(KEY.encode(), 404),
        Answer(KEY.encode(), 302, {"Location": f"/{KEY}"}),
    ):
        server = FaultyServer(then=lambda asked, fault=fault: fault)  # type: ignore[misc]
        with server, pytest.raises(BenchError) as caught:
            answers(endpoint(server, key_env="MY_KEY"))
        said.append(str(caught.value))
    assert ["[key]" in line for line in said] == [True, True, True]
    told = capfd.readouterr()
    assert KEY[:20] not in f"{said} {told.out} {told.err} {caplog.text}"
    assert leaks(tmp_path) == []


def test_neither_model_nor_client_shows_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with FaultyServer() as server:
        model = endpoint(server)
        assert KEY not in f"{model!r} {model._client!r} {model._client and model._client._session!r} {model.limits!r}"


def test_a_placeholder_for_a_key_may_stand_in_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "EMPTY")
    with FaultyServer([says("The box is EMPTY.")]) as server:
        assert answers(endpoint(server))[0].text == "The box is EMPTY."


def test_what_ends_the_run_does_not_wait_for_the_requests_beside_it() -> None:
    with FaultyServer(then=lambda asked: error(401) if asked.text == "now" else Answer(hangs=True)) as server:
        start = time.monotonic()
        with pytest.raises(BenchError, match="HTTP 401"):
            answers(endpoint(server, {"timeout_seconds": 60.0}), ask("a", "never"), ask("b", "now"))
        assert time.monotonic() - start < 30  # a try ends after 60 s


def test_without_a_key_none_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with FaultyServer() as server:
        answers(endpoint(server, key_env=None))
        assert "authorization" not in server.asked[0].headers


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"base_url": "127.0.0.1:8000/v1"}, "model.base_url must be an address such as"),
        ({"base_url": "ftp://host/v1"}, "model.base_url must be an address such as"),
        ({"base_url": "http://host:port/v1"}, "model.base_url must be an address such as"),
        ({"base_url": f"https://me:{KEY}@host/v1"}, "model.base_url at host holds a user, password or query"),
        ({"base_url": f"https://host/v1?key={KEY}"}, "model.base_url at host holds a user, password or query"),
        ({"key_env": KEY}, "model.key_env must be the name of an environment variable"),
        ({"chat": False, "images": True}, "model.images=true needs model.chat=true"),
        ({"thinking_tokens": -1}, "model.thinking_tokens=-1 must not be negative"),
        ({"price_per_million": {"prompt": 1.0}}, "model.price_per_million={'prompt': 1.0} must be"),
        ({"price_per_million": {"prompt": -1.0, "completion": 0.0}}, "not negative"),
        ({"price_per_million": {"prompt": 0.0, "completion": 0.0}}, "a cost of nothing"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line_without_the_key(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(BenchError) as caught:
        Endpoint(**{"base_url": "http://127.0.0.1:1/v1", "limits": Limits()} | changes)
    assert text in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "limits",
    [
        {"concurrency": 0},
        {"max_tries": 0},
        {"requests_per_minute": 0.0},
        {"timeout_seconds": 0.0},
        {"backoff_seconds": -1.0},
    ],
)
def test_a_limit_that_cannot_be_is_one_line(limits: dict[str, Any]) -> None:
    ((name, value),) = limits.items()
    with pytest.raises(BenchError, match=rf"model\.limits\.{name}={value} must"):
        Limits(**limits)


def test_what_is_missing_at_the_start_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BenchError, match=r"model\.model is not given; .*/v1/models lists it"):
        endpoint("http://127.0.0.1:1/v1", model=None)
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    with pytest.raises(BenchError, match=r"--offline forbids asking https://api\.example/v1"):
        endpoint("https://api.example/v1")
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\nmore")
    with pytest.raises(BenchError, match="the key in OPENAI_API_KEY holds characters") as caught:
        endpoint("http://127.0.0.1:1/v1")
    assert KEY not in str(caught.value)


def test_ctrl_c_ends_at_once_and_asks_no_more() -> None:
    def interrupt(asked: Asked) -> Answer:
        if server.now == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return Answer(hangs=True)

    with FaultyServer(then=interrupt) as server:
        model = endpoint(server, {"timeout_seconds": 60.0, "concurrency": 2})
        model.prepare([ask("next")])
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            answered(model, [ask(f"r{i}") for i in range(6)])
        assert time.monotonic() - start < 30  # a try ends after 60 s
        assert len(server.asked) == 2
        assert model._begun == {}
        assert model._client is not None
        deadline = time.monotonic() + 30
        while len(asyncio.all_tasks(model._client._loop)) > 0 and time.monotonic() < deadline:
            time.sleep(0.001)
        assert asyncio.all_tasks(model._client._loop) == set()
        assert len(server.asked) == 2


def test_an_answer_is_given_on_while_a_slower_one_is_still_under_way() -> None:
    def slowly(asked: Asked) -> Answer:
        return Answer(hangs=True) if "slow" in str(asked.body) else Answer()

    with FaultyServer(then=slowly) as server:
        model = endpoint(server, {"timeout_seconds": 60.0, "concurrency": 3})
        walk = model.predict([ask("a", "slow"), ask("b", "quick"), ask("c", "quick")])
        assert {next(walk).id, next(walk).id} == {"b", "c"}
        walk.close()  # type: ignore[attr-defined]
        assert model._begun == {}


@pytest.mark.slow
def test_a_model_that_is_let_go_ends_its_thread() -> None:
    with FaultyServer() as server:
        model = endpoint(server)
        answers(model)
        assert model._client is not None
        thread = next(one for one in threading.enumerate() if one.name == "endpoint" and one.ident == ident(model))
        del model
        gc.collect()
        thread.join(timeout=30)
        assert not thread.is_alive()


def ident(model: Endpoint) -> int | None:
    """The thread of the model's loop."""
    assert model._client is not None
    return getattr(model._client._loop, "_thread_id", None)


@pytest.mark.slow
def test_a_run_that_an_outage_ended_goes_on_from_there(tiny_task: Any, quick_settings: Any) -> None:
    quick = quick_settings(batch_size=2)
    broken = FaultyServer([says("one"), says("two")], then=lambda asked: error(401))
    in_order = {"concurrency": 1}  # the next batch is asked while this one is answered
    with broken as server, pytest.raises(BenchError, match="HTTP 401"):
        evaluate(tiny_task(4), endpoint(server, limits=in_order), "endpoint", Device(), quick)
    with FaultyServer() as server:
        run, folder = evaluate(tiny_task(4), endpoint(server, limits=in_order), "endpoint", Device(), quick)
        assert len(server.asked) == 2
    assert run.scores[0].n_failed == 0
    assert sorted(str(one.text)[:3] for one in folder.predictions()) == ["one", "to ", "to ", "two"]


def test_a_part_that_no_chat_takes_fails_its_request() -> None:
    with FaultyServer() as server:
        good, bad = answers(endpoint(server), ask("g"), Request("b", (Audio("x.wav"),), Generate(8)))
    assert good.text == "to hello"
    assert "a chat takes text and pictures, not audio" in (bad.error or "")


# -- whole runs against a server that does what a test says ------------------------------------------------------------


def honours(text: str) -> Any:
    """A server that says this, up to the first stop string that it was sent."""

    def then(asked: Asked) -> Answer:
        return says(
            text[: min((text.find(end) for end in asked.body.get("stop", ()) if end in text), default=len(text))]
        )

    return then


@pytest.mark.parametrize("chat", [True, False])
def test_a_leading_line_break_ends_no_reply_whatever_the_server_does_about_stops(chat: bool) -> None:
    request = Request("a", (Text("How much?"),), Generate(8, stop=("\n",)))
    with FaultyServer(then=honours("\n\n14.8\nmore")) as server:
        model = endpoint(server, chat=chat)
        assert [found.text for found in answers(model, request)] == ["\n\n14.8"]
        assert len(server.asked) == (1 if chat else 2)
    with FaultyServer(then=honours("14.8\nmore")) as server:
        assert [found.text for found in answers(endpoint(server, chat=chat), request)] == ["14.8"]
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("said", "output", "expected"),
    [
        ("<think>bad? good?\n</think>\n\nvery good", Choose(MOODS), {"very good": 1.0, "good": -1.0, "bad": -1.0}),
        (
            '<think>{"valence": 1, "arousal": 1}</think>{"valence": 0, "arousal": 0}',
            VALENCE,
            {"valence": 0.0, "arousal": 0.0},
        ),
        ("<think>3\n4</think>\n5\n6", Generate(8, stop=("\n",)), "5"),
        ('{"answer": "Bohemia"}', Generate(8, stop=('"',)), '{"answer": "Bohemia"}'),
        ('{\n"answer": "Bohemia"}\nIt is not "Elbe"', Generate(8, stop=("\n",)), '{\n"answer": "Bohemia"}'),
        (
            '```json\n{"answer": "Bohemia"}\n```\n"Elbe"',
            Generate(8, stop=('"',)),
            '```json\n{"answer": "Bohemia"}\n```\n',
        ),
        ('["Bohemia"]', Generate(8, stop=('"',)), '["Bohemia"]'),
        ('- "Bohemia" it is', Generate(8, stop=('"',)), "Bohemia"),
        ('<think>"Rome"?</think>Answer: "Bohemia"', Generate(8, stop=('"',)), "Bohemia"),
    ],
)
def test_an_answer_is_read_behind_the_thinking_that_the_journal_keeps_apart(
    said: str, output: Any, expected: Any
) -> None:
    parts = (Text("Where?"), *([Text('Answer: "', "assistant")] if "Bohemia" in said else []))
    with FaultyServer([says(said)]) as server:
        (found,) = answers(endpoint(server), Request("a", parts, output))
    assert expected in (found.text, found.label_scores, found.values)


def test_thinking_that_does_not_end_is_a_cut_answer_or_no_label_and_is_kept() -> None:
    with FaultyServer(
        [says("<think>It may be 5\n"), says("<think>bad"), says("", reasoning_content="good")] * 2
    ) as server:
        model = endpoint(server)
        text, label, none = (
            answers(model, ask(output=output))[0] for output in (Generate(8), Choose(MOODS), Choose(MOODS))
        )
    assert (text.text, text.thinking, text.finish, text.error) == ("", "It may be 5", "length", None)
    assert (label.thinking, label.finish) == ("bad", "length")
    assert label.error == "the reply ends within its thinking, before any answer"
    assert none.thinking == "good"
    assert "names none of the labels" in (none.error or "")


def test_of_a_reply_in_pieces_the_thinking_is_kept_apart_and_one_that_was_cut_off_says_so() -> None:
    cut_off = says("", reasoning_content="It may be 5")
    cut_off.body["choices"][0]["finish_reason"] = "length"
    pieces: Any = [{"type": "thinking", "thinking": [{"type": "text", "text": "3"}]}, {"type": "text", "text": "5"}]
    with FaultyServer([says(pieces), cut_off, says("")]) as server:
        model = endpoint(server)
        found = [answers(model)[0] for _ in range(3)]
    assert [(one.text, one.thinking, one.finish) for one in found] == [
        ("5", "3", "stop"), ("", "It may be 5", "length"), ("", None, "stop"),
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "code", "line"),
    [("It is not negative.", 0, "not one of the 3 replies could be read"), (None, 1, "so this is no result")],
)
def test_a_run_without_any_answer_says_so(
    said: str | None, code: int, line: str, bench_main: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "phrasebank").mkdir()
    (tmp_path / "phrasebank" / "Sentences_50Agree.txt").write_text("Up .@positive\nDown .@negative\nStill .@neutral\n")
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    with FaultyServer(then=lambda asked: says(said)) as server:
        model = ("model=endpoint", f"model.base_url={server.url}", "model.model=m", "model.limits.concurrency=1")
        found, out, err = bench_main("run", "task=phrasebank", *model, "tracking.enabled=false")
    assert found == code, err
    assert any(line in one for one in err)
    assert "accuracy 0.0" in out[0]
