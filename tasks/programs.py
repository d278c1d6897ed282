"""How a FinQA program is read out of what a model wrote."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.metrics.finqa_language import NAMES
from bench.text.quantities import Number, is_misread, sole_number

_CALL = re.compile(rf"\b(?P<name>{'|'.join(NAMES)})\s*\(", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s,;.`*]*(?:(?:#|step\s*)?\d*\s*[.:=)]\s*)?")
_MAX_DEPTH, _MAX_CHARACTERS = 8, 4_000


def read_program(text: str) -> list[str] | None:
    """The tokens of the last program in a text, with "EOF" at the end; None where there is none.

    Its steps follow one another, on one line or several, perhaps numbered; nested calls are taken apart.

    >>> read_program("divide(subtract($5,829, 5735), 5735)")
    ['subtract(', '5829', '5735', ')', 'divide(', '#0', '5735', ')', 'EOF']
    """
    last: list[str] | None = None
    text, place = text[-_MAX_CHARACTERS:], 0
    while first := _CALL.search(text, place):
        found: list[str] = []
        numbers: list[int] = []  # of each outer call, the step that gives its result
        place = first.start()
        while (match := _CALL.match(text, place)) and (end := _closing(text, match.end())) is not None:
            number = _steps(match["name"].lower(), text[match.end() : end], found, numbers, 0)
            place = end + 1
            if number is None:
                break
            numbers.append(number)
            last = found
            between = _BETWEEN.match(text, place)
            place = between.end() if between else place
        place = max(place, first.end())
    return [*last, "EOF"] if last else None


def _closing(text: str, start: int) -> int | None:
    """Where the bracket closes that was opened before `start`."""
    depth = 1
    for place in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return place
    return None


def _steps(name: str, inside: str, found: list[str], numbers: list[int], depth: int) -> int | None:
    """Append the steps of one call to `found`; the number of its last step, None (and nothing appended) if it is no call."""
    arguments = _arguments(inside, name)
    if arguments is None or depth > _MAX_DEPTH:
        return None
    before, plain = len(found), []
    for argument in arguments:
        nested = _CALL.match(argument)
        if nested is None:
            plain.append(_atom(argument, numbers))
            continue
        if _closing(argument, nested.end()) != len(argument) - 1:
            del found[before:]
            return None
        number = _steps(nested["name"].lower(), argument[nested.end() : -1], found, numbers, depth + 1)
        if number is None:
            del found[before:]
            return None
        plain.append(f"#{number}")
    found += [f"{name}(", *plain, ")"]
    return len(found) // 4 - 1


def _arguments(inside: str, name: str) -> list[str] | None:
    """The two arguments, cut at the comma outside brackets that has a space behind it, else at the only comma."""
    for comma in (r",\s+", r","):
        cuts = [0]
        for match in re.finditer(comma, inside):
            if inside.count("(", 0, match.start()) == inside.count(")", 0, match.start()):
                cuts += [match.start(), match.end()]
        cuts.append(len(inside))
        parts = [inside[a:b].strip() for a, b in zip(cuts[::2], cuts[1::2], strict=True)]
        if len(parts) == 1 and name.startswith("table_"):
            parts.append("none")
        if len(parts) == 2 and all(parts):
            return parts
    return None


def _atom(text: str, numbers: Sequence[int]) -> str:
    """An argument as the official programs write it: no quotes, no currency, no thousands commas, #k a step's number."""
    text = text.strip("\"'` ")
    if (reference := re.fullmatch(r"#(\d{1,3})", text)) and int(reference[1]) < len(numbers):
        return f"#{numbers[int(reference[1])]}"
    bare = re.sub(r"[$€£,\s]", "", text)
    number = sole_number(text)
    if number is not None and number.factor is None:
        return (
            bare
            if re.fullmatch(r"-?(?:\d+(?:\.\d+)?|\.\d+)%?", bare) and not re.search(r"[()]", text)
            else _plain(number)
        )
    return "?" if is_misread(text) else text


def _plain(number: Number) -> str:
    digits = f"{number.mantissa:.12f}".rstrip("0").rstrip(".")
    return f"{digits}%" if number.percent else digits
