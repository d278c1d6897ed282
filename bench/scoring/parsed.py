"""A module's source as statements by the names they make: what `scoring/source.py` follows."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Import = tuple[str, str]  # the module, and the name in it, "" for the module itself


@dataclass(frozen=True)
class Source:
    """A module's statements by the names that they make or change, where its imported names come from, and whole imports by `*`."""

    module: str
    tree: ast.Module
    names: Mapping[str, tuple[ast.stmt, ...]]
    imports: Mapping[str, Import]
    stars: tuple[str, ...]
    is_package: bool

    def at(self, line: int) -> ast.stmt | None:
        """The statement that holds this line."""
        return next((one for one in self.tree.body if _first(one) <= line <= (one.end_lineno or 0)), None)

    def member(self, qualname: str, name: str) -> list[ast.stmt]:
        """What defines a name in the body of a class, in order."""
        body: Sequence[ast.stmt] = self.tree.body
        for part in qualname.split("."):
            found = [one for one in _all(body) if isinstance(one, ast.ClassDef) and one.name == part]
            if not found:
                return []
            body = found[-1].body
        return [one for one in body if name in set(_made(one))]


@functools.lru_cache(maxsize=256)
def parsed(module: str, path: Path, changed: int, size: int) -> Source:
    """The source in a file; `changed` and `size` tell a file that was edited from what it was."""
    tree = ast.parse(path.read_bytes())
    names: dict[str, list[ast.stmt]] = {}
    for node in tree.body:
        for name in dict.fromkeys(_made(node)):
            names.setdefault(name, []).append(node)
    is_package = path.name == "__init__.py"
    imports = dict(imported(module, (one for one in _all(tree.body)), is_package))
    stars = tuple(
        base(module, one, is_package)
        for one in _all(tree.body)
        if isinstance(one, ast.ImportFrom) and one.names[0].name == "*"
    )
    return Source(module, tree, {name: tuple(made) for name, made in names.items()}, imports, stars, is_package)


def imported(module: str, nodes: Iterator[ast.AST], is_package: bool) -> Iterator[tuple[str, Import]]:
    """The names that import statements bind; `import a.b` binds a, and what it names is found by its dots."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for one in node.names:
                top = one.name.partition(".")[0]
                yield (one.asname, (one.name, "")) if one.asname else (top, (top, ""))
        elif isinstance(node, ast.ImportFrom):
            yield from (
                (one.asname or one.name, (base(module, node, is_package), one.name))
                for one in node.names
                if one.name != "*"
            )


@functools.lru_cache(maxsize=4096)
def within(module: str, node: ast.AST, is_package: bool) -> Mapping[str, Import]:
    """What a piece of source imports itself."""
    return dict(imported(module, ast.walk(node), is_package))


@functools.lru_cache(maxsize=4096)
def names(node: ast.AST) -> tuple[str, ...]:
    """The names in a piece of source."""
    return tuple(dict.fromkeys(one.id for one in ast.walk(node) if isinstance(one, ast.Name)))


@functools.lru_cache(maxsize=4096)
def chains(node: ast.AST) -> tuple[tuple[str, ...], ...]:
    """The attributes that a piece of source asks names for, as ("a", "b", "c") for a.b.c; of `super()`, ("super()", attribute)."""
    found: dict[tuple[str, ...], None] = {}
    for one in ast.walk(node):
        if isinstance(one, ast.Attribute) and (chain := _chain(one)):
            found[chain] = None
    return tuple(found)


def _chain(node: ast.expr) -> tuple[str, ...]:
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super":
        return ("super()",)
    if isinstance(node, ast.Attribute) and (before := _chain(node.value)):
        return (*before, node.attr)
    return ()


def base(module: str, node: ast.ImportFrom, is_package: bool) -> str:
    """The full name of the module that is imported from."""
    inside = module.split(".") if is_package else module.split(".")[:-1]
    above = inside[: len(inside) - node.level + 1] if node.level else []
    return ".".join([*above, *([node.module] if node.module else [])])


@functools.lru_cache(maxsize=4096)
def normal(node: ast.AST) -> str:
    """The source without comments, docstrings and formatting."""
    copy = ast.parse(ast.unparse(node))
    for one in ast.walk(copy):
        body = getattr(one, "body", None)
        if isinstance(body, list) and body and _is_docstring(body[0]):
            one.body = body[1:] or [ast.Pass()]  # type: ignore[attr-defined]
    return ast.unparse(copy)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _first(node: ast.stmt) -> int:
    above: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(one.lineno for one in above)])


def _parts(node: ast.stmt) -> Iterator[ast.stmt]:
    """The statements of a compound one (if, try, with, for, match), which run where it stands."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    for part in ("body", "orelse", "finalbody"):
        yield from getattr(node, part, ())
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield from part.body


def _all(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements and, of compound ones, their parts."""
    for one in body:
        yield one
        yield from _all(list(_parts(one)))


def _made(node: ast.stmt) -> Iterator[str]:
    """The names that a statement makes or changes: assigned, extended, or with a method called by itself, as `NAMES.append(1)`."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    targets = getattr(node, "targets", [getattr(node, "target", None)])
    targets += [item.optional_vars for item in getattr(node, "items", ())]
    for target in filter(None, targets):
        yield from (one.id for one in ast.walk(target) if isinstance(one, ast.Name))
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and (chain := _chain(node.value.func))[1:]:
        yield chain[0]
    for one in ast.walk(node):
        if isinstance(one, ast.NamedExpr):
            yield one.target.id
    for part in _parts(node):
        yield from _made(part)
