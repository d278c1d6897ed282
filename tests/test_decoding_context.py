"""Decoding up to the end of the context: what the library says to each request alone, whatever the others ask for."""

from __future__ import annotations

import functools
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
import small_text_models as small
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.models.base import Device
from bench.models.causal import CausalLM
from bench.models.places import places
from bench.models.plain_prompt import fitted
from bench.models.seq2seq import Seq2Seq
from bench.types import Choose, Generate, Output, Prediction, Request, Text

pytest.importorskip("torch")
CPU = Device("cpu", "float32", 1)
EVERY = 8  # steps between two looks on a GPU
ENDS = [2, *range(20, 30)]  # tokens that end a reply, so that some end early
LABELS = [("good", "bad"), ("x", "so so", "not at all"), ("yes",)]
CAUSAL: dict[str, dict[str, Any]] = {
    "GPT2": {"n_embd": 32, "n_layer": 2, "n_head": 4},  # a table of positions
    "OPT": {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "ffn_dim": 48,
        "word_embed_proj_dim": 32,
    },
    "Llama": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48},
}
quick = settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
thorough = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def by_number(ids: Sequence[int], **_: Any) -> str:
    """Tokens as text that loses none of them, as bytes that make no character would."""
    return "".join(f" {i}" for i in ids)


def causal_source(folder: Path, kind: str, context: int, **options: Any) -> str:
    """A checkpoint of this kind with so many places, whose tokens are letters; its source."""
    import transformers

    tokenizer = small.roberta_tokenizer(
        "GPT2Tokenizer", eos_token="</s>", bos_token="<s>", unk_token="<unk>", pad_token="<pad>"
    )
    ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=len(tokenizer), **ids, **(options or {"max_position_embeddings": context, **CAUSAL[kind]})
    )
    cls = transformers.models.auto.modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES[config.model_type]
    source = small.saved(folder, cls, config, tokenizer, 0)
    transformers.GenerationConfig(eos_token_id=ENDS, pad_token_id=1).save_pretrained(folder)
    return source


def loaded(adapter: type[CausalLM] | type[Seq2Seq], source: str, **options: Any) -> Any:
    model = adapter(source, **options)
    model.load(CPU, seed=0)
    model.tokenizer.decode = by_number
    return model


@functools.cache
def causal(kind: str, context: int) -> Any:
    """This model as the library has it, and read by its two ways to decode."""
    import transformers

    with tempfile.TemporaryDirectory() as folder:
        source = causal_source(Path(folder), kind, context)
        own = transformers.AutoModelForCausalLM.from_pretrained(folder)
        tree, padded = (loaded(CausalLM, source, chat=False, calibrated=False) for _ in range(2))
    assert tree.no_tree == ""
    assert tree.context == context
    padded.model.set_attn_implementation("sdpa")
    padded.no_tree = "the test says so"
    return SimpleNamespace(own=own, readers=(tree, padded))


@functools.cache
def encoder_decoder(kind: str, size: int) -> Any:
    """This model as the library has it, and read by the adapter; BART says its end as the last token of its limit."""
    import transformers

    with tempfile.TemporaryDirectory() as folder:
        source = small.t5(Path(folder)) if kind == "T5" else small.bart(Path(folder), places=size)
        if kind == "BART":
            ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "decoder_start_token_id": 2}
            transformers.GenerationConfig(forced_eos_token_id=2, **ids).save_pretrained(folder)
        own = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder)
        return SimpleNamespace(own=own, reader=loaded(Seq2Seq, source))


def ask(number: int, length: int, output: Output) -> Request:
    """A request of so many letters, unlike those of another number."""
    return Request(str(number), (Text("".join(chr(97 + (number * 7 + i * i) % 26) for i in range(length))),), output)


def alone(own: Any, prompt: list[int], limit: int, ends: Sequence[int], behind: int) -> list[int]:
    """What the library says to this prompt in at most so many tokens, without its end."""
    import torch

    ids = torch.tensor([prompt])
    with torch.inference_mode():
        out = own.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=limit, do_sample=False, num_beams=1)
    said = out[0, behind:].tolist()
    return list(said[: next((i for i, token in enumerate(said) if token in ends), len(said))])


