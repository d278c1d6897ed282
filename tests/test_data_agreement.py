"""Agreement of annotators: published values of Krippendorff's alpha, what is compared, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import VIDEO, VOICE
from test_data_check import PICTURE, QA, UTTERANCE, changed

from bench.cli import main
from bench.data.judgements import judgements, spec_of
from bench.errors import BenchError
from bench.stats.agreement import Agreement, interval_alpha, measured, nominal_alpha

Values = dict[str, dict[str, Any]]


def table(rows: dict[str, str]) -> Values:
    """One row of values an annotator, "." where none was given."""
    units: Values = {}
    for annotator, row in rows.items():
        for number, value in enumerate(row.split()):
            if value != ".":
                units.setdefault(f"u{number}", {})[annotator] = int(value) if value.isdigit() else value
    return units


# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", sections A, B, C and E.
BINARY = {"Meg": "0 1 0 0 0 0 0 0 1 0", "Owen": "1 1 1 0 0 1 0 0 0 0"}
NOMINAL = {"Ben": "a a b b d c c c e d d a", "Gerry": "b a b b b c c c e d d d"}
FOUR = {
    "A": "1 2 3 3 2 1 4 1 2 . . .",
    "B": "1 2 3 3 2 2 4 1 2 5 . 3",
    "C": ". 3 3 3 2 3 4 2 2 5 1 .",
    "D": "1 2 3 3 2 4 4 1 2 5 1 .",
}


@pytest.mark.parametrize(
    ("rows", "alpha", "value"),
    [
        (BINARY, nominal_alpha, 0.095),
        (NOMINAL, nominal_alpha, 0.692),
        (FOUR, nominal_alpha, 0.743),
        (FOUR, interval_alpha, 0.849),
    ],
)
def test_alpha_is_that_of_krippendorff_s_own_examples(rows: dict[str, str], alpha: Any, value: float) -> None:
    assert alpha(table(rows)) == pytest.approx(value, abs=0.0005)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.none() | st.integers(0, 4), min_size=3, max_size=3), min_size=2, max_size=12))
def test_alpha_is_one_less_the_disagreement_of_pairs_over_that_of_chance(rows: list[list[int | None]]) -> None:
    units = {str(i): {str(j): v for j, v in enumerate(row) if v is not None} for i, row in enumerate(rows)}
    pairable = [list(given.values()) for given in units.values() if len(given) > 1]
    every = [value for given in pairable for value in given]
    n = len(every)
    for alpha, apart in ((nominal_alpha, lambda a, b: float(a != b)), (interval_alpha, lambda a, b: (a - b) ** 2)):
        chance = sum(apart(a, b) for a in every for b in every)
        found = alpha(units)
        if not chance:
            assert found is None
            continue
        observed = sum(sum(apart(a, b) for a in given for b in given) / (len(given) - 1) for given in pairable)
        assert found == pytest.approx(1 - (observed / n) / (chance / (n * (n - 1))))


def one_of(rows: list[Agreement], name: str, measure: str) -> Agreement:
    return next(row for row in rows if row.name == name and row.measure.startswith(measure))


def test_concordance_is_the_mean_over_pairs_by_their_common_units() -> None:
    a, b, c = [1.0, 2.0, 3.0, 4.0], [1.5, 2.0, 3.5, 3.0], [2.0, 1.0]
    values = {str(i): {"a": a[i], "b": b[i]} | ({"c": c[i]} if i < 2 else {}) for i in range(4)}

    def ccc(x: list[float], y: list[float]) -> float:
        return float(2 * np.cov(x, y, bias=True)[0, 1] / (np.var(x) + np.var(y) + (np.mean(x) - np.mean(y)) ** 2))

    expected = (4 * ccc(a, b) + 2 * ccc(a[:2], c) + 2 * ccc(b[:2], c)) / 8
    rows = measured("valence", "interval", values, dict.fromkeys(values, "one"))
    assert one_of(rows, "valence", "CCC").value == pytest.approx(expected)
    assert one_of(rows, "valence", "CCC").interval is None  # one cluster


@pytest.mark.slow
def test_the_interval_is_drawn_over_conversations_and_holds_the_truth_about_as_often_as_it_says() -> None:
    rng, held, n = np.random.default_rng(1), 0, 60
    for _ in range(n):  # two annotators who hear the same with the same noise: alpha is 1 / (1 + 0.25) in the long run
        truth, noise = rng.normal(size=80), 0.5 * rng.normal(size=(80, 2))
        values = {str(i): {"a": truth[i] + noise[i, 0], "b": truth[i] + noise[i, 1]} for i in range(80)}
        row = measured("valence", "interval", values, {unit: unit for unit in values})[0]
        held += row.interval is not None and row.interval[0] <= 0.8 <= row.interval[1]
    assert 0.85 <= held / n <= 1


def write(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def utterances(feelings: list[str], **more: Any) -> list[dict[str, Any]]:
    return [
        {**UTTERANCE, "id": f"u{i}", "conversation": f"c{i}", "emotion": one, **more} for i, one in enumerate(feelings)
    ]


@pytest.mark.slow
def test_two_files_of_utterances_are_two_annotators(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = {"a": "anger", "b": "happy", "c": "neutral", "d": "sad", "e": "fear"}
    files = [
        write(tmp_path / f"{who}.jsonl", utterances([names[v] for v in row.split()])) for who, row in NOMINAL.items()
    ]
    assert main(["data", "agreement", *map(str, files), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["spec"], found["annotators"]) == ("text", ["Ben", "Gerry"])
    emotion = next(row for row in found["agreement"] if row["name"] == "emotion")
    assert emotion["value"] == pytest.approx(0.692, abs=0.0005)
    assert emotion["interval"][0] < emotion["value"] < emotion["interval"][1] <= 1
    valence = next(row for row in found["agreement"] if row["name"] == "valence" and "alpha" in row["measure"])
    assert (valence["value"], valence["interval"]) == (None, None)  # the same value throughout
    assert "nothing to confuse" in valence["note"]
    assert main(["data", "agreement", *map(str, files)]) == 0
    assert "0.692" in capsys.readouterr().out


@pytest.mark.parametrize(("spec", "record"), [("voice", VOICE), ("video", VIDEO)])
def test_the_annotations_of_a_recording_are_compared(tmp_path: Path, spec: str, record: dict[str, Any]) -> None:
    found = judgements([write(tmp_path / "a.jsonl", [record])])
    assert (found.spec, found.how, sorted(found.annotators)) == (spec, "annotations", ["a1", "a2"])
    assert found.judged["emotion"].values == {f"{record['id']}[0]": {"a1": "anger", "a2": "sad"}}
    assert found.judged["valence"].values == {f"{record['id']}[0]": {"a1": -0.4, "a2": -0.6}}
    assert found.clusters == {record["id"]: "c1", f"{record['id']}[0]": "c1"}


def test_files_of_recordings_without_annotations_are_an_annotator_each(tmp_path: Path) -> None:
    bare = {key: value for key, value in VIDEO.items() if key not in ("annotations", "agreement")}
    other = changed(changed(bare, "segments/0/emotion", "sad"), "questions/0/answers", ["£12.60"])
    found = judgements([write(tmp_path / "x.jsonl", [bare]), write(tmp_path / "y.jsonl", [other])])
    assert found.judged["emotion"].values == {"f1[0]": {"x": "anger", "y": "sad"}}
    assert measured("answers", "likeness", found.judged["answers"].values, found.clusters)[0].value == pytest.approx(
        5 / 6
    )


def test_fields_boxes_and_answers_of_pictures_are_compared(tmp_path: Path) -> None:
    mine = changed(PICTURE, "fields/0/box", [0, 0, 10, 10])
    other = changed(changed(mine, "fields/0/box", [0, 0, 10, 6]), "fields/0/value", "£12.45")
    found = judgements([write(tmp_path / "x.jsonl", [mine]), write(tmp_path / "y.jsonl", [other])])
    rows = [row for one in found.judged.values() for row in measured(one.name, one.level, one.values, found.clusters)]
    got = {row.name: row.value for row in rows}
    assert got == {"kind": None, "fields": 1.0, "values": 0.0, "boxes": pytest.approx(0.6), "answers": 1.0}


def test_answers_of_questions_are_compared_by_token_f1(tmp_path: Path) -> None:
    path = "data/0/paragraphs/0/qas/0/answers/0"
    other = changed(QA, path, {"text": "Sales rose", "answer_start": 0})
    (tmp_path / "x.json").write_text(json.dumps(QA, indent=1))
    (tmp_path / "y.json").write_text(json.dumps(other))
    assert spec_of(tmp_path / "x.json") == spec_of(tmp_path / "y.json") == "text"
    found = judgements([tmp_path / "x.json", tmp_path / "y.json"])
    assert nominal_alpha(found.judged["answerable"].values) == 1.0
    spans = measured("spans", "likeness", found.judged["spans"].values, found.clusters)[0]
    assert spans.value == pytest.approx(2 / 3)


BARE = {key: value for key, value in VOICE.items() if key not in ("annotations", "agreement")}
OTHERS = {**VOICE, "annotations": [{**one, "annotator": f"b{i}"} for i, one in enumerate(VOICE["annotations"])]}
REFUSED: list[tuple[dict[str, list[dict[str, Any]]], str]] = [
    ({"a": utterances(["sad"])}, "the work of one annotator"),
    ({"a": [{**VOICE, "annotations": [], "agreement": "assigned"}]}, "or records with annotations"),
    ({"a": [{**VOICE, "annotations": VOICE["annotations"][:1], "agreement": "assigned"}]}, "there are: a1"),
    ({"a": utterances(["sad"]), "b": [{**UTTERANCE, "id": "z"}]}, "no unit was judged by two"),
    ({"a": utterances(["sad"]), "b": utterances(["sad"], text="Else.")}, "'u0' is of something else than in"),
    ({"a": utterances(["sad"]), "b": [VOICE]}, "of the specifications text and voice"),
    ({"a": utterances(["sad"]), "b": utterances(["sadness"])}, "emotion: enum"),
    ({"a": [VOICE], "b": [VOICE]}, "'a1' judges valence of 'v1[0]' a second time"),
    ({"a": [VOICE], "b": [{**VOICE, "annotations": [], "agreement": "assigned"}]}, "holds no annotations, and others do"),
    ({"a": [], "b": utterances(["sad"])}, "empty-file"),
    ({"a": [BARE], "b": [changed(BARE, "segments/0/end", 2.4)]},
     "b.jsonl line 1: segment 'v1[0]' is from 0.2 to 2.4 s, in {}/a.jsonl line 1 from 0.2 to 2.5 s; only the same stretch"),
    ({"a": [BARE], "b": [{**BARE, "segments": BARE["segments"][1:]}]}, "segment 'v1[0]' is from 2.4 to 3.9 s, in"),
    ({"a": [BARE], "b": [changed(BARE, "segments/1/text", "So sorry.")]}, "segment 'v1[1]' (2.4 to 3.9 s) says 'So sorry.', in"),
    ({"a": [VOICE], "b": [changed(OTHERS, "segments/0/start", 0.1)]}, "segment 'v1[0]' is from 0.1 to 2.5 s, in"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "said"), REFUSED)
def test_what_says_nothing_of_agreement_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: dict[str, list[dict[str, Any]]], said: str
) -> None:
    paths = [str(write(tmp_path / f"{name}.jsonl", records)) for name, records in files.items()]
    assert main(["data", "agreement", *paths]) == 2
    shown = capsys.readouterr().err
    assert said.format(tmp_path) in shown
    assert shown.count("\n") == 1


def test_a_file_that_is_given_twice_or_is_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(write(tmp_path / "a.jsonl", utterances(["sad"])))
    assert main(["data", "agreement", path, path]) == 2
    assert "given twice" in capsys.readouterr().err
    assert main(["data", "agreement", path, str(tmp_path / "none")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_dialogues_hold_nothing_that_is_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dialogue = {"id": "d", "domain": "cards", "scenario": "A card.", "turns": [{"speaker": "customer", "text": "Hi."}]}
    paths = [str(write(tmp_path / name, [dialogue])) for name in ("a.jsonl", "b.jsonl")]
    assert main(["data", "agreement", *paths]) == 2
    assert "holds nothing that annotators judge" in capsys.readouterr().err


def test_segments_of_the_same_time_and_text_are_compared_however_the_text_is_spaced(tmp_path: Path) -> None:
    other = changed(changed(BARE, "segments/1/text", " Sorry. "), "segments/0/start", 0.2000004)
    found = judgements([write(tmp_path / "a.jsonl", [BARE]), write(tmp_path / "b.jsonl", [other])])
    assert found.judged["emotion"].values == {"v1[0]": {"a": "anger", "b": "anger"}}


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
@pytest.mark.parametrize(
    "records",
    [utterances(["sad"]), [BARE], [{key: VIDEO[key] for key in VIDEO if key not in ("annotations", "agreement")}]],
)
def test_a_record_of_another_conversation_is_refused_in_whatever_order_the_files_come(
    tmp_path: Path, records: list[dict[str, Any]], order: tuple[str, str]
) -> None:
    write(tmp_path / "a.jsonl", records)
    write(tmp_path / "b.jsonl", [{**one, "conversation": "else"} for one in records])
    with pytest.raises(
        BenchError, match=rf"{order[1]}\.jsonl line 1: '.*' belongs to '.*', in .*{order[0]}\.jsonl line 1 to '"
    ):
        judgements([tmp_path / f"{name}.jsonl" for name in order])


def test_answers_in_files_with_annotations_are_compared_file_by_file(tmp_path: Path) -> None:
    other = changed({**VIDEO, **{key: OTHERS[key] for key in ("annotations",)}}, "questions/0/answers", ["£12.60"])
    found = judgements([write(tmp_path / "x.jsonl", [VIDEO]), write(tmp_path / "y.jsonl", [other])])
    assert found.judged["answers"].values == {"f1-q1": {"x": ("£12.50",), "y": ("£12.60",)}}
    assert sorted(found.judged["emotion"].values["f1[0]"]) == ["a1", "a2", "b0", "b1"]
    apart = [{**VIDEO, "id": "f2", "questions": []}]
    found = judgements([write(tmp_path / "x.jsonl", [VIDEO]), write(tmp_path / "y.jsonl", apart)])
    assert sorted(found.annotators) == ["a1", "a2"]
    assert "answers" not in found.judged


def paired(a: list[Any], b: list[Any]) -> Values:
    return {f"u{i}": {"a": one, "b": other} for i, (one, other) in enumerate(zip(a, b, strict=True))}


@pytest.mark.parametrize("other", [0.25, 0.5])
def test_concordance_of_two_of_whom_neither_varies_is_undefined_and_says_so(other: float) -> None:
    values = paired([0.25] * 9, [other] * 9)
    found = one_of(measured("valence", "interval", values, {unit: unit for unit in values}), "valence", "CCC")
    assert (found.value, found.interval) == (None, None)
    assert "undefined: nobody varies" in found.note


def test_two_of_whom_neither_varies_are_left_out_of_the_mean_concordance() -> None:
    values = paired([0.0, 0.5, 1.0, 0.5], [0.0, 1.0, 0.5, 0.5])
    alone = measured("valence", "interval", values, dict.fromkeys(values, "one"))[1].value
    more = {**values, **{f"v{i}": {"c": 0.3, "d": 0.3} for i in range(9)}}
    assert measured("valence", "interval", more, dict.fromkeys(more, "one"))[1].value == pytest.approx(alone)


def test_draws_in_which_alpha_is_undefined_are_left_out_of_the_interval_and_counted() -> None:
    values = paired(["x"] * 27 + ["y"] * 3, ["x"] * 28 + ["y", "z"])
    found = measured("emotion", "nominal", values, {unit: unit for unit in values})[0]
    assert found.interval is not None
    # none of the three is drawn in 0.9^30 = 4.2 % of the draws; those in which only the two that agree are drawn have alpha 1
    assert 0.03 < found.n_undefined / 2_000 < 0.06
    assert found.note == f"undefined in {found.n_undefined} of 2,000 draws, left out"
    bad = paired(["x"] * 28 + ["y"] * 2, ["x"] * 30)
    never = measured("emotion", "nominal", bad, {unit: unit for unit in bad})[0]
    assert never.interval is not None
    assert never.interval[1] < 0.01  # no draw has a value above 0


def test_where_most_of_what_there_is_hangs_on_one_unit_there_is_no_interval() -> None:
    values = paired(["x"] * 30, ["x"] * 29 + ["y"])
    found = measured("emotion", "nominal", values, {unit: unit for unit in values})[0]
    assert (found.value, found.interval) == (pytest.approx(0.0), None)
    assert 0.3 < found.n_undefined / 2_000 < 0.42  # (29/30)^30 = 36 %
    assert found.note == f"undefined in {found.n_undefined} of 2,000 draws: no interval"


@pytest.mark.slow
def test_no_agreement_is_printed_as_less_than_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    feelings = ["sad"] * 27 + ["fear"] * 3
    files = [write(tmp_path / "a.jsonl", utterances(["sad"] * 30)), write(tmp_path / "b.jsonl", utterances(feelings))]
    assert main(["data", "agreement", *map(str, files)]) == 0
    shown = capsys.readouterr().out
    assert "0.000" in shown
    assert "-0.000" not in shown
