"""The site without a browser: names, numbers, what may be shown, and the folder it stands in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from site_data import BOARD, HOSTILE, Reading, item, some

from bench.artifacts.digest import digest
from bench.errors import BenchError
from bench.leaderboard import board as boards
from bench.metrics.concordance import ccc
from bench.metrics.reading import EXACT_MATCH
from bench.record import Run
from bench.runs.measurements import Measurements
from bench.site import Item, write_site
from bench.site.folder import MARKER, replacing
from bench.site.names import script, slug
from bench.site.scores import by_slice, front, per_example
from bench.task import Task

Make = Callable[..., Run]


def _rows(values: list[list[float]], clusters: list[str], metric: str, **slices: tuple[str, ...]) -> Measurements:
    ids = tuple(f"q{i}" for i in range(len(values)))
    return Measurements(ids, ids, tuple(clusters), frozenset(), {metric: np.array(values)}, slices)


def _write(target: Path, items: list[Item], task: Task | None, **options: Any) -> Any:
    tables = boards.tables(BOARD, [one.run for one in items])
    return write_site(target, [(BOARD, tables)], items, task_of=lambda name: task, **options)


def _texts(target: Path) -> str:
    return "".join(path.read_text("utf-8") for path in sorted(target.rglob("*")) if path.suffix in (".html", ".js"))


def _loaded(path: Path) -> Any:
    """The value that a data script hands to the page."""
    return json.loads("[" + path.read_text().removeprefix("FINAI.take(").removesuffix(");\n") + "]")[1]


def test_the_front_is_what_nothing_beats_in_both() -> None:
    # (1, 5) fastest; (2, 7) better than it; (3, 6) slower and worse than (2, 7); (4, 9) best; (4, 8) as slow, worse
    points = [(1.0, 5.0), (2.0, 7.0), (3.0, 6.0), (4.0, 9.0), (4.0, 8.0)]
    assert front(points) == {0, 1, 3}
    assert front(points, higher_is_better=False) == {0}
    assert front([(1.0, 5.0), (1.0, 5.0)]) == {0, 1}


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_the_front_agrees_with_its_definition(points: list[tuple[int, int]]) -> None:
    def beaten(one: tuple[int, int]) -> bool:
        return any(o[0] <= one[0] and o[1] >= one[1] and o != one for o in points)

    assert front([(float(c), float(v)) for c, v in points]) == {i for i, one in enumerate(points) if not beaten(one)}


def test_an_example_of_a_mean_has_its_own_score() -> None:
    found = per_example([EXACT_MATCH], _rows([[1.0], [0.0], [1.0]], ["a", "b", "c"], "exact_match"))
    assert found is not None
    assert (found.own, found.values.tolist()) == (True, [1.0, 0.0, 1.0])


def test_an_example_of_a_correlation_has_its_contribution() -> None:
    metric = ccc("valence", -1, 1)
    pairs = [(0.0, 0.0), (1.0, 1.0), (0.5, -1.0)]
    rows = [[t, p, t * t, p * p, t * p] for t, p in pairs]
    found = per_example([metric], _rows(rows, ["a", "b", "c"], metric.name))
    assert found is not None
    assert not found.own
    # means of t 0.5, p 0; variances 1/6 and 2/3; covariance 1/6: ccc = 1/3 / (1/6 + 2/3 + 1/4) = 4/13
    # without the third pair agreement is complete: its contribution is 3 · 4/13 - 2 · 1
    assert found.values[2] == pytest.approx(3 * 4 / 13 - 2)
    assert found.values[2] == found.values.min()


def test_a_slice_has_the_score_of_its_examples_and_bounds_from_six_clusters_on() -> None:
    rows = [[1.0]] * 6 + [[0.0], [1.0]]
    clusters = [f"c{i}" for i in range(6)] + ["c0", "c0"]
    kind = ("long",) * 6 + ("short", "short")
    found = {one.value: one for one in by_slice(EXACT_MATCH, _rows(rows, clusters, "exact_match", kind=kind))}
    assert (found["long"].score, found["long"].n, found["long"].high) == (1.0, 6, 1.0)
    assert found["long"].low == pytest.approx(0.025 ** (1 / 6))  # six of six
    assert (found["short"].score, found["short"].n, found["short"].low) == (0.5, 2, None)


@pytest.mark.slow
@given(st.text(), st.text())
def test_a_slug_is_a_plain_name_and_tells_names_apart(a: str, b: str) -> None:
    assert re.fullmatch(r"[a-z0-9_-]{10,100}", slug(a, b))
    assert (slug(a) == slug(b)) == (a == b)
    assert slug(a, b) == slug(a, b) != slug(a + b)


@pytest.mark.slow
@settings(max_examples=40)
@given(st.recursive(st.text() | st.integers() | st.none(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)))
def test_a_script_carries_any_value_and_no_markup(value: Any) -> None:
    text = script("k", value).decode("ascii")
    assert not re.search(r"[<>&]", text)
    assert json.loads("[" + text.removeprefix("FINAI.take(").removesuffix(");\n") + "]") == ["k", value]


def test_only_a_site_or_an_empty_folder_is_replaced(tmp_path: Path) -> None:
    for name in ("mine", "file", "link"):
        (tmp_path / "mine").mkdir(exist_ok=True)
        (tmp_path / "mine" / "thesis.tex").write_text("x")
        (tmp_path / "file").write_text("x")
        (tmp_path / "link").is_symlink() or (tmp_path / "link").symlink_to(tmp_path / "mine")
        with (
            pytest.raises(BenchError, match=f"--html .*{name} (holds files|is a file|is a link)"),
            replacing(tmp_path / name),
        ):
            raise AssertionError("the block must not run")
    assert (tmp_path / "mine" / "thesis.tex").exists()
    (tmp_path / "empty").mkdir()
    for text in ("one", "two"):
        with replacing(tmp_path / "empty") as out:
            out.write("a/b.txt", text)
        assert (tmp_path / "empty" / "a" / "b.txt").read_text() == text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file", "link", "mine"]


def _broken_off(target: Path) -> None:
    with replacing(target) as out:
        out.write("index.html", "later")
        raise RuntimeError("stop")


def test_a_site_that_cannot_be_finished_leaves_the_earlier_one(tmp_path: Path) -> None:
    with replacing(tmp_path / "site") as out:
        out.write("index.html", "earlier")
    with pytest.raises(RuntimeError, match="stop"):
        _broken_off(tmp_path / "site")
    assert (tmp_path / "site" / "index.html").read_text() == "earlier"
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_the_examples_stand_in_the_order_of_the_data_with_their_scores(tmp_path: Path, run_record: Make) -> None:
    task = Reading(7)
    one = item(
        tmp_path / "r1", run_record, task, "alpha", lambda i: None if i == 2 else f"gold {i}" if i % 3 else "wrong"
    )
    _write(tmp_path / "site", [one], task)
    folder = next((tmp_path / "site" / "examples").iterdir())
    listed = _loaded(folder / "list.js")
    assert listed["ids"] == [f"q{i}" for i in range(7)]
    assert listed["scores"] == [0, 1, 0, 0, 1, 1, 0]
    assert (listed["metric"], listed["own"], listed["failed"], listed["places"]) == ("f1", True, [2], None)
    answers = _loaded(folder / "0.js")
    assert answers[1] == {"answer": "gold 1"}
    assert answers[2] == {"error": "out of memory"}
    data = _loaded(tmp_path / "site" / (listed["data"] + "/0.js"))
    assert data[1]["inputs"]["question"] == "Secret question 1?"
    assert data[1]["target"] == ["gold 1", "gold 1"]


def test_two_runs_on_the_same_data_share_its_files(tmp_path: Path, run_record: Make) -> None:
    task = Reading(4, pictures=True)
    items = [item(tmp_path / name, run_record, task, name, some(2)) for name in ("a", "b")]
    _write(tmp_path / "site", items, task)
    assert len([*(tmp_path / "site" / "data").rglob("*.js")]) == 1
    assert len([*(tmp_path / "site" / "data").rglob("*.png")]) == 2  # of four questions three share a page


@pytest.mark.parametrize(
    ("task", "options", "words"),
    [
        (Reading(4, obtain="from the owner"), {}, "may not be passed on"),
        (None, {}, "has no task of that name"),
        (Reading(3), {}, "1 of 4 examples are not in the data"),
    ],
)
def test_what_may_not_or_cannot_be_shown_is_not_in_the_site(
    tmp_path: Path, run_record: Make, task: Task | None, options: dict[str, Any], words: str
) -> None:
    one = item(tmp_path / "r", run_record, Reading(4), "alpha", lambda i: "my answer")
    _write(tmp_path / "site", [one], task, **options)
    texts = _texts(tmp_path / "site")
    assert words in texts
    assert "my answer" in texts
    assert "Secret question 3" not in texts
    assert "gold 3" not in texts


def test_data_that_may_not_be_passed_on_are_shown_when_asked_for(tmp_path: Path, run_record: Make) -> None:
    task = Reading(4, obtain="from the owner")
    _write(tmp_path / "site", [item(tmp_path / "r", run_record, task, "alpha", some(2))], task, all_data=True)
    assert "Secret question 3" in _texts(tmp_path / "site")


def test_held_out_references_are_nowhere_and_the_questions_are_shown(tmp_path: Path, run_record: Make) -> None:
    task = Reading(4, held_out=True)
    one = item(tmp_path / "r", run_record, task, "alpha", lambda i: "my answer")
    _write(tmp_path / "site", [one], task, all_data=True)
    texts = _texts(tmp_path / "site")
    assert "the references are held out" in texts
    assert "Secret question 3" in texts
    assert '"target"' not in "".join(path.read_text() for path in (tmp_path / "site" / "data").rglob("*.js"))


def test_a_submission_without_its_folder_has_a_page_with_scores_only(tmp_path: Path, run_record: Make) -> None:
    task = Reading(6)
    one = item(tmp_path / "r", run_record, task, "alpha", some(2))
    entry = Item(replace(one.run, origin={"bundle": "ab", "submitter": "<i>them</i>"}), None, None)
    _write(tmp_path / "site", [entry], task)
    page = next((tmp_path / "site" / "runs").iterdir()).read_text()
    assert "its answers are in its bundle" in page
    assert "self-reported" in page
    assert "&lt;i&gt;them&lt;/i&gt;" in page


def test_a_damaged_run_has_a_page_without_examples_and_the_others_are_whole(tmp_path: Path, run_record: Make) -> None:
    task = Reading(3)
    names = ("whole", "rows", "journal", "altered")
    items = [item(tmp_path / name, run_record, task, name, some(2)) for name in names]
    files = {"predictions.jsonl": digest(tmp_path / "altered" / "predictions.jsonl")}
    items[3] = replace(items[3], run=replace(items[3].run, files=files))
    altered = tmp_path / "altered" / "predictions.jsonl"
    altered.write_text(altered.read_text().replace("gold 1", "gold 2"))
    (tmp_path / "rows" / "measurements.json").write_text("{")
    (tmp_path / "journal" / "predictions.jsonl").write_text("{}\n")
    site = _write(tmp_path / "site", items, task)
    assert [str(tmp_path / "rows") in site.problems[0], "predictions.jsonl line 1" in site.problems[1]] == [True, True]
    pages = {path.name.split("-")[1]: path.read_text() for path in (tmp_path / "site" / "runs").iterdir()}
    assert {name: "are damaged" in text for name, text in pages.items()} == {
        "whole": False,
        "rows": True,
        "journal": True,
        "altered": True,
    }
    assert "was changed since the run ended" in site.problems[2]


def test_a_page_names_no_place_of_this_machine(tmp_path: Path, run_record: Make) -> None:
    task = Reading(3)
    config = {
        "task": {"path": "/home/anna/private/x.json"},
        "data_dir": "/data/anna",
        "api_key": "sk-1234567890abcdef1234",
    }
    _write(tmp_path / "site", [item(tmp_path / "r", run_record, task, "alpha", some(2), config=config)], task)
    texts = _texts(tmp_path / "site")
    assert "anna" not in texts
    assert "sk-1234567890" not in texts
    assert str(tmp_path) not in texts


class _Tags(HTMLParser):
    """Collects elements, and attributes that could run something."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[dict[str, str | None]] = []
        self.handlers: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            self.scripts.append(dict(attrs))
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name == "style"]
        self.links += [value or "" for name, value in attrs if name in ("href", "src") and value != "data:,"]


