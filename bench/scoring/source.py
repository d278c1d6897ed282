"""Which parser and metrics made a score: a digest of the source that each of them reaches, and of nothing else.

Comments, docstrings, formatting and code that a parser or metric never calls change no digest. What is reached is found in
the source, by name: functions, classes and constants of the module, what it imports from modules of the same author, the
methods and attributes that a task's method asks `self` for. Libraries count by name; their versions are in the record.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from bench.artifacts.digest import digest
from bench.metrics.metric import AnyMetric, ModuleMetric
from bench.runs.code import file_of, is_outside
from bench.task import Task
from bench.text.thinking import behind_thinking

_DIGITS = 12
# What all parsers and metrics share tells none of them apart.
_NOUNS = frozenset({"bench.types", "bench.errors", "bench.task"})
_KINDS = frozenset({"Metric", "RankedMetric", "CorpusMetric", "ModuleMetric"})
_INSTALLED = frozenset({"site-packages", "dist-packages"})


def scorer_of(task: Task) -> dict[str, str]:
    """12 hex digits for the task's parser ("answer") and for each of its metrics, by name."""
    modules = _Modules(frozenset(cls.__module__.partition(".")[0] for cls in type(task).__mro__))
    parser = _Reached(modules)
    parser.attribute(type(task), task, "answer")
    parser.value("behind_thinking", behind_thinking)
    parser.value("missing_left_out", task.missing_left_out)
    return {"answer": _hashed(parser)} | {one.name: _hashed(_of_metric(one, modules)) for one in task.metrics}


