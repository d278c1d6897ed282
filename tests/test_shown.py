"""Texts of strangers where they are shown: a terminal, a Markdown board, a page, with every field hostile; and at the door."""

from __future__ import annotations

import ast
import json
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from site_data import BOARD, Reading, item
from test_check import side

from bench.bundles import strict
from bench.bundles.archive import Refused
from bench.commands import board as board_command
from bench.commands.shared import output, tables
from bench.errors import BenchError
from bench.judging import verdicts
from bench.judging.check import Rules
from bench.judging.gate import checks
from bench.leaderboard import board as boards
from bench.leaderboard import entry as entries
from bench.leaderboard import markdown as page
from bench.leaderboard.suite import Column, Combined, SuiteBoard, SuiteTable
from bench.metrics.reading import TOKEN_F1
from bench.record import Run
from bench.runs.folder import read_run
from bench.site import write_site
from bench.text import claimed, shown
from tests import bundles

Make = Callable[..., Run]
Main = Callable[..., tuple[int, list[str], list[str]]]
MARKUP = (
    "[x](http://evil.example) ![y](y.png) <img src=x onerror=alert(1)> <b>b</b> </script><script>alert(1)</script> `c` *e* **s** "
    "_u_ ~~d~~ | cell | $m$ @octocat #12 GH-12 www.evil.example https://evil.example a@evil.example :smile: [ref] "
    "[ref]: http://evil.example &lt; \\"
)
CONTROL = "\x1b[31m\x1b]8;;http://evil.example\x07\x9b2J\r\n\n# heading\n- item\t\x08\x7f\u2028\u2029"
UNSEEN = "\u202e\u2066\u200f\u061c\u200b\u200d\u00ad\ufeff\u3164\u034f\U000e0041\ue000"
HOSTILE = MARKUP + CONTROL + UNSEEN + "x" + "\u0301" * 60
LETTERS = ["שלום", "مرحبا", "Zoë Åström", "日本語", "ไทย", "हिन्दी", "a_b-c.d", "🙂", "½ €"]


