"""Secrets: told by what they are called, by how they look, and by being one that this process was given.

Whatever is written or printed goes by this rule. A configuration keeps its keys, with `WITHHELD` in the place of a secret, so that
neither a record nor an identity made of it depends on one: a key that was changed asks the same model.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from bench.text import secret_looks as looks
from bench.text.secret_names import is_secret, names_a_secret
from bench.text.secret_urls import URL, public_url

WITHHELD = looks.WITHHELD
_LEAST = 6  # characters of a secret that is looked for in texts: a shorter one is a placeholder, or any word
_given: set[str] = set()


def remember(value: str) -> None:
    """Look for this secret in every text from now on, as for those of the environment; never for one that a stranger claims."""
    if (len(value) >= 8 or (len(value) >= _LEAST and any(sign.isdigit() for sign in value))) and value != WITHHELD:
        _given.update({value, quote(value, safe=""), unquote(value)})


def own(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration that somebody runs here, with its secrets withheld and remembered."""
    for secret in found(config):
        remember(secret)
    return dict(withheld(config))


def withheld(value: Any, name: str = "") -> Any:
    """The JSON-like value, whose key is `name`, with `WITHHELD` in the place of each secret in it.

    >>> withheld({"model": {"api_key": "abc", "max_new_tokens": 5, "headers": {"X-Any": "abc"}}})
    {'model': {'api_key': 'withheld', 'max_new_tokens': 5, 'headers': {'X-Any': 'withheld'}}}
    """
    if is_secret(name, value):
        return _all_withheld(value)
    if isinstance(value, Mapping):
        pair = str(value.get("name", value.get("key", "")))  # {name: Authorization, value: …}
        return {
            clean(str(key)): withheld(one, pair if key == "value" and is_secret(pair, one) else str(key))
            for key, one in value.items()
        }
    if isinstance(value, list | tuple):
        before = ["", *(one if isinstance(one, str) and one.startswith("-") else "" for one in value)]
        return [withheld(one, flag.lstrip("-")) for flag, one in zip(before, value, strict=False)]  # --api-key, VALUE
    return looks.without_random(clean(value)) if isinstance(value, str) else value


def _all_withheld(value: Any) -> Any:
    """Every text and number withheld; what holds them keeps its form."""
    if isinstance(value, Mapping):
        return {clean(str(key)): _all_withheld(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_all_withheld(one) for one in value]
    if value is None or isinstance(value, bool) or value == "":
        return value
    return WITHHELD


def clean(text: str, known: Sequence[str] | None = None) -> str:
    """A text without secrets: those that this process was given, those that can be told by their look, and `name=secret`.

    `known` is what `known_now` gives, for whoever has many texts.
    Of an address the user and password, the parameters and the parts of its path that are secrets go.

    >>> clean("401 at https://ann:pw@host/v1?api_key=1: Incorrect key sk-abc123def456ghi789; password: hunter2")
    '401 at https://host/v1: Incorrect key withheld; password: withheld'
    """
    for secret in known_now() if known is None else known:
        if secret in text:
            text = text.replace(secret, WITHHELD)
    text = URL.sub(lambda found: public_url(found[0]), text)
    return looks.without_said(looks.without_known(text))


def known_now() -> list[str]:
    """The secrets that this process was given, the longest first."""
    return sorted(_known(), key=len, reverse=True)


def of_word(word: str) -> str:
    """A word of a command line without secrets: of one that names any, and of all below headers, the whole value goes.

    >>> [of_word(word) for word in ("limit=3", "+model.headers.X-Team=ann", "model.api_key='ab'", "task=finqa")]
    ['limit=3', '+model.headers.X-Team=withheld', 'model.api_key=withheld', 'task=finqa']
    """
    key, given, value = word.partition("=")
    named = any(is_secret(part, value) or part.startswith("header") for part in key.lstrip("+~").split("."))
    return f"{clean(key)}={WITHHELD}" if given and named else clean(word)


def places(value: Any, key: str = "") -> Iterator[str]:
    """The keys, with dots, below which a JSON-like value holds a secret."""
    if isinstance(value, Mapping) and not is_secret(key.rpartition(".")[2], value):
        for name, one in value.items():
            yield from places(one, f"{key}.{name}".lstrip("."))
    elif withheld({key.rpartition(".")[2]: value}) != {key.rpartition(".")[2]: value}:
        yield key


def found(config: Any) -> Iterator[str]:
    """The secrets that a JSON-like value holds, each without what stands around it."""
    yield from _differing(config, withheld(config))


def _differing(given: Any, shown: Any) -> Iterator[str]:
    if isinstance(given, Mapping):
        for name, one in given.items():  # of two names that differ in a secret alone one is shown
            yield from _differing(one, shown.get(clean(str(name)), one))
    elif isinstance(given, list | tuple):
        for one, its in zip(given, shown, strict=True):
            yield from _differing(one, its)
    elif given != shown:
        around = "(.+?)".join(map(re.escape, str(shown).split(WITHHELD)))
        pieces = re.fullmatch(around, str(given), re.DOTALL)
        if pieces and pieces.groups():
            yield from pieces.groups()
        else:
            yield from filter(None, (_password(one[0]) for one in URL.finditer(str(given))))  # taken out, not replaced


def _known() -> set[str]:
    """The secrets that this process was given: in its environment by their names, in addresses there, and by `remember`."""
    found = set(_given)
    for name, value in os.environ.items():
        if len(value) < _LEAST:
            continue
        if names_a_secret(name) and not _is_place(value):
            found.add(value.strip())
        if "://" in value and "@" in value:
            password = _password(value)
            if len(password) >= _LEAST:
                found |= {password, unquote(password)}
    return found - {WITHHELD}


def _password(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""


def _is_place(value: str) -> bool:
    """Whether the value is the path of a file that holds the secret, or the name of something, and not the secret."""
    return value.startswith(("/", "~", "./")) or bool(re.fullmatch(r"[A-Z][A-Z_]*", value)) or value.isspace()
