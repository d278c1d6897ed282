"""YAML that a person gives holds plain values, or is refused in one line that names file and line."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.config.compose import conf_dir
from bench.data import plain_yaml
from bench.data.plain_yaml import read_yaml
from bench.errors import BenchError

Main = Callable[..., tuple[int, list[str], list[str]]]
LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
BAD = [
    ("title: a\nx: !!python/object/apply:os.system ['touch ran']\n", "line 2: the tag '!!python/object/apply:os.sy"),
    ("x: !!python/name:os.system\n", "line 1: the tag "),
    ("x: !own {a: 1}\n", "line 1: the tag '!own' is no plain value"),
    ("x: !!binary aGk=\n", "line 1: the tag '!!binary'"),
    (LAUGHS, ": its aliases stand for more than 100,000 values"),
    ("a: &a [*a]\n", "line 1: an alias stands for what holds it"),
    ("a: *b\n", "line 1: found undefined alias"),
    ("a: 1\nb: 2\na: 3\n", "line 3: the key 'a' comes twice"),
    ("a:\n\t- 1\n", "line 2: found character '\\t'"),
    ("a: [1,\n", "line 2: "),
    ("a: 1\n---\nb: 2\n", "line 2: but found another document"),
    ("[" * 3_000, "line 1: nested too deeply: more than 64"),
    ("x: " + "9" * 5_000, "line 1: a number of more than 4,300 signs"),
    ("x: 2020-02-31\n", ": day"),
    ("#" + "x" * 1_000_001, " has 1,000,002 characters"),
    ("a: \x00", "found a NUL"),
    ('a: !!int ""', "line 1: the tag '!!int'"),
    ("!!bool x", "line 1: the tag '!!bool'"),
    ("a: ! x", "line 1: the tag '!'"),
    ("a: 0b_", ": invalid literal"),
    ("a: =", "line 1: could not"),
    ("a: 1" + ":59" * 200_000, "line 1: a number of more than 4,300 signs"),
    ("- " * 400_000, "nested too deeply"),
    ("a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 80)), "with its aliases more than 64"),
    ("? {a: 1}\n: 2\n", "unhashable key"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), BAD, ids=lambda value: value[:16])
def test_what_is_no_plain_yaml_is_one_line(tmp_path: Path, text: str, reason: str) -> None:
    (path := tmp_path / "a.yaml").write_text(text)
    with pytest.raises(BenchError) as caught:
        read_yaml(path)
    said = str(caught.value)
    assert said.startswith(str(path))
    assert reason in said
    assert "\n" not in said


@pytest.mark.slow
def test_yaml_that_is_too_deep_is_refused_at_once(tmp_path: Path) -> None:
    (path := tmp_path / "a.yaml").write_text("a: " + "[" * 900_000)
    begun = time.monotonic()
    with pytest.raises(BenchError, match="nested too deeply"):
        read_yaml(path)
    assert time.monotonic() - begun < 30  # quadratic: an hour


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["[" * 60_000, "a: !!int ''", "a: 1" + ":59" * 100_000, "[1]"], ids=lambda text: text[:9]
)
def test_a_file_that_defaults_name_is_read_as_guardedly_as_the_one_that_names_it(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bench_main: Main
) -> None:
    monkeypatch.setenv("BENCH_CONF", "conf")
    (folder := tmp_path / "conf" / "model").mkdir(parents=True)
    (folder / "top.yaml").write_text("defaults: [deep]\n")
    (folder / "deep.yaml").write_text(text)
    begun = time.monotonic()
    code, _, err = bench_main("run", "task=finmm_qa", "model=top")
    assert (code, len(err), "deep.yaml" in err[0]) == (2, 1, True), err
    assert time.monotonic() - begun < 50


def test_aliases_and_merges_of_plain_values_are_plain(tmp_path: Path) -> None:
    (path := tmp_path / "a.yaml").write_text("a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: [*a, *a]\n")
    assert read_yaml(path) == {"a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": [{"x": 1}, {"x": 1}]}


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", [BAD[0][0], LAUGHS, "a: 1\na: 2\n", "a:\n\t- 1\n", "\xff", "[1]"], ids=lambda text: text[:9]
)
@pytest.mark.parametrize("kind", ["task", "model", "suite", "device", "leaderboards"])
def test_no_command_ends_in_a_traceback_for_it(
    kind: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bench_main: Main
) -> None:
    monkeypatch.setenv("BENCH_CONF", "conf")
    path = tmp_path / ("leaderboards" if kind == "leaderboards" else f"conf/{kind}") / "odd.yaml"
    (tmp_path / "conf").mkdir()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("latin-1"))
    for command in {
        "task": [["run", "task=odd", "model=lexical"], ["score", "odd", str(path)], ["list", "tasks"]],
        "model": [["run", "task=finmm_qa", "model=odd"], ["list", "models"]],
        "suite": [["run", "suite=odd", "model=lexical"], ["list", "suites"]],
        "device": [["run", "task=finmm_qa", "model=lexical", "device=odd"]],
        "leaderboards": [["board", "odd"]],
    }[kind]:
        code, _, err = bench_main(*command)
        assert code == (0 if command[0] == "list" else 2), command
        assert command[0] == "list" or (len(err) == 1 and "odd" in err[0]), err
    assert not (tmp_path / "ran").exists()


PARTS = [
    "!", "&a ", "*a", "<<: *a", "{", "}", "[", "]", "|", "\n", "  ", "- ", "\t", "? ", ": ", "#", "'", '"', "\\x", "---\n",
    "...\n", "%YAML 1.2\n", "\u2028", "\x85", "\ufeff", "é", "\U0001f600", "1:2", "0x", "~", "=", "@", ">-\n", "\x00", "\r",
    "\ud800", ".inf", "2020-01-01",
]  # fmt: skip


@pytest.mark.slow
def test_what_libyaml_reads_is_what_pyyaml_reads_of_shipped_files_and_of_damaged_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = [path.read_text()[:800] for path in sorted(conf_dir().glob("*/*.yaml"))]
    chance, damaged = random.Random(0), list(texts)
    for _ in range(1500):
        text = chance.choice(texts)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(text) + 1)
            text = text[:at] + chance.choice([*PARTS, ""]) + text[at + chance.randint(0, 3) :]
        damaged.append(text)
    quick = list(map(_read, damaged))
    monkeypatch.setattr(plain_yaml, "_QUICK", None)
    assert quick == list(map(_read, damaged))
    assert 200 < sum(found.startswith("refused") for found in quick) < 1500


def _read(text: str) -> str:
    try:
        return repr(plain_yaml.plain_yaml(text))
    except plain_yaml.NotPlain as error:
        return f"refused {error}"