def unseen(text: str, *, lines: bool = False) -> list[str]:
    """The signs of a text that a reader cannot see, or a terminal would obey."""
    kept = "\n\t" if lines else ""
    return [
        s
        for s in text
        if s not in kept and (unicodedata.category(s) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") or s in "\u3164\u034f")
    ]


@pytest.mark.parametrize("text", LETTERS)
def test_letters_of_every_script_stay_what_they_are(text: str) -> None:
    assert shown.visible(text) == shown.terminal(text) == shown.markdown(text) == text
    assert shown.name_problem(text) == ""


def test_what_cannot_be_seen_is_shown_by_its_number() -> None:
    assert shown.terminal("a\x1b[2J\x9b\u202eb\r\nc\td\u00a0e\ud800") == "a\\x1b[2J\\x9b\\u202eb⏎c d e\\ud800"
    assert shown.visible("a\n\tb\u2066", lines=True) == "a\n\tb\\u2066"
    assert shown.terminal("x" + "\u0301" * 6) == "x" + "\u0301" * 4 + "\\u0301\\u0301"
    assert len(shown.terminal("x" * 10**6)) == 8000
    assert unseen(shown.terminal(HOSTILE)) == []


def test_json_escapes_what_cannot_be_seen_and_means_the_same() -> None:
    given = {"a": HOSTILE, "b": LETTERS}
    text = shown.json_text(json.dumps(given, ensure_ascii=False))
    assert unseen(text) == []
    assert "שלום" in text
    assert json.loads(text) == given


def test_a_line_that_is_told_is_one_line_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    shown.tell(f"password=planted1 {HOSTILE}")
    said = capsys.readouterr().out
    assert (said.count("\n"), unseen(said, lines=True), "planted1" in said) == (1, [], False)


def parsed(text: str) -> Iterator[Any]:
    """Every token of a Markdown text, those within lines too."""
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        yield token
        yield from token.children or ()


OWN = {
    "inline", "text", "text_special", "softbreak", "code_inline", "paragraph_open", "paragraph_close", "heading_open",
    "heading_close",
    "table_open", "table_close", "thead_open", "thead_close", "tbody_open", "tbody_close", "tr_open", "tr_close", "th_open",
    "th_close",
    "td_open", "td_close",
}  # fmt: skip
LINKED = re.compile(r"://|www\.|@\w|#\d|GH-\d|:\w+:")  # what GitHub makes links and pictures of in plain text


def assert_only_text(text: str, *, claims: bool = False) -> None:
    """No link, picture, markup or emphasis, nor what GitHub makes one; with `claims` whole cells in our own italics."""
    assert unseen(text, lines=True) == []
    plain = ""
    for token in parsed(text):
        if claims and token.type == "inline" and "em_open" in {one.type for one in token.children}:
            first, mark, *_, last = token.children
            assert (first.type, mark.content[:1], last.type) == ("em_open", "~", "em_close")
            assert [one.type for one in token.children].count("em_open") == 1
        if claims and token.type in ("em_open", "em_close"):
            continue
        assert token.type in OWN, (token.type, token.content)
        plain += token.content if token.type in ("text", "text_special") else " "
    assert not LINKED.search(plain), plain


PIECES = [*re.split(r" (?=[\[!<`*_~|$@#Gwha:&\\])", MARKUP), *CONTROL.split("\n"), "1. x", "- x", "+ x", "> x", "# x",
"===", "---", "***",
          "[^1]", "[1](2)", "[1]: 2", "[x][1]", "80.0 [70.1, 90.2]", "\\[x](y)", "\\|", "`|`", "``", "a`|b", "x\\", "a | b",
          "&#60;b&#62;",
          "mailto:a@b.c", "<http://x.y>", "javascript:alert(1)", "__a__", "a__b__", "*", "_", "~~~", "    code", "![", "](",
          "a\\|b", "`a`|`b`"]  # fmt: skip


@pytest.mark.parametrize("text", [*PIECES, MARKUP, HOSTILE])
def test_no_text_becomes_anything_else_in_markdown(text: str) -> None:
    cell, code = shown.markdown(text), shown.code(text)
    for line in (cell, code):
        assert "\n" not in line
        assert_only_text(line)
        assert_only_text(f"# {line}\n\n{line}\n\nbetween {line} words\n")
        table = f"| a | b | c |\n|---|---|---|\n| 1 | {line} | 2 |\n"
        assert_only_text(table)
        assert [token.type for token in parsed(table)].count("td_open") == 3
        assert [token.content for token in parsed(table) if token.type == "inline"][-1] == "2"


def test_figures_stay_as_they_are_in_markdown() -> None:
    for text in ("80.0 [70.1, 90.2]", "2 (1–4)", "f1 [95 %]", "–", "finmm_emotion", "12.5", "-1.00 [–]"):
        assert shown.markdown(text).lstrip("\\") == text


def hostile(value: Any, text: str, keep: frozenset[str], place: str = "") -> Any:
    """A JSON value with each text, and each key that somebody chose, replaced; what is `kept` stays,
    so that it can be shown at all."""
    if place in keep:
        return value
    if isinstance(value, str):
        return text
    if isinstance(value, Mapping):
        found = {name: hostile(one, text, keep, f"{place}.{name}".lstrip(".")) for name, one in value.items()}
        return found | (
            {text: text} if place in ("config", "computed", "submission", "code", "libraries", "environment") else {}
        )
    return [hostile(one, text, keep, f"{place}[]") for one in value] if isinstance(value, list | tuple) else value


# What decides in which table a run stands, and the day: the door lets nothing else in there.
KEPT = frozenset({"task", "data_fingerprint", "environment.device", "created", "scores[].metric", "asked"})
FILLED = {
    "audit": {"kind": "batch_invariance", "n": 3, "flips": 1, "flip_rate": 0.3, "ids": ["a"]}, "computed": {"how": "so"},
    "origin": {"bundle": "b", "submitter": "s", "predictions": "p", "verified": {"date": "d", "version": "v", "commit": "c"}},
    "code": {"m": {"sha256": "s", "note": "n"}}, "libraries": {"torch": "2"}, "scorer": {"answer": "a"}, "data_files": {"f": "s"},
    "submission": {"file": "f", "missing": {"n": 1, "first": ["a"]}}, "reused": {"0123456789ab": 1},
    "history": ({"created": "c", "replaced": "r", "scorer": {}, "resamples": 1, "scores": []},),
}  # fmt: skip


def hostile_run(run: Run, text: str = HOSTILE, **kept: Any) -> Run:
    """The run with every text of every field hostile, fields that do not exist yet too."""
    return replace(Run.from_json(hostile(run.to_json(), text, KEPT)), **kept)


@pytest.fixture
def table(run_record: Make) -> boards.Table:
    runs = [
        run_record("alpha", task="reading", **FILLED),
        run_record("beta", task="reading", **(FILLED | {"submission": {}})),
    ]
    found = [replace(hostile_run(run), model=f"{i}{HOSTILE}") for i, run in enumerate(runs)]
    (one,) = boards.tables(BOARD, found)
    return replace(one, notes=(HOSTILE,))


def suite_of(table: boards.Table) -> tuple[SuiteBoard, SuiteTable]:
    rows = tuple(
        Combined(row.run.model, HOSTILE, HOSTILE, {"reading": row}, (HOSTILE,), 0.5, 1.0, 1) for row in table.rows
    )
    column = Column(replace(BOARD, title=HOSTILE), None, 0.0, 1.0)
    return SuiteBoard("s", HOSTILE, HOSTILE), SuiteTable(HOSTILE, (column,), rows, {"reading": 3}, (HOSTILE,))


def test_a_markdown_board_with_every_field_hostile_is_tables_of_text(table: boards.Table) -> None:
    board = replace(BOARD, title=HOSTILE)
    suite, wide = suite_of(table)
    for text in (page.markdown(board, [table]), page.suite_markdown(suite, [wide])):
        assert_only_text(text, claims=True)
        for block in text.split("\n\n"):
            if block.startswith("|"):
                assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1


@pytest.mark.slow
@pytest.mark.parametrize("piped", [True, False])
def test_a_terminal_with_every_field_hostile_has_nothing_to_obey(
    table: boards.Table,
    run_record: Make,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    piped: bool,
) -> None:
    monkeypatch.setattr("bench.commands.shared.tables.on_terminal", lambda: not piped)
    monkeypatch.setenv("COLUMNS", "100")
    board = replace(BOARD, title=HOSTILE)
    suite, wide = suite_of(table)
    board_command._print([(board, [table])], [(suite, [wide])])
    for row in table.rows:
        output.print_run(replace(row.run, task=HOSTILE), Path(HOSTILE.replace("/", "")))
    tables.show_plain(HOSTILE, [HOSTILE, "b"], [[HOSTILE, HOSTILE]])
    output.emit({"a": HOSTILE, "rows": [row.run.to_json() for row in table.rows]})
    said = capsys.readouterr()
    assert unseen(said.out + said.err, lines=True) == []
    assert ("http://evil.example" in said.out) or not piped


def test_a_job_s_summary_and_junit_with_every_field_hostile_are_text(run_record: Make) -> None:
    one = side(run_record, run_id="later")
    kept = {name: getattr(one.entry.run, name) for name in ("scores", "scorer", "files")}  # else nothing is judged
    run = replace(one, entry=replace(one.entry, run=hostile_run(one.entry.run, **kept)), unmeasured=HOSTILE)
    found = checks([(run, side(run_record))], [TOKEN_F1], Rules())
    assert_only_text(verdicts.markdown(found))
    text = verdicts.junit(found)
    assert unseen(text, lines=True) == []
    tags = {element.tag for element in ET.fromstring(text).iter()}
    assert tags <= {"testsuites", "testsuite", "testcase", "failure", "error", "system-out"}
    for check in found:
        assert unseen(shown.terminal(verdicts.line(check))) == []


class _Page(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, run_record: Make) -> dict[bool, Path]:
    """Two sites of the same runs, the second with every field hostile."""
    found = {}
    for bad in (False, True):
        folder, task = tmp_path_factory.mktemp("site"), Reading(7)
        says = HOSTILE if bad else "gold 1"
        items = [
            item(folder / str(i), run_record, task, f"m{i}", lambda _, says=says: says, **FILLED) for i in range(2)
        ]
        if bad:
            items = [replace(one, run=hostile_run(one.run, model=f"{i}{HOSTILE}")) for i, one in enumerate(items)]
        board = replace(BOARD, title=HOSTILE if bad else "Reading")
        tables = [
            replace(one, notes=(HOSTILE if bad else "note",))
            for one in boards.tables(board, [one.run for one in items])
        ]
        wide = SuiteTable("cpu", (Column(board, None, 0.0, 1.0),), (), {}, (HOSTILE,) if bad else ())
        rows = tuple(Combined(row.run.model, "d", "o", {"reading": row}, (), 0.5, 1.0, 1) for row in tables[0].rows)
        suite = (SuiteBoard("s", HOSTILE if bad else "Suite", "s"), [replace(wide, rows=rows)])
        write_site(folder / "site", [(board, tables)], items, task_of=lambda name, task=task: task, combined=[suite])
        found[bad] = folder / "site"
    return found


@pytest.mark.slow
def test_a_page_with_every_field_hostile_has_the_tags_of_an_honest_one(pages: dict[bool, Path]) -> None:
    known = {False: set[tuple[str, str]](), True: set[tuple[str, str]]()}
    for bad, site in pages.items():
        for path in site.rglob("*.html"):
            one = _Page(path.read_text("utf-8"))
            known[bad] |= {(tag, name) for tag, attributes in one.tags for name in ("", *attributes)}
            for _, attributes in one.tags:
                for name, value in attributes.items():
                    assert not unseen(value, lines=True), (path.name, name)
                    if name in ("href", "src") and value != "data:,":
                        target = (
                            (path.parent / value.split("#")[0].split("?")[0]).resolve() if value[0] != "#" else path
                        )
                        assert target.is_file(), value
                        assert target.is_relative_to(site.resolve())
            assert not unseen("".join(one.texts), lines=True), path.name
    assert known[True] <= known[False]
    assert not {name for _, name in known[True] if name.startswith("on") or name in ("style", "srcdoc", "formaction")}


def test_data_of_a_page_are_ascii_that_no_text_breaks_out_of(pages: dict[bool, Path]) -> None:
    for path in pages[True].rglob("*.js"):
        if path.parent.name in ("assets", "vendor"):
            continue
        text = path.read_text("ascii")
        assert unseen(text, lines=True) == []
        assert not set("<>&") & set(text)


def test_the_script_of_a_page_shows_what_cannot_be_seen_as_this_module_does() -> None:
    """The rule stands twice, since a page shows examples without us: both name the same signs."""
    script = (Path(__file__).parents[1] / "bench/site/assets/site.js").read_text("utf-8")
    (signs,) = re.findall(r"replace\(/\[(.*?)\]/gu", script)
    for sign in UNSEEN + CONTROL:
        kinds = re.findall(r"\\p\{(\w+)\}", signs)
        plain = [int(code, 16) for code in re.findall(r"\\u([0-9a-f]{4})", signs)]
        assert unicodedata.category(sign) in kinds or ord(sign) in plain or sign.isprintable() or sign == "\n", hex(
            ord(sign)
        )


# ---- at the door


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a record a text stands that somebody claims: not the configuration, nor what files of others held."""
    if isinstance(value, str):
        yield at
    elif isinstance(value, Mapping):
        for name, one in value.items():
            if name not in ("config", "submission", "audit", "history", "computed"):
                yield from places(one, (*at, name))
    elif isinstance(value, list):
        for i, one in enumerate(value):
            yield from places(one, (*at, i))


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = bundles.run(tmp_path_factory.mktemp("door") / "runs")
    data = bundles.contents(bundles.made(folder.parent, folder))
    found: dict[str, Any] = json.loads(data[next(name for name in data if name.endswith("run.json"))])
    return found


@pytest.mark.parametrize("text", ["a\u202eb", "a\x1b[31mb", "a\nb", "a\u200bb", "a\x9bb", "a\ud800", "x" * 2001])
def test_what_cannot_be_read_is_no_claim_and_prompts_are_free(text: str) -> None:
    assert claimed.problem({"a": [{"b": text}]}).startswith("a[0].b h")
    assert unseen(claimed.problem({"a": [{"b": text}]})) == []
    assert claimed.problem({"config": {"prompt": text}, "a": "שלום"}) == ""
    assert claimed.problem({"a": {text: 1}}).startswith("a key of a h")


@pytest.mark.slow
@pytest.mark.parametrize("text", ["a\u202e\nb"])
def test_no_claimed_text_of_a_record_comes_in_that_cannot_be_read(
    honest: dict[str, Any], tmp_path: Path, text: str
) -> None:
    strict.run(json.loads(json.dumps(honest)), "run.json")
    found = [*places(honest)]
    assert len(found) > 20
    for place in found:
        record = bundles.with_key(*place, value=text)(json.loads(json.dumps(honest)))
        with pytest.raises(Refused) as caught:
            strict.run(record, "run.json")
        said = [str(caught.value)]
        if place[0] not in ("scores", "timings", "files"):
            path = tmp_path / "run.json"
            path.write_text(json.dumps(record))
            with pytest.raises(BenchError) as caught_here:
                read_run(path)
            path.write_text(json.dumps({"format": 1, "run": record, "measurements": None, "speed": []}))
            with pytest.raises(BenchError) as caught_entry:
                entries.read(path)
            said += [str(caught_here.value), str(caught_entry.value)]
        assert [unseen(line) for line in said] == [[]] * len(said), place


@pytest.mark.parametrize("option", ["--model", "--submitter"])
@pytest.mark.parametrize("name", ["a\u202eb", "a\x1b[31mb", "a\nb", "x" * 121])
def test_a_name_that_is_given_is_refused_in_one_line_that_shows_it(
    bench_main: Main, tmp_path: Path, option: str, name: str
) -> None:
    Path("p.json").write_text("{}")
    code, out, err = bench_main("score", "finmm_qa", "p.json", option, name)
    assert (code, out, len(err)) == (2, [], 1)
    assert "name" in err[0]
    assert unseen(err[0]) == []


@pytest.mark.slow
def test_an_entry_of_a_competition_with_a_hostile_text_is_refused_and_the_others_rank(
    bench_main: Main, tmp_path: Path
) -> None:
    from tests.test_dawnbench import ROWS, write

    write(tmp_path, "SQuAD/train/good", ROWS, model="שלום Åström")
    for i, name in enumerate(("model", "hardware", "author", "framework", "version")):
        write(tmp_path, f"SQuAD/train/bad{i}", ROWS, **{name: f"a\x1b[31m\u202e{i}\nb"})
    write(tmp_path, "SQuAD/train/b\x1b[31m\u202ed", "", text="{")
    code, out, _ = bench_main("score", "dawnbench", str(tmp_path / "SQuAD"))
    said = "\n".join(out)
    assert code == 0
    assert unseen(said, lines=True) == []
    assert "7 entries, 6 of them refused" in said
    assert "found 'a\\x1b[31m\\u202e0\\nb'" in said
    code, out, _ = bench_main("score", "dawnbench", str(tmp_path / "SQuAD"), "--json")
    assert unseen("\n".join(out), lines=True) == []


@pytest.mark.slow
def test_every_line_for_a_person_goes_by_the_rule() -> None:
    """`print` stands only where the rule was applied already, or where nobody's text is in the line."""
    allowed = {"text/shown.py": 1, "cli.py": 1, "commands/shared/output.py": 1,
    "metrics/meteor.py": 1,
               "commands/shared/differences.py": 3, "models/loopback_server.py": 1}  # fmt: skip
    root = Path(__file__).parents[1] / "bench"
    found: dict[str, int] = {}
    for path in root.rglob("*.py"):
        text = path.read_text("utf-8")
        for node in ast.walk(ast.parse(text)) if "print(" in text else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                name = str(path.relative_to(root))
                found[name] = found.get(name, 0) + 1
    assert found == allowed
