"""What is known of a function or object of a running program: its code as it is now, and what that stands on.

A file tells what would be imported; a notebook calls what was typed, imported before the last edit, or changed since. So here the
code that would run is looked at itself, with the values that it reaches: defaults, closures, globals, attributes, and the functions
and classes behind them. Of libraries that compute alone (`bench.runs.pure`) the name and version is enough, as it is elsewhere.
What cannot be looked at (a client, a loaded network, C of somebody's own, code without a source), and every other library, as
it may read a clock, chance, a file, the environment or a server, is a reason why nobody can tell whether two calls meet the
same.
"""

from __future__ import annotations

import dataclasses
import dis
import enum
import functools
import hashlib
import importlib.util
import inspect
import sys
import sysconfig
import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench.runs.code import INSTALLED, file_of, is_outside
from bench.runs.pure import is_pure, reading

_PLAIN = (type(None), bool, int, float, complex, str, bytes, bytearray, range, slice, type(...), type(NotImplemented))
_LOOKS_UP = frozenset(
    {"eval", "exec", "globals", "vars", "__import__", "import_module", "compile"}
)  # by names that it makes up
_IMPORTS = frozenset({"__import__", "import_module"})
_NO_STATE = frozenset({("_thread", "lock"), ("_thread", "RLock"), ("logging", "Logger"), ("logging", "RootLogger")})
_TOLD_BY_REPR = frozenset(
    "datetime decimal fractions uuid pathlib zoneinfo".split()
)  # modules whose values are what they print
_OF_CLASSES = frozenset(
    "__dict__ __weakref__ __module__ __doc__ __qualname__ __annotations__ __abstractmethods__ _abc_impl __dataclass_fields__ "
    "__dataclass_params__ __match_args__ __firstlineno__ __static_attributes__ __slotnames__ __parameters__ __orig_bases__".split()
)
_MADE_BY_DATACLASS = frozenset(
    "__init__ __repr__ __eq__ __hash__ __lt__ __le__ __gt__ __ge__ __setattr__ __delattr__ __replace__".split()
)
_LIBRARIES = (Path(sysconfig.get_path("stdlib")), Path(__file__).resolve().parents[1])
_DEEPEST = 200  # values within values


@dataclasses.dataclass(frozen=True)
class Seen:
    """The digest of what could be seen, `unseen` reasons why that is not all, and the modules of its user's own that it is of."""

    sha256: str
    unseen: tuple[str, ...]
    modules: frozenset[str]


def seen(thing: object) -> Seen:
    """What is known of a function, or of an object with its class; nothing of it is called."""
    found = _Look()
    found.at(thing, "", is_called=True)
    return Seen(found.state.hexdigest(), tuple(dict.fromkeys(found.unseen)), frozenset(found.modules))


