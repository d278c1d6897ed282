"""FinQA: execution accuracy (a program's result on the table) and program accuracy (the same formula)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from bench.metrics.finqa_language import FAULTS, OPERATIONS, Step, execute, steps, tokens
from bench.metrics.metric import Metric, Row

Tree = Any  # the number of a leaf, or (operation, left tree, right tree)

_MAX_LEAVES = 32  # of a formula that is simplified: the longest gold programs have ten


def same_program(gold: Sequence[str], found: Sequence[str]) -> bool:
    """Whether two programs are the same formula of the same numbers, constants and table rows.

    Source: equal_program of FinQA's evaluate.py. A formula too large to simplify is the same only token for token.
    """
    if list(gold) == list(found):
        return steps(gold) not in (None, [])
    ours, theirs = steps(gold), steps(found)
    if not ours or not theirs:
        return False
    leaves: dict[str, int] = {}
    for step in ours:
        for leaf in step.leaves():
            leaves.setdefault(leaf, len(leaves))
    if any(leaf not in leaves for step in theirs for leaf in step.leaves()):
        return False
    wanted, given = _tree(ours, leaves), _tree(theirs, leaves)
    return wanted is not None and given is not None and (wanted == given or _equal(wanted, given))


def _tree(found: Sequence[Step], leaves: Mapping[str, int]) -> Tree | None:
    """The formula of the last step; None where a reference is not to an earlier step, or the formula is too large."""
    trees: list[tuple[Tree, int]] = []  # of each step so far, with how many leaves it has
    for place, step in enumerate(found):
        if step.on_row:
            trees.append((leaves[step.text], 1))
            continue
        sides = []
        for argument in (step.first, step.second):
            at = _reference(argument, place)
            if at is None:
                return None
            sides.append((leaves[argument], 1) if at < 0 else trees[at])
        (left, n_left), (right, n_right) = sides
        trees.append(((step.operation, left, right), min(n_left + n_right, _MAX_LEAVES + 1)))
    tree, size = trees[-1]
    return tree if size <= _MAX_LEAVES else None


def _reference(argument: str, place: int) -> int | None:
    """The step that an argument refers to, -1 if it is no reference, None if there is no such step before `place`."""
    if "#" not in argument:
        return -1
    try:
        at = int(argument.strip("#"))
    except ValueError:
        return None
    return at if 0 <= at < place else None


def _equal(wanted: Tree, given: Tree) -> bool:
    """Whether the formulas are one after simplification; what differs in numbers is not handed to sympy at all."""
    for seed in (0.618034, 0.754878):
        values = _value(wanted, seed), _value(given, seed)
        if None not in values and not math.isclose(*values, rel_tol=1e-6, abs_tol=1e-9):  # type: ignore[arg-type]
            return False
    left, right = _simplified(wanted), _simplified(given)
    return left is not None and left == right


def _value(tree: Tree, seed: float) -> float | None:
    """The formula's value at a point between 1 and 2 in each variable, None where it has none that is real and finite."""
    if isinstance(tree, int):
        return 1.0 + (tree + 1) * seed % 1.0
    operation, left, right = tree[0], _value(tree[1], seed), _value(tree[2], seed)
    if operation == "greater" or left is None or right is None:
        return None
    try:
        value = OPERATIONS[operation](left, right)
    except ArithmeticError:
        return None
    return value if isinstance(value, float) and math.isfinite(value) else None


@lru_cache(maxsize=4096)  # most programs are one of a few formulas
def _simplified(tree: Tree) -> Any:
    """The formula as sympy simplifies it, None where it makes no sense (a sum with the outcome of a comparison)."""
    from sympy import simplify  # type: ignore[import-untyped]

    try:
        return simplify(_expression(tree))
    except (*FAULTS, NotImplementedError, RecursionError):
        return None


def _expression(tree: Tree) -> Any:
    from sympy import Symbol

    if isinstance(tree, int):
        return Symbol(f"a{tree}")
    return OPERATIONS[tree[0]](_expression(tree[1]), _expression(tree[2]))


def _executed(target: Mapping[str, Any], answer: Mapping[str, Any]) -> Row:
    """1.0 where the program's result, or the number given instead of a program, is the gold one at 5 places."""
    if answer["program"] is not None:
        result = execute(answer["program"], target["table"])
    else:
        value = answer["value"]
        result = round(value, 5) if isinstance(value, int | float) else value
    return (float(result is not None and result == target["result"]),)


def _same(target: Mapping[str, Any], answer: Mapping[str, Any]) -> Row:
    return (float(answer["program"] is not None and same_program(tokens(target["program"]), answer["program"])),)


# target {"program": text, "result": number or "yes" or "no", "table": rows},
# answer {"program": tokens or None, "value": number, "yes", "no" or None}
FINQA = (
    Metric("execution_accuracy", measure=_executed, signature="evaluate.py, 5 places"),
    Metric("program_accuracy", measure=_same, signature="evaluate.py, sympy"),
)
