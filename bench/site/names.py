"""Names of files that no name from a submission can break out of, and scripts that no text can break out of."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence

from bench.types import Json

_LONGEST = 40  # characters of a name that are kept for people to read
_ESCAPED = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


def slug(*parts: str, also: Sequence[str] = ()) -> str:
    """A file name out of texts: what can be kept of them for the reader, and a digest (of `also` too) that makes it unique.

    Only a-z, 0-9, "_" and "-" come in it, so it is no path, no address and no markup, whatever the texts are.
    """
    exact = hashlib.sha256("\0".join([*parts, *also]).encode("utf-8", "surrogatepass")).hexdigest()[:10]
    shown = [re.sub(r"[^a-z0-9_]+", "-", part.lower()).strip("-")[:_LONGEST].strip("-") for part in parts]
    return "-".join([*(name for name in shown if name), exact])


def script(key: str, value: Json) -> bytes:
    """A classic script that hands `value` to the page under `key`: what a page opened from a file may load.

    All but ASCII is escaped (half surrogate pairs and line separators too), and so are the signs of markup.
    """
    text = json.dumps([key, value], ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return f"FINAI.take({text.translate(_ESCAPED)[1:-1]});\n".encode("ascii")
