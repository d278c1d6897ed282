"""Models that see, on tiny random weights, against what the library says itself."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_text_models import answered

from bench.errors import BenchError
from bench.models.base import Device
from bench.models.pictures import decoded
from bench.models.vision import VisionLM
from bench.types import Audio, Choose, Image, Prediction, Regress, Request, Span, Text

CPU = Device("cpu", "float32", 1)
TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }} : {% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<image> {% else %}{{ c['text'] }} {% endif %}{% endfor %}<end_of_utterance> {% endfor %}"
    "{% if add_generation_prompt %}assistant : {% endif %}"
)
# "abcdef": the library looks up how a word of that name is written before it looks for stop strings.
WORDS = ["<unk>", "<pad>", "</s>", "<end_of_utterance>", "<image>", "<fake_token_around_image>", "<global-img>",
         "user", "assistant", "system", ":", "what", "is", "the", "total", "?", "12", "bank", "due", "page", "abcdef"]  # fmt: skip


def picture(width: int = 20, height: int = 20, shade: int = 0) -> Image:
    """A PNG whose pixels differ by `shade`."""
    from PIL import Image as Pillow

    pixels = bytes((x * 7 + y * 3 + shade) % 256 for y in range(height) for x in range(width) for _ in range(3))
    file = io.BytesIO()
    Pillow.frombytes("RGB", (width, height), pixels).save(file, "PNG")
    return Image(file.getvalue())


def tokenizer() -> Any:
    import tokenizers
    import transformers

    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="<unk>", pad_token="<pad>", eos_token="</s>",
        extra_special_tokens={"image_token": "<image>"},
        additional_special_tokens=["<end_of_utterance>", "<fake_token_around_image>", "<global-img>"],
    )  # fmt: skip


LANGUAGE = {"vocab_size": len(WORDS), "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 64, "pad_token_id": 1,
            "bos_token_id": 0, "eos_token_id": 2, "initializer_range": 1.0}  # fmt: skip
EYES = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "image_size": 16, "patch_size": 4, "initializer_range": 1.0}  # fmt: skip


def idefics3(folder: Path, template: str | None = TEMPLATE) -> Path:
    """The family of SmolVLM: a picture is 4 places (16 patches, four to one)."""
    import transformers
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    eyes = Idefics3ImageProcessorPil(
        size={"longest_edge": 16}, max_image_size={"longest_edge": 16}, do_image_splitting=False
    )
    transformers.Idefics3Processor(eyes, tokenizer(), image_seq_len=4, chat_template=template).save_pretrained(folder)
    config = transformers.Idefics3Config(
        image_token_id=WORDS.index("<image>"), scale_factor=2, pad_token_id=1, vision_config=EYES,
        text_config={"model_type": "llama"} | LANGUAGE,
    )  # fmt: skip
    transformers.set_seed(0)
    transformers.Idefics3ForConditionalGeneration(config).save_pretrained(folder)
    return folder


def llava(folder: Path, template: str | None = TEMPLATE, kind: str = "llama", **language: Any) -> Path:
    """A picture is 16 places, a patch each."""
    import transformers
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    eyes = CLIPImageProcessorPil(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16})
    transformers.LlavaProcessor(
        eyes, tokenizer(), patch_size=4, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        chat_template=template,
    ).save_pretrained(folder)  # fmt: skip
    config = transformers.LlavaConfig(
        vision_config={"model_type": "clip_vision_model", "projection_dim": 16} | EYES,
        text_config={"model_type": kind} | LANGUAGE | language, image_token_id=WORDS.index("<image>"),
        vision_feature_layer=-1, image_seq_length=16,
    )  # fmt: skip
    transformers.set_seed(1)
    transformers.LlavaForConditionalGeneration(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=[idefics3, llava], ids=["idefics3", "llava"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    make: Callable[[Path], Path] = request.param
    return make(tmp_path_factory.mktemp("vision") / "model")


def ready(folder: Path, **options: Any) -> VisionLM:
    model = VisionLM(f"file:{folder}", **options)
    model.load(CPU, seed=0)
    return model


@pytest.fixture(scope="module")
def model(folder: Path) -> VisionLM:
    return ready(folder)


def ask(name: str, *parts: Any, n: int = 6, stop: tuple[str, ...] = ()) -> Request:
    return Request(name, parts, Span(n, stop, question="what is the total ?"))


def six() -> list[Request]:
    """Requests with no, one and two pictures, of many lengths."""
    return [
        ask("one", Text("page", "system"), picture(), Text("what is the total ?")),
        ask("text", Text("is the bank due ?"), n=3),
        ask("begun", picture(shade=9), Text("what is due ?"), Text("the total is", "assistant")),
        ask("two", picture(shade=50), picture(30, 12), Text("is the page the bank ? " * 2), n=4),
        ask("late", Text("page"), picture(40, 40, 90), n=5),
        ask("long", picture(), Text("what is the total of the page ? " * 2), n=1),
    ]


def plain(prediction: Prediction) -> tuple[str | None, int, int]:
    return prediction.text, prediction.prompt_tokens, prediction.new_tokens


@pytest.mark.parametrize(
    "data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"\xff\xd8\xff\xe0" + b"\0" * 9]
)
def test_a_picture_that_cannot_be_read_is_said_to_be_so(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"the picture \(image/png, .*\) cannot be read"):
        decoded(Image(data))


def test_a_picture_that_is_cut_off_is_said_to_be_so() -> None:
    whole = picture(64, 64).data
    with pytest.raises(ValueError, match="cannot be read: OSError"):
        decoded(Image(whole[: len(whole) // 2]))


def test_a_picture_is_made_smaller_and_never_larger() -> None:
    assert decoded(picture(40, 20), 10).size == (10, 5)
    assert decoded(picture(8, 4), 10).size == (8, 4)
    assert decoded(picture(40, 20)).size == (40, 20)


@pytest.mark.parametrize("options", [{"pictures_per_pass": 0}, {"max_side": 0}])
def test_options_out_of_range_are_one_line(options: dict[str, int]) -> None:
    with pytest.raises(BenchError, match="must be at least 1"):
        VisionLM("file:x", **options)  # type: ignore[arg-type]


@pytest.mark.slow
def test_an_answer_is_what_the_library_generates(folder: Path, model: VisionLM) -> None:
    import torch
    import transformers

    processor = transformers.AutoProcessor.from_pretrained(folder)
    own = transformers.AutoModelForImageTextToText.from_pretrained(folder).eval()
    content = [{"type": "image"}, {"type": "text", "text": "what is the total ?"}]
    messages = [{"role": "system", "content": [{"type": "text", "text": "page"}]}, {"role": "user", "content": content}]
    prompt = processor.apply_chat_template(messages, add_generation_prompt=True)
    inputs = processor(text=[prompt], images=[[decoded(picture())]], return_tensors="pt")
    with torch.inference_mode():
        found = own.generate(**inputs, max_new_tokens=6, do_sample=False)[0, inputs["input_ids"].shape[1] :].tolist()
    ids = found[: found.index(2)] if 2 in found else found
    assert ids, "the tiny model must say something"
    ids = ids[:-1] if ids[-1] == 1 else ids  # padding at the end says nothing
    expected = processor.tokenizer.decode(ids, skip_special_tokens=True)
    (got,) = answered(model, six()[:1])
    assert plain(got) == (expected, inputs["input_ids"].shape[1], len(ids))


@pytest.mark.slow
def test_a_batch_is_answered_as_its_requests_alone_in_any_order(model: VisionLM) -> None:
    requests = six()
    together = answered(model, requests)
    assert [p.error for p in together] == [None] * 6
    assert together == [prediction for request in requests for prediction in answered(model, [request])]
    assert together == answered(model, requests[::-1])[::-1]
    assert all(p.new_tokens <= r.output.max_new_tokens for p, r in zip(together, requests, strict=True))  # type: ignore[union-attr]
    assert len({p.text for p in together}) > 1


@pytest.mark.slow
def test_the_picture_is_seen(model: VisionLM) -> None:
    import torch

    texts = Text("what is the total ?")
    states = []
    for shade in (0, 120):
        encoded = model._encode([ask("a", picture(shade=shade), texts)])
        with torch.inference_mode():
            states.append(model.model(**encoded.groups[0].inputs).logits[0, -1])
    assert (states[0] - states[1]).abs().max() > 1e-4


@pytest.mark.slow
def test_a_broken_picture_fails_alone(model: VisionLM) -> None:
    good, _, other, *_ = six()
    bad = ask("bad", Image(b"broken"), Text("what is due ?"))
    sound = ask("sound", Audio("x.wav"), Text("what is due ?"))
    found = answered(model, [good, bad, sound, other])
    assert [p.id for p in found] == ["one", "bad", "sound", "begun"]
    assert "the picture (image/png, 6 bytes) cannot be read" in (found[1].error or "")
    assert "text and pictures only" in (found[2].error or "")
    assert [found[0], found[3]] == answered(model, [good, other])


@pytest.mark.slow
def test_a_prompt_that_is_too_long_fails_alone(model: VisionLM) -> None:
    good = six()[0]
    long = ask("long", picture(), Text("bank " * 60))
    found = answered(model, [long, good])
    assert "the context has room for 58" in (found[0].error or "")
    assert found[1] == answered(model, [good])[0]


@pytest.mark.slow
def test_a_short_reply_beside_a_long_one_ends_where_the_places_end(tmp_path: Path) -> None:
    model = ready(
        llava(tmp_path, kind="opt", ffn_dim=32, word_embed_proj_dim=16, tie_word_embeddings=False), max_side=16
    )
    parts = [(picture(), Text("what is " * n)) for n in (20, 1)]
    requests = [Request("full", parts[0], Span(2)), Request("free", parts[1], Span(30))]
    found = answered(model, requests)
    assert [p.error for p in found] == [None, None]
    assert found[1].new_tokens > 64 - found[0].prompt_tokens
    assert found == [answered(model, [request])[0] for request in requests]


@pytest.mark.slow
def test_an_answer_ends_before_a_stop_string_and_only_for_who_asked(model: VisionLM) -> None:
    (whole,) = answered(model, [ask("a", picture(), Text("what is the total ?"))])
    words = (whole.text or "").split()
    assert len(words) > 1, "the tiny model must say something that can be cut"
    stop = next(word for word in words if word != words[0])
    cut, free = answered(
        model,
        [
            ask("a", picture(), Text("what is the total ?"), stop=(stop,)),
            ask("b", picture(), Text("what is the total ?")),
        ],
    )
    assert cut.text == (whole.text or "")[: (whole.text or "").index(stop)]
    assert free.text == whole.text


@pytest.mark.slow
def test_what_is_prepared_is_used_once_and_changes_nothing(model: VisionLM) -> None:
    requests = six()
    expected = answered(model, requests)
    for batch in (requests, requests[:2], requests[2:], requests):
        model.prepare(batch)
    assert len(model._ready) <= 2
    assert answered(model, requests) == expected
    assert tuple(requests) not in model._ready
    model._ready.clear()


@pytest.mark.slow
def test_labels_and_numbers_are_asked_for_in_words(model: VisionLM, monkeypatch: pytest.MonkeyPatch) -> None:
    choose = Request("c", (picture(), Text("what is the page ?")), Choose(("bank", "total")))
    rate = Request("r", (picture(), Text("is it due ?")), Regress(("joy",), (0.0,), (1.0,)))
    monkeypatch.setattr(model.reader, "decode", lambda ids, **_: 'bank {"joy": 0.25}')
    model.context = None  # the tiny context has no room for what is asked
    chosen, rated = answered(model, [choose, rate])
    model.context = 64
    assert chosen.label_scores == {"bank": 1.0, "total": -1.0}
    assert rated.values == {"joy": 0.25}
    assert "bank; total" in model._seen(choose).prompt


@pytest.mark.slow
def test_without_a_chat_pictures_come_first_and_the_template_is_not_needed(tmp_path: Path) -> None:
    bare = idefics3(tmp_path / "bare", template=None)
    with pytest.raises(BenchError, match=r"has no chat template; set model.chat=false"):
        ready(bare)
    model = ready(bare, chat=False)
    request = ask("a", Text("what is the total ?"), picture(), Text("the total is ", "assistant"))
    assert model._seen(request).prompt == "<image>what is the total ?\nthe total is"
    assert answered(model, [request])[0].error is None


@pytest.mark.slow
def test_a_text_model_is_refused_where_one_that_sees_is_due(tmp_path: Path) -> None:
    import transformers

    config = transformers.LlamaConfig(**LANGUAGE)
    transformers.LlamaForCausalLM(config).save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    with pytest.raises(BenchError, match=r"of type llama .* which AutoModelForImageTextToText cannot run"):
        ready(tmp_path)


@pytest.mark.slow
def test_a_model_without_its_image_processor_is_one_line(tmp_path: Path) -> None:
    folder = llava(tmp_path / "blind")
    for name in ("processor_config.json", "preprocessor_config.json"):
        (folder / name).unlink(missing_ok=True)
    with pytest.raises(BenchError) as caught:
        ready(folder)
    assert "\n" not in str(caught.value)
