"""Configuration: Hydra's compose over conf/, checked against a schema."""

from __future__ import annotations

import dataclasses
import errno
import functools
import importlib.util
import os
import sys
import threading
import typing
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.config import trust
from bench.config.schema import Conf, DataConf, DeviceConf, LaunchConf, PriceConf, SuiteConf, TimingConf, TrackingConf
from bench.data.plain_yaml import read_yaml
from bench.errors import BenchError
from bench.models.shipped import conf_dir
from bench.text import secret_urls
from bench.text.meant import among

if TYPE_CHECKING:
    from omegaconf import DictConfig

_HYDRA = threading.RLock()  # which has one state a process, and is asked by threads of a notebook
GROUPS = ("task", "model", "suite", "device", "tracking", "timing", "price", "launch")


_SCHEMAS = {
    "": Conf, "device": DeviceConf, "tracking": TrackingConf, "suite": SuiteConf, "data": DataConf, "timing": TimingConf,
    "price": PriceConf, "launch": LaunchConf,
}  # fmt: skip


def conf_dirs() -> list[Path]:
    """All configuration directories: `BENCH_CONF` first, then installed packages', then the shipped one.

    A package offers its own through an entry point in the group `bench.tasks` or `bench.models` whose value is a package
    that has a folder `conf`; its classes may then be named in `_target_`.
    """
    own = own_conf_dirs()
    for path in own:
        if not path.is_dir():
            raise BenchError(f"BENCH_CONF names {path}, which is not a folder; it should hold task/, model/, …")
    return [*own, *plugins().values(), conf_dir()]


def own_conf_dirs() -> list[Path]:
    """The directories that `BENCH_CONF` names: the one whose name it is, else those between its colons."""
    named = os.environ.get("BENCH_CONF", "")
    parts = [named] if Path(named).is_dir() else named.split(os.pathsep)
    return [Path(part).resolve() for part in parts if part]


def plugins() -> dict[str, Path]:
    """The configuration directory of each installed package that offers tasks or models, by package name."""
    return _plugins(tuple(sys.path))


@functools.lru_cache(maxsize=8)
def _plugins(where: tuple[str, ...]) -> dict[str, Path]:
    """As above, looked for once on each sys.path: that reads the metadata of every installed package."""
    found: dict[str, Path] = {}
    for group in ("bench.tasks", "bench.models"):
        for entry in entry_points(group=group):
            spec = importlib.util.find_spec(entry.value)
            for place in (spec.submodule_search_locations or []) if spec else []:
                if (Path(place) / "conf").is_dir():
                    found[entry.value.split(".")[0]] = Path(place) / "conf"
    return found


def names(group: str) -> dict[str, str]:
    """The choices of a config group with the comment on their first line, without loading Hydra."""
    found: dict[str, str] = {}
    for folder in conf_dirs():
        for path in sorted(filter(Path.is_file, (folder / group).glob("*.yaml"))):
            with path.open(encoding="utf-8", errors="replace") as file:  # who chooses it is told what is wrong with it
                first = next((line for line in file if not line.startswith("# @")), "")
                found.setdefault(path.stem, first[1:].strip() if first.startswith("#") else "")
    return dict(sorted(found.items()))


def has(group: str, name: str) -> bool:
    """Whether a group has this choice: what `name in names(group)` says, without opening every file."""
    return name == Path(name).name and name not in ("", ".", "..") and file_of(group, name) is not None


def choice(group: str, name: str) -> Mapping[str, Any]:
    """One choice of a group as it stands without overrides; without Hydra, where its file needs nothing of it."""
    if (path := file_of(group, name)) is not None:
        found = read_yaml(path)
        if isinstance(found, Mapping) and "defaults" not in found and "${" not in path.read_text(encoding="utf-8"):
            return found
    found = plain(compose([f"{group}={name}"])[0])[group]
    return found if isinstance(found, Mapping) else {}


def file_of(group: str, name: str) -> Path | None:
    """The file of a choice: that of the first directory which has it."""
    return next((path for folder in conf_dirs() if (path := folder / group / f"{name}.yaml").is_file()), None)


def compose(overrides: Sequence[str]) -> tuple[DictConfig, dict[str, str]]:
    """The composed configuration and the choice made in each group.

    Raises BenchError with the full key for whatever Hydra refuses: an unknown group, choice or key, or a wrong type.
    """
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    from bench.config.errors import explain
    from bench.config.overrides import readable

    overrides = readable(overrides, GROUPS, sweeps=False)
    try:
        config = _composed(overrides)
        choices = {
            group: choice for group, choice in config.hydra.runtime.choices.items() if choice and group in GROUPS
        }
        OmegaConf.set_readonly(config, False)
        OmegaConf.set_struct(config, False)
        del config["hydra"]
        OmegaConf.to_container(
            config, resolve=True
        )  # only to see that it can be: in place, a ${ of a path would be read again
    except (HydraException, OmegaConfBaseException, ValueError, AssertionError, YAMLError, RecursionError) as error:
        # ValueError and AssertionError are what Hydra raises for an override of a group that is a number, or has no key.
        raise BenchError(
            explain(error, overrides, {group: list(names(group)) for group in GROUPS}, known_keys)
        ) from None
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise BenchError(f"{max(overrides, key=len)[:60]}… is longer than any name of a file; correct it") from None
    _refuse_unusable(config, choices, overrides)
    _refuse_new_keys(config)
    secret_urls.refuse(plain(config), but=os.environ.get("MLFLOW_TRACKING_URI"))
    alone = [f"model={choices.get('model')}"]
    if trust.given(config.model) and list(overrides) != alone:
        trust.withdraw(config.model, choice("model", choices["model"]), overrides)
    return config, choices


