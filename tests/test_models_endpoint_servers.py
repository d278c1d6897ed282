"""Replies of vLLM's, SGLang's and TGI's servers as their sources have them: whole and streamed they are the same prediction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from faulty_server import Answer, FaultyServer, apart, events
from test_models_endpoint import answers, ask, endpoint

from bench.types import Generate

HEAD = {"id": "1", "created": 1, "model": "served"}
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


def whole(message: dict[str, Any], usage: dict[str, Any], **choice: Any) -> Answer:
    return Answer(
        {**HEAD, "object": "chat.completion", "choices": [{"index": 0, "message": message, **choice}], "usage": usage}
    )


def stream(*choices: dict[str, Any], usage: dict[str, Any], own: dict[str, Any] | None = None) -> Answer:
    """A chunk a choice, `own` keys in each, and the count in a last one without choices."""
    head = {**HEAD, "object": "chat.completion.chunk", **(own or {})}
    made = [{**head, "choices": [{"index": 0, "finish_reason": None, **choice}]} for choice in choices]
    return Answer(packets=apart(events(*made, {**head, "choices": [], "usage": usage})))


def said(text: str, **more: Any) -> dict[str, Any]:
    return {"delta": {"content": text, **more}}


def vllm(end: str, text: str = "Paris.") -> tuple[Answer, Answer]:
    """It names the token that ended a reply beside the reason, and the role in a chunk of its own."""
    usage = {**USAGE, "prompt_tokens_details": None}
    token = 128009 if end == "stop" else None
    message = {"role": "assistant", "content": text, "refusal": None, "tool_calls": [], "reasoning": None}
    last = {"delta": {"content": ""}, "finish_reason": end, "stop_reason": token}
    pieces = [said("", role="assistant"), said(text[:2]), said(text[2:]), last]
    return (
        whole(message, usage, finish_reason=end, stop_reason=token, logprobs=None, token_ids=None),
        stream(*pieces, usage=usage),
    )


def sglang(end: str, text: str = "Paris.", matched: Any = 2) -> tuple[Answer, Answer]:
    """It has `matched_stop`, thinking that is always there if only as null, and counts of thinking beside the others."""
    usage = {**USAGE, "prompt_tokens_details": None, "reasoning_tokens": 0}
    matched = matched if end == "stop" else None
    message = {"role": "assistant", "content": text, "reasoning_content": None, "tool_calls": None}
    same = {"reasoning_content": None}
    pieces = [
        said("", role="assistant", **same),
        said(text[:2], **same),
        said(text[2:], **same),
        {"delta": {"content": None, **same}, "finish_reason": end, "matched_stop": matched},
    ]
    last = {"metadata": {"weight_version": "default"}}
    answer = whole(message, usage, finish_reason=end, matched_stop=matched, logprobs=None)
    return replace(answer, body=answer.body | last), stream(*pieces, usage=usage)


def tgi(end: str, text: str = "Paris.") -> tuple[Answer, Answer]:
    """It names the role in each chunk, ends with that of the end token, and counts without details."""
    own = {"system_fingerprint": "3.3.5-sha-1", "usage": None}
    pieces = [said(piece, role="assistant") for piece in (text[:2], text[2:], "")]
    pieces[-1]["finish_reason"] = end
    answer = whole({"role": "assistant", "content": text}, USAGE, finish_reason=end, logprobs=None)
    return replace(answer, body=answer.body | own | {"usage": USAGE}), stream(*pieces, usage=USAGE, own=own)


@pytest.mark.parametrize("server", [vllm, sglang, tgi])
@pytest.mark.parametrize(("end", "finish"), [("stop", "stop"), ("length", "length")])
def test_a_reply_says_the_same_whole_and_streamed(server: Any, end: str, finish: str) -> None:
    for way, answer in zip(("whole", "streamed"), server(end), strict=True):
        with FaultyServer(then=lambda asked, answer=answer: answer) as there:
            model = endpoint(there)
            if way == "streamed":
                model.hear(lambda name, n: None)
            (found,) = answers(model, ask(output=Generate(3)))
        assert (found.text, found.finish, found.error, found.prompt_tokens, found.new_tokens) == (
            "Paris.",
            finish,
            None,
            7,
            3,
        )
        assert found.thinking is None


@pytest.mark.parametrize("reason", ["eos_token", "stop_sequence"])
def test_tgi_names_the_ends_of_a_base_models_text_in_its_own_words(reason: str) -> None:
    choice = {"index": 0, "text": " Paris", "logprobs": None}
    answer = Answer(
        {**HEAD, "object": "text_completion", "choices": [{**choice, "finish_reason": reason}], "usage": USAGE}
    )
    told = [{**HEAD, "choices": [{**choice, "text": text, "finish_reason": ""}]} for text in (" Pa", "ris")]
    counted = {**HEAD, "choices": [{**choice, "text": "", "finish_reason": reason}], "usage": USAGE}
    for way in (answer, Answer(packets=apart(events(*told, counted)))):
        with FaultyServer(then=lambda asked, way=way: way) as there:
            model = endpoint(there, chat=False)
            if way.packets:
                model.hear(lambda name, n: None)
            (found,) = answers(model, ask(output=Generate(3)))
        assert (found.text, found.finish, found.new_tokens) == (" Paris", "stop", 3)


def test_what_tgi_fails_in_the_midst_of_a_stream_is_an_error_with_its_words() -> None:
    broken = {"error": "Request failed during generation: Server error", "error_type": "generation"}
    packets = apart(events({**HEAD, "choices": [{"index": 0, **said("Pa")}]}, broken, end=b""))
    with FaultyServer(then=lambda asked: Answer(packets=packets)) as there:
        model = endpoint(there, {"max_tries": 2})
        model.hear(lambda name, n: None)
        (found,) = answers(model)
    assert (found.text, found.finish) == (None, "error")
    assert "Request failed during generation" in (found.error or "")


@pytest.mark.parametrize("way", [0, 1])
def test_sglang_calls_a_stop_what_is_no_number_and_that_is_no_answer(way: int) -> None:
    with FaultyServer(then=lambda asked: sglang("stop", "!!!!", "NaN happened")[way]) as there:
        model = endpoint(there)
        if way:
            model.hear(lambda name, n: None)
        (found,) = answers(model)
    assert (found.text, found.finish) == (None, "error")
    assert "NaN happened" in (found.error or "")


@pytest.mark.parametrize("way", [0, 1])
def test_a_request_that_sglang_or_vllm_aborted_is_no_answer(way: int) -> None:
    for server in (vllm, sglang):
        with FaultyServer(then=lambda asked, server=server: server("abort", "")[way]) as there:
            model = endpoint(there)
            if way:
                model.hear(lambda name, n: None)
            (found,) = answers(model)
        assert (found.text, found.finish) == (None, "error")
