"""Calculations in assignment lines ("x0 = 93 - 103; ans = x0 / 103"): read and computed, never run as Python."""

from __future__ import annotations

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Mapping

from bench.text.numerals import folded
from bench.text.quantities import answer_number, sole_number

Value = float | str  # a number, or "yes" or "no" for a comparison

_MOST_CHARACTERS, _MOST_STEPS, _DEEPEST = 4_000, 60, 30
_MOST_POWER = 64.0
_OPERATIONS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Pow: operator.pow,
}  # fmt: skip
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Gt: operator.gt, ast.Lt: operator.lt, ast.GtE: operator.ge, ast.LtE: operator.le,
}  # fmt: skip
_STEP = re.compile(r"(?:(?P<name>[A-Za-z_]\w{0,40})\s*=(?!=)\s*)?(?P<said>(?:[<>]=|[^=])+)")
_UNNAMED = re.compile(r"\d\)?%?\s+(?:[-+*/^×÷<>−]|\*\*)\s+\(*[-$]?\s*[\d.]")  # 2015-2016 is a range
_REPEATED = re.compile(r"(\d[\d.]*) ?% ?\( ?\1 ?% ?\)")  # the reports' tables say "27% ( 27 % )"
_RESULT = re.compile(r"ans(?:wer)?", re.IGNORECASE)
_SIGNS = str.maketrans({"×": "*", "÷": "/", "^": "\0", "[": "(", "]": ")"})


def calculated(text: str) -> tuple[bool, Value | None]:
    """Whether a text holds a calculation, and what comes of it; None where that cannot be computed.

    Its result is what `ans` is set to last, else its last step. Lines that are no step are passed over. A lone number is no
    calculation unless it is given a name.

    >>> calculated("x0 = 1,200 - 1,000; ans = x0 / 1,000")
    (True, 0.2)
    """
    names: dict[str, Value] = {}
    found, last, result = False, None, None
    named = False
    for line in re.split(r"[\n;]", text[:_MOST_CHARACTERS])[:_MOST_STEPS]:
        step = _STEP.fullmatch(line.partition("#")[0].strip().strip("`").strip().rstrip(".,"))
        if step is None or not (step["name"] or _UNNAMED.search(step["said"])):
            continue
        value = _computed(step["said"], names)
        if value is None and step["name"] is None:
            continue  # prose with a dash in it
        found, last = True, value
        if step["name"]:
            if value is None:
                names.pop(step["name"], None)
            else:
                names[step["name"]] = value
            if _RESULT.fullmatch(step["name"]):
                named, result = True, value
    return found, result if named else last


def _computed(said: str, names: Mapping[str, Value]) -> Value | None:
    """The value of one step, None where it has none."""
    plain = _REPEATED.sub(r"\1%", folded(said))
    if (number := sole_number(plain)) is not None:
        return number.unscaled
    plain = re.sub(r"(?<=\d),(?=\d{3}(?!\d))|[$€£¥]", "", plain.translate(_SIGNS).replace("\0", "**"))
    plain = re.sub(r"(\d[\d.]*)\s*%", r"(\1/100)", plain).strip()
    try:
        with warnings.catch_warnings():  # Python's, of what nobody wrote as Python
            warnings.simplefilter("ignore")
            tree = ast.parse(plain, mode="eval").body
        value = _value(tree, names, 0)
    except (SyntaxError, ValueError, ArithmeticError, MemoryError, RecursionError):
        number = None if re.search(r"\d\s*[-+*/<>]|[A-Za-z_]\d|\(", plain) else answer_number(plain)
        return None if number is None else number.unscaled
    return value if isinstance(value, str) or math.isfinite(value) else None


def _value(tree: ast.expr, names: Mapping[str, Value], depth: int) -> Value:
    """What a tree comes to; raises ValueError or ArithmeticError where it is no calculation."""
    if depth > _DEEPEST:
        raise ValueError("too deep")
    match tree:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return float(value)
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=inside):
            return -_number(inside, names, depth)
        case ast.UnaryOp(op=ast.UAdd(), operand=inside):
            return _number(inside, names, depth)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
            a, b = _number(left, names, depth), _number(right, names, depth)
            if isinstance(op, ast.Pow) and (abs(b) > _MOST_POWER or (a < 0 and not b.is_integer())):
                raise ValueError("too large, or no real number")
            return _OPERATIONS[type(op)](a, b)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
            holds = _COMPARISONS[type(op)](_number(left, names, depth), _number(right, names, depth))
            return "yes" if holds else "no"
    raise ValueError("no calculation")


def _number(tree: ast.expr, names: Mapping[str, Value], depth: int) -> float:
    value = _value(tree, names, depth + 1)
    if isinstance(value, str):
        raise ValueError("a comparison is no number")
    return value
