"""The source of what runs beside this package: which modules, what they held, and of which commit they were."""

from __future__ import annotations

import ast
import functools
import hashlib
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.metadata import packages_distributions, version
from pathlib import Path

from bench.types import Json

_OURS = frozenset({"bench", "tasks"})
INSTALLED = frozenset({"site-packages", "dist-packages"})
_COMPILED = (*EXTENSION_SUFFIXES, ".pyc")


def code_of(modules: Iterable[str]) -> dict[str, dict[str, str]]:
    """What is known of each of these modules that is not this package's: "sha256" of its source, "version", "commit", "note".

    The source of a module is its file and what that imports of anybody's own, however far: what lies beside it, or elsewhere on the
    path without being installed as a library.
    A compiled module's file stands for its source, and the note says so; where there is no file (a cell of a notebook) the
    sha256 is "" and the note says that nobody can tell whether it changed. Nothing is imported.
    """
    return {name: _described(name) for name in sorted(set(modules)) if is_outside(name)}


def sha256_of(code: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """What of `code_of` can change an answer: the digest of each module, or the note where there is none."""
    return {name: found["sha256"] or found.get("note", "") for name, found in code.items()}


def named_in(config: Json) -> set[str]:
    """The modules of every class that a configuration names."""
    if isinstance(config, dict):
        own = {str(config["_target_"]).rpartition(".")[0]} if "_target_" in config else set()
        return own.union(*(named_in(value) for value in config.values()))
    return set().union(*(named_in(value) for value in config)) if isinstance(config, list) else set()


def is_outside(module: str) -> bool:
    """Whether a module belongs neither to this package nor to Python itself."""
    top = module.partition(".")[0]
    return top not in _OURS and (top == "__main__" or top not in sys.stdlib_module_names)


def _described(module: str) -> dict[str, str]:
    files = _sources(module)
    if not files:
        return {"sha256": "", "note": "its source cannot be read (typed in, or made while running)"}
    found = {"sha256": _digest(files)}
    if INSTALLED & set(next(iter(files.values())).parts):
        owners = packages_distributions().get(module.partition(".")[0], [])
        found |= {"version": f"{owners[0]} {version(owners[0])}"} if owners else {}
    elif commit := _commit([path for path in files.values() if path.is_relative_to(_root(module, files[module]))]):
        found["commit"] = commit
    if compiled := sorted(name for name, path in files.items() if path.name.endswith(_COMPILED)):
        found["note"] = f"compiled, its source cannot be read: {', '.join(compiled[:5])}"
    return found


def _digest(files: Mapping[str, Path]) -> str:
    """The sha256 of the lines "<sha256>  <module>" in order of module."""
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n" for name, path in sorted(files.items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _sources(module: str) -> dict[str, Path]:
    """The files that a module is made of, by module name, its own first; {} where it has none."""
    start = file_of(module)
    if start is None:
        return {}
    found: dict[str, Path] = {}
    followed: set[str] = set()
    places = _Places()
    todo = [(module, start)]
    while todo:
        name, path = todo.pop()
        if name in followed:
            continue
        followed.add(name)
        found[name] = path
        root = _root(name, path)
        for above in _packages(name, root):  # they run first, but what they import for others is none of this module's
            found.setdefault(*above)
        if path.suffix == ".py":
            for one in _imports(name, path, root):
                if (place := places.own(one, root)) is not None and one not in followed:
                    todo.append((one, place))
    return {module: found.pop(module), **found}


def _packages(module: str, root: Path) -> Iterator[tuple[str, Path]]:
    names = module.split(".")[:-1]
    for n in range(1, len(names) + 1):
        if (path := root.joinpath(*names[:n], "__init__.py")).is_file():
            yield ".".join(names[:n]), path


def file_of(module: str) -> Path | None:
    """The file that a module comes from, found without importing it; None where there is none."""
    loaded = sys.modules.get(module)
    origin = getattr(loaded, "__file__", None)
    if origin is None and module != "__main__":
        path: list[str] | None = None
        spec = None
        names = module.split(".")
        for i in range(len(names)):
            spec = _spec(".".join(names[: i + 1]), path)
            if spec is None:
                return None
            path = list(spec.submodule_search_locations or [])
        origin = spec.origin if spec is not None else None
    place = Path(origin).resolve() if origin else None
    return place if place is not None and place.is_file() else None


def _spec(name: str, path: list[str] | None) -> ModuleSpec | None:
    """Where a module would be imported from; also by the finder of a package that is installed to be edited."""
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        if find is not None and (spec := find(name, path)) is not None:
            return spec  # type: ignore[no-any-return]
    return None


def _root(module: str, path: Path) -> Path:
    """The folder in which the module's top name lies: what is imported from there is the same author's."""
    depth = len(module.split(".")) - (path.name != "__init__.py")
    return path.parents[depth]


def _imports(module: str, path: Path, root: Path) -> Iterator[str]:
    """The names that a file imports, as far as they may be modules; all of its package where it computes such a name."""
    inside = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    state = path.stat()
    for node in _importing(path, state.st_mtime_ns, state.st_size):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = inside[: len(inside) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (one for one in (base, *(f"{base}.{name.name}".lstrip(".") for name in node.names)) if one)
        else:
            yield from _named(node, inside, root)


@functools.lru_cache(maxsize=4096)
def _importing(path: Path, changed: int, size: int) -> tuple[ast.Import | ast.ImportFrom | ast.Call, ...]:
    """What of a file's source imports; `changed` and `size` tell a file that was edited from what it was."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # importing it will say so
        return ()
    found: list[ast.Import | ast.ImportFrom | ast.Call] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) or (
            isinstance(node, ast.Call) and _imports_by_name(node.func)
        ):
            found.append(node)
    return tuple(found)


def _imports_by_name(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in ("import_module", "__import__", "run_path", "run_module", "spec_from_file_location")


def _named(call: ast.Call, inside: list[str], root: Path) -> Iterator[str]:
    """The module that `import_module("name")` names, or all that it may."""
    first = call.args[0] if call.args else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str) and not first.value.startswith("."):
        yield first.value
        return
    top = root / inside[0] if inside else root
    for path in sorted(top.rglob("*.py") if inside else top.glob("*.py")):
        names = [*path.relative_to(root).parent.parts, path.stem]
        yield ".".join(names[:-1] if names[-1] == "__init__" else names)


class _Places:
    """Where modules lie, for the time of one look at the disk: many files import the same few, and from the same few folders."""

    def __init__(self) -> None:
        self._own: dict[tuple[str, Path], Path | None] = {}
        self._names: dict[Path, frozenset[str]] = {}
        self._libraries: dict[str, bool] = {}

    def own(self, module: str, root: Path) -> Path | None:
        """The file of a module below `root`, or elsewhere on the path where it is not installed; None for a library's."""
        if (module, root) not in self._own:
            self._own[module, root] = self._found(module, root)
        return self._own[module, root]

    def _found(self, module: str, root: Path) -> Path | None:
        if not module or not is_outside(module):
            return None
        if (near := self._near(module, root)) is not None:
            return near
        if self._is_library(module.partition(".")[0]):
            return None
        far = file_of(module)
        return None if far is None or INSTALLED & set(far.parts) else far

    def _near(self, module: str, root: Path) -> Path | None:
        place = root.joinpath(*module.split("."))
        beside, within = self._listed(place.parent), self._listed(place)
        choices = [place.with_name(name) for end in (".py", *_COMPILED) if (name := place.name + end) in beside]
        choices += [place / "__init__.py"] if "__init__.py" in within else []
        return next((path.resolve() for path in choices if path.is_file()), None)

    def _listed(self, folder: Path) -> frozenset[str]:
        if folder not in self._names:
            try:
                self._names[folder] = frozenset(one.name for one in folder.iterdir())
            except OSError:
                self._names[folder] = frozenset()
        return self._names[folder]

    def _is_library(self, top: str) -> bool:
        """Whether a package of this name is installed: then all of it is."""
        if top not in self._libraries:
            far = file_of(top)
            self._libraries[top] = far is not None and bool(INSTALLED & set(far.parts))
        return self._libraries[top]


def _commit(files: list[Path]) -> str:
    """The commit of the checkout that holds these files, "-dirty" where one of them differs from it; "" outside a checkout."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(files[0].parent), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    try:
        found = git("rev-parse", "--short=12", "HEAD")
        return found + ("-dirty" if found and git("status", "--porcelain", "--ignored", "--", *map(str, files)) else "")
    except OSError:  # no git on this machine
        return ""
