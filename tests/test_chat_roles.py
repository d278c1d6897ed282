"""Chat templates that refuse or drop what they do not know, tokenizers that end a prompt, thinking that a prompt begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.decoding.stops import has_stopped
from bench.errors import BenchError
from bench.models.chat_roles import SAID, ChatTemplate, one_text, pieces
from bench.models.plain_prompt import appended_end
from bench.types import Image, Text

HEAD = "{% for m in messages %}"
BODY = "<{{ m.role }}>{{ m.content | trim }}\n{% endfor %}<assistant>"
NO_SYSTEM = HEAD + "{% if m.role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + BODY
DROPS_SYSTEM = "{% for m in messages if m.role != 'system' %}" + BODY
ALTERNATES = (
    HEAD
    + "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"
    + BODY
)
ONLY_FIRST = "<user>{{ messages[0].content }}<assistant>"
SYSTEM, HI, HO, HA = Text("Be brief.", "system"), Text("hi"), Text("ho", "assistant"), Text("ha")


def template(source: str, content: Any = one_text) -> ChatTemplate:
    """As a tokenizer renders it, without a tokenizer."""
    from jinja2 import Environment

    def refuse(words: str) -> None:
        raise ValueError(words)

    made = Environment(autoescape=False).from_string(source)
    return ChatTemplate("file:m", lambda messages: made.render(messages=messages, raise_exception=refuse), content)


@pytest.mark.parametrize(
    ("source", "parts", "text", "said"),
    [
        (HEAD + BODY, (SYSTEM, HI), "<system>Be brief.\n<user>hi\n<assistant>", "as asked"),
        (NO_SYSTEM, (SYSTEM, HI), "<user>Be brief.\n\nhi\n<assistant>", "system in user"),
        (
            DROPS_SYSTEM,
            (SYSTEM, HI, HO, HA),
            "<user>Be brief.\n\nhi\n<assistant>ho\n<user>ha\n<assistant>",
            "system in user",
        ),
        (
            ALTERNATES,
            (SYSTEM, HI, HO, HA),
            "<user>Be brief.\n\nhi\n<assistant>ho\n<user>ha\n<assistant>",
            "system in user",
        ),
        (ALTERNATES, (HO, HA), "<user>ho\n\nha\n<assistant>", "one message"),
        (ONLY_FIRST, (SYSTEM, HI, HO, HA), "<user>Be brief.\n\nhi\nho\n\nha<assistant>", "one message"),
        (NO_SYSTEM, (HI, HO, HA), "<user>hi\n<assistant>ho\n<user>ha\n<assistant>", "as asked"),
    ],
)
def test_what_a_template_refuses_or_drops_is_put_where_it_takes_it(
    source: str, parts: tuple[Text, ...], text: str, said: str
) -> None:
    made = template(source)
    made.check()
    fresh = template(source)
    assert made.text(parts) == fresh.text(parts) == text
    assert fresh.describe() == SAID[said]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("", "it leaves out what the user says"),
        ("<assistant>", "it leaves out what the user says"),
        ("{{ messages[9].content }}", "UndefinedError"),
        ("{{ raise_exception('never') }}", "ValueError: never"),
    ],
)
def test_a_template_that_renders_nothing_is_one_line_when_the_model_loads(source: str, why: str) -> None:
    with pytest.raises(
        BenchError, match=r"file:m: the chat template does not render messages of user: .*model\.chat=false"
    ) as caught:
        template(source).check()
    assert why in str(caught.value)


def test_a_template_for_text_alone_that_is_given_pieces_is_found() -> None:
    made = template(HEAD + "{% if m.content is string %}{{ m.content }}{% endif %}{% endfor %}", pieces)
    with pytest.raises(BenchError, match="it leaves out what the user says"):
        made.check()
    assert pieces((HI, Text("you"), Image(b""))) == [{"type": "text", "text": "hi\nyou"}, {"type": "image"}]


@pytest.mark.parametrize(("before", "behind"), [([1], [2]), ([], [2]), ([1], []), ([1], [3, 2]), ([], [])])
def test_the_end_that_a_tokenizer_appends_to_a_text_is_counted(before: list[int], behind: list[int]) -> None:
    def tokenizer(text: str, *, add_special_tokens: bool = True) -> dict[str, list[int]]:
        ids = [ord(sign) for sign in text]
        return {"input_ids": [*before, *ids, *behind] if add_special_tokens else ids}

    assert appended_end(tokenizer) == len(behind)


class Letters:
    """A tokenizer whose tokens are letters."""

    def decode(self, ids: list[int], **_: Any) -> str:
        return "".join(map(chr, ids))


@pytest.mark.parametrize(
    ("said", "begun", "stopped"),
    [("5\n", "", True), ("\n", "", False), ("\n\n5", "", False), ("\n5\n", "", True), ("a\nb\n", "<think>", False),
     ("a\n</think>\n", "<think>", False), ("a\n</think>\n5\n", "<think>", True), ("", "", False)],
)  # fmt: skip
def test_our_engine_stops_where_an_answer_ends(said: str, begun: str, stopped: bool) -> None:
    assert has_stopped(Letters(), [ord(sign) for sign in said], ("\n",), begun) is stopped


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama whose tokenizer puts an end behind each text."""
    import transformers
    from small_text_models import roberta_tokenizer, saved
    from tokenizers.processors import TemplateProcessing

    tokenizer = roberta_tokenizer(
        "GPT2Tokenizer", eos_token="</s>", bos_token="<s>", unk_token="<unk>", pad_token="<pad>"
    )
    tokenizer._tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.chat_template = NO_SYSTEM
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=4000, pad_token_id=1, bos_token_id=0, eos_token_id=2,
    )  # fmt: skip
    place = tmp_path_factory.mktemp("template") / "llama"
    saved(place, "LlamaForCausalLM", config, tokenizer, 0)
    return place


