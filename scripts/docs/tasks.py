"""A page for each task: its card, how it asks, and its first examples where their data may be passed on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.config import compose as conf
from bench.config.build import build, task_class
from bench.errors import BenchError
from bench.task import BaseTask, Card, Task
from bench.text.shown import code, markdown, terminal
from bench.types import Example, Image, ImageFile, Json, Part, Request, Text
from scripts.docs.pages import ROOT

_ADDRESS = re.compile(
    r"(https://[\w.~:/?#@!$&*+,;=%-]+)(?=\s|$)(.*)", re.ASCII | re.DOTALL
)  # and what is said behind it
_EXAMPLES = 2
_LONGEST = 1500  # characters of a part that is shown


def write(source: Path) -> list[str]:
    """Write the pages; their files, in the order of the menu."""
    folder = source / "task"
    folder.mkdir()
    files = []
    for name in conf.names("task"):
        if issubclass(task_class(name), Task):
            (folder / f"{name}.md").write_text("\n".join(_page(name)) + "\n", encoding="utf-8")
            files.append(f"task/{name}.md")
    return files


def _page(name: str) -> Iterator[str]:
    cls = task_class(name)
    assert issubclass(cls, Task)
    card = cls.card
    yield f"# {name}\n"
    yield f"{markdown(card.title)}. {markdown(conf.names('task')[name])}\n"
    yield f"```sh\nbench run task={name} model=majority limit=100\n```\n"
    yield "| card | |\n|---|---|"
    for said, value in _facts(cls, card):
        yield f"| {said} | {value} |"
    yield "\n## Metrics\n"
    yield "What each of them is, and by whose definition, stands in [metrics](../metrics.md).\n"
    yield "| metric | better | |\n|---|---|---|"
    for place, metric in enumerate(cls.metrics):
        yield f"| `{metric.name}` | {'higher' if metric.higher_is_better else 'lower'} | {'' if place else 'ranks its board'} |"
    yield "\n## How it asks\n"
    yield from _asked(name, card)
    yield from _board(name)


def _board(name: str) -> Iterator[str]:
    """The board that `bench board` wrote, where leaderboards/ has it."""
    path = ROOT / "leaderboards" / f"{name}.md"
    if path.is_file():
        text = path.read_text(encoding="utf-8")
        yield "\n## Board\n"
        yield "\n".join(
            f"#{line}" if line.startswith("## ") else line for line in text.split("\n") if not line.startswith("# ")
        )


def _facts(cls: type[Task], card: Card) -> Iterator[tuple[str, str]]:
    yield "data", f"{_linked(card.source)}, {markdown(card.revision)}"
    yield "licence", markdown(card.licence)
    yield "split", f"{markdown(card.split)}, {card.n_examples:,} examples, {markdown(card.language)}"
    yield "intervals", f"resampled by {markdown(card.cluster)}"
    yield "scenario", markdown(card.scenario)
    yield "version", str(cls.version)
    low, high = card.chance
    yield "chance", f"{low:g} to {high:g}"
    for who, value in card.references.items():
        yield "published", f"{markdown(who)}: {value:g}"
    for who, value in card.gives_away.items():
        yield (
            "needs no reading",
            f"`model=cheat model.strategy={markdown(who)}` gets {value:g} ([gaming](../gaming.md))",
        )
    if card.citation:
        yield "citation", markdown(card.citation)
    if card.obtain:
        yield "to obtain", markdown(card.obtain)


def _linked(source: str) -> str:
    """A source with its address as a link, where it begins with one; all else is text."""
    found = _ADDRESS.fullmatch(source)
    return f"<{found[1]}> {markdown(found[2])}".rstrip() if found else markdown(source)


def _asked(name: str, card: Card) -> Iterator[str]:
    try:
        task: Any = build(conf.plain(conf.compose([f"task={name}"])[0])["task"], "task", BaseTask)
        if card.obtain:
            raise BenchError("may not be passed on")
        examples = list(task.examples()[:_EXAMPLES])
        requests = [task.request(example) for example in examples]
    except BenchError:
        yield "Its data may not be passed on, or do not come with this package, so that no example stands here; `bench data` and"
        yield "`bench fetch` say how to get them.\n"
        return
    for example, request in zip(examples, requests, strict=True):
        yield from _example(example, request)


def _example(example: Example, request: Request) -> Iterator[str]:
    yield f"Example {code(example.id)}:\n"
    for part in request.parts:
        yield f"```text\n{_shown(part)}\n```\n"
    given = {
        name: value
        for name, value in vars(request.output).items()
        if name not in ("context", "question", "pieces") and value
    }
    settings = ", ".join(f"{name}={value!r}" for name, value in given.items())
    yield f"It asks for {code(f'{type(request.output).__name__}({_cut(settings, 300)})')}.\n"
    yield f"What is right:\n\n```json\n{_cut(json.dumps(example.target, ensure_ascii=False), _LONGEST)}\n```\n"


def _shown(part: Part) -> str:
    if isinstance(part, Text):
        return _cut(part.text, _LONGEST)
    kind = "a picture" if isinstance(part, Image | ImageFile) else f"a part of the kind {type(part).__name__.lower()}"
    return f"({kind})"


def _cut(text: Json, most: int) -> str:
    said = "\n".join(terminal(line, most) for line in str(text).split("\n")).replace("```", "'''")
    return said if len(said) <= most else f"{said[:most]} … ({len(said):,} characters)"
