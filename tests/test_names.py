"""Names of strangers: which are allowed, and which are taken for another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_index import made

from bench.config import compose as conf
from bench.text import names

ALLOWED = [
    "smollm2", "GPT-4o (mini)", "rag_smollm2", "a.b-c_d", "百川", "通义千问", "Qwen百川-2", "Яндекс", "Яндекс GPT", "асе",
    "日本語モデル", "한국어-모델", "العربية", "हिन्दी", "ไทยจีพีที", "Ελληνικά", "Café", "naïve", "Straße", "O'Neil & Söhne", "x",
    "v1.5", "50%", "#1", "Ann Lee, Dr.",
]  # fmt: skip


@pytest.mark.parametrize("name", ALLOWED)
def test_a_name_in_one_script_is_allowed(name: str) -> None:
    assert names.problem(name, path=not name.endswith(".")) == ""


REFUSED = [
    ("", "0 characters"), ("x" * 121, "121 characters"), ("fastgpt\u0430", "mixes Latin and Cyrillic"),
    ("g\u03bfogle", "mixes Latin and Greek"), ("fastgpt-\u0430", "word '\u0430' of Cyrillic letters among Latin"),
    ("\u0430\u0441\u0435 model", "word '\u0430\u0441\u0435' of Cyrillic"), ("\u13aaB", "mixes Latin and Cherokee"),
    ("Ян\u03b4екс", "mixes Cyrillic and Greek"), ("gpt\u200b", "invisible or unknown sign U+200B"),
    ("gp\u00adt", "U+00AD"), ("\ufeffgpt", "U+FEFF"), ("gpt\u2060", "U+2060"), ("gpt\U000e0061", "U+E0061"),
    ("gpt\u3164", "U+3164"),
    ("gpt\u115f", "U+115F"), ("gpt\u2800", "U+2800"), ("gpt\u202e", "U+202E"), ("gp\x00t", "U+0000"),
    ("gpt\x1b[31m", "U+001B"),
    ("a\nb", "U+000A"), ("a\tb", "U+0009"), ("a\u2028b", "U+2028"), ("a\u00a0b", "U+00A0"),
    ("\ud800", "U+D800"), ("gpt\ue000", "U+E000"),
    ("e\u0301", "write 'é'"), ("gp\u0336t", "mark U+0336"), ("g\u0300\u0301", "mark"), ("ⅷ", "U+2177"),
    ("\uff47pt", "write 'gpt'"), ("\U0001d420pt", "write 'gpt'"), ("gpt²", "U+00B2"),
    ("gpt\u2013x", "U+2013"), ("gpt🚀", "U+1F680"),
    (" gpt", "space"), ("gpt ", "space"), ("a  b", "two in a row"), ("gpt.", "ends with a dot"),
    (".gpt", "begins with a dot"),
    ("-x", "dash"), ("~x", "tilde"), ("..", "begins with a dot"), ("CON", "device"), ("nul.json", "device"),
    ("Lpt1", "device"),
    ("a/b", "'/'"), ("a\\b", "in no folder's name"), ("C:", "':'"), ("a*", "'*'"), ("a|b", "'|'"),
    ("<a>", "'<'"), ("--", "begins with"),
    ("()", "no letter"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "said"), REFUSED)
def test_a_name_that_hides_mixes_or_is_obeyed_is_refused(name: str, said: str) -> None:
    assert said in names.problem(name)
    assert names.problem(name).isprintable()


def test_a_submitter_may_have_the_signs_of_an_address() -> None:
    assert names.problem("Ann Lee <ann@lab.example>, https://lab.example/a", path=False) == ""


@pytest.mark.parametrize(
    ("name", "plain"), [("O\u2019Brien", "'"), ("O\u02bcBrien", "'"), ("gpt\u2013x", "-"), ("a \u2014 b", "-")]
)
def test_what_a_text_processor_writes_for_a_sign_is_told_with_that_of_a_keyboard(name: str, plain: str) -> None:
    assert names.problem(name).endswith(f"; write {plain}")


def test_a_submitter_s_typographic_apostrophe_is_that_of_a_keyboard() -> None:
    assert names.typed("Łukasz Żółć-O\u2019Brien") == names.typed("Łukasz Żółć-O\u02bcBrien") == "Łukasz Żółć-O'Brien"
    assert names.problem("Łukasz Żółć-O'Brien", path=False) == ""


ALIKE = [
    ("ace", "асе"), ("ace", "αсе"), ("ACE", "ΑСΕ"), ("fastgpt", "FastGPT"), ("model-l", "model-1"), ("model-l", "model-I"),
    ("model-0", "model-O"), ("model-O", "Model-о"), ("smollm2", "srnollm2"), ("smollm2", "smo11m2"), ("smollm2", "SmoIIm2"),
    ("fast-gpt", "fast_gpt"), ("fast-gpt", "fast gpt"), ("fast-gpt", "fast\u2010gpt"), ("gpt", "gpt\u200b"), ("gpt", "gpt."),
    ("gpt", " gpt "), ("cafe", "café"), ("cafe", "cafe\u0301"), ("gpt", "ｇｐｔ"), ("gpt", "ɡpt"),
    ("llama", "ʟʟama"), ("oslo", "øslo"),
    ("opt", "орт"), ("xai", "хаі"), ("cohere", "соһеrе"), ("PHOENIX", "РНОЕΝІХ"), ("Яндекс", "яндекс"), ("Ёлка", "Елка"),
    ("v10", "v1０"), ("a1", "a١"), ("gpt", "g\u0336pt"), ("lexicaI", "lexical"), ("orac1e", "oracle"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "two"), ALIKE)
def test_names_that_look_alike_are_taken_for_each_other(one: str, two: str) -> None:
    assert names.confusable(two, ["other", one]) == one
    assert names.confusable(one, [two]) == two


def test_no_two_models_that_are_shipped_are_taken_for_each_other() -> None:
    shipped = [
        *conf.names("model"),
        *conf.names("task"),
        "gpt-4",
        "gpt-4o",
        "gpt-40b",
        "llama-2-7b",
        "llama-27b",
        "百川",
        "百度",
    ]
    forms = [names.skeleton(name) for name in shipped if name != "gpt-40b"]
    assert len(set(forms)) == len(forms)
    assert all(names.problem(name) == "" for name in shipped)


def test_a_name_that_could_be_read_as_latin_is_shown_with_its_script() -> None:
    assert names.labelled("асе") == "асе (Cyrillic letters)"
    assert names.labelled("ΑΒΕ") == "ΑΒΕ (Greek letters)"
    assert [names.labelled(name) for name in ("Яндекс", "百川", "ace", "café")] == ["Яндекс", "百川", "ace", "café"]


@pytest.mark.slow
def test_boards_and_pages_show_the_script_of_such_a_name(
    bench_main: Any, run_record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.commands.shared.site._task", lambda name: None)  # no data are needed
    made(Path("runs"), run_record("асе"), 0.5)
    _, out, _ = bench_main("board", "squad_v1", "--html", "site")
    shown = "асе (Cyrillic letters)"
    pages = [path.read_text("utf-8") for path in (*Path("site").rglob("*.html"), Path("leaderboards/squad_v1.md"))]
    assert sum(shown in page for page in pages) >= 4  # the board, the run, the list of runs, the Markdown
    assert any(shown in line for line in out)


def test_a_slug_is_a_folder_s_name() -> None:
    assert [names.slug(name) for name in ("Ann Lee", "ann@lab.example", "百川", "", "../..", "A_B")] == [
        "ann-lee", "ann-lab-example", "百川", "anonymous", "anonymous", "a-b",
    ]  # fmt: skip


@pytest.mark.slow
@given(st.text(max_size=20))
def test_any_text_is_judged_and_a_name_that_is_allowed_has_a_look(name: str) -> None:
    said = names.problem(name)
    assert said.isprintable()
    assert names.skeleton(names.skeleton(name)) == names.skeleton(name)
    if not said:
        assert names.skeleton(name)
        assert names.confusable(name, [name]) == ""
    assert "/" not in names.slug(name)
