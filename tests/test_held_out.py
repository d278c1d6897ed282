"""Held-out references give rounded scores and a count of attempts, and nothing else of them gets out."""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
import stat
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_data import CONF, FILES, built, squad, write

from bench.errors import BenchError
from bench.record import Score
from bench.runs.identity import fingerprint
from bench.scoring.measure import score as open_score
from bench.submissions import held_out
from bench.task import Task
from bench.types import Example, Json, Prediction

Main = Callable[..., tuple[int, list[str], list[str]]]
MARK = "ZEBRA"
QUIET = ("tracking.enabled=false", "resamples=20")


def records(text: str | bytes) -> Any:
    return json.loads(text)


def stripped(value: Json, *names: str) -> Json:
    """JSON without these keys, wherever they stand."""
    if isinstance(value, dict):
        return {key: stripped(one, *names) for key, one in value.items() if key not in names}
    return [stripped(one, *names) for one in value] if isinstance(value, list) else value


def without_columns(text: str, *names: str) -> str:
    rows = list(csv.DictReader(io.StringIO(text)))
    kept = [name for name in rows[0] if name not in names]
    out = io.StringIO()
    writer = csv.DictWriter(out, kept, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


TABLE = [["", "2015"], ["Bread", "12"]]
TATQA = [{"table": {"uid": "t1", "table": TABLE}, "paragraphs": [{"text": "In millions."}], "questions": [
    {"uid": "u1", "question": "How much?", "answer": "12", "answer_type": "arithmetic", "scale": "million", "answer_from": "table"},
    {"uid": "u2", "question": "Which?", "answer": ["Bread"], "answer_type": "span", "scale": "", "answer_from": "table"},
]}]  # fmt: skip
FINQA = [
    {"id": f"p/{i}", "pre_text": ["Text ."], "post_text": [], "table": TABLE, "filename": "p",
     "qa": {"question": "how much?", "program": "add(12, 1)", "exe_ans": 13.0}}
    for i in range(2)
]  # fmt: skip
FINANCE = "".join(
    json.dumps({"financebench_id": f"f{i}", "question": "How much?", "doc_name": "3M_2018_10K", "company": "3M",
                "evidence": [{"evidence_text": "12"}], "answer": "12"}) + "\n" for i in range(2)
)  # fmt: skip
FINENTITY = [
    {"content": f"Acme {i} rose.", "annotations": [{"start": 0, "end": 4, "value": "Acme", "label": "Positive"}]} for i in range(2)
]  # fmt: skip
DOC_PAGES = {"data": [
    {"questionId": i, "question": "What?", "image": "documents/a.png", "docId": 1, "answers": ["12"]} for i in (1, 2)
]}  # fmt: skip


def lines_without(text: str, change: Callable[[str], str]) -> str:
    return "".join(change(line) for line in text.splitlines(keepends=True))


def _json(file: str, content: Json, *names: str) -> tuple[str, str, str]:
    return file, json.dumps(content), json.dumps(stripped(content, *names))


# task: its file, with answers and as a hidden set is given out
HIDDEN: Mapping[str, tuple[str, str, str]] = {
    "squad_v1": _json("squad/dev-v1.1.json", records(FILES["squad/dev-v1.1.json"]), "answers", "is_impossible"),
    "squad_v2": _json("squad/dev-v2.0.json", records(FILES["squad/dev-v2.0.json"]), "answers", "is_impossible"),
    "xquad_en": _json("xquad/xquad.en.json", records(FILES["xquad/xquad.en.json"]), "answers", "is_impossible"),
    "docvqa": _json("docvqa/val_squad_format.json", records(FILES["docvqa/val_squad_format.json"]), "answers"),
    "tatqa": _json(
        "tatqa/tatqa_dataset_dev.json", TATQA, "answer", "answer_type", "scale", "answer_from"
    ),
    "finqa": _json("finqa/test.json", FINQA, "program", "exe_ans"),
    "financebench": (
        "financebench/financebench_open_source.jsonl", FINANCE,
        lines_without(FINANCE, lambda line: json.dumps(stripped(json.loads(line), "answer")) + "\n"),
    ),
    "finentity": _json("finentity/FinEntity.json", FINENTITY, "annotations"),
    "banking77": (
        "banking77/test.csv", str(FILES["banking77/test.csv"]), without_columns(str(FILES["banking77/test.csv"]), "category"),
    ),
    "goemotions": (
        "goemotions/test.tsv", str(FILES["goemotions/test.tsv"]),
        lines_without(str(FILES["goemotions/test.tsv"]), lambda line: "\t\t".join(line.split("\t")[::2])),
    ),
    "phrasebank": (
        "phrasebank/Sentences_50Agree.txt", str(FILES["phrasebank/Sentences_50Agree.txt"]),
        lines_without(str(FILES["phrasebank/Sentences_50Agree.txt"]), lambda line: line.rpartition("@")[0] + "@\n"),
    ),
    "omg_emotion": (
        "omg_emotion/omg_ValidationVideos.csv", str(FILES["omg_emotion/omg_ValidationVideos.csv"]),
        without_columns(str(FILES["omg_emotion/omg_ValidationVideos.csv"]), "arousal", "valence", "EmotionMaxVote"),
    ),
}  # fmt: skip


def config_of(name: str, data_dir: Path) -> dict[str, Any]:
    text = (CONF / f"{name}.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(
        text.replace("${data_dir}", json.dumps(str(data_dir))).replace("${data.path}", "null")
    )
    return found


@pytest.fixture
def public(tmp_path: Path) -> Path:
    """A data directory of which all answers are left out."""
    return write(tmp_path / "public", {file: hidden for file, _, hidden in HIDDEN.values()})


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same with answers, which `BENCH_PRIVATE` names."""
    folder = write(tmp_path / "private", {file: full for file, full, _ in HIDDEN.values()})
    monkeypatch.setenv("BENCH_PRIVATE", str(folder))
    return folder


def references(name: str, public: Path) -> tuple[Task, list[Example] | None]:
    task = built(name, public)
    return task, held_out.references(task, config_of(name, public), task.examples())


# What is read


@pytest.mark.parametrize("name", HIDDEN)
def test_a_file_without_answers_has_the_same_examples_without_targets(name: str, public: Path, private: Path) -> None:
    hidden, full = built(name, public).examples(), built(name, private).examples()
    assert list(hidden) == [replace(example, target=None) for example in full]
    assert all(example.target is not None for example in full)


def test_the_official_test_set_of_docvqa_has_no_answers(tmp_path: Path) -> None:
    write(tmp_path, {"docvqa/test_v1.0.json": json.dumps(stripped(DOC_PAGES, "answers"))})
    assert [example.target for example in built("docvqa", tmp_path, pages="image").examples()] == [None, None]


@pytest.mark.parametrize(
    ("name", "content", "first"),
    [
        ("squad_v1", squad(("A b", [("q1", "Who?", ["A"]), ("q2", "Who?", ["b"])])), "q2"),
        ("docvqa", [{"context": "A", "qas": [{"id": "1", "question": "?", "answers": [{"text": "A"}]},
                                             {"id": "2", "question": "?", "answers": [{"text": "B"}]}]}], "2"),
        ("tatqa", TATQA, "u2"),
        ("finqa", FINQA, "p/1"),
        ("finentity", FINENTITY, "1"),
    ],
)  # fmt: skip
def test_a_file_of_which_only_some_have_answers_is_refused(
    name: str, content: Json, first: str, tmp_path: Path
) -> None:
    names = ("answers", "answer", "program", "exe_ans", "annotations")
    half = json.loads(json.dumps(content))
    last = half["data"][-1]["paragraphs"] if isinstance(half, dict) else half
    inner = next((last[-1][key] for key in ("qas", "questions") if key in last[-1]), last)
    inner[-1] = stripped(inner[-1], *names)
    write(tmp_path, {HIDDEN[name][0]: json.dumps(half)})
    with pytest.raises(BenchError, match=f"1 of 2 examples have no answer, the first is '{first}'"):
        built(name, tmp_path).examples()


@pytest.mark.parametrize("name", HIDDEN)
def test_the_private_folder_gives_the_public_examples_with_their_targets(
    name: str, public: Path, private: Path
) -> None:
    assert references(name, public)[1] == list(built(name, private).examples())


def test_there_are_no_references_without_the_variable_without_a_file_and_for_a_task_of_its_own_data(
    public: Path, private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (private / "squad/dev-v2.0.json").unlink()
    assert references("squad_v2", public)[1] is None
    own = built("finmm_qa", public)
    assert held_out.references(own, config_of("finmm_qa", public), own.examples()) is None
    monkeypatch.delenv("BENCH_PRIVATE")
    assert references("squad_v1", public)[1] is None
    monkeypatch.setenv("BENCH_PRIVATE", "nowhere")
    with pytest.raises(BenchError, match="BENCH_PRIVATE names no folder"):
        references("squad_v1", public)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.replace('"po-1"', '"po-9"'), "the example 'po-1' is another one in BENCH_PRIVATE"),
        (lambda s: s.replace("652 km long", "65 km long"), "the example 'po-1' is another one"),
        (lambda s: s.replace("How long is", "How wide is"), "the example 'po-1' is another one"),
        (lambda s: HIDDEN["squad_v1"][2], "the files in BENCH_PRIVATE have no answers either"),
        (lambda s: json.dumps(squad(("A", [("q", "?", ["A"])]))), "4 public examples, 1 in BENCH_PRIVATE"),
    ],
    ids=["id", "inputs", "question", "no answers", "fewer"],
)
def test_a_private_file_that_is_not_the_public_one_is_refused(
    change: Callable[[str], str], message: str, public: Path, private: Path
) -> None:
    path = private / "squad/dev-v1.1.json"
    path.write_text(change(path.read_text()))
    with pytest.raises(BenchError, match=message) as caught:
        references("squad_v1", public)
    assert "652" not in str(caught.value)
    assert "Bohemia" not in str(caught.value)


# Scores


def test_a_score_is_rounded_to_a_tenth_of_a_percent_point_and_has_no_bounds() -> None:
    whole = Score("f1", 0.33349, 0.2, 0.4, 60, 1, worst=0.3, best=0.4, official=0.35, note="bootstrap")
    found = held_out._rounded(whole)
    assert (found.value, found.low, found.high, found.worst, found.best, found.official) == (0.333, *[None] * 5)
    assert (found.n, found.n_failed, found.note) == (60, 1, "held out: rounded, without an interval")
    assert held_out._rounded(replace(whole, value=2.34567, is_fraction=False)).value == 2.35
    assert str(held_out._rounded(replace(whole, value=-0.0001)).value) == "0.0"


@pytest.mark.slow
@given(st.floats(-1, 1), st.booleans())
def test_rounding_moves_a_score_by_half_a_step_at_most_and_twice_is_once(value: float, is_fraction: bool) -> None:
    found = held_out._rounded(Score("m", value, None, None, 1, 0, is_fraction=is_fraction))
    step = 0.001 if is_fraction else 0.01
    assert found.value is not None
    assert abs(found.value - value) <= step / 2 + 1e-12
    assert held_out._rounded(found) == found


@pytest.mark.parametrize("name", HIDDEN)
def test_held_out_scores_are_the_open_ones_rounded(name: str, public: Path, private: Path) -> None:
    task, full = references(name, public)
    assert full is not None
    said = [task.ideal(example) if i % 2 else Prediction(example.id, error="no") for i, example in enumerate(full)]
    found = held_out.score(task, full, said, "Ann").scores
    expected = open_score(built(name, private), built(name, private).examples(), said, resamples=0, seed=0)
    assert [(s.metric, s.n_failed) for s in found] == [(s.metric, s.n_failed) for s in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.value == (None if theirs.value is None else round(theirs.value, 3 if theirs.is_fraction else 2))


def test_a_prediction_that_no_metric_can_take_is_named_and_counts_as_wrong(public: Path, private: Path) -> None:
    task, full = references("omg_emotion", public)
    assert full is not None
    good = {"valence": 0.0, "arousal": 0.0}
    said = [Prediction(one.id, answer=good if i else "no numbers") for i, one in enumerate(full)]
    found = held_out.score(task, full, said, "Ann")
    assert (found.malformed, found.scores[0].n_failed) == ((full[0].id,), 1)


@pytest.mark.parametrize(("ids", "fault"), [(["po-1", "po-1"], "comes twice"), (["zz"], "is not in the data")])
def test_ids_that_are_unknown_or_come_twice_are_no_attempt(
    ids: list[str], fault: str, public: Path, private: Path
) -> None:
    task, full = references("squad_v1", public)
    assert full is not None
    with pytest.raises(BenchError, match=f"{ids[-1]!r} {fault}"):
        held_out.score(task, full, [Prediction(key, answer="x") for key in ids], "Ann")
    assert not (private / "attempts.jsonl").exists()


# Attempts


class Scorer:
    """Scores answers {id: text} on squad_v1."""

    def __init__(self, public: Path) -> None:
        self.task, found = references("squad_v1", public)
        assert found is not None
        self.full = found

    def __call__(self, submitter: str, answers: Mapping[str, str]) -> int:
        said = [Prediction(key, answer=text) for key, text in answers.items()]
        return held_out.score(self.task, self.full, said, submitter).attempt


@pytest.fixture
def attempt(public: Path, private: Path) -> Scorer:
    return Scorer(public)


def test_other_answers_are_another_attempt_and_the_same_ones_are_not(attempt: Scorer) -> None:
    assert attempt("Ann", {"po-1": "652"}) == 1
    assert attempt("Ann", {"po-1": "653", "elbe-1": "x"}) == 2
    assert attempt("Ann", {"po-1": "652"}) == 1
    assert attempt("Ann", {"elbe-1": "x", "po-1": "653"}) == 2  # in another order
    assert attempt("Ann", {"po-1": "654"}) == 3


@pytest.mark.parametrize("name", ["ann lee", "  Ann \t LEE ", "ＡＮＮ lee", "Ann\u200b Lee"])
def test_a_name_in_other_capitals_or_spaces_is_the_same_submitter(name: str, attempt: Scorer) -> None:
    assert attempt("Ann Lee", {"po-1": "652"}) == 1
    assert attempt(name, {"po-1": "653"}) == 2
    assert attempt("Ann Leeds", {"po-1": "653"}) == 1


def test_a_name_of_nothing_is_refused(attempt: Scorer) -> None:
    with pytest.raises(BenchError, match="is no name"):
        attempt(" \u200b ", {"po-1": "652"})


def test_answers_count_alike_whether_raw_or_final(attempt: Scorer) -> None:
    assert attempt("Ann", {"po-1": "652"}) == 1
    raw = [Prediction("po-1", text="Answer: 652", new_tokens=3)]  # squad's parser makes 652 of it
    assert held_out.score(attempt.task, attempt.full, raw, "Ann").attempt == 1


def test_an_attempt_is_a_line_that_only_the_owner_reads(attempt: Scorer, private: Path) -> None:
    attempt("Ann", {"po-1": "652"})
    path = private / "attempts.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = json.loads(path.read_text())
    assert {key: found[key] for key in ("task", "submitter", "count")} == {
        "task": "squad_v1",
        "submitter": "ann",
        "count": 1,
    }
    assert found["predictions"] == fingerprint({"po-1": "652"})
    assert found["time"].endswith("+00:00")


def _five(scorer: Scorer, who: int) -> list[int]:
    return [scorer("Ann", {"po-1": f"{who}/{i}"}) for i in range(5)]


@pytest.mark.slow
def test_processes_at_once_count_every_attempt_once(attempt: Scorer, private: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("fork")) as pool:
        found = [count for counts in pool.map(_five, [attempt] * 4, range(4)) for count in counts]
    assert sorted(found) == list(range(1, 21))
    assert len((private / "attempts.jsonl").read_text().splitlines()) == 20


@pytest.mark.parametrize(
    "damage",
    [
        b"{",
        b"[]",
        b'{"count": "x"}',
        b'{"task": "a"',
        b"\n",
        b"\xff\n",
        b"[" * 9999 + b"\n",
        b'{"task":"a","submitter":"b","predictions":"c","count":0}\n',
    ],
)
def test_a_damaged_count_gives_no_score(damage: bytes, attempt: Scorer, private: Path) -> None:
    attempt("Ann", {"po-1": "652"})
    with (private / "attempts.jsonl").open("ab") as file:
        file.write(damage)
    with pytest.raises(BenchError, match=r"attempts\.jsonl line 2 is damaged"):
        attempt("Ann", {"po-1": "652"})


# The whole commands


class Desk:
    """`bench` on public data, with and without the private ones."""

    def __init__(self, main: Main, public: Path, private: Path) -> None:
        self.main, self.public, self.private = main, public, private

    def __call__(self, *words: str) -> tuple[int, list[str], list[str]]:
        return self.main(*words, *((f"data_dir='{self.public}'",) if words[0] in ("run", "score", "doctor") else ()))

    def answers(self, name: str, content: Json) -> str:
        path = self.public.parent / name
        path.write_text(json.dumps(content))
        return str(path)


@pytest.fixture
def desk(bench_main: Main, public: Path, private: Path) -> Desk:
    return Desk(bench_main, public, private)


@pytest.mark.slow
def test_a_submitter_sees_rounded_scores_and_the_attempt(desk: Desk, tmp_path: Path) -> None:
    file = desk.answers("mine.json", {"elbe-1": "Bohemia", "elbe-2": 7, "zz": "x"})
    code, out, err = desk("score", "squad_v1", file, "--submitter", "Ann", *QUIET[1:])
    assert (code, err) == (0, [])
    assert out[0] == "squad_v1 / mine: f1 25.0 [–], exact_match 25.0 [–]"
    assert out[3:] == [
        "  held out, so rounded and without intervals: attempt 1 of Ann on squad_v1",
        "  2 missing: po-1, loaf-1",
        "  1 unknown: zz",
        "  1 malformed: elbe-2",
    ]
    assert "official" not in "\n".join(out)
    found = json.loads(desk("score", "squad_v1", file, "--submitter", " ann", "--json", *QUIET[1:])[1][-1])
    assert (found["official"], found["submission"]["attempt"]) == ({}, 1)
    assert found["data_fingerprint"] == fingerprint(*map(vars, built("squad_v1", desk.public).examples()))
    folder = tmp_path / found["run_dir"]
    assert not (folder / "measurements.json").exists()
    record = json.loads((folder / "run.json").read_text())
    assert [score["value"] for score in record["scores"]] == [0.25, 0.25]


@pytest.mark.slow
def test_a_run_works_and_its_scores_are_absent(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_PRIVATE", "no such folder")  # a run does not look at it
    code, out, err = desk("run", "task=squad_v1", "model=constant", *QUIET)
    assert (code, [line for line in err if "bench:" in line]) == (0, [])
    assert "absent: the references are held out" in out[1]
    assert not list(Path("runs").rglob("measurements.json"))
    code, _, err = desk("run", "task=squad_v1", "model=oracle", *QUIET)
    assert (code, err[-1]) == (2, "bench: model 'oracle' reads the references of task 'squad_v1', which are held out")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("unset", "words", "message"),
    [
        (False, ["--submitter", "Ann", "limit=2"], "2 public examples, 4 in BENCH_PRIVATE"),
        (True, ["--submitter", "Ann"], "BENCH_PRIVATE is not set; leave it out"),
    ],
)
def test_what_would_dodge_the_count_is_refused(
    unset: bool, words: list[str], message: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    if unset:
        monkeypatch.delenv("BENCH_PRIVATE")
    code, out, err = desk("score", "squad_v1", desk.answers("a.json", {"elbe-1": "Bohemia"}), *words)
    assert (code, out, len(err)) == (2, [], 1)
    assert message in err[0]
    assert not Path("runs").exists()


@pytest.mark.slow
def test_a_submitter_is_refused_where_the_references_are_public(
    bench_main: Main, private: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text('{"elbe-1": "Bohemia"}')
    code, _, err = bench_main("score", "squad_v1", "a.json", "--submitter", "Ann", f"data_dir='{private}'")
    assert (code, len(err)) == (2, 1)
    assert err[0].endswith("counts attempts on held-out references; those of task 'squad_v1' are public; leave it out")


@pytest.mark.slow
def test_where_attempts_cannot_be_counted_there_is_no_score(desk: Desk) -> None:
    (desk.private / "attempts.jsonl").mkdir()  # root may write anywhere, but not into a folder
    code, out, err = desk("score", "squad_v1", desk.answers("a.json", {"elbe-1": "Bohemia"}))
    assert (code, out, len(err)) == (2, [], 1)
    assert "attempts.jsonl cannot be written" in err[0]
    assert not list(Path("runs").rglob("run.json"))


@pytest.mark.slow
def test_what_doctor_says_is_whether_there_are_private_files_and_for_which_tasks(
    public: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs = {
        name: config_of(name, public) for name in ("finmm_qa", "dawnbench", "squad_v1", "squad_v2", "phrasebank")
    }
    assert held_out.described(configs) == "none (BENCH_PRIVATE is not set)"
    write(tmp_path / "own", {"squad/dev-v1.1.json": "{}", "phrasebank/Sentences_50Agree.txt": ""})
    monkeypatch.setenv("BENCH_PRIVATE", str(tmp_path / "own"))
    assert held_out.described(configs) == "BENCH_PRIVATE is set, for squad_v1, phrasebank"
    monkeypatch.setenv("BENCH_PRIVATE", str(public / "xquad"))
    assert held_out.described(configs) == "BENCH_PRIVATE is set, for none of the tasks"


# Leaks

SECRET = {f"q{i}": f"{MARK}-{7731 + i}" for i in range(12)}
ZOO = squad(
    *(
        (f"Page {j} of the zoo.", [(key, f"Who is {key}?", [text]) for key, text in list(SECRET.items())[j::3]])
        for j in range(3)
    )
)


@pytest.fixture
def zoo(desk: Desk) -> Desk:
    """Answers that are easy to find wherever they get to."""
    write(desk.private, {"squad/dev-v1.1.json": json.dumps(ZOO)})
    write(desk.public, {"squad/dev-v1.1.json": json.dumps(stripped(ZOO, "answers", "is_impossible"))})
    return desk


def leaks(folder: Path, *skipped: Path) -> list[Path]:
    """The files below the folder in whose bytes, names included, a secret stands."""
    files = [
        path for path in folder.rglob("*") if path.is_file() and not any(path.is_relative_to(one) for one in skipped)
    ]
    assert files
    return [path for path in files if MARK.encode() in path.read_bytes() + str(path).encode()]


MALFORMED = {"q0": 7, "q1": None, "zz": "x"} | {f"q{i}": f"no {i}" for i in range(3, 9)}


@pytest.mark.slow
def test_no_command_lets_an_answer_out(zoo: Desk, tmp_path: Path) -> None:
    said: list[str] = []
    for words in (
        ("run", "task=squad_v1", "model=lexical", *QUIET),
        ("run", "task=squad_v1", "model=oracle", *QUIET),
        ("score", "squad_v1", zoo.answers("a.json", MALFORMED), "--submitter", "Ann"),
        ("score", "squad_v1", zoo.answers("b.json", {"q2": "no"}), "--json"),
        ("score", "squad_v1", zoo.answers("c.json", {"zz": "no"})),
        ("doctor", "task=squad_v1"),
    ):  # fmt: skip
        _, out, err = zoo(*words)
        said += out + err
    assert len(said) > 12
    assert MARK not in "\n".join(said)
    assert leaks(tmp_path, zoo.private / "squad") == []
    assert leaks(zoo.private) == [zoo.private / "squad/dev-v1.1.json"]  # the search does find it
    files = [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert not any(str(zoo.private).encode() in path.read_bytes() for path in files)  # nor where they lie


DAMAGED: list[tuple[str, str, str]] = [
    ("squad_v1", json.dumps(ZOO).replace('{"text": "ZEBRA-7733"', '{"texts": "ZEBRA-7733"'), "data[0]"),
    ("squad_v1", json.dumps(ZOO).replace('"ZEBRA-7733"', '["ZEBRA-7733"]'), "data[0]"),
    ("squad_v1", json.dumps(ZOO).replace('"q2"', '"ZEBRA-id"'), "'q2'"),
    ("squad_v1", json.dumps(ZOO).replace('"ZEBRA-7733"', 'NaN, "ZEBRA": 1'), "dev-v1.1.json: the"),
    ("squad_v1", '"ZEBRA-7733"', "dev-v1.1.json"),
    ("banking77", "text,category\nWhere?,ZEBRA\n", "test.csv line 2"),
    ("banking77", "ZEBRA\n", "test.csv line 1"),
    ("banking77", 'text,category\n"Where?,ZEBRA\n', "test.csv line 2"),
    ("goemotions", "Hi\tZEBRA\tc1\n", "test.tsv line 1"),
    ("goemotions", "ZEBRA\n", "test.tsv line 1"),
    ("phrasebank", "Up .@ZEBRA\n", "Sentences_50Agree.txt line 1"),
    ("finentity", json.dumps([{"content": "a", "annotations": [{"start": 0, "end": 1, "label": "ZEBRA"}]}]), "[0].annotations"),
    ("finentity", json.dumps([{"content": "a", "annotations": "ZEBRA"}]), "[0]"),
    ("tatqa", json.dumps(TATQA).replace('"million"', '"ZEBRA"'), "[0].questions[0]"),
    ("tatqa", json.dumps(TATQA).replace('["Bread"]', '"ZEBRA"'), "[0].questions[1]"),
    ("tatqa", json.dumps([{"table": "ZEBRA"}]), "[0]"),
    ("finqa", json.dumps(FINQA).replace('"add(12, 1)"', '{"ZEBRA": 1}'), "[0].qa"),
    ("financebench", FINANCE.replace('"12"}\n', '["ZEBRA"]}\n', 1), "line 1"),
    ("financebench", FINANCE[:-9] + 'ZEBRA"x', "line 2 is not JSON: column"),
    ("omg_emotion", HIDDEN["omg_emotion"][1].replace("-0.5", "ZEBRA"), "omg_ValidationVideos.csv line 2"),
    ("docvqa", json.dumps([{"context": "A", "qas": [{"id": "1", "question": "?", "answers": "ZEBRA"}]}]), "[0].qas[0]"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "place"), DAMAGED)
def test_a_damaged_private_file_is_named_by_its_place_alone(
    name: str, content: str, place: str, public: Path, private: Path
) -> None:
    write(public, {"squad/dev-v1.1.json": json.dumps(stripped(ZOO, "answers", "is_impossible"))})
    write(private, {HIDDEN[name][0]: content})
    with pytest.raises(BenchError) as caught:
        references(name, public)
    text = str(caught.value)
    assert MARK not in text
    assert place in text, text
    assert "\n" not in text
    error = caught.value
    assert error.__suppress_context__ or error.__context__ is None  # a traceback would show the first error too


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10, deadline=None)
@given(at=st.integers(0, len(json.dumps(ZOO)) - 1), sign=st.sampled_from(["", '"', "{", "]", ",", "\x00", "\udc80"]))
def test_no_damage_at_any_place_lets_an_answer_out(at: int, sign: str, public: Path, private: Path) -> None:
    text = json.dumps(ZOO)
    write(public, {"squad/dev-v1.1.json": json.dumps(stripped(ZOO, "answers", "is_impossible"))})
    raw = (text[:at] + sign + text[at + 1 :] if sign else text[:at]).encode("utf-8", "surrogateescape")
    write(private, {"squad/dev-v1.1.json": raw})
    said = ""
    try:
        references("squad_v1", public)
    except BenchError as error:
        said = str(error)
    assert not any(secret in said for secret in (MARK, "7731", "7735"))


@pytest.mark.parametrize("error", [KeyError, BenchError])
def test_an_error_while_scoring_does_not_say_what_was_found(
    error: type[Exception], attempt: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(task: Task, examples: list[Example], *more: Any, **options: Any) -> None:
        raise error(f"cannot compare with {examples[0].target}")

    monkeypatch.setattr(held_out, "scores_of", fails)
    with pytest.raises(BenchError, match="do not fit these predictions") as caught:
        attempt("Ann", {"po-1": "652"})
    assert "Bohemia" not in str(caught.value)
    assert (error.__name__ in str(caught.value)) == (error is not BenchError)
    assert caught.value.__suppress_context__


@pytest.mark.slow
def test_a_metric_that_quotes_the_target_makes_a_prediction_malformed_without_the_quote(
    zoo: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def quotes(target: Any, answer: Any) -> list[float]:
        raise ValueError(f"{answer!r} is not like {target!r}")

    kind = type(built("squad_v1", zoo.public))
    monkeypatch.setattr(kind, "metrics", (replace(kind.metrics[0], measure=quotes), *kind.metrics[1:]))
    code, out, err = zoo("score", "squad_v1", zoo.answers("a.json", {"q1": "x"}))
    assert (code, err) == (0, [])
    assert "  1 malformed: q1" in out
    assert MARK not in "\n".join(out)
    assert leaks(tmp_path, zoo.private / "squad") == []


@pytest.mark.slow
def test_neither_the_store_nor_a_bundle_gets_an_answer(
    zoo: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"tracking.uri=sqlite:///{tmp_path}/runs/mlflow.db"
    monkeypatch.delenv("BENCH_PRIVATE")
    assert zoo("score", "squad_v1", zoo.answers("b.json", MALFORMED))[0] == 0  # as a submitter does: scores are absent
    monkeypatch.setenv("BENCH_PRIVATE", str(zoo.private))
    said: list[str] = []
    for words in (
        ("run", "task=squad_v1", "model=lexical", uri),
        ("score", "squad_v1", zoo.answers("a.json", MALFORMED), "--submitter", "Ann"),
        ("sync",), ("doctor",), ("list", "tasks"), ("board", "squad_v1"),
        ("submit", "squad_v1/b", "-o", "b.zip"), ("verify", "b.zip", "--data-dir", str(zoo.public)),
    ):  # fmt: skip
        code, out, err = zoo(*words)
        assert code == 0, err
        said += out + err
    assert (tmp_path / "runs/mlflow.db").stat().st_size > 0
    assert MARK not in "\n".join(said)
    assert leaks(tmp_path, zoo.private / "squad") == []
