"""The documentation as a site: every page stands in a menu, every link leads somewhere, and nothing is asked of another machine."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench import types
from bench.config import compose as conf
from bench.errors import BenchError
from bench.types import Choose, Example, Request
from scripts.docs import checked, pages, settings, tasks

ROOT = Path(__file__).parents[1]


def test_links_lead_to_pages_of_the_site_and_what_is_none_becomes_the_name_of_a_file() -> None:
    found = {"docs/a.md": "a.md", "docs/b.md": "b.md", "tasks/x/README.md": "x/y.md", "README.md": "index.md"}
    text = "[b](b.md#here) [x](../tasks/x) [here](#c) [web](https://example.org) [base](../bench/errors.py) [`bench`](../bench)"
    assert pages.linked(text, "docs/a.md", found) == (
        "[b](b.md#here) [x](x/y.md) [here](#c) [web](https://example.org) base (`bench/errors.py`) `bench`"
    )
    assert pages.linked("[a](../../docs/a.md)", "tasks/x/README.md", found).endswith("(`docs/a.md`)") is False
    assert pages.linked("```\n[b](gone.md)\n```", "docs/a.md", found) == "```\n[b](gone.md)\n```"
    assert pages.linked("a\n- b\n  c\n- d\n\n1. e\n```\n- f\ng\n- h\n```", "docs/a.md", found) == (
        "a\n\n- b\n  c\n- d\n\n1. e\n```\n- f\ng\n- h\n```"
    )
    with pytest.raises(BenchError, match=r"docs/a.md:2: the link to gone.md leads nowhere"):
        pages.linked("\n[b](gone.md)", "docs/a.md", found)


def test_every_page_that_people_write_stands_in_a_menu() -> None:
    listed = {file for files in settings.MENU.values() for file in files} | {"tasks.md"}
    assert listed == set(pages.places().values())


def test_a_page_or_style_that_asks_another_machine_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "a.js").touch()
    (tmp_path / "good.html").write_text(
        '<link rel="canonical" href="https://a.org/"><a href="https://a.org">a</a><img src="a.png"><script src="a.js"></script>'
    )
    (tmp_path / "good.css").write_text("a { background: url(data:image/png;base64,aa) }")
    assert checked.faults(tmp_path) == []
    (tmp_path / "bad.html").write_text(
        '<script src="//a.org/x.js"></script><link rel="preload icon" href="https://a.org/i">'
    )
    (tmp_path / "bad.css").write_text("@import 'https://a.org/x.css'; b { src: url( //a.org/f.woff) }")
    (tmp_path / "gone.html").write_text('<link rel="stylesheet" href="gone.css">')
    assert "gone.html: it loads gone.css, which is not there" in checked.faults(tmp_path)
    (tmp_path / "gone.html").unlink()
    assert [line.split(": ")[0] for line in checked.faults(tmp_path)] == ["bad.css"] * 2 + ["bad.html"] * 2


class Text(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.said = ""
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.said += data


def test_the_address_of_a_source_is_a_link_without_what_is_said_behind_it_and_nothing_else_is_markup() -> None:
    said = {
        "https://example.org/a_b": "<https://example.org/a_b>",
        "https://example.org (its data)": "<https://example.org> (its data)",
    }
    assert {source: tasks._linked(source) for source in said} == said
    for hostile in ('https://example.org/"><img src=x>', "https://example.org/> <b>", "javascript:alert(1)"):
        assert tasks._linked(hostile) == f"`{hostile}`"
    example = Example("a`<b>`", {}, "t", "c")
    page = "\n".join(tasks._example(example, Request("a", (types.Text("```\n<i>"),), Choose(("x`<b>`", "y")))))
    assert [line for line in page.split("\n") if line.startswith("```")] == ["```text", "```", "```json", "```"]
    assert page.count("`<b>") == 0


@pytest.mark.slow
def test_the_site_is_built_with_a_page_for_each_task_and_the_references(tmp_path: Path) -> None:
    out = tmp_path / "docs"
    words = [sys.executable, "-m", "scripts.docs", "--out", str(out)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    site = out / "site"
    there = {path.stem for path in (site / "task").glob("*.html")}
    assert there == set(conf.names("task")) - {"dawnbench", "imagenet"} & set(conf.names("task"))
    passage = Text((site / "task" / "finmm_qa.html").read_text()).said
    assert "CC0-1.0" in passage
    assert "Passage: Dear members" in passage
    held = Text((site / "task" / "docvqa.html").read_text()).said
    assert "may not be passed on" in held
    assert "What is right" not in held
    assert "--against" in (site / "reference" / "commands.html").read_text()
    assert "sufficient statistics" in Text((site / "reference" / "python.html").read_text()).said
    again = tmp_path / "mine"
    again.mkdir()
    (again / "thesis.txt").write_text("mine")
    refused = subprocess.run([*words[:-1], str(again)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"docs: {again} holds something else")
    assert (again / "thesis.txt").exists()
