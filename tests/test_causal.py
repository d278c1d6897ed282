"""Causal language models as an adapter: what is cut, where an answer stops, and that company changes no answer."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from small_text_models import answered, roberta_tokenizer, saved

from bench.errors import BenchError
from bench.models.base import Device
from bench.models.causal import CausalLM
from bench.types import Choose, Generate, Output, Prediction, Regress, Request, Span, Text

pytestmark = pytest.mark.slow
CPU = Device("cpu", "float32", 1)
CONTEXT = 160
TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
SIZES = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": CONTEXT, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2,
}  # fmt: skip
PASSAGE = "The bank of the river lent the town 40 mn euros. It was paid back. "


def checkpoint(folder: Path, kind: str = "Llama", *, generation: dict[str, Any] | None = None, **options: Any) -> str:
    """A saved model of this kind whose tokens are bytes, " t", "he" and " the"; its source."""
    import transformers

    tokenizer = roberta_tokenizer(
        "GPT2Tokenizer", eos_token="</s>", bos_token="<s>", unk_token="<unk>", pad_token="<pad>"
    )
    tokenizer.chat_template = TEMPLATE
    config = getattr(transformers, f"{kind}Config")(vocab_size=len(tokenizer), **SIZES, **options)
    source = saved(folder, f"{kind}ForCausalLM", config, tokenizer, 0)
    transformers.GenerationConfig(**{"eos_token_id": 2, "pad_token_id": 1, **(generation or {})}).save_pretrained(
        folder
    )
    return source


def loaded(source: str, **options: Any) -> Any:
    model = CausalLM(source, **options)
    model.load(CPU, seed=0)
    model.loaded = CPU, 0
    return model


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return checkpoint(tmp_path_factory.mktemp("causal") / "llama")


@pytest.fixture(scope="module")
def model(source: str) -> Any:
    """Reads trees."""
    return loaded(source)


@pytest.fixture(scope="module")
def base(source: str) -> Any:
    """The same, prompted as a base model."""
    return loaded(source, chat=False)


@pytest.fixture(scope="module")
def padding(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A model that cannot read trees: its window is not used up here, so that its answers are those of the other."""
    options = {"sliding_window": 4 * CONTEXT}
    return loaded(checkpoint(tmp_path_factory.mktemp("causal") / "mistral", "Mistral", **options))


def ask(name: str, text: str, output: Output, *, before: Sequence[Text] = ()) -> Request:
    return Request(name, (*before, Text(text)), output)


def questions(n: int = 12) -> list[Request]:
    """Questions on two passages that want words or a choice, of different lengths and ends."""
    rand = random.Random(3)
    requests = []
    for i in range(n):
        text = PASSAGE * (i % 2) + "Who lent what to whom? "[rand.randrange(10) :] + "the" * rand.randrange(4)
        labels = [("good", "bad", "so so"), ("good", "goods"), ("t", "the", "th")][rand.randrange(3)]
        output: Output = Choose(labels) if i % 3 == 0 else Generate(rand.randint(1, 20), ("e", "qu", "\n")[: i % 4])
        requests.append(ask(str(i), text, output))
    return requests


def one_at_a_time(model: Any, requests: Sequence[Request]) -> list[Prediction]:
    return [prediction for request in requests for prediction in answered(model, [request])]


def same(found: Sequence[Prediction], expected: Sequence[Prediction]) -> None:
    """The predictions are equal, label scores to 1e-4."""
    from dataclasses import replace

    for one, other in zip(found, expected, strict=True):
        assert replace(one, label_scores=None) == replace(other, label_scores=None)
        assert (one.label_scores is None) == (other.label_scores is None)
        if one.label_scores is not None and other.label_scores is not None:
            assert dict(one.label_scores) == pytest.approx(dict(other.label_scores), abs=1e-4)


