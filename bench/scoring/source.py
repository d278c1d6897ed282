"""Which parser and metrics made a score: a digest of the source that each of them reaches, and of nothing else.

Comments, docstrings, formatting and code that a parser or metric never calls change no digest. What is reached is found in
the source, by name: functions, classes and constants of the module, what it imports from modules of the same author, the
methods and attributes that a task's method asks `self` for; and in what functions hold: defaults, closures, the objects that
a method is bound to. Libraries count by name; their versions are in the record.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from bench.artifacts.digest import digest
from bench.metrics.metric import AnyMetric, ModuleMetric, defined
from bench.runs.code import file_of, is_outside
from bench.scoring.answers import final
from bench.scoring.parsed import Source, chains, names, normal, parsed, within
from bench.task import Task
from bench.text.normal import normalised

_DIGITS = 12
# What all parsers and metrics share tells none of them apart.
_NOUNS = frozenset({"bench.types", "bench.record", "bench.errors", "bench.task"})
_KINDS = frozenset({"Metric", "RankedMetric", "CorpusMetric", "ModuleMetric"})
_SHIPPED = frozenset({"bench", "tasks"})
_INSTALLED = frozenset({"site-packages", "dist-packages"})
_PLAIN = str | int | float | complex | bool | bytes | None


def scorer_of(task: Task) -> dict[str, str]:
    """12 hex digits for the task's parser ("answer") and for each of its metrics, by name."""
    modules = _Modules(frozenset(cls.__module__.partition(".")[0] for cls in type(task).__mro__))
    parser = _Reached(modules)
    for name in ("answer", "checked"):
        parser.attribute(type(task), task, name)
    parser.value("shape", final)
    parser.value("normalised", normalised if task.normalises else None)
    parser.value("missing_left_out", task.missing_left_out)
    return {"answer": _hashed(parser)} | {one.name: _hashed(_of_metric(one, modules)) for one in task.metrics}


def digest_of(metric: AnyMetric, task: type[Task]) -> str:
    """What `scorer_of` says of one metric of a task's class."""
    return _hashed(_of_metric(metric, _Modules(frozenset(cls.__module__.partition(".")[0] for cls in task.__mro__))))


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
        if (
            held := getattr(metric, one.name)
        ) is not defined:  # a metric that has a value on any examples is as it always was
            reached.value(one.name, held)
    if isinstance(metric, ModuleMetric) and Path(metric.module).exists():
        reached.found["module"] = digest(Path(metric.module))
    return reached


class _Modules:
    """The modules whose source counts, each read once; `authors` are packages that count though they are installed."""

    def __init__(self, authors: frozenset[str]) -> None:
        self.authors = authors
        self._known: dict[str, Source | None] = {}

    def __call__(self, module: str) -> Source | None:
        """The module's source, None where there is none or where it is Python's or another library's."""
        if module not in self._known:
            self._known[module] = self._read(module)
        return self._known[module]

    def _read(self, module: str) -> Source | None:
        top = module.partition(".")[0]
        # Whether it is loaded yet must make no difference; what is shipped stays where it is as long as this process lives.
        path = _shipped(module) if top in _SHIPPED else file_of(module)
        if path is None:
            return None
        own = is_outside(module) and not _INSTALLED & set(path.parts)
        known = own or top in _SHIPPED or (top in self.authors and top not in sys.stdlib_module_names)
        if not known or path.suffix != ".py":
            return None
        return parsed(module, path, path.stat().st_mtime_ns, path.stat().st_size)


@functools.cache
def _shipped(module: str) -> Path | None:
    return file_of(module)


