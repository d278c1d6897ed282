"""What nobody here measured: shown as claimed on every board and page, and never ranked, sorted, drawn, or a gate's reason."""

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
from site_data import BOARD, Reading, item, some

from bench.judging import gate
from bench.judging.baseline import of_entry
from bench.judging.check import Rules
from bench.judging.compare import Comparison, machines
from bench.judging.pair import Side
from bench.judging.speed import speed_check
from bench.leaderboard import alike, suite
from bench.leaderboard import board as boards
from bench.leaderboard import cells as texts
from bench.leaderboard import entry as entries
from bench.leaderboard.board import Table, tables
from bench.leaderboard.definition import Board
from bench.leaderboard.entry import Entry
from bench.leaderboard.markdown import markdown, suite_markdown
from bench.record import Run
from bench.runs import claimed
from bench.runs.claimed import CLAIMED, LEGEND, MEASURED, RERUN, Claimed, known_since, standing
from bench.runs.measurements import Measurements
from bench.site import Item, write_site
from bench.tracking import fields

Make = Callable[..., Run]
SQUAD = Board("squad", "SQuAD 1.1", "squad_v1", 1, "f1")
H100 = {
    "device": "cuda", "device_name": "NVIDIA H100 80GB HBM3", "dtype": "float8", "commit": "facade", "cpu": "quick",
    "packages": {"numpy": "9"},
}  # fmt: skip
FAST = {
    "attempts": 1, "seconds": {"predict": 8e-6, "total": 1e-5}, "n": 100, "examples_per_second": 4_088_709_180.0,
    "tokens_per_second": 9e9, "peak_memory_bytes": 7, "usd": 1e-9,
}  # fmt: skip
VERIFIED = {"date": "2026-02-01", "version": "1", "commit": "c"}
AUDIT = {"kind": "batch_invariance", "n": 64, "flips": 0, "flip_rate": 0.0, "ids": []}
SAID = {
    "examples/s": "4,088,709,180",
    "ms/answer": "0.00",
    "device": "cuda",
    "dtype": "float8",
    "commit": "facade",
}


def forged(make: Make, model: str = "liar", verified: Any = VERIFIED, **changes: Any) -> Run:
    """A run that was handed in, whose answers are its own and all else is not."""
    origin = {"bundle": "b" * 64, "submitter": "them"} | ({"verified": verified} if verified else {})
    lies = {"environment": H100, "timings": FAST, "audit": AUDIT, "created": "2026-01-01T00:00:00+00:00"}
    return make(model, **(lies | {"origin": origin} | changes))


def cells(table: Table, model: str) -> dict[str, str]:
    board = texts.with_telling_columns(SQUAD, [table])
    row = next(row for row in table.rows if row.run.model == model)
    return dict(zip(texts.headings(board), texts.cells(board, row), strict=True))


@pytest.mark.parametrize("verified", [VERIFIED, None])
def test_a_claimed_device_chooses_no_table_and_the_score_ranks_beside_those_of_the_same_examples(
    run_record: Make, verified: Any
) -> None:
    own = [run_record("slow", value=0.4), run_record("best", value=0.9)]
    (table,) = tables(SQUAD, [*own, forged(run_record, verified=verified)])
    assert (table.device, [(row.rank, row.run.model) for row in table.rows]) == (
        "cpu",
        [(1, "best"), (2, "liar"), (3, "slow")],
    )
    assert boards.title(table).startswith("cpu, 100 examples")
    gpu = run_record("gpu", kind="cuda")
    assert [table.device for table in tables(SQUAD, [gpu, forged(run_record, verified=verified)])] == ["cuda"]


def test_where_only_claims_are_no_device_is_named(run_record: Make) -> None:
    (table,) = tables(SQUAD, [forged(run_record), forged(run_record, "other", verified=None)])
    assert boards.title(table).startswith("no device known, 100 examples")


def test_every_figure_but_the_score_s_is_marked_and_what_was_made_here_is_not(run_record: Make) -> None:
    (table,) = tables(SQUAD, [run_record("own", audit=AUDIT), forged(run_record)])
    theirs, ours = cells(table, "liar"), cells(table, "own")
    assert {name: theirs[name] for name in SAID} == {name: f"~{text}" for name, text in SAID.items()}
    assert (theirs["date"], theirs["flips"]) == ("~2026-01-01", "~0 of 64")
    assert {name for name, cell in theirs.items() if not isinstance(cell, Claimed)} == {
        "rank", "model", "f1 [95 %]", "n", "failures", "origin",
    }  # fmt: skip
    assert not any(isinstance(cell, Claimed) for cell in ours.values())
    assert LEGEND in table.notes
    assert LEGEND not in tables(SQUAD, [run_record("own")])[0].notes