def likelihoods(own: Any, prompt: list[int], replies: Sequence[list[int]]) -> list[float]:
    """The share of each label, from one forward pass each of the library's model."""
    import torch

    raw = []
    for reply in replies:
        ids, said = torch.tensor([prompt]), torch.tensor([reply])
        with torch.inference_mode():
            if own.config.is_encoder_decoder:
                raw.append(-float(own(input_ids=ids, labels=said).loss) * len(reply))
                continue
            logits = own(input_ids=torch.cat([ids, said], 1)).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
            raw.append(float(logits.gather(-1, said.T).sum()))
    whole = sum(map(math.exp, raw))
    return [math.exp(value) / whole for value in raw]


def requests(context: int) -> st.SearchStrategy[list[Request]]:
    """Of prompts that fill the context, nearly or more than, with limits of their own up to what leaves no room."""
    near = st.sampled_from([context // 2, context - 2, context - 1, context, context + 3])
    limit = st.one_of(st.sampled_from([1, 2, context - 1, context, context + 1]), st.integers(1, context - 2))
    output = st.one_of(
        st.builds(Generate, limit), st.builds(Generate, limit), st.builds(Choose, st.sampled_from(LABELS))
    )
    one = st.tuples(st.one_of(near, st.integers(1, context)), output)
    return st.lists(one, min_size=2, max_size=5).map(
        lambda drawn: [ask(i, length, output) for i, (length, output) in enumerate(drawn)]
    )


def check_causal(kind: str, batch: list[Request], context: int, every: int) -> None:
    """Both ways to decode answer the batch as the library answers each prompt, cut by the stated rule, alone."""
    from bench.decoding import flight

    models = causal(kind, context)
    for reader in models.readers:
        with mock.patch.dict(flight.LOOK_EVERY, cpu=every):
            found = small.answered(reader, batch)
        for request, prediction in zip(batch, found, strict=True):
            whole = reader.tokenizer(reader.prompt(request))["input_ids"]
            (prompt,) = reader._tokenised([request])
            room = context - reader._reply_tokens(request)
            if room < 1:
                assert f"the context has room for {room}" in (prediction.error or "")
                continue
            assert (prediction.error, prediction.truncated) == (None, max(0, len(whole) - room))
            assert prediction.prompt_tokens == len(prompt.ids) == min(len(whole), room)
            if isinstance(request.output, Generate):
                said = alone(models.own, prompt.ids, request.output.max_new_tokens, ENDS, len(prompt.ids))
                same_words(prediction, said)
            else:
                same_choice(prediction, likelihoods(models.own, prompt.ids, reader._replies(request.output.labels)))


def check_encoder_decoder(kind: str, batch: list[Request], size: int) -> None:
    """The adapter answers the batch as the library answers each prompt, cut by the stated rule, alone."""
    models = encoder_decoder(kind, size)
    reader = models.reader
    ends = [reader.tokenizer.eos_token_id, reader.tokenizer.pad_token_id]
    bound = kind == "BART"
    for request, prediction in zip(batch, small.answered(reader, batch), strict=True):
        prompt = fitted(request, reader.tokenizer, size if bound else 96)  # as T5's tokenizer says
        if bound and isinstance(request.output, Generate) and request.output.max_new_tokens >= size:
            assert prediction.error == (
                f"asked for {request.output.max_new_tokens} new tokens, the decoder has room for {size - 1}"
            )
            continue
        told = (prediction.error, prediction.truncated, prediction.prompt_tokens)
        assert told == (None, prompt.truncated, len(prompt.ids))
        if isinstance(request.output, Generate):
            same_words(prediction, alone(models.own, prompt.ids, request.output.max_new_tokens, ends, 1))
        else:
            replies = reader.tokenizer(text_target=list(request.output.labels))["input_ids"]
            same_choice(prediction, likelihoods(models.own, prompt.ids, replies))


def same_words(prediction: Prediction, said: Sequence[int]) -> None:
    assert (prediction.text, prediction.new_tokens) == (by_number(said), len(said))


def same_choice(prediction: Prediction, shares: Sequence[float]) -> None:
    assert list((prediction.label_scores or {}).values()) == pytest.approx(shares, abs=1e-4)


# -- as it was seen ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["GPT2", "OPT"])
def test_a_short_reply_beside_a_long_one_ends_where_the_places_end_however_seldom_one_looks(kind: str) -> None:
    check_causal(kind, [ask(0, 40, Generate(2)), ask(1, 16, Generate(16))], 32, EVERY)


@pytest.mark.slow
def test_a_label_longer_than_the_decoder_has_places_for_fails_alone() -> None:
    reader = encoder_decoder("BART", 32).reader
    good, bad = ask(0, 9, Choose(LABELS[0])), ask(1, 9, Choose(("x", "y" * 40)))
    found = small.answered(reader, [good, bad, ask(2, 9, Generate(32)), ask(3, 9, Generate(4))])
    assert found[1].error == "a label has 42 tokens, the decoder has room for 32"
    assert found[2].error == "asked for 32 new tokens, the decoder has room for 31"
    assert (found[0], found[3].error) == (small.answered(reader, [good])[0], None)


# -- whatever is asked -------------------------------------------------------------------------------------------------


def some_company(causal_only: bool) -> st.SearchStrategy[Any]:
    kinds = st.sampled_from([*CAUSAL] if causal_only else ["BART", "T5"])
    return kinds.flatmap(
        lambda kind: st.sampled_from([32, 45]).flatmap(
            lambda size: st.tuples(st.just(kind), requests(size), st.just(size))
        )
    )


@pytest.mark.slow
@quick
@given(some_company(True), st.sampled_from([1, 3, EVERY, 100]))
def test_a_causal_model_says_in_company_what_the_library_says_alone(drawn: Any, every: int) -> None:
    check_causal(*drawn, every)


@pytest.mark.slow
@quick
@given(some_company(False))
def test_an_encoder_decoder_says_in_company_what_the_library_says_alone(drawn: Any) -> None:
    check_encoder_decoder(*drawn)


@pytest.mark.slow
@thorough
@given(some_company(True), st.sampled_from([1, 3, EVERY, 100]))
def test_of_many_batches_a_causal_model_says_what_the_library_says_alone(drawn: Any, every: int) -> None:
    check_causal(*drawn, every)


@pytest.mark.slow
@thorough
@given(some_company(False))
def test_of_many_batches_an_encoder_decoder_says_what_the_library_says_alone(drawn: Any) -> None:
    check_encoder_decoder(*drawn)


# -- where the places end ----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        (
            "Roberta",
            {
                "max_position_embeddings": 34,
                "hidden_size": 32,
                "num_hidden_layers": 2,
                "num_attention_heads": 4,
                "is_decoder": True,
            },
            32,
        ),
        ("Mpt", {"d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": 32}, 32),
        ("Bloom", {"hidden_size": 32, "n_layer": 2, "n_head": 4}, None),
    ],
)
def test_a_model_that_names_its_places_in_another_way_is_not_asked_for_more(
    tmp_path: Path, kind: str, options: dict[str, Any], expected: int | None
) -> None:
    import transformers

    reader = loaded(CausalLM, causal_source(tmp_path, kind, 32, **options), chat=False)
    assert reader.context == expected
    own = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    batch = [ask(0, 40, Generate(2)), ask(1, 16, Generate(16)), ask(2, 5, Generate(11)), ask(3, 28, Generate(2))]
    found = small.answered(reader, batch)
    for request, prediction in zip(batch, found, strict=True):
        assert isinstance(request.output, Generate)
        (prompt,) = reader._tokenised([request])
        same_words(prediction, alone(own, prompt.ids, request.output.max_new_tokens, ENDS, len(prompt.ids)))
    assert (found[0].truncated > 0) == (expected is not None)


@pytest.mark.slow
def test_both_halves_of_a_model_may_have_places_of_their_own() -> None:
    import transformers

    sizes = {"vocab_size": 20, "d_model": 8, "encoder_layers": 1, "decoder_layers": 1, "attention_window": 4}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    led = transformers.LEDConfig(
        max_encoder_position_embeddings=40, max_decoder_position_embeddings=24, **sizes, **heads
    )
    bert, roberta = (
        kind(vocab_size=20, hidden_size=12, num_hidden_layers=1, intermediate_size=8, max_position_embeddings=n, pad_token_id=1)
        for kind, n in ((transformers.BertConfig, 40), (transformers.RobertaConfig, 26))
    )  # fmt: skip
    pair = transformers.EncoderDecoderConfig.from_encoder_decoder_configs(bert, roberta)
    for model in (transformers.LEDForConditionalGeneration(led), transformers.EncoderDecoderModel(pair)):
        assert (places(model, encoder=True), places(model)) == (40, 24)
