"""Making the task or model that a configuration names: the only place that turns `_target_` into an object."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.config.compose import choice, conf_dirs, file_of, has, names, own_conf_dirs, plugins
from bench.config.overrides import escaped
from bench.data.plain_yaml import read_yaml
from bench.data.source import DataSource
from bench.errors import BenchError, authored, line_of, said_by
from bench.models.base import Model
from bench.record import Run
from bench.scoring import foreign
from bench.task import BaseTask
from bench.text.meant import among, meant

KINDS: dict[str, type] = {"task": BaseTask, "model": Model}


def build(config: Any, key: str, kind: type | None = None) -> Any:
    """Make what `config._target_` names, a `kind` (by the key: KINDS), with every argument checked against its constructor's types.

    Only classes below `bench`, `tasks` or a package of the user's own are made. Raises BenchError with the full key.
    """
    if isinstance(config, Mapping) and config and "_target_" not in config:
        raise BenchError(
            f"{key}._target_ is missing: the file that {key}= names says no class; see the others in conf/{key}"
        )
    if not isinstance(config, Mapping) or "_target_" not in config:
        raise BenchError(f"{key} is not given; choose one with {key}=NAME (`bench list {key}s` shows them)")
    kind = kind or KINDS.get(key)
    cls = _target(str(config["_target_"]), key)
    if (kind is not None and not (isinstance(cls, type) and issubclass(cls, kind))) or inspect.isabstract(cls):
        wanted = kind.__name__ if kind is not None else "concrete class"
        raise BenchError(f"{key}._target_={config['_target_']} is not a {wanted} that can be made; correct the path")
    if issubclass(cls, BaseTask):
        cls, config = cls.configured(config)
    filled = getattr(cls, "filled_in", lambda given: given)  # a class whose arguments stand in a file of theirs
    given = {str(name): value for name, value in filled(config).items() if name != "_target_"}
    parameters = list(_parameters(cls))
    _refuse_unknown(key, cls, given, [name for name, _, _ in parameters])
    arguments = {}
    for name, kind, default in parameters:
        if name in given:
            arguments[name] = _argument(given[name], kind, name, f"{key}.{name}")
        elif default is inspect.Parameter.empty:
            raise BenchError(f"{key}.{name} is missing; {cls.__name__} needs it")
    made = _made(cls, arguments, key)
    if isinstance(made, DataSource):
        made.carried = _beside_conf(made.local)
    return made


def _beside_conf(local: str) -> Path | None:
    """The data that lie in data/ beside a configuration folder of the user's own, or of an installed package.

    They serve where the data directory has none, so that a task of one's own needs no setting to find its rows.
    """
    below = Path(local)
    if below.is_absolute() or ".." in below.parts:
        return None
    places = (folder.parent / "data" / below for folder in conf_dirs()[:-1])
    return next((one for one in places if (one.is_dir() if local.endswith("/") else one.is_file())), None)


def _made(cls: Any, arguments: Mapping[str, Any], key: str) -> Any:
    """The object; what somebody's own constructor raises is a line of theirs."""
    if is_shipped(cls.__module__):
        return cls(**arguments)
    with authored(f"{key} {cls.__name__}", "__init__", "correct it and run the same command again"):
        return cls(**arguments)


def task_class(name: str) -> type[BaseTask]:
    """The class that conf/task/NAME.yaml names, not made: what its metrics and card are. Raises BenchError for an unknown one."""
    if not has("task", name) or (path := file_of("task", name)) is None:
        raise BenchError(
            f"task '{name}' is not in conf/task; `bench list tasks` shows what is{meant(name, names('task'))}"
        )
    found = read_yaml(path)
    if not isinstance(found, Mapping):
        raise BenchError(f"{path} holds no settings; give it at least _target_")
    target = found.get("_target_") or choice("task", name).get("_target_")  # Hydra takes a while
    cls = _target(str(target), f"task {name}")
    if not (isinstance(cls, type) and issubclass(cls, BaseTask)):
        raise BenchError(f"conf/task/{name}.yaml: _target_={target} is no task; correct the path")
    return cls.configured(found)[0]


