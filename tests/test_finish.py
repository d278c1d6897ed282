"""How each answer ended, and what was thought before it: of endpoints, functions, models here, and files that are brought."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faulty_server import FaultyServer, error, says
from hypothesis import given
from hypothesis import strategies as st

from bench.engine import feed
from bench.engine.checked import checked
from bench.models.base import Device, Model
from bench.models.composite import Composite
from bench.models.endpoint import Endpoint
from bench.models.endpoint_client import Limits
from bench.models.thought import thinking_tokens
from bench.models.values import as_prediction
from bench.scoring.answers import final
from bench.task import Malformed
from bench.text.finish import finish_of
from bench.text.thinking import MOST_KEPT, apart, behind_thinking
from bench.types import FINISHES, Choose, Generate, Prediction, Request, Text


def ask(output: Any = None, key: str = "a") -> Request:
    return Request(key, (Text("hello"),), output or Generate(8, ("\n",)))


def answered(answer: Any, request: Request | None = None, **options: Any) -> Prediction:
    """What the engine keeps of a server's answer."""
    with FaultyServer([answer] * 2) as server:
        model = Endpoint(server.url, Limits(backoff_seconds=0.001, max_tries=1), model="m", key_env=None, **options)
        model.load(Device(), seed=0)
        return feed.answer(model, [request or ask()], "endpoint")[0]


def ended(reason: Any, text: str | None = "yes", **message: Any) -> Any:
    found = says(text, **message)
    found.body["choices"][0] |= reason if isinstance(reason, dict) else {"finish_reason": reason}
    return found


@pytest.mark.parametrize(
    ("words", "finish"),
    [
        ("stop STOP eos eos_token end_turn stop_sequence COMPLETE tool_calls FINISH_REASON_STOP", "stop"),
        ("length max_tokens MAX_TOKENS FinishReason.MAX_TOKENS maxTokens limit model_length max-tokens", "length"),
        ("content_filter SAFETY recitation refusal PROHIBITED_CONTENT blocklist", "refused"),
        ("abort error cancelled", "error"),
        ("other load unknown nonsense stopped_by_moon", "none"),
    ],
)
def test_the_words_of_servers_are_one_of_five(words: str, finish: str) -> None:
    assert {word: finish_of(word) for word in words.split()} == dict.fromkeys(words.split(), finish)


@pytest.mark.slow
@given(st.one_of(st.none(), st.integers(), st.text(), st.dictionaries(st.text(), st.text()), st.lists(st.text())))
def test_any_reason_is_one_of_the_known_ends(reason: Any) -> None:
    assert finish_of(reason) in FINISHES


@pytest.mark.parametrize("chat", [True, False])
@pytest.mark.parametrize(
    ("reason", "finish"),
    [("stop", "stop"), ("length", "length"), ("content_filter", "refused"), ("eos_token", "stop"), (None, "none"), (7, "none"),
     ({"finish_reason": None, "stop_reason": "max_tokens"}, "length"),
     ({"finish_reason": "stop", "stop_reason": "length"}, "stop")],
)  # fmt: skip
def test_an_endpoint_s_answer_ended_as_its_server_says(reason: Any, finish: str, chat: bool) -> None:
    found = answered(ended(reason), chat=chat)
    assert (found.text, found.finish, found.error) == ("yes", finish, None)


def test_a_reply_that_went_on_behind_a_stop_string_had_ended_there() -> None:
    assert answered(ended("length", "yes\nand then")).finish == "stop"
    assert answered(ended("length", '{"answer": 5}\n and')).finish == "stop"
    assert answered(ended("content_filter", "yes\nand then")).finish == "refused"