def _refuse_unusable(config: DictConfig, choices: Mapping[str, str], overrides: Sequence[str]) -> None:
    """Raise BenchError for a choice that is none: a task or model without a class, a suite without tasks, a list of names."""
    for group in ("task", "model"):
        if group in choices and not (config[group] or {}).get("_target_"):
            raise BenchError(
                f"conf/{group}/{choices[group]}.yaml names no class to make; give it a line `_target_: package.Class`"
            )
    for group in GROUPS:  # a list of choices, which Hydra merges, is given but not named
        if config[group] is not None and choices.get(group) not in names(group):
            asked = next((word for word in overrides if word.startswith(f"{group}=")), f"{group}={choices.get(group)}")
            raise BenchError(f"{asked} is not one name; {among(asked.partition('=')[2], list(names(group)))}")
    if config.data.path is not None and "task" in choices and "${data.path}" not in _as_written(config.task):
        raise BenchError(
            f"data.path={config.data.path} is given, and task '{choices['task']}' reads no file that could be named: its data come "
            "with its package; leave data.path away"
        )
    if "suite" in choices and not (config.suite and config.suite.tasks):
        raise BenchError(
            f"conf/suite/{choices['suite']}.yaml names no task; give it the first line `# @package _global_` and a key suite with "
            "a list of tasks"
        )


def _as_written(config: DictConfig) -> str:
    """The configuration as text, with what it names by ${…} as it stands there."""
    from omegaconf import OmegaConf

    return OmegaConf.to_yaml(config, resolve=False)


def _composed(overrides: Sequence[str]) -> DictConfig:
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir

    with _HYDRA:
        _know_own_folders_and_schema()
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            composed: DictConfig = hydra_compose("config", list(overrides), return_hydra_config=True)
            return composed


@functools.cache
def _know_own_folders_and_schema() -> None:
    """Have Hydra look where `conf_dirs` says, in that order; its own hydra.searchpath comes behind the shipped folder."""
    from hydra._internal.sources_registry import SourcesRegistry
    from hydra.core.config_search_path import ConfigSearchPath
    from hydra.core.config_store import ConfigStore
    from hydra.core.plugins import Plugins
    from hydra.plugins.search_path_plugin import SearchPathPlugin

    from bench.config.guarded_source import GuardedSource

    class OwnFoldersFirst(SearchPathPlugin):  # type: ignore[misc]
        def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
            for path in reversed(conf_dirs()[:-1]):
                search_path.prepend(provider="bench", path=f"{GuardedSource.scheme()}://{path}")

    ConfigStore.instance().store("schema", Conf)
    SourcesRegistry.instance().register(GuardedSource)
    Plugins.instance().register(OwnFoldersFirst)


def known_keys(overrides: Sequence[str], parent: str) -> list[str]:
    """The keys below `parent` ("" for the top) in the configuration that these overrides give; [] if they give none."""
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        config = _composed(overrides)
        node = OmegaConf.select(config, parent) if parent else config
    except (HydraException, OmegaConfBaseException, ValueError, AssertionError):
        return []
    return [str(key) for key in node if key != "hydra"] if OmegaConf.is_dict(node) else []


def _refuse_new_keys(config: DictConfig) -> None:
    """Raise BenchError for a key that `+` added where nothing would read it; task and model check their own."""
    for name, kind in _SCHEMAS.items():
        known = [field.name for field in dataclasses.fields(kind)]
        for key in map(str, (config[name] if name else config) or ()):
            if key not in known:
                where = f"{name}.{key}" if name else key
                raise BenchError(f"{where} is not a key; {among(key, known)}")


def sweep(overrides: Sequence[str]) -> list[list[str]]:
    """The jobs of `-m`: the product of all choices (a,b), ranges and globs, in Hydra's own grammar."""
    from hydra import initialize_config_dir
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    from bench.config.errors import explain
    from bench.config.overrides import readable

    overrides = readable(overrides, GROUPS, sweeps=True)
    _know_own_folders_and_schema()
    try:
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
            (jobs,) = BasicSweeper.split_arguments(parser.parse_overrides(list(overrides)), max_batch_size=None)
    except HydraException as error:
        raise BenchError(explain(error, overrides, {}, known_keys)) from None
    return [list(job) for job in jobs]


def plain(config: Any) -> Mapping[str, Any]:
    """The configuration as plain dictionaries and lists."""
    from omegaconf import OmegaConf

    return typing.cast(Mapping[str, Any], OmegaConf.to_container(config, resolve=True))
