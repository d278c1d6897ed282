"""New results within a model-index that others wrote in too: lines of ours are set between theirs, which stay letter for letter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench.errors import BenchError
from bench.exports.hub import front_matter
from bench.types import Json

KEY = "model-index"
_EMPTY = ("", "[]", "null", "~")


class _Unsafe(Exception):
    """Why lines cannot be set in without changing those of others."""


def spliced(
    head: str, new: Sequence[Mapping[str, Json]], place: Callable[[Json, Sequence[Json]], list[int]], where: str
) -> str:
    """The front matter `head` with these models' results in its model-index.

    `place` tells, of the results that a model has and one that is new, which of the former it replaces. Raises BenchError,
    beginning with `where`, for a form in which that cannot be done without changing lines of others.
    """
    try:
        for model in new:
            for result in model["results"]:
                head = _with(head, str(model["name"]), result, place)
    except _Unsafe as error:
        raise BenchError(
            f"{where}: no result can be set into its {KEY} without changing what others wrote there ({error}); "
            f"`bench export RUN --to {KEY}` prints it, to be put there by hand"
        ) from None
    return head


def _with(head: str, name: str, result: Json, place: Callable[[Json, Sequence[Json]], list[int]]) -> str:
    """The front matter with one more result."""
    index = _value(_composed(head), KEY)
    new_model = {"name": name, "results": [result]}
    if index is None:
        return head + ("" if head.endswith("\n") or not head else "\n") + front_matter([new_model])
    if _text(head, index).strip() in _EMPTY:
        return _filled(head, index, front_matter([new_model]))
    model = next((one for one in _block(index) if _name(one) == name), None)
    if model is None:
        return _behind(head, index, new_model)
    results = _value(model, "results")
    known = [_plain(head, one) for one in _block(results)]
    replaced = place(result, known)
    if not replaced:
        return _behind(head, results, result)
    for at in reversed(replaced[1:]):
        begin, end, _ = _lines(head, results, at)
        head = head[:begin] + head[end:]
    begin, end, column = _lines(head, results, replaced[0])
    return head[:begin] + _entry(result, column) + head[end:]


def _composed(head: str) -> Any:
    import yaml

    return yaml.compose(head, Loader=yaml.SafeLoader)  # by Python, whose marks have places in the text


def _value(mapping: Any, key: str) -> Any:
    """The node of a key, None where there is none."""
    import yaml

    pairs = mapping.value if isinstance(mapping, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _name(model: Any) -> str:
    name = _value(model, "name")
    return str(name.value) if name is not None else ""


def _block(node: Any) -> list[Any]:
    """The entries of a list that has a line for each."""
    import yaml

    if not isinstance(node, yaml.SequenceNode) or node.flow_style or not node.value:
        raise _Unsafe("a list is not written as lines that begin with -")
    return list(node.value)


def _text(head: str, node: Any) -> str:
    return head[node.start_mark.index : node.end_mark.index]


def _plain(head: str, node: Any) -> Json:
    import yaml

    return yaml.SafeLoader("").construct_document(node)


def _filled(head: str, node: Any, text: str) -> str:
    """The text in the place of a key without a value."""
    begin = head.rfind("\n", 0, node.start_mark.index) + 1
    end = _end_of_line(head, node.start_mark.index)
    if head[begin:end].replace(" ", "").rstrip("\n") not in {f"{KEY}:{empty}" for empty in _EMPTY}:
        raise _Unsafe(f"{KEY} shares its line")
    return head[:begin] + text + head[end:]


def _end_of_line(head: str, at: int) -> int:
    """The place behind the line in which `at` is."""
    found = head.find("\n", at)
    return len(head) if found < 0 else found + 1


def _last(node: Any) -> int:
    """The last place of a node's own text: what stands behind a block is counted to it, comments of others too."""
    import yaml

    if isinstance(node, yaml.ScalarNode) or node.flow_style:
        if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
            raise _Unsafe("a text of several lines ends its entry")
        return int(node.end_mark.index)
    child = node.value[-1]
    return _last(child[1] if isinstance(child, tuple) else child)


def _lines(head: str, among: Any, at: int) -> tuple[int, int, int]:
    """Where the lines of an entry begin and end, and the column of its dash; raises _Unsafe where they hold words of others."""
    node = among.value[at]
    begin = head.rfind("\n", 0, node.start_mark.index) + 1
    end, column = _end_of_line(head, _last(node)), among.start_mark.column
    text = head[begin:end]
    if head[begin : node.start_mark.index].strip() != "-":
        raise _Unsafe("an entry does not begin its line")
    if text != _entry(_plain(head, node), column) and "#" in text:
        raise _Unsafe("the result that is to be replaced has comments")
    return begin, end, column


def _entry(value: Json, column: int) -> str:
    """The value as an entry of a list whose dashes are in this column."""
    lines = front_matter([value]).split("\n")[1:-1]
    return "".join(" " * column + line + "\n" for line in lines)


def _behind(head: str, node: Any, value: Json) -> str:
    """The value as one more entry behind the last one of a list."""
    last = _block(node)[-1]
    end = _end_of_line(head, _last(last))
    before = head[:end] + ("" if head[:end].endswith("\n") else "\n")
    return before + _entry(value, node.start_mark.column) + head[end:]
