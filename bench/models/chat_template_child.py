"""The process of `bench.models.chat_template`: a line of JSON in, arguments of transformers' renderer; a line of JSON out."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

MOST_BYTES = 512 * 1024**2  # of memory, beside what the process begins with
MOST_CHARACTERS = 20_000_000  # of a prompt


def _bounded() -> None:
    """Take no more memory than that from now on, and write no file."""
    with contextlib.suppress(ImportError, OSError, ValueError):  # systems without such bounds
        import resource

        held = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (held + MOST_BYTES, held + MOST_BYTES))


def _answer(render: Any, line: str) -> dict[str, str]:
    try:
        found = render(**json.loads(line))
        text = found[0][0] if isinstance(found, tuple) else found[0]
        if len(text) > MOST_CHARACTERS:
            return {"beyond": f"more than {MOST_CHARACTERS:,} characters"}
        return {"text": text}
    except MemoryError:
        return {"beyond": f"more than {MOST_BYTES:,} bytes of memory"}
    except Exception as error:  # a template may raise anything
        return {"error": f"{type(error).__name__}: {error}"[:2000]}


def main() -> None:
    """Answer until the other side ends."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="ascii")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody else writes there
    from transformers.utils.chat_template_utils import render_jinja_template

    render_jinja_template(conversations=[[]], chat_template="{{ messages | tojson }}{{ strftime_now('%Y') }}")
    _bounded()
    out.write("ready\n")
    out.flush()
    for line in sys.stdin:
        out.write(json.dumps(_answer(render_jinja_template, line)) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