@dataclass
class _Reached:
    """Source by qualified name, of all that was reached so far."""

    modules: _Modules
    numbers: dict[int, int] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)

    def value(self, name: str, value: object) -> None:
        """A field of a metric, a default or what a function closes over, with all that it holds."""
        if isinstance(value, _PLAIN):
            self.found[name] = repr(value)
        elif isinstance(value, functools.partial):
            self.value(f"{name}.func", value.func)
            self.value(name, [*value.args, *sorted(value.keywords.items())])
        elif isinstance(value, FunctionType):
            self._function(value)
        elif isinstance(value, MethodType):
            self.attribute(type(value.__self__), value.__self__, value.__func__.__name__)
        elif isinstance(value, type):
            self._name(value.__module__, value.__qualname__.partition(".")[0])
        elif isinstance(value, ModuleType):
            self.found[name] = f"module {value.__name__}"
        elif hasattr(value, "__wrapped__"):
            self.value(name, value.__wrapped__)
        elif isinstance(value, Path):
            self.found[name] = "path"  # where it lies on this machine is no property of the score
        elif isinstance(value, re.Pattern):
            self.found[name] = f"{value.pattern!r} {value.flags}"
        else:
            self._holding(name, value)

    def _holding(self, name: str, value: object) -> None:
        """An object by its class and by what it holds, each once however it is reached."""
        number = self.numbers.setdefault(id(value), len(self.numbers))
        key = f"{name}#{number}"
        if key in self.found or f"object {number}" in self.found:
            return
        self.found[f"object {number}"] = ""
        if isinstance(value, Mapping):
            self.value(key, [*value.items()])
        elif isinstance(value, set | frozenset):
            self.found[key] = str(sorted(map(repr, value)))
        elif isinstance(value, tuple | list):
            for i, one in enumerate(value):
                self.value(f"{key}.{i}", one)
        elif hasattr(value, "tobytes"):
            self.found[key] = hashlib.sha256(value.tobytes()).hexdigest()
        else:
            self.value(f"{key}.type", type(value))
            ours = self.modules(type(value).__module__) is not None  # what a library keeps is its own affair
            for one, held in sorted(_state(value).items() if ours else ()):
                self.value(f"{key}.{one}", held)

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
            self._statements(f"{module}:{function.__qualname__}", source, (statement,))
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            with suppress(ValueError):  # a cell that is empty yet
                self.value(f"{key}.{name}", cell.cell_contents)
        for i, default in enumerate(function.__defaults__ or ()):
            self.value(f"{key}.default{i}", default)
        for name, default in sorted((function.__kwdefaults__ or {}).items()):
            self.value(f"{key}.default.{name}", default)

    def _name(self, module: str, name: str) -> None:
        """What a module calls by this name: its own statements, or what it imports under it."""
        key = f"{module}.{name}"
        if key in self.found or module in _NOUNS or (module == "bench.metrics.metric" and name in _KINDS):
            return
        source = self.modules(module)
        if source is None:
            self.found[key] = "library"
            return
        if name in source.names:
            self._statements(key, source, source.names[name])
        if name in source.imports:
            self._imported(*source.imports[name])
        elif name not in source.names:
            for star in source.stars:
                if (other := self.modules(star)) is not None and {name} & {*other.names, *other.imports}:
                    self._name(star, name)

    def _imported(self, module: str, name: str) -> None:
        """What a module imports; of a module of the same author, what is used is reached by its own name."""
        if name and self.modules(f"{module}.{name}") is None:
            self._name(module, name)

    def _statements(self, key: str, source: Source, nodes: tuple[ast.stmt, ...]) -> None:
        if key in self.found:
            return
        self.found[key] = "\n".join(map(normal, nodes))
        for node in nodes:
            self._names_in(source, node)

    def _names_in(self, source: Source, node: ast.AST) -> None:
        """Follow every name of the module that stands in a piece of its source."""
        inner = within(source.module, node, source.is_package)
        for name in names(node):
            if name in inner:
                self._imported(*inner[name])
            else:
                self._name(source.module, name)
        for base, name in inner.values():
            self._imported(base, name)
        for owner, *asked in chains(node):
            place = inner.get(owner) or source.imports.get(owner)
            if place is not None:
                self._dotted(".".join(filter(None, place)), *place, asked)

    def _dotted(self, found: str, base: str, inner: str, asked: list[str]) -> None:
        """What `a.b.c` names, where `a` is imported: the first part that is no module any more, in the module before it."""
        if inner and self.modules(found) is None and self.modules(base) is not None:
            return  # a class or constant: reached by its own name
        while len(asked) > 1 and self.modules(f"{found}.{asked[0]}") is not None:
            found, asked = f"{found}.{asked[0]}", asked[1:]
        self._name(found, asked[0])

    def attribute(self, cls: type, instance: object, name: str, after: type | None = None) -> None:
        """A method or attribute that is asked of `self`: the first class that has it, or what the instance was made with.

        `after` is the class whose method asks `super()` for it.
        """
        line = cls.__mro__[cls.__mro__.index(after) + 1 :] if after else cls.__mro__
        owner = next((one for one in line if name in vars(one)), None)
        if owner is None:
            held = vars(instance).get(name) if hasattr(instance, "__dict__") else None
            if (
                isinstance(held, _PLAIN) or name in inspect.signature(cls).parameters
            ):  # else what it reads when it is asked
                self.value(f"self.{name}", held)
            return
        key = f"{owner.__module__}.{owner.__qualname__}.{name}"
        if key in self.found or owner.__module__ in _NOUNS:
            return
        source = self.modules(owner.__module__)
        nodes = source.member(owner.__qualname__, name) if source is not None else []
        if source is None or not nodes:
            made = getattr(vars(owner)[name], "__func__", vars(owner)[name])
            typed = isinstance(made, FunctionType) and file_of(owner.__module__) is None
            self.found[key] = _compiled(made.__code__) if typed else "library"
            return
        self.found[key] = "\n".join(map(normal, nodes))
        for node in nodes:
            self._names_in(source, node)
            for of, asked, *_ in (chain for chain in chains(node) if len(chain) > 1):
                if of in ("self", "cls"):
                    self.attribute(cls, instance, asked)
                elif of == "super()":
                    self.attribute(cls, instance, asked, owner)


def _state(value: object) -> dict[str, Any]:
    """What an object was given: its fields, else its attributes but for those of its own, which may be kept results."""
    if is_dataclass(value):
        return {one.name: getattr(value, one.name) for one in fields(value)}
    held = getattr(value, "__dict__", {})
    return {name: one for name, one in held.items() if not name.startswith("_")}


def _compiled(code: CodeType) -> str:
    """What stands for source that cannot be read: the instructions and constants."""
    constants: list[Any] = [_compiled(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {constants}"
