"""Chat templates are programs of strangers: they are rendered in transformers' sandbox, in a process that has bounds."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, cast

from bench.errors import BenchError
from bench.types import Json

MOST_SECONDS = 10.0  # that one prompt may take
MOST_TEMPLATE_BYTES = 1024**2
_START_SECONDS = 120.0  # on a machine that is busy
_KEPT = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "LD_LIBRARY_PATH",
    "SYSTEMROOT",
)  # of the environment, which holds keys


class Renderer:
    """A process that renders templates, one prompt at a time; it begins with the first and is replaced when it was stopped."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()  # `prepare` asks in a thread of its own

    def render(self, asked: Mapping[str, Json], uri: str) -> str:
        """The prompt that transformers' `render_jinja_template` makes with these arguments.

        Raises jinja2's TemplateError with what the template says, and BenchError where it needs too much time or memory.
        """
        from jinja2 import TemplateError

        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._process = _begun()
            found = _answer(self._process, json.dumps(asked).encode() + b"\n")
            if found is None:
                self._process.kill()
                self._process.communicate()
                self._process = None
        if found is None or "beyond" in found:
            what = f"more than {MOST_SECONDS:g} s" if found is None else found["beyond"]
            raise BenchError(
                f"{uri}: the chat template needs {what} for one prompt; correct it, or set model.chat=false to prompt the model "
                "as a base model"
            )
        if "error" in found:
            raise TemplateError(found["error"])
        return str(found["text"])


def _answer(process: subprocess.Popen[bytes], line: bytes) -> Any:
    """What the process says to this line; None if it says nothing in time, or has ended."""
    stdin = cast("IO[bytes]", process.stdin)
    try:
        stdin.write(line)
        stdin.flush()
    except BrokenPipeError:
        return None
    answer = _line(process, MOST_SECONDS)
    return json.loads(answer) if answer else None


def _begun() -> subprocess.Popen[bytes]:
    child = Path(__file__).with_name("chat_template_child.py")
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment |= {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-P", str(child)],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    if _line(process, _START_SECONDS) != b"ready\n":
        process.kill()
        raise BenchError("the process that renders chat templates does not begin; run `bench doctor`, free some memory")
    return process


def _line(process: subprocess.Popen[bytes], seconds: float) -> bytes:
    """What the process writes up to a line's end; b"" if that does not come in time."""
    stdout = cast("IO[bytes]", process.stdout)
    end, pieces = time.monotonic() + seconds, [b""]
    while not pieces[-1].endswith(b"\n"):
        left = end - time.monotonic()
        if left <= 0 or not select.select([stdout], [], [], left)[0]:
            return b""
        pieces.append(os.read(stdout.fileno(), 1 << 20))
        if not pieces[-1]:
            return b""
    return b"".join(pieces)


_RENDERER = Renderer()


def guard(owner: Any, uri: str) -> None:
    """Have `apply_chat_template` of a tokenizer, or of a processor and its tokenizer, render in the other process, text only."""
    tokenizer = getattr(owner, "tokenizer", owner)

    def apply_chat_template(
        conversation: Sequence[Mapping[str, Json]],
        chat_template: str | None = None,
        *,
        tokenize: bool = False,
        add_generation_prompt: bool = False,
    ) -> str:
        if tokenize:
            raise TypeError("a guarded chat template gives text; tokenise it afterwards")
        asked = {
            "conversations": [[dict(message) for message in conversation]],
            "chat_template": chat_template or _template(owner, tokenizer, uri),
            "add_generation_prompt": add_generation_prompt,
            **{name: str(token) for name, token in tokenizer.special_tokens_map.items()},
        }
        return _RENDERER.render(asked, uri)

    owner.apply_chat_template = tokenizer.apply_chat_template = apply_chat_template


def _template(owner: Any, tokenizer: Any, uri: str) -> str:
    """The template of a processor, else of its tokenizer; of several the one called default."""
    for one in (owner, tokenizer):
        found = getattr(one, "chat_template", None)
        found = found.get("default") if isinstance(found, Mapping) else found
        if found:
            if len(str(found)) > MOST_TEMPLATE_BYTES:
                raise BenchError(f"{uri}: the chat template is longer than {MOST_TEMPLATE_BYTES:,} characters")
            return str(found)
    raise BenchError(f"{uri} has no chat template called default; set model.chat=false to prompt it as a base model")
