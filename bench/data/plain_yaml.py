"""YAML of plain values, with errors that name file and line: no tag makes an object, no key comes twice, no alias grows."""

from __future__ import annotations

import copy
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from bench.data.files import read_text
from bench.errors import BenchError
from bench.types import Json

MOST_DEPTH = 64  # lists and mappings in each other, those behind aliases too
MOST_CHARACTERS = 1_000_000
_MOST_VALUES = 100_000  # with what aliases stand for written out
_MOST_SIGNS = 4_300  # of a number: Python reads no longer whole one, and PyYAML's time for 1:59:59:… is quadratic
_READ_OTHERWISE = "\t?\ufeff"  # libyaml takes them in places where PyYAML's own reader, which Hydra has, takes none
_COMMENTS = re.compile(r"\A(?:#[ -~]*\n)+")  # above all else, where both read the same whatever they say
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp")
_OF_CONSTRUCTORS = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
)  # what PyYAML's own let through


class NotPlain(ValueError):
    """What in a text is no plain YAML, with its line."""


def read_yaml(path: Path) -> Json:
    """The file's value, None of an empty file; raises BenchError with the line of what is no plain YAML.

    A file that is read again, as that of a task by each of its boards, is parsed again only where it has changed.
    """
    try:
        there = path.stat()
    except OSError:
        return _read_yaml(path)  # which says what is wrong
    key = str(path), there.st_ino, there.st_mtime_ns, there.st_size
    if key not in _parsed:
        if len(_parsed) >= _KEPT:
            _parsed.clear()
        _parsed[key] = _read_yaml(path)
    return copy.deepcopy(_parsed[key])


_parsed: dict[tuple[str, int, int, int], Json] = {}
_KEPT = 1000  # files


def _read_yaml(path: Path) -> Json:
    text = read_text(path)
    if len(text) > MOST_CHARACTERS:
        raise BenchError(f"{path} has {len(text):,} characters, where a configuration has {MOST_CHARACTERS:,} at most")
    try:
        return plain_yaml(text)
    except NotPlain as error:
        raise BenchError(f"{path}{error}; correct it") from None


def plain_yaml(text: str, *, aliases: bool = True) -> Json:
    """The value of a text, None of an empty one; raises NotPlain, " line 3: …" or ": …", at the first thing that is wrong.

    Nothing behind a place that is nested too deep is looked at: PyYAML's time for nesting is quadratic.
    """
    told = _COMMENTS.sub("", text)
    if _QUICK is not None and not any(sign in told for sign in _READ_OTHERWISE):
        with suppress(yaml.YAMLError, *_OF_CONSTRUCTORS):  # the other reader decides, and says the line
            return _loaded(_QUICK, text, aliases=aliases)
    try:
        return _loaded(_Guarded, text, aliases=aliases)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise NotPlain(f" line {mark.line + 1 if mark else 1}: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise NotPlain(f": {' '.join(str(error).split())}") from None
    except NotPlain:
        raise
    except _OF_CONSTRUCTORS as error:  # a day that there is not, 0x without digits
        said = str(error)[:100] if isinstance(error, ValueError) else "a value is not what it looks like"
        raise NotPlain(f": {said}") from None


def _loaded(kind: type[Any], text: str, *, aliases: bool) -> Json:
    loader = kind(text)
    loader.allowed.aliases = aliases
    node = loader.get_single_node()
    if node is None:
        return None
    _Check().size(node)
    return loader.construct_document(node)


class _Allowed:
    """Goes through the events of a document, and raises NotPlain for what no configuration holds."""

    depth = values = 0
    aliases = True

    def event(self, event: Any) -> Any:
        """The event, once it is seen to be allowed."""
        if isinstance(event, yaml.CollectionEndEvent):
            self.depth -= 1
        elif isinstance(event, yaml.NodeEvent):
            self.values += 1
            self.depth += isinstance(event, yaml.CollectionStartEvent)
            if self.depth > MOST_DEPTH:
                raise _at(event, f"nested too deeply: more than {MOST_DEPTH} lists and mappings in each other")
            if self.values > _MOST_VALUES:
                raise _at(event, f"it has more than {_MOST_VALUES:,} values")
            if not self.aliases and isinstance(event, yaml.AliasEvent):
                raise _at(event, "it has aliases, which no run writes")
            if (tag := getattr(event, "tag", None)) is not None:
                raise _at(event, f"the tag {tag.replace('tag:yaml.org,2002:', '!!')[:60]!a} is no plain value")
        return event


class _Guarded(yaml.SafeLoader):
    """Refuses, as soon as it is come upon, what no configuration holds."""

    def __init__(self, text: str) -> None:
        self.allowed = _Allowed()
        super().__init__(text)

    def get_event(self) -> Any:
        """The next event, once it is seen to be allowed."""
        return self.allowed.event(super().get_event())  # type: ignore[no-untyped-call]


def _quick() -> type[Any] | None:
    """The same by libyaml, some ten times faster; None where PyYAML was built without it."""
    if not yaml.__with_libyaml__:
        return None

    class Quick(yaml.CSafeLoader):
        def __init__(self, text: str) -> None:
            self.allowed, self.text = _Allowed(), text
            super().__init__(text)

        def get_single_node(self) -> Any:
            """The document's node, once all events are seen to be allowed: it recurses in C, which nothing stops."""
            for event in yaml.parse(self.text, Loader=yaml.CSafeLoader):
                self.allowed.event(event)
            return super().get_single_node()

    return Quick


_QUICK = _quick()


class _Check:
    """Goes through the nodes of a document, each once, and raises NotPlain for what no configuration holds."""

    def __init__(self) -> None:
        self.sizes, self.depths = dict[int, int](), dict[int, int]()

    def size(self, node: Any) -> int:
        """How many values the node holds, each alias counted as what it stands for."""
        if id(node) in self.sizes:
            if not self.sizes[id(node)]:
                raise _at(node, "an alias stands for what holds it")
            return self.sizes[id(node)]
        self.sizes[id(node)] = 0  # it is being gone through
        if isinstance(node.value, str):
            if node.tag in _NUMBERS and len(node.value) > _MOST_SIGNS:
                raise _at(node, f"a number of more than {_MOST_SIGNS:,} signs")
            parts: list[Any] = []
        else:
            parts = [part for one in node.value for part in (one if isinstance(one, tuple) else (one,))]
        size = 1 + sum(map(self.size, parts))
        if size > _MOST_VALUES:
            raise _at(node, f"its aliases stand for more than {_MOST_VALUES:,} values")
        self.depths[id(node)] = max((self.depths[id(part)] + 1 for part in parts), default=0)
        if self.depths[id(node)] > MOST_DEPTH:
            raise _at(
                node, f"nested too deeply: with its aliases more than {MOST_DEPTH} lists and mappings in each other"
            )
        self._refuse_repeated(node)
        self.sizes[id(node)] = size
        return size

    def _refuse_repeated(self, node: Any) -> None:
        """Refuse a key that comes twice in a mapping: of two values one would be lost."""
        known = set()
        for one in node.value:
            if isinstance(one, tuple) and isinstance(one[0].value, str) and one[0].value != "<<":
                if one[0].value in known:
                    raise _at(one[0], f"the key {ascii(one[0].value)[:60]} comes twice")
                known.add(one[0].value)


def _at(place: Any, text: str) -> NotPlain:
    return NotPlain(f" line {place.start_mark.line + 1}: {text}")
