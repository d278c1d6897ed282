"""The whole path as three users walk it: a researcher, a job of CI, a maintainer, and partners with stores of their own."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bundles import changed, contents, place, put_right

pytestmark = pytest.mark.slow
BenchMain = Callable[..., tuple[int, list[str], list[str]]]

_MODELS = '''
"""Models of finmm_qa: one names who is asked for and leaves the rest unanswered, one errs in every second question."""

import re


def careful(requests):
    found = []
    for request in requests:
        passage, question = request.output.context, request.output.question
        names = re.findall(r"[A-Z][a-z]+ [A-Z][a-z]+", passage)
        found.append(names[0] if names and question.startswith("Who") else "unanswerable")
    return found


def first_word(requests):
    return [request.output.context.split()[0] for request in requests]


def half_blind(requests):
    return ["wrong" if i % 2 else said for i, said in enumerate(careful(requests))]
'''


@pytest.fixture
def walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bench_main: BenchMain) -> Callable[..., Any]:
    """Runs a command in the folder of one person, with that person's own runs, cache and store."""

    def call(who: str, *arguments: str) -> tuple[int, list[str], list[str]]:
        home = tmp_path / who
        home.mkdir(exist_ok=True)
        (home / "my_models.py").write_text(_MODELS)
        monkeypatch.chdir(home)
        monkeypatch.syspath_prepend(str(home))
        monkeypatch.setenv("BENCH_CACHE", str(home / "cache"))
        return bench_main(*arguments)

    return call


def evaluated(walk: Callable[..., Any], who: str, function: str, *more: str) -> Path:
    """A run of finmm_qa by one of the functions; its folder."""
    words = ("task=finmm_qa", "model=function", f"model.function=my_models:{function}", *more, "--json")
    code, out, err = walk(who, "run", *words)
    assert code == 0, err
    return Path(json.loads(out[-1])["run_dir"]).resolve()


def test_a_run_goes_from_the_researcher_by_the_maintainer_to_two_partners(
    walk: Callable[..., Any], tmp_path: Path
) -> None:
    folder = evaluated(walk, "researcher", "careful", "tracking=none")
    code, _, err = walk("researcher", "submit", str(folder), "-o", "mine.zip", "--submitter", "Anna")
    assert code == 0, err
    bundle = tmp_path / "researcher" / "mine.zip"
    assert list((tmp_path / "researcher/leaderboards/submissions/finmm_qa").glob("*/function.json"))

    code, out, _ = walk("maintainer", "verify", str(bundle))
    assert (code, out[0].split()[0]) == (0, "VERIFIED")
    for name, fault in tampered(tmp_path, bundle).items():
        code, out, err = walk("maintainer", "verify", str(tmp_path / name))
        assert code == 1, name
        assert any(line.startswith("REFUSED") and fault in line for line in [*out, *err]), (name, out, err)

    boards = {}
    for partner, store in (("north", "tracking=mlflow"), ("south", "tracking=none")):
        evaluated(walk, partner, "first_word", "limit=10", store)  # a store of their own, with something in it
        assert walk(partner, "verify", str(bundle), "--add")[0] == 0
        code, out, _ = walk(partner, "board", "finmm_qa", "--json")
        boards[partner] = next(t for t in json.loads(out[-1])["finmm_qa"] if t["n"] > 10)
    assert boards["north"] == boards["south"]
    assert [row["origin"] for row in boards["north"]["rows"]] == ["verified"]
    assert walk("north", "sync")[0] == 0
    code, out, _ = walk("north", "board", "finmm_qa", "--json", "--store", f"sqlite:///{tmp_path}/north/runs/mlflow.db")
    assert next(t for t in json.loads(out[-1])["finmm_qa"] if t["n"] > 10)["rows"][0]["origin"] == "verified"


def tampered(folder: Path, bundle: Path) -> dict[str, str]:
    """Five bundles that lie, by name, with what the refusal must say; digests are made right again where that helps."""
    with zipfile.ZipFile(bundle) as archive:
        first = json.loads(archive.read(place(contents(bundle), "predictions.jsonl")).splitlines()[0])["id"]

    def answer(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        gold = next(record for record in records if record["id"] == first)
        gold["text"] = "something else"
        return records

    def score(record: dict[str, Any]) -> dict[str, Any]:
        record["scores"][0]["value"] = 0.99
        return record

    def other(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [record | {"text": f"another model says {i}"} for i, record in enumerate(records)]

    edits: dict[str, tuple[str, Callable[[Any], Any], str]] = {
        "answer.zip": ("predictions.jsonl", answer, "sha256"),
        "score.zip": ("run.json", score, "claimed 0.99"),
        "dropped.zip": ("predictions.jsonl", lambda records: records[1:], first),
        "others.zip": ("predictions.jsonl", other, "example"),
    }
    for name, (file, edit, _) in edits.items():
        files = contents(bundle)
        changed(files, file, edit)
        if name != "answer.zip":
            put_right(files)
        with zipfile.ZipFile(folder / name, "w") as archive:
            for path, data in files.items():
                archive.writestr(path, data)
    shutil.copy(bundle, folder / "hostile.zip")
    with zipfile.ZipFile(folder / "hostile.zip", "a") as archive:
        archive.writestr("../../outside.txt", "x")
    return {name: fault for name, (_, _, fault) in edits.items()} | {"hostile.zip": "leaves the folder"}


def test_the_job_of_ci_passes_fails_and_asks_for_more(walk: Callable[..., Any]) -> None:
    kept = evaluated(walk, "ci", "careful", "tracking=none")
    assert walk("ci", "check", str(kept), "--update")[0] == 0
    again = evaluated(walk, "ci", "careful", "tracking=none", "seed=1")
    worse = evaluated(walk, "ci", "half_blind", "tracking=none")
    few = evaluated(walk, "ci", "careful", "tracking=none", "limit=20")
    found = {}
    for name, run in (("again", again), ("worse", worse), ("few", few)):
        code, out, err = walk("ci", "check", str(run), "--no-speed")
        found[name] = (code, out[0].split()[0] if out else err)
    assert found == {"again": (0, "PASS"), "worse": (1, "FAIL"), "few": (3, "INCONCLUSIVE")}
