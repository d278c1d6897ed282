"""Which keys and values an override may have, as far as files and declarations tell, without Hydra."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.config import compose as conf
from bench.config.schema import Conf
from bench.data.plain_yaml import read_yaml


def offered(begun: str, words: Sequence[str], command: str = "run") -> Mapping[str, str]:
    """What a word that begins so may become, and what that is; `words` are the others, which may have chosen task and model."""
    key, equals, value = begun.partition("=")
    if equals:
        head = value[: value.rfind(",") + 1]  # of several values, the last is under way
        return {f"{key}={head}{name}": said for name, said in _values(key.lstrip("+~")).items()}
    signs = begun[: len(begun) - len(begun.lstrip("+~"))]
    own = _training() if command == "train" else {}
    return {f"{signs}{name}": said for name, said in {**own, **dict(_keys(words))}.items() if _takes(command, name)}


def _takes(command: str, key: str) -> bool:
    """Whether a command takes the key: a training runs no scenario, and has no suite."""
    if command != "train":
        return True
    from bench.training.settings import OWN, SHARED

    name = key.partition("=")[0].partition(".")[0]
    return name in (*OWN, *SHARED, "train")


def _training() -> Mapping[str, str]:
    from bench.models.trainable import Recipe
    from bench.training.settings import OWN

    return dict.fromkeys(
        [*(f"{name}=" for name in OWN), *(f"train.{one.name}=" for one in dataclasses.fields(Recipe))], ""
    )


def _keys(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """All keys, those of the chosen task and model too, each with the sign that comes behind it."""
    for name in conf.GROUPS:
        yield f"{name}=", f"one of conf/{name}"
    yield from ((f"{name}=", "") for name in _below(Conf, "") if name not in conf.GROUPS)
    for group in ("task", "model"):
        chosen = [word.partition("=")[2] for word in words if word.startswith(f"{group}=")]
        if chosen and conf.has(group, chosen[-1]):
            yield from ((f"{group}.{name}=", "") for name in _of_choice(group, chosen[-1]))


def _below(kind: Any, parent: str) -> Iterator[str]:
    """The keys that a schema declares, with dots; a group's own key is not among them where it has keys of its own."""
    for one in dataclasses.fields(kind):
        if dataclasses.is_dataclass(one.default_factory):
            yield from _below(one.default_factory, f"{parent}{one.name}.")
        else:
            yield f"{parent}{one.name}"


def _of_choice(group: str, name: str) -> list[str]:
    """The keys of a task or model: those of its file, and the arguments of its class where that is this package's.

    A class of somebody's own is not imported for a TAB: what its module loads may take seconds.
    """
    path = conf.file_of(group, name)
    config = read_yaml(path) if path is not None else None
    if not isinstance(config, Mapping):
        return []
    found = dict.fromkeys(_flat(config, ""))
    module, _, cls = str(config.get("_target_", "")).rpartition(".")
    if module.split(".")[0] in ("bench", "tasks"):
        kind = getattr(importlib.import_module(module), cls, None)
        found |= dict.fromkeys(list(inspect.signature(kind).parameters) if kind is not None else [])
    return [one for one in found if one not in ("config", "about", "args", "kwargs")]


def _flat(config: Mapping[str, Any], parent: str) -> Iterator[str]:
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{parent}{key}.")
        elif key != "_target_":
            yield f"{parent}{key}"


def _values(key: str) -> Mapping[str, str]:
    """The values that a key may have, where they can be counted; {} for a number, a text and a path, which the shell completes."""
    if key in conf.GROUPS:
        return conf.names(key)
    if key in _FLAGS:
        return {"true": "", "false": ""}
    module, name = _DECLARED.get(key, ("", ""))
    return dict.fromkeys(getattr(importlib.import_module(module), name), "") if module else {}


_FLAGS = ("tracking.enabled", "timing.audit", "timing.alone")
_DECLARED = {  # where the values of a key are declared; imported only when it is completed
    "device.kind": ("bench.models.device", "KINDS"), "device.dtype": ("bench.models.device", "DTYPES"),
    "audit": ("bench.engine.audit", "KINDS"), "energy": ("bench.runs.energy", "WAYS"),
    "timing.scenario": ("bench.timing.settings", "SCENARIOS"), "timing.rules": ("bench.timing.settings", "RULES"),
}  # fmt: skip
