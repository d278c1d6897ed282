"""Secrets in addresses: told, refused, taken out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from bench.errors import BenchError
from bench.text import secret_looks as looks
from bench.text.secret_names import is_secret, names_a_secret

URL = re.compile(r"\b[a-z][a-z0-9+.-]{0,30}://[^\s\"'<>]*[^\s\"'<>.,;:!?)\]}]", re.IGNORECASE)
_PINNED = re.compile(r"(?:hub|pypi|mlflow|models):\S+")  # a source by its own scheme, without //
_LOCAL = ("file", "sqlite")
_CALLED = re.compile(  # what stands in a path before a key, of whatever form
    r"(?:(?:api|access|auth|secret|private|service|client|user)[-_.]?)?(?:keys?|tokens?|secrets?)"
    r"|auth|pass(?:word|wd|phrase)?|pwd|jwt|bearer|credentials?",
    re.IGNORECASE,
)
_ROUTE = re.compile(  # what stands there and is none: a version, a route, a file, a branch
    r"v[0-9]+\w{0,8}|api|login|logout|callback|realms|oauth2?|tokens?|keys?|chat|completions?|models?|embeddings?|create|list|count"
    r"|releases?|archive|tree|blob|raw|resolve|main|master|download|docs?|index|.*\.(?:zip|t?gz|tar|jsonl?|[ct]sv|txt|html?|md|parquet)",
    re.IGNORECASE,
)
_HOST = re.compile(r"@(?:localhost|[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}|\d+(?:\.\d+){3}|[\w.-]+:\d+)(?::\d+)?(?:[/?#]|$)")
_STORE = (
    "put the address into the environment variable MLFLOW_TRACKING_URI, or the name and password into "
    "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD (of PostgreSQL, PGUSER and PGPASSWORD)"
)
_INSTEAD = {
    "model": "the key comes from the environment variable that model.key_env names",
    "tracking": _STORE,
    "--store": f'{_STORE}; --store "$MLFLOW_TRACKING_URI" is taken',
    "source": "put a token of the Hub into the environment variable HF_TOKEN",
    "data": "fetch the file with your own tools, its key in an environment variable, and give its path",
}


def problem(url: str, *, strict: bool = False) -> str:
    """What in an address is a secret, in words without it; "" for nothing. With `strict`, long hexadecimal parts count too."""
    try:
        found = urlsplit(url)
        named = bool(found.username or found.password)
        _ = found.port  # of "user:pass/word@host" it is no number
    except ValueError:
        return "what cannot be read as an address" if "@" in url else ""
    if (named or hides_a_password(url)) and not found.scheme.startswith(_LOCAL):
        return "a user or password"
    for name, value in [*parse_qsl(found.query, keep_blank_values=True), *parse_qsl(found.fragment)]:
        if _is_key(name, value):
            return "a key among its parameters"
    if found.path != _public_path(found, strict=strict):
        return "what looks like a key in its path"
    return ""


def hides_a_password(url: str) -> bool:
    """Whether what looks like host and port is a name and password in which a sign ends the address: `https://ann:12/x@host:80`."""
    try:
        found = urlsplit(url)
        is_host = "@" in found.netloc or found.port is None
    except ValueError:
        return "@" in url
    return not is_host and not found.scheme.startswith(_LOCAL) and _HOST.search(url) is not None


def _is_key(name: str, value: str) -> bool:
    return names_a_secret(name) or "sig" in name.lower() or is_key(value)


def is_key(part: str, *, strict: bool = False) -> bool:
    """Whether a part of an address looks like a key."""
    part = unquote(part)
    hexadecimal = strict and re.fullmatch(r"[0-9A-Fa-f]{32,}", part) is not None
    return hexadecimal or looks.without_known(part) != part or (len(part) >= 20 and looks.is_random(part))


def keys_in_path(url: str) -> Iterator[str]:
    """The parts of an address's path that are keys, also where they look like words or digests."""
    found = urlsplit(url)
    if not found.scheme.startswith(_LOCAL):
        yield from (part for part, secret in _parts(found.path, strict=True) if secret)