@pytest.fixture(scope="module")
def hostile_site(tmp_path_factory: pytest.TempPathFactory, run_record: Make) -> Path:
    """A site whose models, answers, versions and errors are all attempts to break out of it."""
    folder, task = tmp_path_factory.mktemp("hostile"), Reading(4)
    items = [
        item(
            folder / str(i), run_record, task, name, lambda _, name=name: name, model_revision=name,
            config={"model": {name: name}}, origin={"bundle": name, "submitter": name}, environment={
                "device": "cpu", "dtype": name, "commit": name, "cpu": name}, run_id=name,
        )
        for i, name in enumerate(HOSTILE)
    ]  # fmt: skip
    _write(folder / "site", items, task)
    return folder / "site"


@pytest.mark.slow
def test_no_name_from_a_submission_becomes_markup_or_leaves_the_folder(hostile_site: Path) -> None:
    pages = [*hostile_site.rglob("*.html")]
    assert len(pages) == len(HOSTILE) + 4
    for page in pages:
        tags = _Tags()
        tags.feed(page.read_text("utf-8"))
        assert tags.handlers == []
        assert all(set(one) <= {"src", "defer"} and one["src"] for one in tags.scripts)
        for link in tags.links:
            place = (page.parent / link.split("#")[0].split("?")[0]).resolve() if not link.startswith("#") else page
            assert place.is_relative_to(hostile_site.resolve())
            assert place.is_file(), link
    names = [path.name for path in hostile_site.rglob("*")]
    assert all(re.fullmatch(r"[\w.-]{1,120}", name, re.ASCII) for name in names)
    assert (hostile_site / MARKER).is_file()