def changed(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The names of what differs between two scorers: the parser, or a metric that is new, gone or another."""
    names = [name for name in dict.fromkeys([*now, *then]) if then.get(name) != now.get(name)]
    return ["the parser" if name == "answer" else f"metric '{name}'" for name in names]


def _hashed(reached: _Reached) -> str:
    lines = "".join(f"{name}\n{source}\n" for name, source in sorted(reached.found.items()))
    return hashlib.sha256(lines.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def _of_metric(metric: AnyMetric, modules: _Modules) -> _Reached:
    reached = _Reached(modules)
    for one in fields(metric):
        reached.value(one.name, getattr(metric, one.name))
    if isinstance(metric, ModuleMetric) and Path(metric.module).exists():
        reached.found["module"] = digest(Path(metric.module))
    return reached


class _Modules:
    """The modules whose source counts, each read once; `authors` are packages that count though they are installed."""

    def __init__(self, authors: frozenset[str]) -> None:
        self.authors = authors
        self._known: dict[str, _Source | None] = {}

    def __call__(self, module: str) -> _Source | None:
        """The module's source, None where there is none or where it is Python's or another library's."""
        if module not in self._known:
            self._known[module] = self._read(module)
        return self._known[module]

    def _read(self, module: str) -> _Source | None:
        path = file_of(module)  # whether it is loaded yet must make no difference
        if path is None:
            return None
        top = module.partition(".")[0]
        own = is_outside(module) and not _INSTALLED & set(path.parts)
        known = own or top in ("bench", "tasks") or (top in self.authors and top not in sys.stdlib_module_names)
        if not known or path.suffix != ".py":
            return None
        return _parsed(module, path, path.stat().st_mtime_ns, path.stat().st_size)


@dataclass
class _Reached:
    """Source by qualified name, of all that was reached so far."""

    modules: _Modules
    numbers: dict[int, int] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)

    def value(self, name: str, value: object) -> None:
        """A field of a metric, a default or what a function closes over."""
        if isinstance(value, functools.partial):
            self.value(f"{name}.func", value.func)
            for i, one in enumerate([*value.args, *sorted(value.keywords.items())]):
                self.value(f"{name}.{i}", one)
        elif isinstance(value, FunctionType):
            self._function(value)
        elif isinstance(value, type):
            self._name(value.__module__, value.__qualname__.partition(".")[0])
        elif hasattr(value, "__wrapped__"):
            self.value(name, value.__wrapped__)
        elif isinstance(value, tuple | list):
            for i, one in enumerate(value):
                self.value(f"{name}.{i}", one)
        elif isinstance(value, str | int | float | bool | bytes | None):
            self.found[name] = repr(value)
        elif callable(value):  # an object that is called, or a function of another language
            self.value(name, type(value))

    def _function(self, function: FunctionType) -> None:
        """A function by the statement of its module in which it is made, with its defaults and what it closes over."""
        module, top = function.__module__, function.__qualname__.partition(".")[0]
        source = self.modules(module)
        statement = source.at(function.__code__.co_firstlineno) if source is not None else None
        number = self.numbers.setdefault(id(function), len(self.numbers))  # one factory makes many functions
        key = f"{module}:{function.__qualname__}#{number}"
        if f"{key}=" in self.found:
            return
        self.found[f"{key}="] = ""
        if source is None or statement is None:
            self.found[key] = _compiled(function.__code__) if file_of(module) is None else "library"
        elif top in source.names:
            self._name(module, top)
        else:
            self._statement(f"{module}:{function.__qualname__}", module, statement)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            with suppress(ValueError):  # a cell that is empty yet
                self.value(f"{key}.{name}", cell.cell_contents)
        for i, default in enumerate(function.__defaults__ or ()):
            self.value(f"{key}.default{i}", default)

    def _name(self, module: str, name: str) -> None:
        """What a module calls by this name: its own statement, or what it imports under it."""
        key = f"{module}.{name}"
        if key in self.found or module in _NOUNS or (module == "bench.metrics.metric" and name in _KINDS):
            return
        source = self.modules(module)
        if source is None:
            self.found[key] = "library"
        elif name in source.names:
            self._statement(key, module, source.names[name])
        elif name in source.imports:
            self._imported(*source.imports[name])

    def _imported(self, module: str, name: str) -> None:
        """What a module imports; of a module of the same author, what is used is reached by its own name."""
        if name and self.modules(f"{module}.{name}") is None:
            self._name(module, name)

    def _statement(self, key: str, module: str, node: ast.stmt) -> None:
        if key in self.found:
            return
        self.found[key] = _normal(node)
        self._names_in(module, node)

    def _names_in(self, module: str, node: ast.AST) -> None:
        """Follow every name of the module that stands in a piece of its source."""
        of_source = self.modules(module)
        for base, name in _names(module, node, of_source is not None and of_source.is_package):
            if base:
                self._imported(base, name)
            else:
                self._name(module, name)
        source = self.modules(module)
        for owner, name in _attributes(node):
            if source is not None and owner in source.imports:
                base, inner = source.imports[owner]
                found = f"{base}.{inner}" if inner else base
                if self.modules(found) is not None or self.modules(base) is None:  # a module, or of a library
                    self._name(found, name)

    def attribute(self, cls: type, instance: object, name: str) -> None:
        """A method or attribute that is asked of `self`: the first class that has it, or the instance's own plain value."""
        owner = next((one for one in cls.__mro__ if name in vars(one)), None)
        if owner is None:
            value = vars(instance).get(name)
            if isinstance(value, str | int | float | bool | None):
                self.found[f"self.{name}"] = repr(value)
            return
        key = f"{owner.__module__}.{owner.__qualname__}.{name}"
        if key in self.found or owner.__module__ in _NOUNS:
            return
        source = self.modules(owner.__module__)
        node = source.member(owner.__qualname__, name) if source is not None else None
        if node is None:
            made = getattr(vars(owner)[name], "__func__", vars(owner)[name])
            typed = isinstance(made, FunctionType) and file_of(owner.__module__) is None
            self.found[key] = _compiled(made.__code__) if typed else "library"
            return
        self.found[key] = _normal(node)
        self._names_in(owner.__module__, node)
        for of, asked in _attributes(node):
            if of in ("self", "cls"):
                self.attribute(cls, instance, asked)
            elif of == "super()":
                self.attribute(owner.__mro__[1], instance, asked)


