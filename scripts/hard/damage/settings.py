"""Configuration of one's own: what is composed is what the file says, whatever stands in it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from bench.errors import BenchError
from bench.text.shown import terminal
from scripts.hard.command import OWN
from scripts.hard.damage import world
from scripts.hard.damage.subject import Damage, Subject

_SUITE = b"# @package _global_\n# Two tasks\nsuite:\n  tasks: [hard_numbers, finmm_emotion]\n"
_PRICE = b"# A machine\ncurrency: USD\nper_hour: 3.06\ndate: 2018-11-06\nsource: a list of prices\n"
_BOARD = b'title: "Numbers"\ntask: hard_numbers\nversion: 1\nmetric: exact_match\nmore: [exact_match]\ncolumns: [seconds_per_answer]\ndevices: [cpu]\n'  # noqa: E501
_OVERRIDES = b"task=hard_numbers\ntask.n=24\nmodel=hard_stub\nseed=3\nlimit=5\nbatch_size=7\ndevice.kind=cpu\nmodel.seconds=0.5\n"
_TASKS = Path(__file__).parents[3] / "conf" / "task"
_ABOUT = ("credit_german", "fomc", "finer_ord")  # one of each family of tasks that are one file


def _in(folder: Path) -> None:
    os.environ["BENCH_CONF"] = str(folder / "conf")


def subjects() -> Iterator[Subject]:
    """conf/task, model, suite and price of one's own, overrides, and the definition of a board."""
    base = {
        f"conf/{kind}/{path.name}": path.read_bytes()
        for kind in ("task", "model")
        for path in (OWN / "conf" / kind).glob("*.yaml")
    } | {"hard_stubs/__init__.py": (OWN / "hard_stubs" / "__init__.py").read_bytes()}  # beside conf/, as a user has it

    def commanded(folder: Path) -> list[str]:
        _in(folder)
        chosen = ("task=hard_numbers", "model=hard_stub", "tracking=none", "limit=5", "resamples=10")
        return ["run", *chosen, f"runs_dir={folder}/runs", "--fresh"]

    for kind, name in (("task", "hard_numbers"), ("model", "hard_stub")):
        file = f"conf/{kind}/{name}.yaml"
        yield Subject(
            f"configuration of a {kind}", base, lambda folder, kind=kind: _composed(folder, ["task=hard_numbers", "model=hard_stub"], kind),  # noqa: E501
            _is_file, (file,), lambda damage, kind=kind, name=name: (f"{name}.yaml", f"{kind}.", f"{kind} '{name}'", f"{kind}={name}"), commanded,  # noqa: E501
        )  # fmt: skip
    yield Subject(
        "configuration of a suite", base | {"conf/suite/own.yaml": _SUITE}, lambda folder: _composed(folder, ["suite=own", "model=hard_stub"], "suite"),  # noqa: E501
        _is_suite, ("conf/suite/own.yaml",), lambda damage: ("own.yaml", "suite"),
    )  # fmt: skip
    yield Subject(
        "configuration of a price", base | {"conf/price/box.yaml": _PRICE}, _priced, _is_priced, ("conf/price/box.yaml",),
        lambda damage: ("box.yaml", "price"), raw=True,
    )  # fmt: skip
    for name in _ABOUT:
        yield Subject(
            f"configuration of a task that is one file, {name}",
            {"conf/task/own.yaml": (_TASKS / f"{name}.yaml").read_bytes()}, _made, damaged=("conf/task/own.yaml",),
            named=lambda damage, name=name: ("own.yaml", "task.", name, "task 'own'", "task=own"),
        )  # fmt: skip
    yield Subject("overrides", base | {"words": _OVERRIDES}, _overridden, _is_overridden, ("words",), _words, raw=True)
    yield Subject("definition of a board", {"own.yaml": _BOARD}, _board, _is_board, ("own.yaml",))


def _composed(folder: Path, words: list[str], kind: str) -> Any:
    from bench.config import compose as conf
    from bench.config.build import build

    _in(folder)
    config = conf.plain(conf.compose(words)[0])
    if kind in ("task", "model"):
        build(config[kind], kind)
    return config[kind]


