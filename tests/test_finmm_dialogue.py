"""The embedded dialogue data set keeps the promises of its data sheet."""

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

HOME = Path(__file__).parents[1] / "tasks" / "finmm" / "dialogue"
DOMAINS = ("mobile_money", "savings", "credit", "insurance", "remittance", "payments", "pension", "complaints")


@cache
def conversations() -> list[dict[str, Any]]:
    lines = (HOME / "conversations.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def scored(conversation: dict[str, Any]) -> list[dict[str, Any]]:
    return [turn for turn in conversation["turns"] if "references" in turn]


def scored_turns() -> list[dict[str, Any]]:
    return [turn for conversation in conversations() for turn in scored(conversation)]


def replies() -> list[str]:
    """Everything an agent says or could have said: the text of each agent turn and its references."""
    turns = [turn for conversation in conversations() for turn in conversation["turns"] if turn["speaker"] == "agent"]
    return [reply for turn in turns for reply in (turn["text"], *turn.get("references", []))]


def customer_lines() -> list[str]:
    turns = [turn for conversation in conversations() for turn in conversation["turns"]]
    return [turn["text"] for turn in turns if turn["speaker"] == "customer"]


def words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[\w']+", text.lower()))


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    found = words(text)
    return {found[start : start + length] for start in range(len(found) - length + 1)}


def test_there_are_at_least_60_conversations_and_180_scored_turns() -> None:
    assert len(conversations()) >= 60
    assert len(scored_turns()) >= 180


def test_every_id_has_the_set_s_form_and_stands_once() -> None:
    ids = [c["id"] for c in conversations()]
    assert ids == [f"finmm-dlg-{number:03d}" for number in range(1, len(ids) + 1)]


def test_every_record_and_turn_has_just_the_keys_of_the_data_sheet() -> None:
    assert all(list(c) == ["id", "domain", "scenario", "turns"] for c in conversations())
    for conversation in conversations():
        for turn in conversation["turns"]:
            keys = ["speaker", "text", "references"] if "references" in turn else ["speaker", "text"]
            assert list(turn) == keys, conversation["id"]


def test_every_domain_is_known_and_has_at_least_six_conversations() -> None:
    counts = Counter(c["domain"] for c in conversations())
    assert set(counts) == set(DOMAINS)
    assert min(counts.values()) >= 6


def test_every_scenario_is_one_line_and_stands_once() -> None:
    scenarios = [c["scenario"] for c in conversations()]
    assert all(s.strip() == s and s and "\n" not in s for s in scenarios)
    assert len(set(scenarios)) == len(scenarios)


def test_customer_and_agent_alternate_and_the_customer_begins() -> None:
    for conversation in conversations():
        speakers = [turn["speaker"] for turn in conversation["turns"]]
        assert speakers == [("customer", "agent")[i % 2] for i in range(len(speakers))], conversation["id"]


def test_every_conversation_has_6_to_10_turns_of_which_2_to_4_are_scored() -> None:
    assert [c["id"] for c in conversations() if not 6 <= len(c["turns"]) <= 10] == []
    assert [c["id"] for c in conversations() if not 2 <= len(scored(c)) <= 4] == []


def test_only_agent_turns_are_scored_and_each_has_two_or_more_references() -> None:
    assert {turn["speaker"] for turn in scored_turns()} == {"agent"}
    assert [turn["text"] for turn in scored_turns() if len(turn["references"]) < 2] == []


def test_at_least_half_of_the_scored_turns_have_three_references() -> None:
    assert sum(len(turn["references"]) >= 3 for turn in scored_turns()) * 2 >= len(scored_turns())


def test_no_reference_equals_the_text_of_its_turn() -> None:
    assert [t["text"] for t in scored_turns() if words(t["text"]) in {words(r) for r in t["references"]}] == []


def test_no_text_and_no_reference_stands_twice_anywhere() -> None:
    counts = Counter(words(text) for text in replies() + customer_lines())
    assert [" ".join(text) for text, n in counts.items() if n > 1] == []


def test_two_replies_to_one_turn_share_at_most_half_of_their_words() -> None:
    for turn in scored_turns():
        sets = [set(words(reply)) for reply in (turn["text"], *turn["references"])]
        pairs = [(a, b) for i, a in enumerate(sets) for b in sets[i + 1 :]]
        assert all(len(a & b) <= len(a | b) / 2 for a, b in pairs), turn["text"]


def test_every_reply_has_8_to_35_words_and_no_stray_space() -> None:
    assert [reply for reply in replies() if not 8 <= len(reply.split()) <= 35] == []
    assert [text for text in replies() + customer_lines() if text != " ".join(text.split())] == []


def test_at_most_5_percent_of_the_replies_begin_with_the_same_three_words() -> None:
    (_, most), *_ = Counter(words(reply)[:3] for reply in replies()).most_common(1)
    assert most <= 0.05 * len(replies())


def test_no_run_of_three_words_stands_in_more_than_5_percent_of_the_replies() -> None:
    (_, most), *_ = Counter(run for reply in replies() for run in runs(reply, 3)).most_common(1)
    assert most <= 0.05 * len(replies())


def test_the_data_sheet_gives_the_counts_of_every_domain() -> None:
    sheet = (HOME / "README.md").read_text(encoding="utf-8")
    for domain in DOMAINS:
        held = [c for c in conversations() if c["domain"] == domain]
        turns = [turn for c in held for turn in scored(c)]
        references = sum(len(turn["references"]) for turn in turns)
        assert f"| {domain} | {len(held)} | {len(turns)} | {references} |" in sheet
    total = sum(len(turn["references"]) for turn in scored_turns())
    assert f"| all | {len(conversations())} | {len(scored_turns())} | {total} |" in sheet
