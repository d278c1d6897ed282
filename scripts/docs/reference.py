"""References out of the code: every command's help, the configuration, the record of a run, and what Python imports."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import bench
from bench import cli
from bench.config import compose as conf
from bench.runs.record_schema import RUN
from bench.runs.settings import Settings
from bench.text.shown import markdown


def write(source: Path) -> list[str]:
    """Write the pages; their files, in the order of the menu."""
    folder = source / "reference"
    folder.mkdir()
    made = {"commands": _commands, "configuration": _configuration, "record": _record, "python": _python}
    for name, page in made.items():
        (folder / f"{name}.md").write_text("\n".join(page()) + "\n", encoding="utf-8")
    return [f"reference/{name}.md" for name in made]


def _commands() -> Iterator[str]:
    os.environ["COLUMNS"] = "110"
    yield "# Commands\n"
    yield f"```text\n{cli.parser().format_help().strip()}\n```\n"
    for words, parser in _parsers(cli.parser(), ()):
        yield f"{'##' if len(words) == 1 else '###'} bench {' '.join(words)}\n"
        yield f"```text\n{parser.format_help().strip()}\n```\n"


def _parsers(
    parser: argparse.ArgumentParser, words: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield (*words, name), below
                yield from _parsers(below, (*words, name))


def _configuration() -> Iterator[str]:
    yield "# Configuration\n"
    yield "`bench run KEY=VALUE …` overrides any key, in the grammar of Hydra; `bench run --cfg` shows the whole.\n"
    yield "## Settings of a run\n"
    doc = (Settings.__doc__ or "").split("\n\n")
    yield f"{' '.join(doc[1].split())}\n"
    yield "| key | default | least |\n|---|---|---|"
    for one in fields(Settings):
        if one.metadata.get("key"):
            default = "" if one.default is MISSING else str(one.default)
            yield f"| `{one.name}` | `{markdown(default)}` | {one.metadata.get('least', '')} |"
    for group in conf.GROUPS:
        yield f"\n## {group}=\n"
        yield "| name | what it is |\n|---|---|"
        for name, said in conf.names(group).items():
            shown = f"[`{name}`](../task/{name}.md)" if group == "task" and _has_page(name) else f"`{name}`"
            yield f"| {shown} | {markdown(said)} |"


def _has_page(name: str) -> bool:
    from bench.config.build import task_class
    from bench.task import Task

    return issubclass(task_class(name), Task)


def _record() -> Iterator[str]:
    yield "# The record of a run\n"
    yield "`run.json` is written last; what others hand in must fit this, field by field ([architecture](../architecture.md)).\n"
    yield "| field | type |\n|---|---|"
    for name, kind in _fields(RUN, ""):
        yield f"| `{name}` | {kind} |"


def _fields(schema: Mapping[str, Any], place: str) -> Iterator[tuple[str, str]]:
    for name, one in schema.get("properties", {}).items():
        found = one["anyOf"][-1] if "anyOf" in one else one
        where = f"{place}{name}"
        yield where, _kind(found)
        if found.get("type") == "array":
            yield from _fields(found.get("items", {}), f"{where}[].")
        yield from _fields(found, f"{where}.")


def _kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(f"`{one}`" for one in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kinds = schema.get("type", "any")
    return " or ".join(kinds) if isinstance(kinds, list) else str(kinds)


def _python() -> Iterator[str]:
    yield "# Python\n"
    yield "What `from bench import …` gives.\n"
    for home, names in (*bench._HOMES.items(), *bench._MORE.items()):
        for name in names:
            yield f"::: {home}.{name}\n"
