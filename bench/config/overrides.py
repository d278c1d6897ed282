"""Paths on the command line as they are, kept from Hydra's grammar, to which `é = , # ' ( [ { ~ & !` mean something or nothing.

The rule. The value of a key that names a place (`data.path`, `data_dir`, `runs_dir`, `model.source`, `…_file`, `…uri`, …) is that
text, whatever is in it, but for what is quoted already, `null`, and `${…}` unless a file is called so. With `-m` it is parted at
commas first, so that the longest parts that name something stay whole. The value of any other key is Hydra's to read; where Hydra
cannot, it is the text if a file is called so, else the message shows how to write the text.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.text.secrets import of_word

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

_PLACE = re.compile(r"\+{0,2}(?:[\w/]+[.@])*(?:\w+_)?(?:path|source|uri|url|dir|file|folder)")
_SCHEME = re.compile(r"file:|sqlite:///")
_QUOTED = re.compile(r"""(['\"])(?:(?!\1)[^\\]|\\.)*\1""", re.DOTALL)
_SWEEP = re.compile(r"(?:choice|range|interval|glob|sort|shuffle)\(")


def readable(overrides: Sequence[str], groups: Sequence[str], *, sweeps: bool) -> list[str]:
    """The overrides with quotes where Hydra needs them; `sweeps` says that a comma may part several values.

    Raises BenchError for a value that Hydra cannot read and that names nothing, with the form that it can.
    """
    return [_readable(word, groups, sweeps) for word in overrides]


def override(key: str, text: object) -> str:
    """The override that sets the key to just this text."""
    return f"{key}={_quoted(str(text))}"


def escaped(text: str) -> str:
    """The text so that OmegaConf looks nothing up in it: a backslash means something to it before ${ only."""
    return re.sub(r"(\\*)\$\{", r"\1\1\\${", text)


def _readable(word: str, groups: Sequence[str], sweeps: bool) -> str:
    key, equals, value = word.partition("=")
    if not equals or word.startswith("~") or key.startswith("hydra."):
        return word
    parsed = _parsed(word)
    if (group := key.lstrip("+")) in groups:
        if parsed is None:
            raise BenchError(f"{group} '{value}' does not exist; a {group}'s name is that of its file in conf/{group}")
        return word
    if _PLACE.fullmatch(key):
        return _place(key, value, parsed, sweeps)
    if parsed is not None:
        return word
    if _exists(value):
        return override(key, value)
    raise BenchError(
        f"{of_word(word)}: this is more than a plain text to Hydra, which cannot read it; to mean just that text "
        f"{f'write {shlex.quote(override(key, value))}' if of_word(word) == word else 'put quotes around it'}"
    )


def _place(key: str, value: str, parsed: Override | None, sweeps: bool) -> str:
    """The override of a key that names a place."""
    word = f"{key}={value}"
    if _exists(value):
        return override(key, value)
    if parsed is not None and (value in ("", "null") or _is_quoted(parsed)):
        return word
    if "${" in value:
        return word if parsed is not None else f"{key}={_quoted(value, interpolates=True)}"
    if not sweeps:
        return override(key, value)
    return word if parsed is not None and _SWEEP.match(value) else f"{key}={','.join(_parts(value))}"


def _parts(value: str) -> list[str]:
    """The text parted at commas, each part in quotes; the longest that names something, or is in quotes, is parted no further."""
    words, parts = value.split(","), []
    while words:
        n = next((n for n in range(len(words), 1, -1) if _exists(",".join(words[:n]))), 0)
        n = n or next((n for n in range(1, len(words) + 1) if _QUOTED.fullmatch(",".join(words[:n]))), 1)
        part = ",".join(words[:n])
        parts.append(part if _QUOTED.fullmatch(part) and not _exists(part) else _quoted(part))
        words = words[n:]
    return parts


def _parsed(word: str) -> Override | None:
    """What Hydra reads in an override, None where it cannot; raises BenchError for a number that Python cannot hold."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return OverridesParser.create().parse_override(word)
    except HydraException:
        return None
    except ValueError:  # Python's limit on the digits of one integer
        raise BenchError(
            f"override '{word.partition('=')[0][:80]}': a number of thousands of digits; give an ordinary one"
        ) from None


def _is_quoted(parsed: Override) -> bool:
    from hydra.core.override_parser.types import QuotedString

    return isinstance(parsed._value, QuotedString)


def _exists(text: str) -> bool:
    """Whether the text, or what stands behind file: or sqlite:///, is called so on this machine."""
    return os.path.exists(_SCHEME.sub("", text, count=1))  # noqa: PTH110 - False too for a text that can be no path


def _quoted(text: str, *, interpolates: bool = False) -> str:
    """The text in Hydra's quotes, in which a backslash means something before a quotation mark only."""
    text = re.sub(r"(\\*)'", r"\1\1\\'", text if interpolates else escaped(text))
    # Not "$", which stands before a line's end at the end too.
    return "'" + re.sub(r"(\\+)\Z", r"\1\1", text) + "'"