def _parts(path: str, *, strict: bool = False) -> Iterator[tuple[str, bool]]:
    """The pieces of a path, signs between them too, each with whether it is a secret: by its look, or by what stands before it."""
    before = ""
    for piece in re.split(r"([/;:=])", path):
        if piece not in "/;:=":  # nor ""
            named = _CALLED.fullmatch(unquote(before)) is not None and not _ROUTE.fullmatch(piece)
            yield piece, piece != looks.WITHHELD and (named or is_key(piece, strict=strict))
            before = piece
        else:
            yield piece, False


def _public_path(found: SplitResult, *, strict: bool = False) -> str:
    if found.scheme.startswith(_LOCAL):
        return found.path
    return "".join(looks.WITHHELD if secret else piece for piece, secret in _parts(found.path, strict=strict))


def public_url(url: str) -> str:
    """The address without user and password, and without parameters and parts of its path that are secrets."""
    try:
        found = urlsplit(url)
        if "@" in found.netloc or hides_a_password(
            url
        ):  # a password may hold what an address must not, an @ and a / too
            found = urlsplit(f"{found.scheme}://{url.rpartition('@')[2]}")
        host, port = found.hostname or "", found.port
    except ValueError:
        return looks.WITHHELD if "@" in url else url
    place = f"[{host}]" if ":" in host else host
    place += f":{port}" if port else ""
    path = _public_path(found)
    query, fragment = _public_pairs(found.query), _public_pairs(found.fragment)
    whole = (path, query, fragment) == (found.path, found.query, found.fragment) and found.geturl() == urlsplit(
        url
    ).geturl()
    return url if whole else urlunsplit((found.scheme, place, path, query, fragment))


def _public_pairs(text: str) -> str:
    pairs = parse_qsl(text, keep_blank_values=True)
    if not any(_is_key(name, value) for name, value in pairs):
        return looks.WITHHELD if text and is_key(text) else text
    return urlencode([(name, value) for name, value in pairs if not _is_key(name, value)], quote_via=quote)


def local_name(url: str) -> str | None:
    """Of a local file's address the scheme and the file's name; None for an address elsewhere."""
    found = urlsplit(url)
    return f"{found.scheme}:{PurePosixPath(found.path).name}" if found.scheme.startswith(_LOCAL) else None


def refuse(config: Any, key: str = "", *, but: str | None = None) -> None:
    """Raise BenchError, without showing it, for an address in a configuration that holds a secret.

    What stands under a secret's name is no matter here: it is withheld as a whole. `but` is the one address that the user gave in
    an environment variable.
    """
    if isinstance(config, Mapping):
        for name, one in config.items():
            if not is_secret(str(name), one):
                refuse(one, f"{key}.{name}".lstrip("."), but=but)
    elif isinstance(config, list | tuple):
        for one in config:
            refuse(one, key, but=but)
    elif isinstance(config, str) and config != but:
        for found in URL.finditer(config):
            if what := problem(found[0]):
                raise BenchError(_line(key, what, found[0]))
        if _PINNED.match(config) and any(is_key(part) for part in re.split(r"[/@#?=&:]", config)):
            raise BenchError(_line(key, "what looks like a key", ""))


def _line(key: str, what: str, url: str) -> str:
    try:
        host = urlsplit(url).hostname or "" if "@" not in url else ""  # behind an @ stands what may be of a password
    except ValueError:
        host = ""
    where = f"{key} at {host}" if host and not is_key(host) else key
    kind = "source" if key.rsplit(".", 1)[-1] in ("source", "uri", "remote") and not key.startswith("tracking") else ""
    kind = kind or ("data" if ".data." in f".{key}." else key.split(".")[0])
    instead = _INSTEAD.get(kind, "put it into an environment variable")
    return f"{where} holds {what}, which the record would show; leave it out: {instead}"