@pytest.mark.parametrize(
    ("answer", "text", "finish", "said"),
    [
        (ended("length", ""), "", "length", None),
        (ended("length", None), "", "length", None),
        (ended("stop", ""), "", "stop", None),
        (ended("content_filter", ""), None, "refused", "endpoint gave no text: finish_reason 'content_filter'"),
        (ended("stop", None, refusal="I will not."), None, "refused", "endpoint gave no text: I will not."),
        (ended("stop", "I cannot.", refusal="no"), "I cannot.", "refused", None),
        (ended("tool_calls", None), None, "error", "endpoint gave no text: finish_reason 'tool_calls'"),
        (ended("tool_calls", ""), None, "error", "endpoint gave no text: finish_reason 'tool_calls'"),
        (ended("abort", "ye"), None, "error", "the reply was broken off by an error: 'ye'"),
        (ended("stop", None), None, "error", "endpoint gave no text: finish_reason 'stop'"),
        (error(400, "filtered", "content_filter"), None, "refused", "endpoint {} answered HTTP 400: filtered"),
        (error(400, "bad"), None, "error", "endpoint {} answered HTTP 400: bad"),
    ],
)  # fmt: skip
def test_what_has_no_words_was_cut_said_nothing_was_refused_or_failed(
    answer: Any, text: str | None, finish: str, said: str | None
) -> None:
    found = answered(answer)
    assert (found.text, found.finish) == (text, finish)
    assert (found.error or "").endswith((said or "").rpartition("{} ")[2])
    assert (found.error is None) is (said is None)


@pytest.mark.parametrize(
    "message",
    [
        {"reasoning_content": "3 or 4?"}, {"reasoning": "3 or 4?"}, {"thinking": "3 or 4?"},
        {"reasoning_details": [{"type": "reasoning.text", "text": "3 or 4?"}]},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "3 or 4?"}]}, {"type": "text", "text": "5"}]},
        {"content": [{"type": "reasoning", "text": "3 or 4?"}, {"type": "text", "text": "5"}]},
        {"content": "<think>\n3 or 4?\n</think>\n\n5"}, {"content": "3 or 4?</think>5"},
    ],
)  # fmt: skip
def test_thinking_is_kept_apart_however_a_server_returns_it(message: dict[str, Any]) -> None:
    answer = says("5", new_tokens=9)
    answer.body["choices"][0]["message"] |= message
    answer.body["usage"]["completion_tokens_details"] = {"reasoning_tokens": 6}
    found = answered(answer)
    assert (found.text, found.thinking, found.thinking_tokens, found.new_tokens) == ("5", "3 or 4?", 6, 9)


@pytest.mark.parametrize(
    ("usage", "new", "thought"),
    [
        ({"completion_tokens": 2, "completion_tokens_details": {"reasoning_tokens": 30}}, 32, 30),  # it counts them apart
        ({"prompt_tokens": 5, "completion_tokens": 40, "total_tokens": 75, "reasoning_tokens": 30}, 70, 30),
        ({"prompt_tokens": 5, "completion_tokens": 40, "total_tokens": 45, "reasoning_tokens": 30}, 40, 30),
        ({"completion_tokens": 2}, 2, 0),
        ({"completion_tokens": 2, "completion_tokens_details": {"reasoning_tokens": "many"}}, 2, 0),
        ({"completion_tokens": 2, "completion_tokens_details": 7}, 2, 0), (None, 0, 0),
    ],
)  # fmt: skip
def test_tokens_of_thinking_are_as_the_server_counts_them_and_never_guessed(usage: Any, new: int, thought: int) -> None:
    answer = says("5", reasoning_content="a long thought")
    answer.body["usage"] = usage
    found = answered(answer)
    assert (found.new_tokens, found.thinking_tokens) == (new, thought)


def test_a_label_has_its_thinking_beside_it() -> None:
    found = answered(says("<think>down?</think>up"), ask(Choose(("up", "down"))))
    assert (found.label_scores, found.thinking) == ({"up": 1.0, "down": -1.0}, "down?")


# The engine


