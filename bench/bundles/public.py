"""A run as it may leave this machine: without secrets, local paths and what belongs to one person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from bench.record import Run
from bench.text import secrets
from bench.text.secret_names import names_a_secret
from bench.text.secret_urls import URL, local_name
from bench.types import Json

# Where somebody keeps things, and what somebody is called: of no use to others.
_LOCAL = frozenset({"data_dir", "runs_dir", "tracking", "store", "user", "username", "email"})
_PATH_OF_DATA = ("data", "path")  # the key data.path, at any depth
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
        history=tuple(_public(one) for one in run.history), price=_public(run.price), energy=_public(run.energy),
    )  # fmt: skip


def public_config(config: Mapping[str, Json]) -> dict[str, Json]:
    """A run's configuration without local places, people and secrets; of a local path its last part is left.

    Left out: `data_dir`, `runs_dir`, `tracking`, `store`, `data.path` and names such as `user`; and whatever is called a key,
    token, secret, password, cookie or header and is no number of tokens.
    """
    found = _public(secrets.withheld(config))
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
    if value is None or isinstance(value, bool) or not names_a_secret(name):
        return False
    return not (name.endswith("tokens") and isinstance(value, int | float))  # batch_tokens, thinking_tokens


def public_text(text: str) -> str:
    """A text without secrets that can be told by their form, and with the last part only of each local path.

    >>> public_text("no file /home/anna/models/small.bin; key=abc123")
    'no file small.bin; key=withheld'
    """
    text = URL.sub(lambda found: _public_url(found[0]), text)
    return _without_places(secrets.clean(text))


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
    """The address without what is secret in it; of a local file its name."""
    try:
        return local_name(url) or url
    except ValueError:
        return secrets.WITHHELD