# -- company -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["model", "base", "padding"])
def test_words_and_choices_in_one_batch_are_those_of_each_request_alone(
    which: str, request: pytest.FixtureRequest
) -> None:
    reader = request.getfixturevalue(which)
    asked = questions()
    found = answered(reader, asked)
    same(found, one_at_a_time(reader, asked))
    same(answered(reader, asked[::-1]), found[::-1])
    assert [p.id for p in found] == [r.id for r in asked]
    assert len({p.text for p in found if p.text is not None}) > 4  # they can be told apart


def test_a_model_that_pads_says_what_one_that_reads_trees_says(model: Any, source: str) -> None:
    plain = loaded(source)
    plain.model.set_attn_implementation("sdpa")
    plain.no_tree = "the test says so"
    same(answered(plain, questions()), answered(model, questions()))


def test_a_model_says_how_it_decodes(source: str, model: Any, padding: Any) -> None:
    assert CausalLM(source).describe() == {}
    assert model.describe()["decoding"] == "prefix tree"
    assert padding.describe()["decoding"] == "padded, since its layers are of the kind sliding_attention"


# -- units -------------------------------------------------------------------------------------------------------------


def test_units_are_asked_one_by_one_with_the_answers_of_the_whole_batch(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, asked = loaded(source), [*questions(), ask("wrong", "Who?", Generate(CONTEXT + 10))]
    expected = answered(model, asked)
    model.unit_tokens = 150
    tokenised: list[int] = []
    tokenise = model._tokenised
    monkeypatch.setattr(model, "_tokenised", lambda batch: tokenised.append(len(batch)) or tokenise(batch))
    units = model.units(asked)
    assert len(units) > 2
    found = {}
    for unit, then in zip(units, [*units[1:], []], strict=True):
        model.prepare(then)
        found |= {prediction.id: prediction for prediction in answered(model, unit)}
    same([found[request.id] for request in asked], expected)
    assert tokenised == [len(asked)]  # once, when the batch was cut
    assert model.units(asked) == units


def test_a_unit_is_of_the_work_that_suits_the_models_size(model: Any) -> None:
    import transformers

    from bench.decoding.units import work_of

    n = transformers.AutoModelForCausalLM.from_pretrained(model.source.removeprefix("file:")).num_parameters()
    assert model.unit_tokens == work_of("cpu", "float32", n, emulated=False)


def test_memory_that_is_kept_for_the_next_unit_is_let_go(source: str) -> None:
    model = loaded(source)
    before = [Text("You read the news of a bank and say what it means. " * 2, "system")]
    asked = [ask(str(i), f"{i}?", Generate(3), before=before) for i in range(3)]
    expected = answered(model, asked)
    assert model.kept.tokens > 64
    model.free()
    assert model.kept.tokens == 0
    assert answered(model, asked) == expected


# -- what ended it -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["model", "padding"])
def test_an_answer_says_whether_it_ended_or_was_cut(which: str, request: pytest.FixtureRequest) -> None:
    reader = request.getfixturevalue(which)
    (free,) = answered(reader, [ask("f", "Who lent it?", Generate(20))])
    assert (free.finish, free.new_tokens) == ("length", 20)
    place = next(i for i, sign in enumerate(free.text) if sign.isalnum() and i > 1)
    stop = free.text[place]
    asked = [
        ask("stopped", "Who lent it?", Generate(20, (stop,))), ask("cut", "Who lent it?", Generate(1, ("never",))),
        ask("wrong", "Who?", Generate(CONTEXT + 10)), ask("label", "Who?", Choose(("a", "b"))),
    ]  # fmt: skip
    assert [p.finish for p in answered(reader, asked)] == ["stop", "length", "error", "none"]
    (last,) = answered(reader, [ask("last", "Who lent it?", Generate(place + 40, (stop,)))])
    (exact,) = answered(reader, [ask("exact", "Who lent it?", Generate(last.new_tokens, (stop,)))])
    assert (exact.finish, exact.text) == ("stop", last.text)  # its last token says the stop string


def test_thinking_that_does_not_end_is_cut_whatever_ended_it(model: Any) -> None:
    prompt = model._tokenised([ask("t", "Who?", Generate(9))])[0]
    request = ask("t", "Who?", Generate(9))
    for text, finish in (("<think>so", "length"), ("<think>so</think>a", "stop"), ("a", "stop")):
        tokens = [*model.tokenizer(text, add_special_tokens=False)["input_ids"], 2]
        assert model.said_by(request, prompt, tokens).finish == finish


# -- what is read ahead ------------------------------------------------------------------------------------------------


def test_a_batch_that_was_read_ahead_has_the_same_answers(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = loaded(source, calibrated=False)
    asked = questions()
    expected = answered(model, asked)
    tokenised: list[int] = []
    tokenise = model._tokenised
    monkeypatch.setattr(model, "_tokenised", lambda batch: tokenised.append(len(batch)) or tokenise(batch))
    model.prepare(asked)
    same(answered(model, asked), expected)
    assert tokenised == [len(asked)]  # once, ahead
    same(answered(model, asked), expected)
    assert tokenised == [len(asked)] * 2  # what was read ahead is used once
    model.prepare(asked)
    same(answered(model, asked[:5]), expected[:5])  # half of a batch that did not fit
    same(answered(model, asked[5:]), expected[5:])


def test_what_was_read_ahead_is_not_taken_for_another_request_of_its_name(model: Any) -> None:
    one, other = ask("a", "Who lent it?", Generate(9)), ask("a", "the river the river", Generate(9))
    expected = answered(model, [other])
    model.prepare([one])
    assert answered(model, [other]) == expected
    assert answered(model, [one]) != expected


def test_what_was_read_ahead_is_kept_for_a_batch_behind_another(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = loaded(source)
    asked = [request for request in questions() if isinstance(request.output, Generate)]
    tokenised: list[int] = []
    tokenise = model._tokenised
    monkeypatch.setattr(model, "_tokenised", lambda batch: tokenised.append(len(batch)) or tokenise(batch))
    model.prepare(asked[2:])
    answered(model, asked[:2])
    answered(model, asked[2:])
    assert tokenised == [len(asked) - 2, 2]


# -- too long ----------------------------------------------------------------------------------------------------------


def test_a_prompt_longer_than_the_context_loses_the_middle_of_its_longest_part(base: Any) -> None:
    text = "<" + "0123456789" * 30 + ">"
    request = ask("long", text, Generate(20), before=[Text("Be brief.", "system")])
    whole = len(base.tokenizer(base.prompt(request))["input_ids"])
    (found,) = answered(base, [request])
    assert found.prompt_tokens == CONTEXT - 20
    assert found.truncated == whole - (CONTEXT - 20) > 0
    (prompt,) = base._tokenised([request])
    said = base.tokenizer.decode(prompt.ids)
    assert said.startswith("Be brief.\n\n<0123456789")
    assert said.endswith("0123456789>")
    assert found.error is None


def test_a_question_is_never_cut(model: Any) -> None:
    question = "Question: how much did the bank lend to the town on the river in the year before it was paid back?"
    text = "Passage: " + PASSAGE * 5 + question
    request = ask("span", text, Span(8, question=question, context=PASSAGE * 5))
    (prompt,) = model._tokenised([request])
    said = model.tokenizer.decode(prompt.ids)
    assert said.startswith("<user>Passage: ")
    assert said.endswith(question + "\n<assistant>")
    assert len(prompt.ids) == CONTEXT - 8
    (found,) = answered(model, [request])
    assert (found.prompt_tokens, found.truncated, found.error) == (len(prompt.ids), prompt.truncated, None)
    assert prompt.truncated > 0


def test_a_label_needs_room_too(model: Any) -> None:
    labels = ("yes", "x" * 50)  # and the end of the reply
    (found,) = answered(model, [ask("c", "0123456789" * 20, Choose(labels))])
    assert found.prompt_tokens == CONTEXT - 51
    assert found.truncated > 0


@pytest.mark.parametrize("which", ["model", "padding"])
def test_a_prompt_that_cannot_be_cut_fails_alone(which: str, request: pytest.FixtureRequest) -> None:
    reader = request.getfixturevalue(which)
    shots = [Text("the river", "user" if i % 2 == 0 else "assistant") for i in range(40)]
    bad = [ask("shots", "Who?", Generate(5), before=shots), ask("room", "Who?", Generate(CONTEXT + 10))]
    good = questions(6)
    found = answered(reader, [good[0], bad[0], *good[1:], bad[1]])
    for prediction in (found[1], found[-1]):
        assert "the context has room for" in (prediction.error or "")
        assert prediction.text is None
    assert "ask with fewer shots, or take a model with a longer context" in (found[1].error or "")
    same([found[0], *found[2:-1]], answered(reader, good))


def test_a_request_without_a_token_fails_alone(base: Any) -> None:
    good = ask("good", "the", Generate(4))
    found = answered(base, [ask("empty", "", Generate(4)), good, ask("none", "", Choose(("a", "b")))])
    assert found[0].error == "request 'empty' has no text, and the tokenizer adds no token to begin with"
    assert "'none' has no text" in (found[2].error or "")
    assert found[1:2] == answered(base, [good])


# -- where an answer ends ----------------------------------------------------------------------------------------------


def said(model: Any, request: Request, new_tokens: int, ends: set[int]) -> list[int]:
    """What the library's `generate` says to this request alone, up to its end: token ids."""
    import torch
    import transformers

    ids = torch.tensor([model.tokenizer(model.prompt(request), add_special_tokens=False)["input_ids"]])
    own = transformers.AutoModelForCausalLM.from_pretrained(model.source.removeprefix("file:"))
    own.generation_config = transformers.GenerationConfig(eos_token_id=sorted(ends), pad_token_id=1)
    with torch.inference_mode():
        out = own.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=new_tokens, do_sample=False)
    return list(out[0, ids.shape[1] :].tolist())


def cut(model: Any, tokens: Sequence[int], stops: Sequence[str]) -> tuple[str, int]:
    """One token after the other until a stop string has been said: the text before it, and how many tokens that took."""
    for n in range(1, len(tokens) + 1):
        text = model.tokenizer.decode(tokens[:n], skip_special_tokens=True)
        begins = len(text) - len(text.lstrip())  # white space at the beginning ends nothing
        places = [
            place for stop in stops
            if (place := text.find(stop, begins if not stop.strip() else max(0, begins - len(stop) + len(stop.lstrip())))) >= 0
        ]  # fmt: skip
        if places:
            return text[: min(places)], n
    return model.tokenizer.decode(tokens, skip_special_tokens=True), len(tokens)


def test_a_stop_string_cuts_where_saying_one_token_after_the_other_cuts(model: Any) -> None:
    rand = random.Random(1)
    requests, expected, kinds = [], [], {"many bytes": 0, "many tokens": 0, "two": 0}
    for i in range(24):
        text = "".join(rand.choice("the river bank 0123456789 €é") for _ in range(rand.randint(5, 30)))
        tokens = said(model, ask("free", text, Generate(60)), 60, {2})
        tokens = tokens[: tokens.index(2)] if 2 in tokens else tokens
        whole = model.tokenizer.decode(tokens, skip_special_tokens=True)
        windows = [whole[at : at + n] for at in range(len(whole)) for n in (1, 2, 3)]
        windows = [window for window in windows if "�" not in window]  # what it stands for is seen later
        wanted = [w for w in windows if not w.isascii()] if i % 2 else [w for w in windows if len(w) > 1]
        stops = (rand.choice(wanted or windows), rand.choice(windows) if i % 3 == 0 else "never said")
        kinds["many bytes"] += not stops[0].isascii()
        kinds["many tokens"] += len(stops[0]) > 1
        kinds["two"] += i % 3 == 0
        requests.append(ask(str(i), text, Generate(60, stops)))
        expected.append(cut(model, tokens, stops))
    assert min(kinds.values()) >= 3, kinds
    found = answered(model, requests)
    assert [(p.text, p.new_tokens) for p in found] == expected
    assert len({n for _, n in expected}) > 4


def test_of_stop_strings_that_one_token_says_the_first_in_the_text_cuts(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.decoding import greedy

    tokens = model.tokenizer("is the", add_special_tokens=False)["input_ids"]
    assert len(tokens) == 3  # " the" is one
    monkeypatch.setattr(greedy, "greedy", lambda *_: iter([[(0, tokens)]]))
    (found,) = answered(model, [ask("s", "Who?", Generate(9, ("e", "he", "never")))])
    assert (found.text, found.new_tokens) == ("is t", 3)


def test_what_a_stop_string_is_made_of_is_not_searched_for_far_behind(model: Any) -> None:
    """As soon as it has been said, and not before: text that only almost holds it goes on."""
    from bench.decoding.stops import has_stopped

    ids = model.tokenizer("the river", add_special_tokens=False)["input_ids"]
    stops = ("river", "é€", "x")
    assert [has_stopped(model.tokenizer, ids[:n], stops) for n in range(1, len(ids) + 1)] == [False] * (
        len(ids) - 1
    ) + [True]
    ids = model.tokenizer("aé€", add_special_tokens=False)["input_ids"]
    assert len(ids) == 6  # bytes
    assert [has_stopped(model.tokenizer, ids[:n], stops) for n in range(1, 7)] == [False] * 5 + [True]
    assert not has_stopped(model.tokenizer, ids, ())


@pytest.mark.parametrize("kind", ["Llama", "Mistral"])
def test_every_token_that_generation_config_names_ends_an_answer(tmp_path: Path, kind: str) -> None:
    options = {"sliding_window": 4 * CONTEXT} if kind == "Mistral" else {}
    free = loaded(checkpoint(tmp_path / "free", kind, **options))
    asked = [ask(str(i), PASSAGE[i:], Generate(40)) for i in range(6)]
    spoken = [said(free, request, 40, {2}) for request in asked]
    ends = [spoken[0][5], spoken[1][8]]
    model = loaded(checkpoint(tmp_path / "ends", kind, generation={"eos_token_id": ends}, **options))
    assert model.ends == {2, *ends}
    found = answered(model, asked)
    for prediction, tokens in zip(found, spoken, strict=True):
        end = next((n for n, token in enumerate(tokens) if token in model.ends), len(tokens))
        assert prediction.new_tokens == end
        assert prediction.text == model.tokenizer.decode(tokens[:end], skip_special_tokens=True)
    assert min(p.new_tokens for p in found) < 9


@pytest.mark.parametrize("kind", ["Llama", "Mistral"])
def test_what_generation_config_says_of_sampling_penalties_and_beams_is_not_used(tmp_path: Path, kind: str) -> None:
    options = {"sliding_window": 4 * CONTEXT} if kind == "Mistral" else {}
    plain = loaded(checkpoint(tmp_path / "plain", kind, **options))
    settings: dict[str, Any] = {
        "do_sample": True, "temperature": 5.0, "top_k": 7, "num_beams": 3, "repetition_penalty": 5.0,
        "no_repeat_ngram_size": 1, "min_new_tokens": 19, "max_length": 3, "suppress_tokens": list(range(100, 200)),
    }  # fmt: skip
    model = loaded(checkpoint(tmp_path / "set", kind, generation=settings, **options))
    asked = [ask(str(i), PASSAGE[i:], Generate(20)) for i in range(6)]
    assert answered(model, asked) == answered(plain, asked)


# -- prompts -----------------------------------------------------------------------------------------------------------


def test_parts_of_one_role_make_one_message_and_a_last_one_of_the_assistant_begins_the_reply(
    model: Any, base: Any
) -> None:
    parts = (Text("Be brief.", "system"), Text("One."), Text("Two."), Text("So:", "assistant"))
    request = Request("p", parts, Generate(3))
    assert model.prompt(request) == "<system>Be brief.\n<user>One.\nTwo.\n<assistant>So:"
    assert base.prompt(request) == "Be brief.\n\nOne.\nTwo.\nSo:"
    assert len(request.parts) == 4  # the request is as it was


def test_a_chat_model_without_a_template_is_refused(tmp_path: Path) -> None:
    source = checkpoint(tmp_path)
    (tmp_path / "chat_template.jinja").unlink()
    with pytest.raises(BenchError, match=r"has no chat template; set model\.chat=false"):
        CausalLM(source).load(CPU, seed=0)
    CausalLM(source, chat=False).load(CPU, seed=0)


def test_numbers_lie_within_their_scales_and_depend_on_the_last_text_but_not_on_company(
    model: Any, padding: Any, base: Any
) -> None:
    scales = Regress(("valence", "risk", "flat"), (-1.0, 0.0, 3.0), (1.0, 10.0, 3.0))
    rated = [
        ask(f"r{i}", text, scales) for i, text in enumerate(("the bank", "the river", "it was paid back", "the bank"))
    ]
    mixed = [*rated, *questions(6)]
    for one in (model, padding, base):
        alone, together = one_at_a_time(one, rated), answered(one, mixed)[: len(rated)]
        for a, b in zip(alone, together, strict=True):
            assert a.values == pytest.approx(b.values, abs=1e-4)
            assert -1 <= a.values["valence"] <= 1
            assert 0 <= a.values["risk"] <= 10
            assert a.values["flat"] == 3
        assert alone[0].values == pytest.approx(alone[3].values, abs=1e-6)
        assert alone[0].values != pytest.approx(alone[1].values, abs=1e-6)
        one.prepare(mixed)
        assert sorted(r.id for unit in one.units(mixed) for r in unit) == sorted(r.id for r in mixed)


def test_a_pipeline_tells_how_its_text_model_computed_and_passes_on_to_free_memory() -> None:
    from unittest import mock

    from bench.models.base import Model
    from bench.models.embedding import Embedding
    from bench.models.ocr import OcrPipeline
    from bench.models.retrieve import RetrieveThenRead

    reader = mock.create_autospec(
        Model, instance=True, outputs=(Generate,), parts=frozenset({"text"}), needs=frozenset()
    )
    reader.describe.return_value = {"decoding": "prefix tree"}
    retriever = mock.create_autospec(Embedding, instance=True)
    retriever.describe.return_value = {}
    for pipeline in (OcrPipeline(reader, "file:a", "1", "file:b", "2"), RetrieveThenRead(retriever, reader)):
        reader.free.reset_mock()
        assert pipeline.describe() == {"decoding": "prefix tree"}
        pipeline.free()
        reader.free.assert_called_once_with()


def test_a_causal_model_gives_numbers_within_their_scales_beside_texts_and_labels(model: Any) -> None:
    scales = Regress(("valence", "arousal"), (-1.0, 0.0), (1.0, 1.0))
    batch = [
        Request("a", (Text("one two"),), scales), Request("b", (Text("one"),), Choose(("one", "two"))),
        Request("c", (Text("two"),), Generate(2)), Request("d", (Text("three"),), scales),
    ]  # fmt: skip
    assert sorted(one.id for unit in model.units(batch) for one in unit) == ["a", "b", "c", "d"]
    model.prepare(batch)
    found = {one.id: one for group in model.predict(batch) for one in group}
    assert sorted(found) == ["a", "b", "c", "d"]
    for key in ("a", "d"):
        values = found[key].values
        assert values is not None
        assert -1.0 <= values["valence"] <= 1.0
        assert 0.0 <= values["arousal"] <= 1.0
    alone = [one for group in model.predict([batch[3]]) for one in group]
    assert alone[0].values == pytest.approx(found["d"].values, abs=1e-4)
