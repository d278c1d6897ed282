"""The files of runs: a journal goes on byte-equal, and no record is shown with scores that it does not have."""

from __future__ import annotations

import contextlib
import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.hard.damage import world
from scripts.hard.damage.subject import Damage, Subject

_EQUAL = ("exact_match",)


def journals() -> Iterator[Subject]:
    """A run under way: whatever is damaged, it ends with the predictions and scores of the undisturbed one."""
    place, files = world.under_way()
    _, whole = world.complete()
    scores = _scores(json.loads(whole["run.json"]))

    def read(folder: Path) -> Any:
        _clean(folder / place, files)
        run, made = world.evaluated(folder / "runs")
        return run, (made.path / "predictions.jsonl").read_bytes(), made.path

    def wrong(folder: Path, found: Any, damage: Damage) -> str:
        run, predictions, path = found
        if _values(predictions) != _values(whole["predictions.jsonl"]):
            return (
                f"other predictions than the undisturbed run's: {_first_other(predictions, whole['predictions.jsonl'])}"
            )
        if _scores(run.to_json()) != scores:
            return f"the scores {_scores(run.to_json())}, the undisturbed run has {scores}"
        return "" if path == folder / place else f"another run, {path.name}"

    for name in files:
        yield Subject(
            f"journal {name}", {f"{place}/{each}": data for each, data in files.items()}, read, wrong, damaged=(f"{place}/{name}",),
            writes=True, raw=name == ".alive",
        )  # fmt: skip


def _clean(folder: Path, files: dict[str, bytes]) -> None:
    """Take away what an earlier trial made."""
    for path in folder.iterdir():
        if path.name not in files and path.is_file():
            path.unlink()


def _scores(record: Any) -> list[Any]:
    return [(one["metric"], one["value"], one["n"], one["n_failed"]) for one in record["scores"]]


def _values(journal: bytes) -> list[Any]:
    """What its lines say: a line may be spelt otherwise and say the same."""
    return [json.loads(line) for line in journal.split(b"\n")[:-1]]


def _first_other(ours: bytes, theirs: bytes) -> str:
    pairs = zip(ours.split(b"\n"), theirs.split(b"\n"), strict=False)
    return next((f"{a[:120]!r} for {b[:120]!r}" for a, b in pairs if a != b), f"{len(ours)} bytes for {len(theirs)}")


def records() -> Iterator[Subject]:  # noqa: C901, PLR0915
    """A complete run: what a board, a comparison, a rescoring or the same command says of it, whatever is damaged."""
    place, files = world.complete()
    below = {f"{place}/{name}": data for name, data in files.items()}
    below[f"{place}/origin.json"] = json.dumps({"bundle": "0" * 64, "submitter": "Ann Lee"}).encode()
    value = json.loads(files["run.json"])["scores"][0]["value"]
    marked = below | {
        f"{place}/mlflow.json": json.dumps({"uri": "sqlite:///x.db", "run_id": "1", "record": "0" * 64}).encode()
    }
    plain = {name: data for name, data in marked.items() if not name.endswith("origin.json")}
    names = lambda damage: (Path(damage.file).name, str(Path(place).parent.parent), Path(place).name)  # noqa: E731

    def board(folder: Path) -> Any:
        with contextlib.suppress(FileNotFoundError):
            (folder / "runs" / "index.db").unlink()
        return world.said("board", "hard_numbers", "--runs", str(folder / "runs"), "--json")

    def shown(folder: Path, found: Any, damage: Damage) -> str:
        rows = _rows(json.loads(found[1]))
        said = [(row, row.get("value")) for row in rows]
        other = [row for row, one in said if one is not None and not math.isclose(one, value, rel_tol=1e-9)]
        return f"a board with {other[0]}, where the rows give {value}" if other else ""

    yield Subject("record run.json on a board", plain, board, shown, (f"{place}/run.json",), names)
    yield Subject("record origin.json on a board", below, board, shown, (f"{place}/origin.json",), names)

    def compared(folder: Path) -> Any:
        return world.said("compare", str(folder / place), str(folder / place), "--json")

    def same(folder: Path, found: Any, damage: Damage) -> str:
        told = [one for pair in json.loads(found[1])["pairs"] for one in (pair["a"], pair["b"])]
        other = [one["value"] for one in told if one.get("value") not in (value, None)]
        return f"the value {other[0]}, where the rows give {value}" if other else ""

    yield Subject(
        "record measurements.json in a comparison", plain, compared, same, tuple(f"{place}/{name}" for name in ("measurements.json", "run.json")),  # noqa: E501
        names,
    )  # fmt: skip

    def again(folder: Path) -> Any:
        run, made = world.evaluated(folder / "runs")
        return run, (made.path / "predictions.jsonl").read_bytes(), made.path

    def unaltered(folder: Path, found: Any, damage: Damage) -> str:
        run, predictions, path = found
        if path != folder / place and predictions != files["predictions.jsonl"]:
            return "another run with other predictions"
        return (
            "" if _scores(run.to_json())[0][1] == value else f"the score {run.scores[0].value}, the rows give {value}"
        )

    yield Subject(
        "record found again by the same command", plain, again, unaltered, tuple(name for name in plain if "mlflow" not in name), names,  # noqa: E501
        writes=True,
    )  # fmt: skip

    def rescored(folder: Path) -> Any:
        return world.said("rescore", "--all", "--dry-run", "--runs", str(folder / "runs"))

    yield Subject(
        "record rescored",
        plain,
        rescored,
        damaged=tuple(name for name in plain if "mlflow" not in name),
        named=names,
        writes=True,
    )

    def exported(folder: Path) -> Any:
        shutil.rmtree(folder / "leaderboards", ignore_errors=True)
        code, told = world.said(
            "submit", str(folder / place), "-o", str(folder / "made.zip"), "--submitter", "Ann Lee", "--json"
        )
        (folder / "made.zip").unlink(missing_ok=True)
        shutil.rmtree(folder / "leaderboards", ignore_errors=True)
        return code, told

    yield Subject(
        "record handed over",
        plain,
        exported,
        damaged=tuple(name for name in plain if "mlflow" not in name),
        named=names,
        writes=True,
    )

    def site(folder: Path) -> Any:
        return world.said("board", "--html", str(folder / "site"), "--runs", str(folder / "runs"))

    yield Subject("record on a site", marked | below, site, damaged=tuple(marked), named=names)

    def traced(folder: Path) -> Any:
        return world.said("trace", str(folder / place), "-o", str(folder / "trace.json"))

    yield Subject("record as a trace", plain, traced, damaged=tuple(plain), named=names)


def _rows(found: Any) -> list[dict[str, Any]]:
    """Every object with a model in the JSON of a board."""
    if isinstance(found, dict):
        return ([found] if "model" in found else []) + [one for value in found.values() for one in _rows(value)]
    return [one for value in found for one in _rows(value)] if isinstance(found, list) else []