@pytest.mark.slow
def test_no_prompt_ends_with_the_end_of_a_text(folder: Path) -> None:
    from bench.models.base import Device
    from bench.models.causal import CausalLM
    from bench.types import Generate, Request

    asked = [Request("a", (SYSTEM, HI), Generate(4)), Request("b", (SYSTEM, Text("hi " * 1500)), Generate(4))]
    for chat in (True, False):
        model = CausalLM(f"file:{folder}", chat=chat)
        model.load(Device("cpu", "float32", 1), seed=0)
        for prompt in model._tokenised(asked):
            assert not isinstance(prompt, str)
            assert prompt.ids[-1] != 2
            assert prompt.ids[:2].count(0) == (0 if chat else 1)
            assert len(prompt.ids) <= 3996
        assert ("chat" in model.describe()) is chat


@pytest.mark.slow
def test_a_run_with_a_template_that_takes_no_system_text_answers_and_says_so(folder: Path, bench_main: Any) -> None:
    source = ("model=smollm2", f"model.source=file:{folder}", "model.sha256=null")
    quiet = ("tracking.enabled=false", "device=cpu", "device.dtype=float32")
    code, _, err = bench_main("run", "task=finmm_qa", *source, "limit=2", *quiet)
    assert code == 0, err
    assert any("the chat template takes no system text" in line for line in err)


@pytest.mark.slow
def test_a_run_with_a_template_that_drops_the_question_ends_at_load(
    folder: Path, bench_main: Any, tmp_path: Path
) -> None:
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    for name in ("chat_template.jinja",):
        (broken / name).write_text("<assistant>")
    source = ("model=smollm2", f"model.source=file:{broken}", "model.sha256=null")
    code, _, err = bench_main("run", "task=finmm_qa", *source, "limit=2", "tracking.enabled=false", "device=cpu")
    assert (code, len(err)) == (2, 1)
    assert "it leaves out what the user says" in err[0]