REPLIES = [
    "<think>3</think>5", "<thinking>3</thinking>\n\n5", "3</think>5", "<think>a</think><think>b</think>5</s>", "5</s>", "5", "",
    "Write <think> and </think>", "<think></think>5", "<think>3</think><answer>5</answer>", "<answer>5</answer>",
    "```thinking\n3\n```\n5", "[THINK]3[/THINK]5", "◁think▷3◁/think▷5",
    "<|channel|>analysis<|message|>3<|end|><|start|>assistant<|channel|>final<|message|>5<|return|>",
    "<think>a</think><answer>5</s></answer>", "<think>a</think><thi<think>b</think>nk>c", "<think>a</think>\n<b>5</b></think>x",
]  # fmt: skip


@pytest.mark.parametrize("said", REPLIES)
def test_an_answer_is_scored_as_it_was_before_its_thinking_stood_apart(said: str) -> None:
    found = checked(ask(), Prediction("a", text=said))
    assert found.error is None
    assert behind_thinking(found.text or "") == behind_thinking(said)


PIECES = ["<think>", "</think>", "<answer>", "</answer>", "</s>", "5", "\n", "<thi", "nk>"]


@pytest.mark.slow
@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
def test_taking_thinking_out_changes_no_answer(said: str) -> None:
    thought, answer = apart(said)
    assert behind_thinking(said) == (None if answer is None else behind_thinking(answer))
    assert thought is not None or answer == said


def test_thinking_that_does_not_end_is_a_cut_answer_and_not_an_empty_one(tiny_task: Any) -> None:
    found = checked(ask(), Prediction("a", text="<think>it may be 5", finish="stop", new_tokens=6, thinking_tokens=6))
    assert (found.text, found.thinking, found.finish, found.error) == ("", "it may be 5", "length", None)
    task = tiny_task()
    assert isinstance(final(task, task.examples()[0], found), Malformed)
    for finish in ("length", "refused"):
        assert isinstance(final(task, task.examples()[0], Prediction("a", text=" ", finish=finish)), Malformed)
    assert final(task, task.examples()[0], Prediction("a", text="", finish="stop")) == ""


def test_a_journal_of_before_with_its_thinking_in_the_text_is_scored_and_shown_as_the_answer(tiny_task: Any) -> None:
    from bench.site.examples import _answer

    task, old = tiny_task(), Prediction("a", text="<think>word1 <b></think>word0")
    assert final(task, task.examples()[0], old) == "word0"
    assert _answer(task, task.examples()[0], old) == {"thinking": "word1 <b>", "answer": "word0"}
    new = checked(ask(), old.but(thinking_tokens=7))
    assert _answer(task, task.examples()[0], new) == {"thinking": "word1 <b>", "thinking_tokens": 7, "answer": "word0"}
    failed = Prediction("a", error="no label", thinking="word1")
    assert _answer(task, task.examples()[0], failed) == {"error": "no label", "thinking": "word1"}


def test_of_long_thinking_the_end_is_kept() -> None:
    found = checked(ask(), Prediction("a", text=f"<think>{'x' * MOST_KEPT}so 5</think>5"))
    assert found.text == "5"
    assert len(found.thinking or "") == MOST_KEPT
    assert (found.thinking or "").endswith("xso 5")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"finish": "eos"}, "finish is 'eos', none of stop, length, error, refused, none"), ({"finish": []}, "finish is '[]'"),
        ({"thinking": 7}, "thinking is a int, a text or None is due"), ({"thinking_tokens": -1}, "thinking_tokens is '-1'"),
        ({"new_tokens": 1.5}, "new_tokens is '1.5'"), ({"finish": "error"}, "the reply was broken off by an error: 'yes'"),
    ],
)  # fmt: skip
def test_what_a_model_says_beside_its_answer_is_checked(changes: dict[str, Any], why: str) -> None:
    found = checked(ask(), Prediction("a", text="yes", **changes))
    assert why in (found.error or "")
    assert found.finish == "error"


def test_a_model_cannot_say_that_its_answer_was_taken_over() -> None:
    found = checked(ask(), Prediction("a", text="yes", asked="f" * 16, reused="a" * 12, thinking_tokens=5))
    assert found == Prediction("a", text="yes", thinking_tokens=5, new_tokens=5)


