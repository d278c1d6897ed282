"""The name of a log's model as a record may hold it: no secret, and of a place on somebody's machine its last part alone."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import unquote

from bench.bundles.public import public_text
from bench.errors import BenchError
from bench.imports.log import clean
from bench.text import secrets
from bench.text.secret_urls import URL, is_key, problem

_GIVEN = re.compile(r"(?:^|,)\s*(?:pretrained|model|model_path|model_name|path|peft)=([^,]+)")  # of a line of arguments
_SIGNS = re.compile(r"__+|[/\\:,;=@#?&|\s]+")
_WITH_USER = re.compile(  # ann:pw@host, and as a folder's name has it: http__ann__pw@host; name:tag@sha256 is none
    r"(?:^|[=,\s])(?:(?:https?|wss?|grpcs?|ftp|ssh)(?:__|:/+).*@|[^/@\s:]+:[^/@\s]+@(?!sha\d|[0-9a-f]{7,40}(?:$|\s)))",
    re.IGNORECASE,
)
_ABSOLUTE = re.compile(
    r"(?:[\w.+-]+/)?(?:file:|~[\w.-]*[/\\]|\.{1,2}[/\\]|[/\\]|[A-Za-z]:[/\\]|\$\{?\w+\}?[/\\]|%\w+%[/\\])"
)  # also hf//home/ann/x
_SANITISED = re.compile(r"(?:~?|\.{1,2}|file)__+|[A-Z]__+(?=.*__)")  # the same where each / became __
_SNAPSHOT = re.compile(
    r"models--([\w.-]+?)--([\w.-]+?)[/\\]snapshots[/\\]"
)  # of the Hub's cache: whose path says the model
_MOST_PARTS = 3  # of a name on a hub, its provider before it; a path of more is one of somebody's folders


def holds_secret(name: str) -> bool:
    """Whether a name holds a secret: by its form, one that this process was given, or a user with a password.

    >>> [holds_secret(name) for name in ("org/model-7B", "http://ann:pw@host/v1", "openai__sk-abcdefghij1234567890")]
    [False, True, True]
    """
    name = unquote(name)
    if _WITH_USER.search(name) or secrets.clean(name) != name or any(problem(one[0]) for one in URL.finditer(name)):
        return True
    return any(is_key(part) for part in _SIGNS.split(name) if part)


def without_place(name: str, most: int = _MOST_PARTS) -> str:
    """The name; of a path, which has a root or more than `most` parts, its last part.

    >>> [without_place(name) for name in ("org/model", "pretrained=/home/ann/x,dtype=auto", "hf//data/ann/y", "__home__ann__z")]
    ['org/model', 'x', 'y', 'z']
    """
    if (told := _GIVEN.search(name)) is not None:
        name = told[1].strip().strip("'\"")
    if URL.fullmatch(name) and not name.lower().startswith("file:"):
        return name
    if (held := _SNAPSHOT.search(name)) is not None:
        return f"{held[1]}/{held[2]}"
    parts = [one for one in re.split(r"[/\\]+", name) if one]
    if _ABSOLUTE.match(name) or len(parts) > most:
        return _last(parts)
    sanitised = [one for one in re.split(r"__+", name) if one]
    if len(parts) <= 1 and (_SANITISED.match(name) or len(sanitised) > most):
        return _last(sanitised)
    return name


def _last(parts: list[str]) -> str:
    return PurePosixPath(parts[-1]).name if parts else ""


def public(name: str, where: object) -> str:
    """The name that a log gives its model, without a place; raises BenchError, without showing it, for one with a secret."""
    name = " ".join(str(clean(name)).split())
    if holds_secret(name):
        raise BenchError(
            f"{where}: the model's name in the log holds what looks like a secret, which the record would show; "
            "give a name with --model NAME"
        )
    return public_text(without_place(name))


def shown(name: str) -> str:
    """The same for a message or a record that needs no name: what holds a secret is withheld as a whole."""
    return secrets.WITHHELD if holds_secret(name) else public(name, "")