def class_of(run: Run) -> type[BaseTask]:
    """The class of a run's task: by the task's name, or, of a run that was imported with its task, as its record has it."""
    return foreign.class_of(run) if foreign.is_foreign(run) else task_class(run.task)


def _refuse_unknown(key: str, cls: Any, given: Mapping[str, Any], known: list[str]) -> None:
    for name in given:
        if name not in known:
            raise BenchError(f"{key}.{name} is not a key of {cls.__name__}; {among(name, known)}")


def _argument(value: Any, kind: Any, name: str, key: str) -> Any:
    """The value in its declared type, an object where it has a `_target_` of its own."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    if (made := _made_here(kind)) is not None and (value is not None or made is kind):
        return build(value, key, made)
    try:
        text = escaped(value) if isinstance(value, str) else value  # all is looked up by now
        slot: Any = OmegaConf.to_container(OmegaConf.merge(_slot(name, kind), {name: text}), resolve=True)
        return slot[name]
    except (OmegaConfBaseException, OverflowError) as error:  # a whole number beyond all floats
        raise BenchError(f"{key}: {str(error).splitlines()[0]}; correct it on the command line or in conf/") from None


def _made_here(kind: Any) -> type | None:
    """The class of this package that an argument of this type is, or may be beside None."""
    either = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    among = [one for one in either if one is not type(None)]
    found = among[0] if len(among) == 1 else None
    return found if isinstance(found, type) and found.__module__.split(".")[0] == "bench" else None


def _slot(name: str, kind: Any) -> Any:
    """A typed configuration of one key."""
    from omegaconf import OmegaConf

    return OmegaConf.structured(dataclasses.make_dataclass("Slot", [(name, kind, dataclasses.field(default="???"))]))


def _parameters(cls: Any) -> Iterator[tuple[str, Any, Any]]:
    """Name, type and default of each constructor argument; a type that OmegaConf cannot check becomes Any."""
    from omegaconf.errors import OmegaConfBaseException

    if cls.__init__ is object.__init__:
        return
    hints = typing.get_type_hints(cls.__init__)
    for name, parameter in list(inspect.signature(cls.__init__).parameters.items())[1:]:
        kind = hints.get(name, Any)
        if _made_here(kind) is None:  # else made by `build`
            try:
                _slot(name, kind)
            except OmegaConfBaseException:
                kind = Any
        yield name, kind, parameter.default


def _target(path: str, key: str) -> Any:
    """The class called `path`."""
    roots = {"bench", "tasks", *plugins(), *_own_packages()}
    module, _, name = path.rpartition(".")
    if module.split(".")[0] not in roots:
        raise BenchError(
            f"{key}._target_={path} is outside {', '.join(sorted(roots))}; only their classes are made from conf/"
        )
    for folder in own_conf_dirs():
        if str(folder.parent) not in sys.path:
            sys.path.append(str(folder.parent))
    loaded = _imported(module, f"{key}._target_={path}")
    if not hasattr(loaded, name):
        raise BenchError(f"{key}._target_={path} cannot be found ({module} has no {name}); correct the path")
    return getattr(loaded, name)


def _imported(module: str, said: str) -> Any:
    """The module; raises BenchError where it is not there, or is somebody's own and raises anything, `sys.exit` too."""
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{module}.".startswith(f"{missing}."):
            raise BenchError(f"{said} cannot be found ({error}); correct the path") from None
        if missing is None and is_shipped(module):
            raise
        raise BenchError(
            f"{said}: {module} cannot be imported: {said_by(error)} ({line_of(error)}); correct it"
        ) from error


def is_shipped(module: str) -> bool:
    """Whether a module comes with this package; what others raise is theirs."""
    return module.split(".")[0] in ("bench", "tasks")


def _own_packages() -> Iterator[str]:
    """Packages beside a directory named in `BENCH_CONF`: whoever sets it vouches for them."""
    for folder in own_conf_dirs():
        yield from (path.parent.name for path in folder.parent.glob("*/__init__.py"))