def test_a_name_of_five_thousand_letters_fills_no_page(hostile_site: Path) -> None:
    for page in hostile_site.glob("[!r]*/*.html"):
        assert "x" * 100 not in page.read_text("utf-8")
    (own,) = (hostile_site / "runs").glob("reading-xxxx*")
    text = own.read_text("utf-8")
    assert "x" * 400 not in text.split('id="timings"')[0]


def test_every_page_has_a_language_a_title_one_heading_and_a_policy(hostile_site: Path) -> None:
    for page in hostile_site.rglob("*.html"):
        text = page.read_text("utf-8")
        assert '<html lang="en"' in text
        assert re.search(r"<title>.+ – FinAI Bench</title>", text, re.DOTALL)
        assert text.count("<h1") == 1
        assert "script-src &#39;self&#39; file:;" in text
        assert "unsafe" not in text


def test_the_board_shows_ranks_groups_and_the_front_in_words(tmp_path: Path, run_record: Make) -> None:
    task = Reading(30)
    slow = {"timings": run_record().timings | {"examples_per_second": 2.0}}
    items = [
        item(tmp_path / "1", run_record, task, "quick", some(2)),
        item(tmp_path / "2", run_record, task, "good", some(10), created="2026-02-02T00:00:00+00:00", **slow),
        item(tmp_path / "3", run_record, task, "bad", lambda i: "no", created="2026-03-02T00:00:00+00:00", **slow),
    ]
    table = boards.tables(BOARD, [one.run for one in items])[0]
    rows = [replace(row, rank_low=low, rank_high=high, group=group) for row, (low, high, group) in zip(
        table.rows, [(1, 2, 1), (1, 2, 1), (3, 3, 2)], strict=True)]  # fmt: skip
    write_site(tmp_path / "site", [(BOARD, [replace(table, rows=tuple(rows))])], items, task_of=lambda name: task)
    page = next((tmp_path / "site" / "boards").iterdir()).read_text()
    assert ">1 (1–2)<" in page
    assert "tie group" in page
    assert page.count('class=" new-group"') == 1
    # a wrong answer shares its number with the right one: half the words, so 15 of 30 wrong make 75 %
    assert "On the front, where no other model is both better and faster: good (95.0), quick (75.0)." in page
    assert "Best score from 75.0 (quick, 2026-01-02) to 95.0 (good, 2026-02-02); 3 runs." in page
    assert 'data-chart="cost"' not in page


@pytest.mark.slow
def test_the_command_writes_a_site_that_says_what_it_holds(tmp_path: Path, bench_main: Callable[..., Any]) -> None:
    bench_main(
        "run", "task=finmm_qa", "model=constant", "limit=12", f"runs_dir={tmp_path / 'runs'}", "tracking.enabled=false"
    )
    code, _, err = bench_main("board", "finmm_qa", "--runs", str(tmp_path / "runs"), "--html", str(tmp_path / "site"))
    assert code == 0, err
    assert any(line.startswith("site: 1 boards, 1 runs") for line in err)
    run = next((tmp_path / "site" / "runs").glob("*.html")).read_text()
    assert "constant" in run
    assert "by kind of example" in run


@pytest.mark.slow
def test_a_site_of_nothing_replaces_no_site(bench_main: Callable[..., tuple[int, list[str], list[str]]]) -> None:
    Path("site").mkdir()
    code, _, err = bench_main("board", "--html", "site", "--runs", "nowhere")
    assert (code, err) == (2, ["bench: there are no complete runs to show; nothing was written to site"])
