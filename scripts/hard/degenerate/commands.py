"""Whole commands on degenerate data: the reason reaches whoever ran them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from scripts.hard.command import is_clean
from scripts.hard.forked import Done, bench
from scripts.hard.row import Row, Scale, counted

_RUN = ("run", "task=hard_numbers", "model=hard_stub")


def tried(scale: Scale) -> Iterator[Row]:
    """One row: a try is a command with what it wrote."""
    checks = [
        _one_example,
        _all_failed,
        _nothing,
        _all_wrong,
        _the_same_twice,
        *([_one_cluster, _two_examples] if scale.long else []),
    ]
    verdicts: list[str] = []
    for check in checks:
        try:
            verdicts += check(scale.folder / check.__name__.strip("_"))
        except Exception as error:
            verdicts.append(f"{check.__name__}: {type(error).__name__}: {str(error)[:200]}")
    yield counted(
        "whole commands on degenerate data (run, score, board, compare, check): the reason is said and kept", verdicts
    )


def _ended(done: Done, code: int, *said: str) -> str:
    """What is wrong with how a command ended and what it said."""
    if fault := is_clean(done):
        return fault
    everything = done.stdout + done.stderr
    if done.returncode != code:
        return f"exit code {done.returncode}, expected {code}: {everything[-300:]!r}"
    missing = [text for text in said if text not in everything]
    return f"{missing} is not in {everything[-400:]!r}" if missing else ""


def _has(folder: Path, **wanted: object) -> str:
    """What is wrong with the only score in the only record below the folder."""
    (path,) = (folder / "runs").glob("hard_numbers/*/*/run.json")
    (found,) = json.loads(path.read_text(encoding="utf-8"))["scores"]
    return "" if {name: found[name] for name in wanted} == wanted else f"run.json has {found}, expected {wanted}"


def _one_example(folder: Path) -> list[str]:
    """A run of one example, its board, and a gate that it is its own baseline of."""
    few = "no interval: clusters 1, needed 6"
    return [
        _ended(bench(*_RUN, "limit=1", folder=folder), 0, "exact_match 0.0 [–]", few),
        _has(folder, low=None, high=None, note=few),
        _ended(bench("board", "hard_numbers", folder=folder), 0, "No interval: clusters 1, needed 6."),
        _ended(bench("check", "hard_numbers/hard_stub", "--no-speed", "--update", folder=folder), 0),
        _ended(
            bench("check", "hard_numbers/hard_stub", "--no-speed", folder=folder), 3,
            "INCONCLUSIVE", "every example has the same score, but 1 clusters, at least 6 are needed",
        ),
    ]  # fmt: skip


def _few(folder: Path, n: int, value: str) -> list[str]:
    few = "no interval: clusters 1, needed 6"
    return [
        _ended(bench(*_RUN, f"limit={n}", folder=folder), 0, f"exact_match {value} [–]", few),
        _has(folder, low=None, note=few),
    ]


def _two_examples(folder: Path) -> list[str]:
    return _few(folder, 2, "50.0")


def _one_cluster(folder: Path) -> list[str]:
    return _few(folder, 10, "80.0")


def _all_failed(folder: Path) -> list[str]:
    done = bench(*_RUN, "limit=70", "model.fails=1", folder=folder)
    exact = "exact: all 7 clusters have the same value"
    return [
        _ended(done, 1, "exact_match 0.0 [0.0, 41.0]", exact, "every one of the 70 examples failed"),  # 1 - 0.025^(1/7)
        _has(folder, value=0.0, low=0.0, n_failed=70),
    ]


def _nothing(folder: Path) -> list[str]:
    done = bench(*_RUN, "task.n=0", folder=folder)
    lines = done.stderr.strip().count("\n") + 1
    return [_ended(done, 2, "has no examples") or ("" if lines == 1 else f"{lines} lines: {done.stderr!r}")]


def _all_wrong(folder: Path) -> list[str]:
    folder.mkdir(parents=True)
    lines = [json.dumps({"id": f"n{i}", "text": "wrong"}) for i in range(200)]
    (folder / "wrong.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = bench("score", "hard_numbers", "wrong.jsonl", "--model", "wrong", "limit=200", folder=folder)
    return [
        _ended(done, 0, "exact_match 0.0 [0.0, 16.8]", "exact: all 20 clusters have the same value")
    ]  # 1 - 0.025^(1/20)


def _the_same_twice(folder: Path) -> list[str]:
    runs = [bench(*_RUN, "limit=70", f"model.habit={habit}", folder=folder) for habit in ("none", "idle")]
    one, other = sorted(str(path.parent) for path in (folder / "runs").glob("hard_numbers/*/*/run.json"))
    done = bench("compare", one, other, "--json", folder=folder)
    said = _ended(done, 0)
    if not said:
        first = json.loads(done.stdout.strip().split("\n")[-1])["pairs"][0]["metrics"][0]["difference"]
        wide = first["low"] is not None and first["low"] < -0.3 and first["high"] > 0.3 and first["note"]
        said = "" if wide else f"the difference is {first}"
    shown = bench("compare", one, other, folder=folder)
    return [
        *(_ended(run, 0) for run in runs),
        said,
        _ended(shown, 0, "no difference found", "exact: all 7 clusters differ by the same"),
    ]