@pytest.mark.parametrize(
    ("value", "finish"),
    [
        (Prediction("a", text="yes", finish="length"), "length"), ({"text": "yes", "finish": "length"}, "length"),
        ({"text": "yes", "finish_reason": "MAX_TOKENS"}, "length"), ({"text": "yes", "finish": "eos"}, "stop"),
        (SimpleNamespace(text="yes", finish_reason="length", token_ids=[1]), "length"), (SimpleNamespace(text="yes"), "none"),
        (SimpleNamespace(text="yes", finish="stop", thinking="hm", thinking_tokens=2), "stop"), ("yes", "none"),
        ({"text": "yes", "finish_reason": None}, "none"),
    ],
)  # fmt: skip
def test_a_function_may_tell_how_its_answer_ended(value: Any, finish: str) -> None:
    found = checked(ask(), as_prediction(ask(), value))
    assert (found.text, found.finish, found.error) == ("yes", finish, None)
    assert found.thinking == getattr(value, "thinking", None)


def test_a_word_for_the_end_that_nobody_knows_is_refused_from_a_function() -> None:
    found = checked(ask(), as_prediction(ask(), {"text": "yes", "finish": "lenght"}))
    assert "finish is 'lenght'" in (found.error or "")


# Counting


class Letters:
    """A tokenizer of letters."""

    def decode(self, tokens: list[int], **_: Any) -> str:
        return "".join(map(chr, tokens))


@pytest.mark.parametrize(
    ("said", "begun", "n"),
    [("<think>ab</think>cd", "", 17), ("ab</think>cd", "<think>", 10), ("<think>ab", "", 9), ("ab", "<think>", 2), ("cd", "", 0),
     ("", "", 0), ("\n<think>a</think>\n<think>b</think>c", "", 32)],
)  # fmt: skip
def test_the_tokens_of_thinking_are_those_within_its_tags(said: str, begun: str, n: int) -> None:
    assert thinking_tokens(Letters(), [ord(letter) for letter in said], begun) == n


# What is brought


@pytest.mark.parametrize(
    ("line", "text", "why"),
    [
        ({"text": "a", "thinking": "word0", "thinking_tokens": 3, "new_tokens": 4, "finish": "stop"}, "a", None),
        ({"thinking": "word0"}, None, "none of text"),
        ({"text": "", "thinking": "word0", "finish": "length"}, None, "the reply was cut before its answer began"),
        ({"text": "<think>word0", "thinking": "word0"}, None, "ends within its thinking"),
        ({"text": "a", "finish": "well"}, None, "finish is none of"),
        ({"text": "a", "thinking": ["word0"]}, None, "thinking is no text"),
        ({"text": "a", "thinking_tokens": -1}, None, "thinking_tokens is no number of tokens"),
    ],
)  # fmt: skip
def test_no_answer_is_found_in_the_thinking_of_what_is_brought(
    line: dict[str, Any], text: str | None, why: str | None, tiny_task: Any, tmp_path: Path
) -> None:
    from bench.submissions import reading

    task = tiny_task()
    path = tmp_path / "predictions.jsonl"
    path.write_text(json.dumps({"id": "t0", **line}) + "\n")
    (found,) = reading.read(task, path, task.examples()).predictions
    assert found.text == text
    assert (why or "") in (found.error or "")
    assert (found.error is None) is (why is None)


# Through a pipeline


def test_the_last_stage_of_a_pipeline_says_how_the_answer_ended() -> None:
    class Reader(Model):
        outputs = (Generate,)
        context = 99

        def predict(self, batch: Any) -> list[Prediction]:
            return [Prediction(one.id, text="<think>3</think>5", finish="length", thinking_tokens=1) for one in batch]

    class Pipeline(Composite):
        stages, outputs = ("reader",), (Generate,)
        reader = Reader()

        def predict(self, batch: Any) -> Any:
            return self.reader.predict(batch)

    pipeline = Pipeline()
    (found,) = feed.answer(pipeline, [ask()], "pipeline")
    assert (found.text, found.thinking, found.finish) == ("5", "3", "length")
    assert pipeline.context == 99
