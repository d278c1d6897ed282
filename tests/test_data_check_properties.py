"""The check of annotations on generated files: valid ones pass, incomplete ones do not, nothing crashes."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.check import check_file, format_problem
from bench.data.spec_schema import load

Record = dict[str, Any]
Place = tuple[str | int, ...]
WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(lambda text: text.strip() != "")
SPEAKERS = ("customer", "agent")


def utterances() -> st.SearchStrategy[Record]:
    return st.fixed_dictionaries({
        "id": WORDS, "conversation": WORDS, "turn": st.integers(0, 10**6), "text": WORDS,
        "arousal": st.floats(0, 1), "valence": st.floats(-1, 1),
        "emotion": st.sampled_from(load("text")["$defs"]["utterance"]["properties"]["emotion"]["enum"]),
    })  # fmt: skip


@st.composite
def dialogues(draw: st.DrawFn) -> Record:
    turns: list[Record] = [{"speaker": SPEAKERS[i % 2], "text": draw(WORDS)} for i in range(draw(st.integers(1, 4)))]
    for turn in turns[1::2]:
        if draw(st.booleans()):
            turn["references"] = draw(st.lists(WORDS, min_size=2, max_size=3, unique=True))
    return {"id": draw(WORDS), "domain": draw(WORDS), "scenario": draw(WORDS), "turns": turns}


@st.composite
def squads(draw: st.DrawFn) -> Record:
    before, answer, after = draw(WORDS), draw(WORDS), draw(WORDS)
    ids = draw(st.lists(WORDS, min_size=2, max_size=2, unique=True))
    answers = [{"text": answer, "answer_start": len(before)}] * draw(st.integers(1, 2))
    qas = [
        {"id": ids[0], "question": draw(WORDS), "is_impossible": False, "answers": answers},
        {"id": ids[1], "question": draw(WORDS), "is_impossible": True, "answers": []},
    ]
    return {"version": "v2.0", "data": [{"title": draw(WORDS), "paragraphs": [{"context": before + answer + after,
                                                                             "qas": qas}]}]}  # fmt: skip


@st.composite
def pictures(draw: st.DrawFn) -> Record:
    width, height = draw(st.integers(2, 4000)), draw(st.integers(2, 4000))
    fields = []
    for name in draw(st.lists(WORDS, min_size=1, max_size=3, unique=True)):
        x0, y0 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        box = [x0, y0, draw(st.integers(x0 + 1, width)), draw(st.integers(y0 + 1, height))]
        fields.append({"name": name, "value": draw(WORDS), "box": box})
    evidence = draw(st.lists(st.sampled_from([field["name"] for field in fields]), max_size=2))
    question = {"id": draw(WORDS), "question": draw(WORDS), "answers": [draw(WORDS)], "evidence": evidence}
    return {
        "id": draw(WORDS), "kind": "cheque", "image": "a.png", "width": width, "height": height, "language": "en",
        "currency": "KES", "source": draw(WORDS), "fields": fields, "questions": [question],
    }  # fmt: skip


def required_places(node: Any, path: Place = ()) -> Iterator[Place]:
    """Where the fields stand that a record cannot do without; of what is generated that is all but references."""
    for key, child in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if isinstance(node, dict) and key != "references":
            yield (*path, key)
        yield from required_places(child, (*path, key))


def without(record: Record, place: Place) -> Record:
    made = copy.deepcopy(record)
    holder: Any = made
    for step in place[:-1]:
        holder = holder[step]
    del holder[place[-1]]
    return made


def judged(content: str | bytes, spec: str, name: str = "a.data") -> list[str]:
    """The problems of a file with this content, formatted."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return [format_problem(problem) for problem in check_file(file, spec, check_images=False)]


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    st.one_of(
        st.tuples(st.just("text"), st.one_of(utterances(), dialogues(), squads())),
        st.tuples(st.just("picture"), pictures()),
    )
)
def test_a_valid_record_passes_and_one_without_any_required_field_does_not(kind: tuple[str, Record]) -> None:
    spec, record = kind
    assert judged(json.dumps(record), spec) == judged(json.dumps(record, ensure_ascii=False), spec) == []
    for place in required_places(record):
        assert judged(json.dumps(without(record, place)), spec) != [], place


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["text", "picture"]), st.sampled_from(["a.json", "a.jsonl"]))
def test_any_bytes_are_judged_without_a_crash(content: bytes, spec: str, name: str) -> None:
    assert judged(content, spec, name) != []


OUR_KEYS = sorted({key for spec in ("text", "picture") for each in load(spec)["$defs"].values()
                   for key in each.get("properties", ())})  # fmt: skip
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(OUR_KEYS), inner, max_size=6),
)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(ANY, st.sampled_from(["text", "picture"]), st.sampled_from([None, 1]))
def test_any_json_of_our_own_keys_is_judged_on_single_lines_without_a_crash(
    value: Any, spec: str, indent: int | None
) -> None:
    problems = judged(json.dumps(value, indent=indent), spec, "a.json")
    assert problems
    assert all("\n" not in problem for problem in problems)
