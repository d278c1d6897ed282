"""The embedded emotion data set keeps the promises of its guideline and its data sheet."""

import json
import re
import statistics
from collections import Counter
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

HOME = Path(__file__).parents[1] / "tasks" / "finmm" / "emotion"
KEYS = ["id", "conversation", "turn", "text", "arousal", "valence", "emotion"]
VALENCE_RANGE = {
    "anger": (-1.0, -0.15),
    "disgust": (-1.0, -0.3),
    "fear": (-1.0, -0.1),
    "happy": (0.2, 1.0),
    "neutral": (-0.3, 0.3),
    "sad": (-1.0, -0.1),
    "surprise": (-1.0, 1.0),
}
AROUSAL_RANGE = dict.fromkeys(VALENCE_RANGE, (0.0, 1.0)) | {"neutral": (0.0, 0.55), "surprise": (0.3, 1.0)}


@cache
def utterances() -> list[dict[str, Any]]:
    lines = (HOME / "utterances.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def outside(field: str, ranges: dict[str, tuple[float, float]]) -> list[str]:
    return [u["id"] for u in utterances() if not ranges[u["emotion"]][0] <= u[field] <= ranges[u["emotion"]][1]]


def guideline_ranges(column: int) -> dict[str, str]:
    """The cells of one column of the guideline's category table, by category."""
    lines = (HOME / "GUIDELINE.md").read_text(encoding="utf-8").splitlines()
    start = lines.index("| category | choose it when | valence | arousal |") + 2
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start : start + 7]]
    return {row[0]: row[column] for row in rows}


def test_there_are_285_utterances_in_63_conversations() -> None:
    assert len(utterances()) == 285
    assert len({u["conversation"] for u in utterances()}) == 63


def test_every_line_has_the_same_keys_in_the_same_order() -> None:
    assert [u["id"] for u in utterances() if list(u) != KEYS] == []


def test_every_id_is_its_conversation_and_turn_and_stands_once() -> None:
    assert [u["id"] for u in utterances()] == [f"{u['conversation']}-{u['turn']}" for u in utterances()]
    assert len({u["id"] for u in utterances()}) == len(utterances())
    assert all(re.fullmatch(r"finmm-emo-\d{3}", u["conversation"]) for u in utterances())


def test_a_conversation_stands_together_and_its_turns_count_from_one() -> None:
    blocks = [[u["turn"] for u in group] for _, group in groupby(utterances(), key=lambda u: u["conversation"])]
    assert len(blocks) == len({u["conversation"] for u in utterances()})
    assert all(turns == list(range(1, len(turns) + 1)) and 3 <= len(turns) <= 6 for turns in blocks)


def test_every_text_has_6_to_45_words_and_no_stray_space() -> None:
    assert [u["id"] for u in utterances() if not 6 <= len(u["text"].split()) <= 45] == []
    assert [u["id"] for u in utterances() if u["text"] != " ".join(u["text"].split())] == []


def test_no_text_stands_twice() -> None:
    texts = Counter(" ".join(re.findall(r"\w+", u["text"].lower())) for u in utterances())
    assert [text for text, n in texts.items() if n > 1] == []


def test_arousal_and_valence_are_on_their_scales_with_two_decimals() -> None:
    assert [u["id"] for u in utterances() if not 0 <= u["arousal"] <= 1 or not -1 <= u["valence"] <= 1] == []
    values = [u[field] for u in utterances() for field in ("arousal", "valence")]
    assert all(isinstance(value, float) and round(value, 2) == value for value in values)


def test_every_category_is_known_and_stands_at_least_10_times() -> None:
    counts = Counter(u["emotion"] for u in utterances())
    assert set(counts) == set(VALENCE_RANGE)
    assert min(counts.values()) >= 10


def test_neutral_is_the_largest_category_and_at_most_30_percent() -> None:
    (largest, n), (_, second) = Counter(u["emotion"] for u in utterances()).most_common(2)
    assert largest == "neutral"
    assert n > second
    assert n <= 0.3 * len(utterances())


def test_every_valence_is_compatible_with_its_category() -> None:
    assert outside("valence", VALENCE_RANGE) == []


def test_every_arousal_is_compatible_with_its_category() -> None:
    assert outside("arousal", AROUSAL_RANGE) == []


def test_the_ranges_tested_here_are_those_of_the_guideline() -> None:
    valence = {name: f"{low:.2f} to {high:.2f}" for name, (low, high) in VALENCE_RANGE.items()} | {"surprise": "any"}
    assert guideline_ranges(2) == valence
    arousal = dict.fromkeys(VALENCE_RANGE, "any") | {"neutral": "at most 0.55", "surprise": "at least 0.30"}
    assert guideline_ranges(3) == arousal


def test_both_scales_are_spread_over_their_range() -> None:
    arousal = [u["arousal"] for u in utterances()]
    valence = [u["valence"] for u in utterances()]
    assert statistics.pstdev(arousal) >= 0.2
    assert (min(arousal) <= 0.1, max(arousal) >= 0.95) == (True, True)
    assert statistics.pstdev(valence) >= 0.45
    assert (min(valence) <= -0.9, max(valence) >= 0.9) == (True, True)


def test_the_numbers_vary_within_every_category() -> None:
    for emotion in VALENCE_RANGE:
        rows = [u for u in utterances() if u["emotion"] == emotion]
        assert len({u["arousal"] for u in rows}) >= 8, emotion
        assert len({u["valence"] for u in rows}) >= 8, emotion


def test_the_emotion_moves_within_every_conversation() -> None:
    still = []
    for conversation, group in groupby(utterances(), key=lambda u: u["conversation"]):
        valences = [u["valence"] for u in group]
        if max(valences) - min(valences) < 0.15:
            still.append(conversation)
    assert still == []


def test_the_data_sheet_states_the_counts_and_moments_of_the_file() -> None:
    sheet = (HOME / "README.md").read_text(encoding="utf-8")
    counts = Counter(u["emotion"] for u in utterances()).most_common()
    assert "| emotion | " + " | ".join(name for name, _ in counts) + " |" in sheet
    assert "| utterances | " + " | ".join(str(n) for _, n in counts) + " |" in sheet
    for scale in ("arousal", "valence"):
        values = [u[scale] for u in utterances()]
        mean, deviation = statistics.fmean(values), statistics.pstdev(values)
        assert f"| {scale} | {mean:.3f} | {deviation:.3f} | {min(values):.2f} | {max(values):.2f} |" in sheet


def test_no_worked_example_of_the_guideline_is_in_the_data() -> None:
    guideline = (HOME / "GUIDELINE.md").read_text(encoding="utf-8")
    assert [u["id"] for u in utterances() if u["text"] in guideline] == []
