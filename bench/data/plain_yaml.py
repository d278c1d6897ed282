"""YAML of plain values, with errors that name file and line: no tag makes an object, no key comes twice, no alias grows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.data.files import read_text
from bench.errors import BenchError
from bench.types import Json

_PLAIN = ("null", "bool", "int", "float", "str", "timestamp", "seq", "map", "merge", "value")
_MOST_VALUES = 100_000  # with what aliases stand for written out
_MOST_CHARACTERS = 1_000_000


def read_yaml(path: Path) -> Json:
    """The file's value, None of an empty file; raises BenchError with the line of what is no plain YAML."""
    import yaml

    text = read_text(path)
    if len(text) > _MOST_CHARACTERS:
        raise BenchError(f"{path} has {len(text):,} characters, where a configuration has {_MOST_CHARACTERS:,} at most")
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is not None:
            _Check(path).size(node)
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BenchError(
            f"{path} line {mark.line + 1 if mark else 1}: {error.problem or error.context}; correct it"
        ) from None
    except yaml.YAMLError as error:
        raise BenchError(f"{path}: {' '.join(str(error).split())}; correct it") from None
    except RecursionError:
        raise BenchError(f"{path}: nested too deeply; correct it") from None
    except ValueError as error:  # a number of thousands of digits, a day that there is not
        raise BenchError(f"{path}: {str(error)[:100]}; correct it") from None


class _Check:
    """Goes through the nodes of a document, each once, and raises BenchError for what no configuration holds."""

    def __init__(self, path: Path) -> None:
        self.path, self.sizes = path, dict[int, int]()

    def size(self, node: Any) -> int:
        """How many values the node holds, each alias counted as what it stands for."""
        if id(node) in self.sizes:
            if not self.sizes[id(node)]:
                self._refuse(node, "an alias stands for what holds it")
            return self.sizes[id(node)]
        self.sizes[id(node)] = 0  # it is being gone through
        if node.tag.removeprefix("tag:yaml.org,2002:") not in _PLAIN:
            self._refuse(node, f"the tag {node.tag.replace('tag:yaml.org,2002:', '!!')!a} is no plain value")
        parts = [part for one in node.value for part in (one if isinstance(one, tuple) else (one,))]
        size = 1 if isinstance(node.value, str) else 1 + sum(map(self.size, parts))
        if size > _MOST_VALUES:
            self._refuse(node, f"its aliases stand for more than {_MOST_VALUES:,} values")
        self._refuse_repeated(node)
        self.sizes[id(node)] = size
        return size

    def _refuse_repeated(self, node: Any) -> None:
        """Refuse a key that comes twice in a mapping: of two values one would be lost."""
        known = set()
        for one in node.value:
            if isinstance(one, tuple) and isinstance(one[0].value, str) and one[0].value != "<<":
                if one[0].value in known:
                    self._refuse(one[0], f"the key {ascii(one[0].value)[:60]} comes twice")
                known.add(one[0].value)

    def _refuse(self, node: Any, text: str) -> None:
        raise BenchError(f"{self.path} line {node.start_mark.line + 1}: {text}; correct it")