def _value(damage: Damage) -> Any:
    """What the YAML library reads in the file, with the numbers of the configuration's; ValueError where it refuses it."""
    from omegaconf._utils import get_yaml_loader

    try:
        return yaml.load(damage.data.decode("utf-8-sig"), Loader=get_yaml_loader())  # which reads 1e9 as a number
    except (yaml.YAMLError, ValueError, RecursionError, AttributeError, TypeError) as error:
        raise ValueError(str(error)) from None


def _is_file(folder: Path, found: Any, damage: Damage) -> str:
    try:
        there = _value(damage)
    except ValueError as error:
        return f"composed of what the YAML library refuses ({str(error)[:120]})"
    if "${" in str(there) or (isinstance(there, dict) and "defaults" in there):
        return ""
    same = _shape(found) == _shape(there)
    return (
        ""
        if same or damage.data.lstrip().startswith(b"# @package")
        else f"composed {str(found)[:150]}, the file says {str(there)[:150]}"
    )


def _shape(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _is_suite(folder: Path, found: Any, damage: Damage) -> str:
    from hydra.plugins.config_source import ConfigSource

    there = _value(damage) or {}
    head = ConfigSource._get_header_dict(damage.data.decode("utf-8", "replace"))  # as Hydra reads it
    tasks = ((there.get("suite") or {}) if head["package"] == "_global_" else there).get("tasks")
    return (
        ""
        if "${" in str(there) or tasks == (found or {}).get("tasks")
        else f"the tasks {str(found)[:150]}, not those of the file"
    )


def _priced(folder: Path) -> Any:
    from bench.config import compose as conf
    from bench.config.prices import chosen

    _in(folder)
    config, choices = conf.compose(["task=hard_numbers", "model=hard_stub", "price=box"])[:2]
    return chosen(conf.plain(config), choices)[0]


def _is_priced(folder: Path, found: Any, damage: Damage) -> str:
    there = _value(damage)
    if not found or "${" in str(there):
        return "" if "${" in str(there) else "no price of a file that was chosen"
    hour = there.get("per_hour")
    if isinstance(hour, int | float) and found["per_hour"] != hour:
        return f"{found['per_hour']} an hour, the file says {hour}"
    return ""


def _made(folder: Path) -> Any:
    from bench.config import compose as conf
    from bench.config.build import build

    _in(folder)
    task = build(conf.plain(conf.compose(["task=own"])[0])["task"], "task")
    return task.name, task.card.title


def _overridden(folder: Path) -> Any:
    from bench.config import compose as conf
    from bench.runs.settings import Settings

    _in(folder)
    try:
        words = (folder / "words").read_bytes().decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise BenchError("words are no UTF-8") from None  # the command refuses such arguments itself
    words = [word for word in words if word and "\0" not in word]
    config = conf.plain(conf.compose(words)[0])
    return words, Settings.of(config, config=config)


def _words(damage: Damage) -> tuple[str, ...]:
    """An error about an argument quotes it, or its key."""
    said = damage.data.decode("utf-8", "replace")
    keys = [word.partition("=")[0].lstrip("+~").strip() for word in said.split("\n") if word.strip()]
    plain = [
        re.split(r"[\x00-\x1f]", word)[0][:50] for word in said.split("\n")
    ]  # signs of control it shows in its own way
    return (
        *filter(None, keys),
        *filter(None, (terminal(key, 600) for key in keys)),
        *(word for word in plain if len(word) > 2),
        "words",
        "task",
        "model",
        "override",
    )


def _is_overridden(folder: Path, found: Any, damage: Damage) -> str:
    words, settings = found
    for key in ("seed", "limit", "batch_size"):
        given = [word.partition("=")[2] for word in words if word.partition("=")[0] == key]
        if given and given[-1].isascii() and given[-1].isdigit() and getattr(settings, key) != int(given[-1]):
            return f"{key}={getattr(settings, key)}, {given[-1]} was given"
    return ""


def _board(folder: Path) -> Any:
    from bench.leaderboard.definition import read

    world.ready()
    return read(folder / "own.yaml")


def _is_board(folder: Path, found: Any, damage: Damage) -> str:
    there = yaml.safe_load(damage.data.decode("utf-8-sig"))  # to which 1e9 is a text, as a title may be
    if not isinstance(there, dict):
        return f"a board of {str(there)[:80]}"
    for key, value in there.items():
        if getattr(found, key) != (tuple(value) if isinstance(value, list) else value):
            return f"{key} is {getattr(found, key)!r}, the file says {value!r}"
    return ""
