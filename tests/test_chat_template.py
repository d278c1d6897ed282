"""Chat templates of strangers: rendered as transformers does, within bounds, and kept away from everything else."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import TemplateError

from bench.errors import BenchError
from bench.models import chat_template

ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "é \u2028 \U0001f600 <|x|>"}]


def rendered(template: Any, messages: Any = ASKED, **tokens: str) -> str:
    """What a tokenizer with this template makes of the messages."""
    owner: Any = SimpleNamespace(chat_template=template, special_tokens_map=tokens)
    chat_template.guard(owner, "file:x")
    return str(owner.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


CHAT_ML = (
    "{{ bos_token }}{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@pytest.mark.parametrize(
    "template",
    [
        CHAT_ML,
        "{%- for m in messages -%}\n  {% generation %}{{ m | tojson }}{% endgeneration %}{%- endfor %}{{ strftime_now('%Y') }}",
        "{% set ns = namespace(n=0) %}{% for m in messages %}{% if loop.first %}{% continue %}{% endif %}{{ m }}{% endfor %}",
        "{{ messages[0].get('none') }}{{ tools }}{{ undefined_name }}{{ dict(a=1) }}",
    ],
)
def test_a_template_gives_the_text_that_transformers_gives(template: str) -> None:
    from transformers.utils.chat_template_utils import render_jinja_template

    due = render_jinja_template([ASKED], chat_template=template, add_generation_prompt=True, bos_token="<s>")[0][0]
    assert rendered(template, bos_token="<s>") == due
    assert rendered({"default": template, "tool_use": "no"}, bos_token="<s>") == due


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ cycler.__init__.__globals__.os.mkdir(messages[0].content) }}",
        "{{ raise_exception.__globals__['__builtins__']['open'](messages[0].content, 'w') }}",
        "{{ lipsum.__globals__.os.mkdir(messages[0].content) }}",
        "{% set x = messages.append(1) %}",
        "{{ self._TemplateReference__context }}{{ namespace.__init__.__globals__ }}",
        "{{ ('%s' | attr('__class__')).__base__ }}{{ {}['__class__'].x }}",
    ],
)
def test_a_template_reaches_nothing_but_the_messages(template: str, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    with pytest.raises(TemplateError):
        rendered(template, [{"role": "user", "content": str(marker)}])
    assert not marker.exists()


@pytest.mark.slow
def test_a_template_that_would_take_for_ever_is_one_line_and_the_next_is_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chat_template, "MOST_SECONDS", 0.2)
    with pytest.raises(BenchError, match=r"file:x: the chat template needs more than 0.2 s for one prompt; correct it"):
        rendered("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}")
    monkeypatch.undo()
    assert rendered("{{ messages[0].content }}") == "Be brief."


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ 'x' * 10**11 }}", "needs more than 536,870,912 bytes of memory"),
        ("{{ '%9999999999d' % 1 }}", "needs more than 536,870,912 bytes of memory"),
        ("{% set n = namespace(s='x') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}{{ n.s }}", "bytes of"),
        ("{{ 'x' * 21000000 }}", "needs more than 20,000,000 characters"),
        ("x" * (chat_template.MOST_TEMPLATE_BYTES + 1), "is longer than 1,048,576 characters"),
    ],
    ids=["repeat", "pad", "double", "long", "source"],
)  # fmt: skip
def test_a_template_that_would_take_all_memory_is_one_line(template: str, said: str) -> None:
    with pytest.raises(BenchError, match=f"file:x: the chat template {said}|{said}") as caught:
        rendered(template)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ raise_exception('System role not supported') }}", "System role not supported"),
        ("{% if %}", "TemplateSyntaxError"),
        ("{{ messages[5].x.y }}", "UndefinedError"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "RecursionError"),
    ],
)
def test_what_a_template_raises_is_raised_here(template: str, said: str) -> None:
    with pytest.raises(TemplateError, match=said):
        rendered(template)


def test_a_template_sees_no_key_of_the_environment() -> None:
    rendered("x")
    process = chat_template._RENDERER._process
    assert process is not None
    names = {
        entry.split(b"=")[0].decode()
        for entry in Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
        if entry
    }
    assert names <= {*chat_template._KEPT, "PYTHONPATH", "HF_HUB_OFFLINE", "OMP_NUM_THREADS"}
