"""Encoder-decoder models: greedy replies, labels by likelihood, and prompts that are cut, against the library itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import small_text_models as small
from small_text_models import answered

from bench.config.build import build
from bench.engine import feed
from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.models.plain_prompt import as_plain_text, fitted
from bench.models.seq2seq import Seq2Seq
from bench.types import Choose, Generate, Image, Prediction, Regress, Request, Span, Text

CPU = Device("cpu", "float32", 1)
slow = pytest.mark.slow
MAKERS = {"t5": small.t5, "bart": small.bart}
TEXTS = ["who owns the bank?", "profit rose. " * 5, "x", "where is it? the river fell and the bank rose"]
LABELS = ("up", "it fell", "not sure at all")


class Letters:
    """A tokenizer with a token for each letter and one at the end."""

    def __call__(
        self, text: str, *, add_special_tokens: bool = True, return_offsets_mapping: bool = False
    ) -> dict[str, Any]:
        found: dict[str, Any] = {"input_ids": [*map(ord, text), 0]}
        if return_offsets_mapping:
            found["offset_mapping"] = [*((i, i + 1) for i in range(len(text))), (0, 0)]
        return found


def read(request: Request, limit: int) -> tuple[str, int]:
    found = fitted(request, Letters(), limit)
    assert found.ids[-1] == 0
    assert len(found.ids) <= limit
    return "".join(map(chr, found.ids[:-1])), found.truncated


def test_a_prompt_that_fits_is_the_plain_text_with_the_reply_begun() -> None:
    parts = (
        Text("Be brief.", "system"),
        Text("Q: 1+1?"),
        Text("A: 2", "assistant"),
        Text("Q: 2+2?"),
        Text("A: ", "assistant"),
    )
    text, cut = read(Request("q", parts, Generate(4)), 100)
    assert (text, cut) == ("Be brief.\n\nQ: 1+1?\nA: 2\n\nQ: 2+2?\nA:", 0)
    assert text.startswith(as_plain_text(parts[:-1]))


def test_a_prompt_that_is_too_long_loses_the_middle_of_its_longest_part() -> None:
    parts = (Text("Say.", "system"), Text("abcdefghijklmnopqrst"), Text("A:", "assistant"))
    # 4 letters, 2 line breaks, 20, 1, 2 and the end: 30 tokens; of 20 too few by 10, five letters at each end stay
    assert read(Request("q", parts, Generate(4)), 30) == ("Say.\n\nabcdefghijklmnopqrst\nA:", 0)
    assert read(Request("q", parts, Generate(4)), 20) == ("Say.\n\nabcdepqrst\nA:", 10)


def test_the_question_of_a_passage_is_never_cut() -> None:
    output = Span(4, question="who owns it?", context="abcdefghij")
    parts = (Text("Passage: abcdefghij\nQuestion: who owns it?"), Text("A:", "assistant"))
    text, cut = read(Request("q", parts, output), 22)
    assert text.endswith("who owns it?\nA:")
    assert cut == len("Passage: abcdefghij\nQuestion: who owns it?\nA:") + 1 - 22
    with pytest.raises(ValueError, match="of its longest part only 30 may be cut out"):
        read(Request("q", parts, output), 15)


def test_a_picture_in_a_prompt_is_refused() -> None:
    with pytest.raises(ValueError, match="'q' holds image, which a text model cannot read"):
        read(Request("q", (Image(b""), Text("x")), Generate(4)), 9)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"label_length": "words"}, "model.label_length=words is none of none, tokens, characters"),
        ({"max_length": 0}, "model.max_length=0 must be at least 1"),
        ({"tokens_per_pass": "many"}, "model.tokens_per_pass"),
        ({"chat": True}, "model.chat is not a key of Seq2Seq"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line(changes: dict[str, Any], line: str) -> None:
    with pytest.raises(BenchError) as error:
        build({"_target_": "bench.models.seq2seq.Seq2Seq", "source": "file:x", **changes}, "model")
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def loaded(source: str, **options: Any) -> Any:
    model = Seq2Seq(source, **options)
    model.load(CPU, seed=0)
    return model


def one_at_a_time(model: Model, requests: Sequence[Request]) -> list[Prediction]:
    return [prediction for request in requests for prediction in answered(model, [request])]


def asked(*outputs: Any) -> list[Request]:
    return [
        Request(f"{i}{k}", (Text("Say it.", "system"), Text(text)), output)
        for k, output in enumerate(outputs)
        for i, text in enumerate(TEXTS)
    ]


@pytest.fixture(scope="module", params=list(MAKERS))
def source(request: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    return MAKERS[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def model(source: str) -> Any:
    return loaded(source, tokens_per_pass=150)


def greedy(model: Any, text: str, n: int) -> list[int]:
    """The likeliest next token, `n` times or up to the end, a whole forward pass each."""
    import torch

    ids = [model.model.config.decoder_start_token_id]
    prompt = model.tokenizer(text, return_tensors="pt")["input_ids"]
    while len(ids) <= n and (len(ids) == 1 or ids[-1] != model.tokenizer.eos_token_id):
        with torch.no_grad():
            logits = model.model(input_ids=prompt, decoder_input_ids=torch.tensor([ids])).logits[0, -1]
        if len(ids) == n and (forced := model.model.generation_config.forced_eos_token_id) is not None:
            logits[forced] = float("inf")
        ids.append(int(logits.argmax()))
    return [token for token in ids[1:] if token != model.tokenizer.eos_token_id]


@slow
def test_a_reply_is_the_greedy_one_whatever_the_checkpoint_likes_to_do(model: Any) -> None:
    requests = asked(Generate(6))
    texts = set()
    for request, found in zip(requests, answered(model, requests), strict=True):
        expected = greedy(model, as_plain_text(request.parts), 6)  # type: ignore[arg-type]
        assert found.text == model.tokenizer.decode(expected, skip_special_tokens=True)
        assert found.new_tokens == len(expected)
        assert found.prompt_tokens == len(model.tokenizer(as_plain_text(request.parts))["input_ids"])  # type: ignore[arg-type]
        texts.add(found.text)
    assert len(texts) > 1


@slow
def test_replies_and_labels_do_not_depend_on_the_batch_or_its_order(model: Any) -> None:
    first = answered(model, asked(Generate(8)))[0].text
    stop = first[len(first) // 2 :][:1]
    outputs = Generate(8), Choose(LABELS), Span(3, question="?"), Generate(8, stop=(stop,)), Choose(LABELS[:2], True)
    requests = asked(*outputs)
    together, alone = answered(model, requests), one_at_a_time(model, requests)
    backwards = answered(model, requests[::-1])[::-1]
    for a, b, c in zip(together, alone, backwards, strict=True):
        assert (a.id, a.text, a.new_tokens, a.truncated) == (b.id, b.text, b.new_tokens, b.truncated)
        assert (a.id, a.text, a.new_tokens, a.truncated) == (c.id, c.text, c.new_tokens, c.truncated)
        assert (a.label_scores is None) == (a.text is not None)
        assert dict(a.label_scores or {}) == pytest.approx(dict(b.label_scores or {}), abs=1e-5)
    stopped = [p for p, r in zip(together, requests, strict=True) if getattr(r.output, "stop", ())]
    assert stopped[0].text == first[: first.index(stop)]
    assert all(stop not in (p.text or "") for p in stopped)


@slow
@pytest.mark.parametrize("label_length", ["none", "tokens", "characters"])
def test_a_labels_score_is_its_likelihood_as_the_whole_reply(source: str, label_length: str) -> None:
    import torch

    model = loaded(source, label_length=label_length)
    for request, found in zip(asked(Choose(LABELS)), answered(model, asked(Choose(LABELS))), strict=True):
        prompt = model.tokenizer(as_plain_text(request.parts), return_tensors="pt")["input_ids"]  # type: ignore[arg-type]
        scores = []
        for label in LABELS:
            reply = model.tokenizer(text_target=label, return_tensors="pt")["input_ids"]
            with torch.no_grad():  # the loss is the mean over the reply's tokens
                total = -float(model.model(input_ids=prompt, labels=reply).loss) * reply.shape[1]
            scores.append(total / {"none": 1, "tokens": reply.shape[1], "characters": len(label)}[label_length])
        expected = torch.tensor(scores, dtype=torch.float64).softmax(0).tolist()
        assert list((found.label_scores or {}).values()) == pytest.approx(expected, abs=1e-5)


@slow
def test_a_prompt_that_is_cut_says_so_and_one_that_cannot_be_fails_alone(model: Any) -> None:
    requests = [
        Request("short", (Text("who?"),), Generate(4)),
        Request("long", (Text("the bank fell. " * 40), Text("who?")), Generate(4)),
        Request("question", (Text("who owns it? " * 30),), Span(4, question="who owns it? " * 30, context="")),
        Request("number", (Text("x"),), Regress(("a",), (0.0,), (1.0,))),
    ]
    short, long, question, number = feed.answer(model, requests, "small")
    assert (short.error, short.truncated) == (None, 0)
    assert long.error is None
    assert long.prompt_tokens == 96
    assert long.truncated == len(model.tokenizer("the bank fell. " * 40 + "\nwho?")["input_ids"]) - 96
    assert "the context has room for 96" in (question.error or "")
    assert "writes or chooses" in (number.error or "")


@slow
def test_more_than_the_model_has_places_for_is_one_line(tmp_path: Path) -> None:
    source = small.bart(tmp_path / "bart")
    with pytest.raises(BenchError, match=r"max_length=97 is more than the 96 tokens"):
        loaded(source, max_length=97)
    (bad,) = feed.answer(loaded(source), [Request("q", (Text("x"),), Generate(96))], "small")
    assert "the decoder has room for 95" in (bad.error or "")
    assert loaded(small.t5(tmp_path / "t5"), max_length=500).limit == 500  # its positions are relative
    with pytest.raises(BenchError, match="AutoModelForSeq2SeqLM"):
        loaded(small.bert(tmp_path / "bert", "ForQuestionAnswering"))
