"""What TAB offers: argcomplete knows commands and options from the parser, this module names, runs and the keys of overrides.

Nothing here loads Hydra or computes. What cannot be had (a folder of `BENCH_CONF` that is not there) offers nothing.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.commands.shared.options.parts import Parser
from bench.config import compose as conf
from bench.errors import BenchError

Offer = Callable[
    [str, argparse.Namespace], Mapping[str, str]
]  # of the word's beginning: what it may become, and what that is


def complete(line: Parser) -> None:
    """Answer the shell that asks by argcomplete's variables, and end the process."""
    finder(line)(line, always_complete_options=False, validator=_any)


def finder(line: Parser) -> Any:
    """What finds completions for a command line, as argcomplete calls it."""
    from argcomplete.finders import CompletionFinder

    class Finder(CompletionFinder):
        """Offers overrides behind an option too, where argparse takes no more positional words but `bench` does."""

        def collect_completions(self, active: list[Any], found: argparse.Namespace, begun: str) -> list[str]:
            offered: list[str] = super().collect_completions(active, found, begun)
            takes_value = any(action.option_strings and not _is_served(action) for action in active[-1].active_actions)
            if offered or begun.startswith("-") or takes_value or not hasattr(found, "overrides"):
                return offered
            more = _safe(_overrides)(prefix=begun, parsed_args=found)
            self._display_completions.update(more)
            return list(more)

        def offered(self, words: list[str], begun: str) -> list[str]:
            """What the last word, which begins so, may become behind these words."""
            return list(self._get_completions(words, begun, "", None))  # type: ignore[no-untyped-call]

    _equip(line)
    return Finder(line, always_complete_options=False, validator=_any)


def _any(word: str, begun: str) -> bool:
    """What is offered begins as it should: `_safe` and argcomplete see to that, which names may hold in other case."""
    return word.startswith(begun)


def _is_served(action: Any) -> bool:
    """Whether an option has got its value, or takes none."""
    return action.nargs == 0 or getattr(action, "num_consumed_args", 0) > 0


def _equip(line: Parser) -> None:
    """Give each word of a command line what it is completed by; those that are not named here are files."""
    for name, command in (line.acts.choices if line.acts else {}).items():
        _equip(command)
        for action in command._actions:
            if (offer := _OFFERS.get((name, action.dest)) or _OFFERS.get(("", action.dest))) is not None:
                action.completer = _safe(offer)  # type: ignore[attr-defined]


def _safe(offer: Offer) -> Callable[..., Mapping[str, str]]:
    """The same as argcomplete calls it, for what a shell can show: no hidden signs, nothing where the folders cannot be read."""

    def offered(*, prefix: str, parsed_args: argparse.Namespace, **_: Any) -> Mapping[str, str]:
        try:
            found = offer(prefix, parsed_args)
        except (BenchError, OSError):
            return {}
        return {name: said for name, said in found.items() if name.startswith(prefix) and name.isprintable()}

    return offered


def _tasks(begun: str, _: argparse.Namespace) -> Mapping[str, str]:
    return conf.names("task")


def _models(begun: str, _: argparse.Namespace) -> Mapping[str, str]:
    return conf.names("model")


def _either(begun: str, found: argparse.Namespace) -> Mapping[str, str]:
    """What `bench list … --fits` takes: models for tasks, tasks for models."""
    return conf.names("task" if found.kind == "models" else "model")


def _boards(begun: str, _: argparse.Namespace) -> Mapping[str, str]:
    from bench.commands.shared.boards import own_folders
    from bench.leaderboard.definition import definitions

    files = [path.stem for suites in (False, True) for path in definitions(suites=suites, own=own_folders())]
    return {**dict.fromkeys(files, ""), **conf.names("task")}


def _runs(begun: str, found: argparse.Namespace) -> Mapping[str, str]:
    """Runs by TASK/MODEL, and by the id once it is begun; files where there are none of the name (bundles, folders)."""
    from argcomplete.completers import FilesCompleter

    from bench.commands.shared.run_names import ids, pairs

    runs = getattr(found, "runs", None) or Path(os.environ.get("BENCH_RUNS", "runs"))
    names = pairs(runs, begun) + (ids(runs, begun) if begun and "/" not in begun else [])
    return dict.fromkeys(names or FilesCompleter(("zip",))(begun), "")


def _overrides(begun: str, found: argparse.Namespace) -> Mapping[str, str]:
    from bench.commands.shared import override_words

    line = os.environ.get("COMP_LINE", "")[: int(os.environ.get("COMP_POINT", "0") or 0)]
    return override_words.offered(begun, line.split()[2:], found.command)


# Without the modules that hold them, which take half a second to load; a test holds these against them.
SCENARIOS = ("risk", "marketing", "operations", "market", "reading")
PARTS = ("text", "row", "image", "audio", "video")
SPECS = ("text", "picture", "voice", "video")


def _one_of(*words: str) -> Offer:
    return lambda begun, found: dict.fromkeys(words, "")


_OFFERS: dict[tuple[str, str], Offer] = {
    ("", "overrides"): _overrides, ("", "reference"): _runs, ("", "references"): _runs,
    ("board", "name"): _boards, ("score", "task"): _tasks, ("list", "fits"): _either,
    ("list", "scenario"): _one_of(*SCENARIOS), ("list", "parts"): _one_of(*PARTS), ("", "spec"): _one_of(*SPECS),
}  # fmt: skip