def test_markdown_has_claims_in_italics_with_a_legend(run_record: Make) -> None:
    page = markdown(SQUAD, tables(SQUAD, [run_record("own"), forged(run_record)]))
    (line,) = [line for line in page.splitlines() if "| liar |" in line]
    assert line.endswith(
        r"| verified | *\~4,088,709,180* | *\~0.00* | *\~cuda* | *\~float8* | *\~facade* | *\~2026-01-01* |"
    )
    assert r"\~ claimed: said by who handed the run in" in page
    assert "## cuda" not in page


def test_predictions_that_were_scored_here_were_timed_by_nobody_and_their_day_is_ours(run_record: Make) -> None:
    brought = run_record("theirs", submission={"file": "x"})
    assert {standing(brought, name) for name in ("date", "commit", "n")} == {MEASURED}
    assert alike.place(brought) == ""


def test_rows_of_a_store_are_the_store_s_and_what_came_in_a_bundle_stays_claimed_in_it(run_record: Make) -> None:
    own, theirs = claimed.in_store(run_record("own", kind="cuda")), claimed.in_store(forged(run_record))
    (table,) = tables(SQUAD, [own, theirs])
    assert {row.run.model: row.origin for row in table.rows} == {"own": "in the store", "liar": "verified"}
    assert (table.device, cells(table, "own")["device"], cells(table, "liar")["device"]) == ("cuda", "cuda", "~cuda")


def test_an_entry_is_never_ours_whatever_it_says_of_its_origin(run_record: Make, tmp_path: Path) -> None:
    for origin in ({}, {"store": True}, {"store": True, "verified": {}}):
        entries.write(tmp_path / "e.json", Entry(run_record("a", origin=origin), None))
        run = entries.reported(tmp_path / "e.json").run
        assert (alike.origin_of(run), standing(run, "device")) == ("self-reported", CLAIMED)


AGAIN = {"n": 20, "equal": 20, "seed": 7, "examples_per_second": 3e9, "reproduced": True}


def test_a_rerun_that_reproduced_the_speed_takes_the_mark_from_what_it_saw(run_record: Make) -> None:
    run = forged(run_record, verified=VERIFIED | {"rerun": AGAIN})
    found = {
        name: standing(run, name)
        for name in ("examples_per_second", "device", "dtype", "seconds", "commit", "date", "usd")
    }
    assert found == {"examples_per_second": RERUN, "device": RERUN, "dtype": RERUN} | dict.fromkeys(
        ("seconds", "commit", "date", "usd"), CLAIMED
    )
    (table,) = tables(SQUAD, [run])
    assert (table.device, cells(table, "liar")["origin"]) == ("cuda", "verified, rerun 20 of 20 equal")
    assert cells(table, "liar")["examples/s"] == "3,000,000,000"  # the slower of the two


@pytest.mark.parametrize(
    "rerun",
    [AGAIN | {"reproduced": False}, AGAIN | {"reproduced": 1}, {"reproduced": True}, AGAIN | {"n": 0, "equal": 0},
     AGAIN | {"equal": 21}, AGAIN | {"n": "20"}, AGAIN | {"examples_per_second": 0}, AGAIN | {"examples_per_second": None},
     AGAIN | {"examples_per_second": float("inf")}, [20, 20], "yes", None],
)  # fmt: skip
def test_a_rerun_that_reproduced_no_speed_or_is_no_record_confirms_none(run_record: Make, rerun: Any) -> None:
    run = forged(run_record, verified=VERIFIED | {"rerun": rerun})
    assert standing(run, "device") == CLAIMED
    loose = forged(run_record, verified=None)
    assert (
        standing(replace(loose, origin=loose.origin | {"rerun": AGAIN}), "device") == CLAIMED
    )  # whoever wrote it outside


@pytest.mark.parametrize("verified", ["yes", ["x"], 1])
def test_a_verification_of_another_form_shows_nothing_as_measured(run_record: Make, verified: Any) -> None:
    run = forged(run_record, verified=verified)
    assert (standing(run, "date"), known_since(run), alike.place(run)) == (CLAIMED, "", "")


