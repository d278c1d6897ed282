"""A run as it may leave this machine: without secrets, local paths and what belongs to one person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from bench.types import Json, Run

WITHHELD = "withheld"
# Where somebody keeps things, and what somebody is called: of no use to others.
_LOCAL = frozenset({"data_dir", "runs_dir", "tracking", "store", "user", "username", "email"})
_PATH_OF_DATA = ("data", "path")  # the key data.path, at any depth
_NO_SECRET = frozenset({"max_tokens_key"})  # says how an endpoint calls its limit
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_ENDS = ("key", "keys", "token", "tokens", "secret", "password", "passwd", "pwd", "passphrase", "auth")
_BEGINS = ("secret", "passw", "credential", "authoriz", "cookie", "header", "bearer")
_KNOWN_SECRETS = re.compile(
    r"\b[spr]k[-_](?=[\w-]*\d)[\w-]{16,}|\bhf_\w{16,}|\bgh[a-z]_\w{16,}|\bgithub_pat_\w+|\bglpat-[\w-]{8,}"
    r"|\bxox[a-z]-[\w-]{8,}|\b(?:AKIA|ASIA)[A-Z0-9]{12,}|\bAIza[\w-]{20,}|\beyJ[\w-]{8,}\.[\w.-]+"
    r"|-----BEGIN [^-]*PRIVATE KEY.*|(?<=Bearer )\S+|(?<=Basic )[\w+/=]{8,}",
    re.DOTALL,
)
_SAID_SECRET = re.compile(
    r"((?:key|token|secret|passw(?:or)?d|pwd)\s*=\s*|(?:(?:api|access|auth)[-_ ]?(?:key|token)|secret|password)\s*:\s*)"
    r"[^\s,;&\"']+",
    re.IGNORECASE,
)
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s\"'<>]+", re.IGNORECASE)
# An absolute path of at least two parts (a lone /word may be a command to a model), of either kind of system.
_PATH = re.compile(
    r"(?<![\w.:/\\~-])(?:file:)?(?:~[\w.-]*/|(?:\.\./)+|/(?=[^/\s\"'<>|]+/))[^\s\"'<>|,;:()]*"
    r"|(?<![\w])[A-Za-z]:[\\/][^\s\"'<>|,;()]+|(?<![\w\\])\\\\[^\s\"'<>|,;()]+"
)
# In quotes it may hold spaces.
_QUOTED = re.compile(r"""(['"])((?:file:)?(?:~|/[^/\s'"]+/|[A-Za-z]:[\\/]|\\\\)[^'"\n]*)\1""")


def public_run(run: Run) -> Run:
    """The run as others may see it; what it measured, and on what kind of machine, stays."""
    scores = tuple(replace(score, note=public_text(score.note)) for score in run.scores)
    return replace(
        run, scores=scores, config=public_config(run.config), model_revision=public_text(run.model_revision),
        environment=_public(run.environment), submission=_public(run.submission), audit=_public(run.audit),
        computed=_public(run.computed), data_files=_public(run.data_files), code=_public(run.code),
        history=tuple(_public(one) for one in run.history),
    )  # fmt: skip


def public_config(config: Mapping[str, Json]) -> dict[str, Json]:
    """A run's configuration without local places, people and secrets; of a local path its last part is left.

    Left out: `data_dir`, `runs_dir`, `tracking`, `store`, `data.path` and names such as `user`; and whatever is called a key,
    token, secret, password, cookie or header and is no number of tokens.
    """
    found = _public(config)
    return dict(found)


def _public(value: Any, above: str = "") -> Any:
    if isinstance(value, Mapping):
        return {
            public_text(str(name)): _public(one, str(name))
            for name, one in value.items()
            if not _is_left_out(above, str(name), one)
        }
    if isinstance(value, list | tuple):
        return [_public(one, above) for one in value]
    return public_text(value) if isinstance(value, str) else value


def _is_left_out(above: str, name: str, value: Any) -> bool:
    if name in _LOCAL or (above, name) == _PATH_OF_DATA:
        return True
    if name in _NO_SECRET or value is None or isinstance(value, bool) or not _is_secret(name):
        return False
    return not (name.endswith("tokens") and isinstance(value, int | float))  # batch_tokens, thinking_tokens


def _is_secret(name: str) -> bool:
    """Whether a key's name says that its value is nobody else's."""
    return any(word.endswith(_ENDS) or word.startswith(_BEGINS) for word in map(str.lower, _WORDS.findall(name)))


def public_text(text: str) -> str:
    """A text without secrets that can be told by their form, and with the last part only of each local path.

    >>> public_text("no file /home/anna/models/small.bin; key=abc123")
    'no file small.bin; key=withheld'
    """
    text = _URL.sub(lambda found: _public_url(found[0]), text)
    return _without_places(_SAID_SECRET.sub(rf"\1{WITHHELD}", _KNOWN_SECRETS.sub(WITHHELD, text)))


def _without_places(text: str) -> str:
    """The text with each absolute path as its last part."""
    if (
        "\n" not in text
        and re.match(r"(file:)?(/[^/\s]+/|~|[A-Za-z]:[\\/]|\\\\)", text)
        and not re.search(r"[:;,] ", text)
    ):
        return _last(text)  # the whole text is a path, which may hold spaces
    text = _QUOTED.sub(lambda one: one[1] + _last(one[2]) + one[1], text)
    return _PATH.sub(lambda one: _last(one[0]), text)


def _last(path: str) -> str:
    scheme = "file:" if path.startswith("file:") else ""
    return scheme + PurePosixPath(path.removeprefix("file:").replace("\\", "/")).name


def _public_url(url: str) -> str:
    """The address without user and password, and without parameters that name a secret; of a local file its name."""
    try:
        found = urlsplit(url)
        host, port = found.hostname or "", found.port
    except ValueError:
        return WITHHELD
    if found.scheme == "file" or found.scheme.startswith("sqlite"):
        return f"{found.scheme}:{PurePosixPath(found.path).name}"
    place = f"[{host}]" if ":" in host else host
    place += f":{port}" if port else ""
    query = found.query
    pairs = parse_qsl(query, keep_blank_values=True)
    if any(_is_secret(name) or "sig" in name.lower() for name, _ in pairs):
        query = urlencode([(k, v) for k, v in pairs if not (_is_secret(k) or "sig" in k.lower())])
    changed = bool(found.username or found.password or query != found.query)
    return urlunsplit((found.scheme, place, found.path, query, found.fragment)) if changed else url