class _Look:
    """One look: every value once, in the order in which it is reached."""

    def __init__(self) -> None:
        self.state = hashlib.sha256()
        self.unseen: list[str] = []
        self.modules: set[str] = set()
        self._known: dict[int, int] = {}
        self._held: list[object] = []  # so that no other value gets the id of one that was seen
        self._depth = 0

    def at(self, value: object, where: str, *, is_called: bool = False) -> None:
        """Look at a value, which a person would call `where`; `is_called` says that it is the code which answers."""
        if type(value) in _PLAIN:
            told = hex(value) if isinstance(value, int) else repr(value)  # of thousands of digits too
            self._say("plain", type(value).__name__, told)
            return
        if id(value) in self._known:
            self._say("again", str(self._known[id(value)]))
            return
        self._known[id(value)] = len(self._held)
        self._held.append(value)
        if self._depth >= _DEEPEST:
            self._miss(value, where, "lies too deep in others")
            return
        self._depth += 1
        try:
            self._one(value, where, is_called)
        finally:
            self._depth -= 1

    def _one(self, value: Any, where: str, is_called: bool) -> None:
        for kind, look in _LOOKS:
            if isinstance(value, kind):
                look(self, value, where, is_called)
                return
        if callable(value) and is_called and not _has_python(value):
            self._miss(value, where, "is no Python, so its source cannot be read")
        elif not self._in_library(value, where):
            self._object(value, where, is_called)

    def _in_library(self, value: object, where: str) -> bool:
        """Whether a library gives this very value by a name, which is then all that is told of it."""
        if not (name := _name_in_library(value)):
            return False
        self._say("library", name)
        module, _, within = name.partition(" ")[0].partition(":")
        if not is_pure(module, within):
            self._reads(where, f"{module}.{within}")
        return True

    def _reads(self, where: str, what: str) -> None:
        self._say("reads", what)
        place = "" if where in ("", what) else f"{where} reaches "
        self.unseen.append(f"{place}{what}, which may give something else each time")

    def _say(self, *words: str) -> None:
        for word in words:
            told = word.encode("utf-8", "surrogatepass")
            self.state.update(f"{len(told)}:".encode() + told)

    def _miss(self, value: object, where: str, why: str) -> None:
        name = getattr(value, "__qualname__", None)
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        self._say("unseen", kind)
        self.unseen.append(f"{where or (name if isinstance(name, str) else kind)} {why}")

    def _each(self, values: Iterable[object], where: str) -> None:
        for value in values:
            self.at(value, where)

    def _sequence(self, value: Any, where: str, is_called: bool) -> None:
        self._say("list", _kind(value), str(len(value)))
        self._each(value, where)
        self._beside(value, where)

    def _set(self, value: Any, where: str, is_called: bool) -> None:
        self._say("set", _kind(value), str(len(value)))
        digests = []
        for one in value:
            inner = _Look()
            inner.at(one, where)
            digests.append(inner.state.hexdigest())
            self.unseen += inner.unseen
            self.modules |= inner.modules
        self._say(*sorted(digests))

    def _mapping(self, value: Any, where: str, is_called: bool) -> None:
        self._say("dict", _kind(value), str(len(value)))
        for key, one in [*value.items()]:
            self.at(key, where)
            self.at(one, f"{where}[{key!r}]"[:80] if isinstance(key, str) else where)
        if isinstance(value, defaultdict):
            self.at(value.default_factory, where)
        self._beside(value, where)

    def _beside(self, value: Any, where: str) -> None:
        """The class of a container that is somebody's own, and what the object has beside its elements."""
        if is_outside(type(value).__module__):
            self._object(value, where, False)

    def _function(self, value: types.FunctionType, where: str, is_called: bool) -> None:
        where = where or value.__qualname__
        if not is_called and self._in_library(value, where):
            return
        is_theirs = not is_called and _is_library_code(value.__code__)  # such as what a decorator of theirs made
        if not is_theirs and not _has_source(value):
            self._miss(value, where, "has no source that can be read")
        if _is_library(value.__module__):
            self._say("version", _version(value.__module__))
        if value.__module__ and not is_theirs:
            self.modules.add(value.__module__)
        self._say("function", value.__qualname__)
        self._code(value.__code__)
        self.at(value.__defaults__, where)
        self.at(value.__kwdefaults__, where)
        self.at({name: one for name, one in vars(value).items() if name != "__wrapped__"}, where)
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            self._say("cell", name)
            try:
                self.at(cell.cell_contents, f"{name} in {value.__qualname__}")
            except ValueError:  # not filled yet
                self._say("empty")
        if not is_theirs:
            self._globals(value)
        elif not is_pure(by := str(value.__globals__.get("__name__", ""))):
            self._reads(where, by)

    def _code(self, code: types.CodeType) -> None:
        names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
        self._say("code", code.co_code.hex(), code.co_exceptiontable.hex(), repr(names), repr(counts))
        for one in code.co_consts:
            if isinstance(one, types.CodeType):
                self._code(one)
            else:
                self.at(one, "")

    def _globals(self, function: types.FunctionType) -> None:
        """What the function finds by name when it runs; of a module of one's own what is taken from it."""
        names, attributes, imported = _looked_up(function.__code__)
        there, where = function.__globals__, function.__qualname__
        modules = imported or any(isinstance(there.get(name), types.ModuleType) for name in names)
        made_up = names & _LOOKS_UP | attributes & _IMPORTS | (names & {"getattr"} if modules else set())
        if made_up:
            self._miss(function, where, f"looks things up while it runs ({', '.join(sorted(made_up))})")
        for name in reading(names, attributes, frozenset(there) - {"__builtins__", "__loader__", "__spec__"}):
            self._reads(where, name)
        for name in sorted(names - imported):
            self._say("global", name)
            if name in there:
                self._found(there[name], name, where, attributes)
        for name in sorted(imported):
            self._imported(name, function, attributes)

    def _found(self, value: object, name: str, where: str, attributes: frozenset[str]) -> None:
        """What a name means; of a module also what is taken from it."""
        self.at(value, where if isinstance(value, types.ModuleType) or _name_in_library(value) else name)
        if isinstance(value, types.ModuleType):
            self._attributes(value, attributes, where, {value.__name__})

    def _imported(self, name: str, function: types.FunctionType, attributes: frozenset[str]) -> None:
        """What the function imports while it runs: what is loaded is looked at, of a library that is not the name is enough."""
        self._say("import", name)
        where = function.__qualname__
        name = (
            name.lstrip(".") if not name.startswith(".") else _absolute(name, function.__globals__.get("__package__"))
        )
        if name in sys.modules:
            self._found(sys.modules[name], name, where, attributes)
        elif _is_library(name):
            self._module(name, where)
        else:
            self._miss(function, where, f"imports {name}, which is not loaded yet")

    def _attributes(self, module: types.ModuleType, names: frozenset[str], where: str, known: set[str]) -> None:
        """What code may take from a module, and from the modules in that: all of one's own, of a library what reads the world."""
        is_own = _is_own_module(module)
        if not is_own:  # also what a module loads only when it is taken
            for name in sorted(names if is_pure(module.__name__) else ()):
                if not is_pure(module.__name__, name):
                    self._reads(where, f"{module.__name__}.{name}")
        for name in sorted(names & set(vars(module))):
            value = vars(module)[name]
            if is_own:
                self._say("attribute", module.__name__, name)
                self.at(value, f"{module.__name__}.{name}")
            elif isinstance(value, types.ModuleType):
                self._module(value.__name__, where)
            elif _name_in_library(value):
                self._in_library(value, where)
            if isinstance(value, types.ModuleType) and value.__name__ not in known:
                known.add(value.__name__)
                self._attributes(value, names, where, known)

    def _module(self, name: str, where: str) -> None:
        if _is_library(name):
            self._say("module", name, _version(name))
            if not is_pure(name):
                self._reads(where, name)
        else:
            self._say("module", name)
            self.modules.add(name)
            if file_of(name) is None:
                self.unseen.append(f"module {name} has no source that can be read")

    def _as_module(self, value: types.ModuleType, where: str, is_called: bool) -> None:
        self._module(value.__name__, where)

    def _method(self, value: types.MethodType, where: str, is_called: bool) -> None:
        self._say("method")
        self.at(value.__func__, where, is_called=is_called)
        self.at(value.__self__, where, is_called=False)

    def _partial(self, value: Any, where: str, is_called: bool) -> None:
        self._say("partial")
        self.at(value.func, where, is_called=is_called)
        self.at(value.args, where)
        self.at(value.keywords, where)

    def _wrapped(self, value: Any, where: str, is_called: bool) -> None:
        self._say("wrapped", _kind(value))
        self.at(value.__wrapped__ if hasattr(value, "__wrapped__") else value.__func__, where, is_called=is_called)

    def _cached(self, value: Any, where: str, is_called: bool) -> None:
        self._say("cached property")
        self.at(value.func, where)

    def _property(self, value: property, where: str, is_called: bool) -> None:
        self._say("property")
        self._each((value.fget, value.fset, value.fdel), where)

    def _class(self, value: type, where: str, is_called: bool) -> None:
        if self._in_library(value, where):
            return
        self.modules.add(value.__module__)
        self._say("class", value.__qualname__)
        self._each(value.__bases__, value.__qualname__)
        self.at(type(value), value.__qualname__)
        if issubclass(value, enum.Enum):
            self._say("enum", *(f"{name}={one.value!r}" for name, one in value.__members__.items()))
        for name, one in sorted(vars(value).items()):
            if name in _OF_CLASSES or _is_generated(value, name, one):
                continue
            self._say("attribute", name)
            self.at(one, f"{value.__qualname__}.{name}")
        for field in dataclasses.fields(value) if dataclasses.is_dataclass(value) else ():
            self._say("field", field.name, f"{field.init} {field.compare} {field.kw_only}")
            made = [one for one in (field.default, field.default_factory) if one is not dataclasses.MISSING]
            self._each(made, f"{value.__qualname__}.{field.name}")

    def _enum(self, value: enum.Enum, where: str, is_called: bool) -> None:
        self._say("member", value.name, repr(value.value))
        self.at(type(value), where)

    def _object(self, value: Any, where: str, is_called: bool) -> None:
        kind = type(value)
        where = where or kind.__qualname__
        if (kind.__module__, kind.__name__) in _NO_STATE:
            self._say("no state", kind.__name__)
        elif kind.__module__ == "re" and kind.__name__ == "Pattern":
            self._say("pattern", repr(value.pattern), str(value.flags))
        elif kind.__module__.partition(".")[0] in _TOLD_BY_REPR:
            self._say("value", kind.__qualname__, repr(value))
        elif kind.__module__ == "numpy":
            self._array(value, where)
        elif kind.__module__ == "types" or _is_foreign(kind):
            self._miss(value, where, f"is a {kind.__module__}.{kind.__qualname__}, whose state cannot be seen")
        else:
            self._own(value, where)

    def _own(self, value: Any, where: str) -> None:
        """An object whose class is somebody's own, or of this package: its class, and what it holds."""
        self.at(type(value), where)
        for kind in (str, bytes, int, float, complex):  # whose own class has a value beside what it holds
            if isinstance(value, kind):
                self._say("is", kind.__name__, kind.__repr__(value))
        slots = [name for cls in type(value).__mro__ for name in _slots(cls)]
        held = {name: getattr(value, name) for name in slots if hasattr(value, name)} | dict(
            getattr(value, "__dict__", {})
        )
        if not slots and not hasattr(value, "__dict__"):
            self._miss(value, where, f"is a {type(value).__qualname__}, whose state cannot be seen")
        for name, one in held.items():
            self._say("holds", name)
            self.at(one, f"{where}.{name}"[:80])

    def _array(self, value: Any, where: str) -> None:
        if not hasattr(value, "tobytes") or value.dtype.hasobject:
            self._miss(value, where, f"is a numpy.{type(value).__name__} of objects")
            return
        self._say("array", str(value.dtype), str(value.shape), hashlib.sha256(value.tobytes()).hexdigest())