def test_a_stranger_s_later_date_hides_no_row_of_ours_in_a_suite(run_record: Make) -> None:
    own = run_record("a", task="x", value=0.4)
    theirs = forged(
        run_record, "a", task="x", value=0.9, created="2026-09-01T00:00:00+00:00", environment=own.environment
    )
    board = Board("x", "x", "x", 1, "f1")
    column = suite.Column(board, None, 0.0, 1.0)
    (found,) = suite.combined(suite.SuiteBoard("all", "All", "all"), [column], {"x": tables(board, [own, theirs])})
    assert [(row.dtype, row.origin, row.rank) for row in found.rows] == [
        ("~float32", "verified", 1),
        ("float32", "run here", 2),
    ]
    page = suite_markdown(suite.SuiteBoard("all", "All", "all"), [found])
    assert r"| *\~float32* | verified |" in page
    assert LEGEND[:30] in page


# Judging.

ROWS = Measurements(("q0", "q1"), ("d0", "d1"), ("c0", "c1"), frozenset(), {})


def test_a_claimed_speed_decides_no_gate_on_either_side(run_record: Make) -> None:
    speed = (((1, 0.5),) * 25,)
    own, theirs = (of_entry(Entry(run, None, speed)) for run in (run_record(), forged(run_record)))
    assert own.unmeasured == ""
    for pair in ((own, theirs), (theirs, own), (theirs, theirs)):
        check = speed_check(*pair, Rules())
        assert check.verdict.outcome == "INCONCLUSIVE"
        assert "was handed in, so that its seconds are claimed" in check.verdict.reason


def test_a_claimed_audit_widens_no_margin(run_record: Make) -> None:
    wide = AUDIT | {"flips": 64, "flip_rate": 1.0}
    taken, _ = gate._flips(run_record(audit=wide), run_record(), 100, 0.05)
    assert taken > 0
    assert gate._flips(forged(run_record, audit=wide), run_record(), 100, 0.05) == (0.0, [])


def test_a_comparison_marks_what_is_claimed_of_a_machine(run_record: Make) -> None:
    a, b = (Side(Path(), run, ROWS) for run in (run_record(), forged(run_record)))
    found = machines(Comparison(a, b, 2, (), (), ROWS, ROWS, ()))
    assert found["device_name"] == ("None", "~NVIDIA H100 80GB HBM3")
    assert found["dtype"] == ("float32", "~float8")


def test_a_store_keeps_claims_under_names_of_their_own(run_record: Make) -> None:
    theirs, ours = fields.metrics(forged(run_record)), fields.metrics(run_record())
    assert {name for name in theirs if "time." in name and not name.startswith("claimed.time.")} == set()
    assert (theirs["claimed.time.examples_per_second"], ours["time.examples_per_second"]) == (4_088_709_180.0, 12.5)
    assert theirs["f1"] == 0.5
    tags = fields.tags(forged(run_record))
    assert (tags["claimed.device"], tags["claimed.mlflow.source.git.commit"]) == ("cuda", "facade")
    assert not {"device", "commit", "mlflow.source.git.commit"} & tags.keys()
    assert fields.tags(run_record())["device"] == "cpu"


# The site.


