"""Configuration: Hydra's compose over conf/, checked against a schema."""

from __future__ import annotations

import dataclasses
import difflib
import importlib.util
import os
import re
import typing
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError

if TYPE_CHECKING:
    from omegaconf import DictConfig

GROUPS = ("task", "model", "suite", "device", "tracking")


@dataclasses.dataclass
class DeviceConf:
    """conf/device."""

    kind: str = "auto"
    dtype: str = "auto"
    threads: int | None = None


@dataclasses.dataclass
class TrackingConf:
    """conf/tracking."""

    enabled: bool = True
    uri: str | None = None


@dataclasses.dataclass
class SuiteConf:
    """conf/suite: tasks in order, and for some of them how many examples to take."""

    tasks: list[str] = dataclasses.field(default_factory=list)
    limits: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Conf:
    """The schema of conf/config.yaml. Tasks and models check themselves: see `build`."""

    task: Any = None
    model: Any = None
    suite: SuiteConf | None = None
    device: DeviceConf = dataclasses.field(default_factory=DeviceConf)
    tracking: TrackingConf = dataclasses.field(default_factory=TrackingConf)
    limit: int | None = None
    seed: int = 0
    batch_size: int = 16
    resamples: int = 2000
    runs_dir: str = "runs"
    data_dir: str = "data"


def conf_dir() -> Path:
    """The shipped configuration: in the wheel beside this file, in a checkout at its top."""
    packaged = Path(__file__).resolve().parent / "conf"
    return packaged if packaged.is_dir() else packaged.parents[1] / "conf"


def conf_dirs() -> list[Path]:
    """All configuration directories: `BENCH_CONF` first, then installed packages', then the shipped one.

    A package offers its own through an entry point in the group `bench.tasks` or `bench.models` whose value is a package
    that has a folder `conf`; its classes may then be named in `_target_`.
    """
    own = [Path(part).resolve() for part in os.environ.get("BENCH_CONF", "").split(os.pathsep) if part]
    for path in own:
        if not path.is_dir():
            raise BenchError(f"BENCH_CONF names {path}, which is not a folder; it should hold task/, model/, …")
    return [*own, *plugins().values(), conf_dir()]


def plugins() -> dict[str, Path]:
    """The configuration directory of each installed package that offers tasks or models, by package name."""
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
        for path in sorted((folder / group).glob("*.yaml")):
            with path.open(encoding="utf-8") as file:
                found.setdefault(path.stem, next((line[1:].strip() for line in file if not line.startswith("# @")), ""))
    return dict(sorted(found.items()))


def compose(overrides: Sequence[str]) -> tuple[DictConfig, dict[str, str]]:
    """The composed configuration and the choice made in each group.

    Raises BenchError with the full key for whatever Hydra refuses: an unknown group, choice or key, or a wrong type.
    """
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.core.config_store import ConfigStore
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    ConfigStore.instance().store("schema", Conf)
    more = [f"hydra.searchpath=[{','.join(f'file://{path}' for path in conf_dirs()[:-1])}]"]
    try:
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            config = hydra_compose("config", [*more, *overrides], return_hydra_config=True)
        choices = {
            group: str(choice) for group, choice in config.hydra.runtime.choices.items() if choice and group in GROUPS
        }
        OmegaConf.set_struct(config, False)
        del config["hydra"]
        OmegaConf.resolve(config)
    except (HydraException, OmegaConfBaseException) as error:
        raise BenchError(_explain(error)) from None
    return config, choices


def _explain(error: Exception) -> str:
    """Hydra's several lines as one, with the choices and the nearest name."""
    text = str(error.__cause__ or error) if "Error merging" in str(error) or not str(error) else str(error)
    if match := re.search(r"Could not find '(\w+)/([^']*)'", text):
        group, asked = match.groups()
        known = list(names(group))
        near = difflib.get_close_matches(asked, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        return f"{group} '{asked}' does not exist; known: {', '.join(known)}{hint}"
    cause = error.__cause__
    if match := re.search(r"Could not override '([^']*)'", text):
        reason = str(cause).splitlines()[0] if cause else "it does not exist"
        return f"override '{match[1]}': {reason}; add a new key with +{match[1]}=…, or see `bench run --cfg job` for the known ones"
    full_key = re.search(r"full_key: (\S+)", text)
    lines = [
        line.strip()
        for line in text.splitlines()
        if line.strip() and not line.strip().startswith(("full_key", "object_type", "reference_type"))
    ]
    where = f"{full_key[1]}: " if full_key and full_key[1] else ""
    return f"{where}{' '.join(lines)}; see `bench run --cfg job` for the known keys"


def sweep(overrides: Sequence[str]) -> list[list[str]]:
    """The jobs of `-m`: the product of all choices (a,b), ranges and globs, in Hydra's own grammar."""
    from hydra import initialize_config_dir
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
            (jobs,) = BasicSweeper.split_arguments(parser.parse_overrides(list(overrides)), max_batch_size=None)
    except HydraException as error:
        raise BenchError(_explain(error)) from None
    return [list(job) for job in jobs]


def plain(config: Any) -> Mapping[str, Any]:
    """The configuration as plain dictionaries and lists."""
    from omegaconf import OmegaConf

    return typing.cast(Mapping[str, Any], OmegaConf.to_container(config, resolve=True))