_Looking = Callable[[_Look, Any, str, bool], None]
_LOOKS: tuple[tuple[Any, _Looking], ...] = (
    (enum.Enum, _Look._enum),
    (types.FunctionType, _Look._function),
    (types.MethodType, _Look._method),
    (types.ModuleType, _Look._as_module),
    (functools.partial, _Look._partial),
    ((staticmethod, classmethod, functools._lru_cache_wrapper), _Look._wrapped),
    (functools.cached_property, _Look._cached),
    (property, _Look._property),
    (type, _Look._class),
    ((tuple, list, deque), _Look._sequence),
    ((set, frozenset), _Look._set),
    ((dict, OrderedDict, types.MappingProxyType), _Look._mapping),
)


def _kind(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _slots(cls: type) -> list[str]:
    found = cls.__dict__.get("__slots__", ())
    names = [found] if isinstance(found, str) else [*found]
    return [name for name in names if name not in ("__dict__", "__weakref__")]


def _is_generated(cls: type, name: str, value: object) -> bool:
    """Whether an attribute is made out of others that are looked at: by `dataclass`, `Enum`, or for slots."""
    if isinstance(value, types.MemberDescriptorType | types.GetSetDescriptorType):
        return True
    if "__dataclass_fields__" in vars(cls) and name in _MADE_BY_DATACLASS and isinstance(value, types.FunctionType):
        return value.__code__.co_filename == "<string>" or _is_library_code(value.__code__)
    return issubclass(cls, enum.Enum) and (
        name in cls.__members__ or (name.startswith(("_", "__")) and not isinstance(value, types.FunctionType))
    )


def _looked_up(code: types.CodeType) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """The names that code, and what is defined in it, looks up, those that it takes of what it has, and the modules it imports.

    A module that is imported from the package of its own begins with as many dots as there.
    """
    names, attributes, imported = set(), set(), set()
    steps = [*dis.get_instructions(code)]
    for i, one in enumerate(steps):
        if one.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            names.add(str(one.argval))
        elif one.opname == "IMPORT_NAME":  # behind the level and what is taken from it
            level = steps[i - 2].argval if i > 1 else 0
            imported.add("." * (level if isinstance(level, int) else 0) + str(one.argval or ""))
        elif one.opname in ("LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM"):
            attributes.add(str(one.argval))
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            for found, more in zip((names, attributes, imported), _looked_up(inner), strict=True):
                found |= more
    return frozenset(names), frozenset(attributes), frozenset(imported)


def _absolute(name: str, package: object) -> str:
    """The module that a name with dots before it means in a package; the name as it is where there is no package."""
    try:
        return importlib.util.resolve_name(name, package if isinstance(package, str) else None)
    except (ImportError, ValueError):
        return name


def _is_library(module: object) -> bool:
    """Whether a module is this package's, Python's own, or an installed library's."""
    name = module if isinstance(module, str) else ""
    if not name or name == "__main__":
        return False
    if not is_outside(name):
        return True
    top = name.partition(".")[0]
    file = file_of(top)
    return file is not None and bool(INSTALLED & set(file.parts))


def _has_source(function: types.FunctionType) -> bool:
    try:
        inspect.getsource(function)
    except (OSError, TypeError):
        return False
    return True


def _is_library_code(code: types.CodeType) -> bool:
    """Whether code lies in a file of Python's own, of this package or of an installed library."""
    place = Path(code.co_filename)
    return bool(INSTALLED & set(place.parts)) or any(place.is_relative_to(one) for one in _LIBRARIES)


def _is_own_module(value: object) -> bool:
    return isinstance(value, types.ModuleType) and not _is_library(value.__name__)


def _is_foreign(kind: type) -> bool:
    """Whether an object of this class holds what only its library knows; one of this package is made of what can be seen."""
    return _is_library(kind.__module__) and kind.__module__.partition(".")[0] not in ("bench", "tasks")


def _name_in_library(value: Any) -> str:
    """The module and name, with the version, by which a library gives this very value; "" for all that is not so."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(name, str):
        return ""
    if module is None and (owner := getattr(value, "__objclass__", None)) is not None:  # a method of a built-in class
        module, name = owner.__module__, f"{owner.__qualname__}.{value.__name__}"
    if not isinstance(module, str) or not _is_library(module) or "<" in name:
        return ""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"{module}:{name} {_version(module)}" if found is value else ""


@functools.cache
def _version(module: str) -> str:
    """The version of what a module came with, "" where none is told; of Python and this package other records speak."""
    if not is_outside(module):
        return ""
    try:
        return version(module.partition(".")[0])
    except (PackageNotFoundError, ValueError):
        return ""


def _has_python(value: object) -> bool:
    """Whether calling the object runs Python of its class."""
    return isinstance(getattr(type(value), "__call__", None), types.FunctionType)  # noqa: B004 - which function, not whether


def described(thing: object, revision: str, once: str) -> tuple[Mapping[str, str], Seen]:
    """What a record says of the code of a program's own, as `bench.runs.code.code_of` does of a module, and what was seen.

    What could not be seen is never equal to anything, by `once`, unless its user vouches for it with a `revision`.
    """
    found = seen(thing)
    why = "; ".join(found.unseen)[:400]
    if not found.unseen or revision:
        told = hashlib.sha256(f"{revision}\n{found.sha256}\n".encode("utf-8", "surrogatepass")).hexdigest()
        return {"sha256": told} | ({"note": f"its user vouches for it: {why}"} if why else {}), found
    return {"sha256": "", "note": f"asked once ({once}), as nobody can tell whether it changed: {why}"}, found