class _Cells(HTMLParser):
    """The text of every cell, definition and block, with its classes and what it is sorted by."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str | None, str | None]] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("td", "th", "dd", "pre"):
            given = dict(attrs)
            self.found.append(("", given.get("class"), given.get("data-sort")))
            self._open = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "dd", "pre"):
            self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            text, *rest = self.found[-1]
            self.found[-1] = (text + data.strip(), *rest)  # type: ignore[assignment]


def _cells(path: Path) -> list[tuple[str, str | None, str | None]]:
    parser = _Cells()
    parser.feed(path.read_text("utf-8"))
    return parser.found


@pytest.fixture
def site(tmp_path: Path, run_record: Make) -> Path:
    task = Reading(30)
    lies: dict[str, Any] = {
        "environment": H100, "timings": FAST, "created": "2026-09-09T00:00:00+00:00",
        "origin": {"bundle": "b" * 64, "submitter": "them", "verified": VERIFIED},
    }  # fmt: skip
    items = [
        item(tmp_path / "1", run_record, task, "own", some(2)),
        item(tmp_path / "2", run_record, task, "other", some(3), created="2026-03-02T00:00:00+00:00"),
        item(tmp_path / "3", run_record, task, "liar", some(10), **lies),
        item(tmp_path / "4", run_record, task, "reported", some(9), **lies | {
            "origin": {"bundle": "c", "submitter": "them"}, "created": "2999-01-01T00:00:00+00:00"}),
    ]  # fmt: skip
    found = boards.tables(BOARD, [one.run for one in items])
    write_site(
        tmp_path / "site", [(BOARD, found)], [Item(one.run, one.folder) for one in items], task_of=lambda _: task
    )
    return tmp_path / "site"


@pytest.mark.slow
def test_a_page_greys_what_is_claimed_sorts_nothing_by_it_and_draws_none_of_it(site: Path) -> None:
    (page,) = (site / "boards").iterdir()
    text = page.read_text("utf-8")
    marked = [one for one in _cells(page) if one[0].startswith("~")]
    assert {one[0] for one in marked} >= {"~4,088,709,180", "~cuda", "~float8", "~facade", "~2026-09-09"}
    assert {one[1:] for one in marked} == {("num claimed", "")}
    assert [row.split('"')[0] for row in text.split('data-time="')[1:]] == ["", "", "0.08", "0.08"]
    assert "no other model is both better and faster: other (83.3)." in text
    assert "2 of 4 rows have no time that was measured here and are not drawn." in text
    assert LEGEND.split("`")[0] in text
    assert ">cuda, 30" not in text


def test_progress_and_the_latest_day_go_by_the_day_of_verification_and_not_by_a_claimed_one(site: Path) -> None:
    (page,) = (site / "boards").iterdir()
    assert re.findall(r'data-created="([\d-]+)', page.read_text("utf-8")) == ["2026-01-02", "2026-02-01", "2026-03-02"]
    assert "Best score from 75.0 (own, 2026-01-02) to 95.0 (liar, 2026-02-01); 3 runs." in page.read_text("utf-8")
    front = (site / "index.html").read_text("utf-8")
    names = re.findall(r"<bdi>(own|other|liar|reported)</bdi>", front)
    assert [name for name in names if front.count(name)][-4:] == ["other", "liar", "own", "reported"]
    days = [one for one in _cells(site / "index.html") if re.fullmatch(r"~?\d{4}-\d\d-\d\d", one[0])]
    assert ("2026-03-02", days[0][0]) == (days[0][0], "2026-03-02")
    assert [one for one in days if one[0].startswith("~")] == [
        ("~2026-09-09", "claimed", ""),
        ("~2999-01-01", "claimed", ""),
    ]


def test_the_page_of_a_run_that_was_handed_in_says_so_of_all_but_its_scores(site: Path) -> None:
    pages = {path.name.split("-")[1]: path for path in (site / "runs").iterdir()}
    text = pages["liar"].read_text("utf-8")
    for heading in ("Timings, claimed", "Record, claimed", "Environment, claimed", LEGEND.split("`")[0]):
        assert heading in text
        assert heading not in pages["own"].read_text("utf-8")
    found = {one[0]: one[1] for one in _cells(pages["liar"])}
    assert (
        found["~cuda NVIDIA H100 80GB HBM3 float8"] == found["~facade"] == found["~2026-09-09 00:00 UTC"] == "claimed"
    )
    assert not any(text.startswith("~") for text, _, _ in _cells(pages["own"]))


# The commands.


def test_the_terminal_marks_claims_and_json_keeps_them_apart(
    run_record: Make, bench_main: Callable[..., tuple[int, list[str], list[str]]]
) -> None:
    half = np.repeat([[0.0], [1.0]], 50, axis=0)  # what gives its score: else it would be left out
    rows = Measurements(tuple(map(str, range(100))), ("0" * 12,) * 100, ("c",) * 100, frozenset(), {"f1": half})
    entries.write(Path("leaderboards/submissions/squad_v1/liar.json"), Entry(forged(run_record), rows))
    code, out, _ = bench_main("board", "squad_v1")
    text = "\n".join(out)
    assert code == 0
    assert "no device known, 100 examples" in text
    assert all(f"~{said}" in text for said in ("cuda", "float8", "2026-01-01"))
    assert "~ claimed: said by who handed the run in" in text
    (table,) = json.loads(bench_main("board", "squad_v1", "--json")[1][-1])["squad_v1"]
    (row,) = table["rows"]
    assert (row["examples_per_second"], row["device"], row["audit"]) == (None, None, {})
    said = {"examples_per_second": 4_088_709_180.0, "seconds_per_answer": 1 / 4_088_709_180.0, "device": "cuda"}
    assert (row["seconds_per_answer"], row["claimed"]) == (None, said)