@functools.lru_cache(maxsize=4096)
def _names(module: str, node: ast.AST, is_package: bool) -> tuple[tuple[str, str], ...]:
    """The names in a piece of source: ("", name), or (module, name) where it imports one itself."""
    found: dict[tuple[str, str], None] = {}
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            found["", one.id] = None
        elif isinstance(one, ast.ImportFrom):
            found |= dict.fromkeys((_base(module, one, is_package), name.name) for name in one.names)
    return tuple(found)


@functools.lru_cache(maxsize=4096)
def _attributes(node: ast.AST) -> tuple[tuple[str, str], ...]:
    """The attributes that a piece of source asks names for: (name, attribute); of `super()`, ("super()", attribute)."""
    found: dict[tuple[str, str], None] = {}
    for one in ast.walk(node):
        if isinstance(one, ast.Attribute):
            of = one.value
            if isinstance(of, ast.Name):
                found[of.id, one.attr] = None
            elif isinstance(of, ast.Call) and isinstance(of.func, ast.Name) and of.func.id == "super":
                found["super()", one.attr] = None
    return tuple(found)


@dataclass(frozen=True)
class _Source:
    """A module's statements by the names that they define, and where its imported names come from: (module, name)."""

    tree: ast.Module
    names: Mapping[str, ast.stmt]
    imports: Mapping[str, tuple[str, str]]
    is_package: bool

    def at(self, line: int) -> ast.stmt | None:
        """The statement that holds this line."""
        return next((one for one in self.tree.body if _first(one) <= line <= (one.end_lineno or 0)), None)

    def member(self, qualname: str, name: str) -> ast.stmt | None:
        """What defines a name in the body of a class."""
        body: list[ast.stmt] = self.tree.body
        for part in qualname.split("."):
            found = next((one for one in body if isinstance(one, ast.ClassDef) and one.name == part), None)
            if found is None:
                return None
            body = found.body
        return next((one for one in body if name in _defined(one)), None)


def _first(node: ast.stmt) -> int:
    above: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(one.lineno for one in above)])


@functools.lru_cache(maxsize=256)
def _parsed(module: str, path: Path, changed: int, size: int) -> _Source:
    tree = ast.parse(path.read_bytes())
    names: dict[str, ast.stmt] = {}
    imports: dict[str, tuple[str, str]] = {}
    for node in tree.body:
        if isinstance(node, ast.Import):
            imports |= {(one.asname or one.name.partition(".")[0]): (one.name, "") for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node, path.name == "__init__.py")
            imports |= {(one.asname or one.name): (base, one.name) for one in node.names}
        else:
            names |= dict.fromkeys(_defined(node), node)
    return _Source(tree, names, imports, path.name == "__init__.py")


def _base(module: str, node: ast.ImportFrom, is_package: bool) -> str:
    """The full name of the module that is imported from."""
    inside = module.split(".") if is_package else module.split(".")[:-1]
    above = inside[: len(inside) - node.level + 1] if node.level else []
    return ".".join([*above, *([node.module] if node.module else [])])


def _defined(node: ast.stmt) -> Iterator[str]:
    """The names that a statement defines; of a compound one (if, try, with) those of all its parts."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    for target in targets:
        yield from (one.id for one in ast.walk(target) if isinstance(one, ast.Name)) if target is not None else ()
    for part in ("body", "orelse", "finalbody", "handlers"):
        for inner in getattr(node, part, ()):
            yield from _defined(inner)


@functools.lru_cache(maxsize=4096)
def _normal(node: ast.AST) -> str:
    """The source without comments, docstrings and formatting."""
    copy = ast.parse(ast.unparse(node))
    for one in ast.walk(copy):
        body = getattr(one, "body", None)
        if isinstance(body, list) and body and _is_docstring(body[0]):
            one.body = body[1:] or [ast.Pass()]  # type: ignore[attr-defined]
    return ast.unparse(copy)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _compiled(code: CodeType) -> str:
    """What stands for source that cannot be read: the instructions and constants."""
    constants: list[Any] = [_compiled(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {constants}"
