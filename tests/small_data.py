"""Small invented data in the official formats, and every shipped task on them or on the reference data."""

from __future__ import annotations

import io
import json
import os
import wave
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from small_finance import FILES as FINANCE
from small_finance import FINANCIAL, ORDERED
from small_labels import FILES as LABELS
from small_labels import LABELLED
from small_pages import FILES as SCANS
from small_pages import PAGES
from small_spans import FILES as PHRASES
from small_spans import SPANS

from bench.config.build import build
from bench.errors import BenchError
from bench.task import Task


def squad(*paragraphs: tuple[str, list[tuple[str, str, list[str]]]]) -> dict[str, Any]:
    """An official SQuAD file of paragraphs (context, [(id, question, answers)]); no answer makes a question impossible."""
    return {"version": "1.1", "data": [{"title": "Small", "paragraphs": [
        {"context": context, "qas": [
            {"id": key, "question": question, "is_impossible": not answers,
             "answers": [{"text": text, "answer_start": context.find(text)} for text in answers]}
            for key, question, answers in questions
        ]}
        for context, questions in paragraphs
    ]}]}  # fmt: skip


ELBE = "The Elbe rises in Bohemia and flows into the North Sea."
PO = "The Po is 652 km long."
LOAF = 'They called it "The Loaf".'
SQUAD_V1 = squad(
    (ELBE, [("elbe-1", "Where does the Elbe rise?", ["Bohemia", "in Bohemia"]),
            ("elbe-2", "Into what does it flow?", ["the North Sea"])]),
    (PO, [("po-1", "How long is the Po?", ["652 km"])]),
    (LOAF, [("loaf-1", "Its name?", ['"The Loaf".'])]),
)  # fmt: skip
SQUAD_V2 = squad(
    (ELBE, [("elbe-1", "Where does the Elbe rise?", ["Bohemia", "in Bohemia"]), ("elbe-2", "How deep is it?", [])]),
    (PO, [("po-1", "How long is the Po?", ["652 km"]), ("po-2", "How wide is the Po?", [])]),
)
DOCVQA = [
    {"context": "INVOICE\nTotal 12.50 USD", "qas": [
        {"id": "101", "question": "What is the total?", "answers": [{"text": "12.50 USD"}, {"text": "12.50"}]},
        {"id": "102", "question": "What is it?", "answers": [{"text": "Invoice"}]},
    ]},
    {"context": "MEMO\nTo: Ann Lee", "qas": [
        {"id": "103", "question": "To whom?", "answers": [{"text": "Ann Lee"}]},
    ]},
]  # fmt: skip
EMOTION_ROWS = "".join(f"Text number {i}\t{i}\tc{i}\n" for i in range(28)) + "So kind of you\t18,15\tboth\n"
OMG_GOLD = """link,start,end,video,utterance,arousal,valence,EmotionMaxVote
https://v/1,0.0,1.5,aa_1,utterance_1.mp4,0.0,-0.5,5
https://v/1,1.5,2.5,aa_1,utterance_2.mp4,0.5,0.0,4
https://v/2,0.0,3.0,bb_1,utterance_1.mp4,0.25,0.5,3
https://v/2,3.0,4.0,bb_1,utterance_3.mp4,0.75,1.0,3
"""
OMG_TEXT = "link,video,utterance,transcript\n" + "".join(
    f'"https://v",{name},"well, {i} times"\n'
    for i, name in enumerate(
        ("aa_1,utterance_1.mp4", "aa_1,utterance_2.mp4", "bb_1,utterance_1.mp4", "bb_1,utterance_3.mp4")
    )
)


def conversation(n_turns: int, *, words: str = "I read a long book about old ships") -> dict[str, Any]:
    """Two people in turn; the first sends each of their turns as two messages."""
    groups = []
    for i in range(n_turns):
        sender, text = "ab"[i % 2], f"{words} {i}"
        parts = [text[:10], text[10:]] if sender == "a" else [f"  {text}\n"]
        groups.append([{"text": part.strip(), "sender": sender} for part in parts])
    return {"messages": groups}


def hum(half_period: int) -> bytes:
    """A WAV file of 0.2 s at 16 kHz: a square wave that turns every `half_period` samples."""
    up, down = ((sign * 4_096).to_bytes(2, "little", signed=True) * half_period for sign in (1, -1))
    with io.BytesIO() as file:
        with wave.open(file, "wb") as sound:
            sound.setparams((1, 2, 16_000, 0, "NONE", ""))
            sound.writeframes((up + down) * (1_600 // half_period))
        return file.getvalue()


CALLS = [
    ("AB_q1_2021", ["Sales were $5 million.", "We expect $6 million."], ["q1 sales $5 million.", "sees fy $6 million."]),
    ("AB_q2_2021", ["Revenue rose 3% to 1,200 thousand dollars."], ["q2 revenue rose 3 percent."]),
    ("CD_q1_2021", ["Earnings per share were $0.21."], ["q1 earnings per share $0.21."]),
]  # fmt: skip


FILES: Mapping[str, str | bytes] = (
    {
        "squad/dev-v1.1.json": json.dumps(SQUAD_V1),
        "squad/dev-v2.0.json": json.dumps(SQUAD_V2),
        "xquad/xquad.en.json": json.dumps(SQUAD_V1),
        "docvqa/val_squad_format.json": json.dumps(DOCVQA),
        "chitchat.json": json.dumps({"long": conversation(10), "short": conversation(2), "b": conversation(9)}),
        "phrasebank/Sentences_50Agree.txt": "Sales rose .@positive\r\nMail to a@b.com .@neutral\r\nProfit fell .@negative\r\n",
        "banking77/test.csv": 'text,category\r\n"Where is my card, please?",card_arrival\r\nPaid back?,age_limit\r\n',
        "banking77/train.csv": "text,category\nRefund?,Refund_not_showing_up\nMy age?,age_limit\n",
        "goemotions/test.tsv": EMOTION_ROWS,
        "goemotions/dev.tsv": "Yes\t4\td1\n",
        "finance/ectsum/test.jsonl": "".join(
            json.dumps({"id": key, "transcript": call, "summary": gold}) + "\n" for key, call, gold in CALLS
        ),
        "omg_emotion/omg_ValidationVideos.csv": OMG_GOLD,
        "omg_emotion/omg_ValidationTranscripts.csv": OMG_TEXT,
    }
    | FINANCE
    | LABELS
    | PHRASES
    | SCANS
    | {f"ravdess/03-01-0{i}-01-01-01-0{i}.wav": hum(10 * i) for i in range(1, 9)}
)

CONF = Path(__file__).parents[1] / "conf" / "task"
ENTRIES = ("dawnbench",)  # competitions, which have no examples
NAMES = sorted({path.stem for path in CONF.glob("*.yaml")} - {*ENTRIES})
CARRIED = (
    "bankruptcy_polish",
    "credit_australian",
    "credit_german",
    "digits",
    "finmm_dialogue",
    "finmm_docvqa",
    "finmm_emotion",
    "finmm_ocr",
    "finmm_page_class",
    "finmm_page_fields",
    "finmm_qa",
    "finmm_speech",
    "finmm_voice_emotion",
    "finmm_video_emotion",
    "finmm_video_qa",
    "finmm_tables",
)  # the package has their data
SMALL = (
    "squad_v1", "squad_v2", "squad_v1_parted", "squad_v2_parted", "xquad_en", "docvqa", "chitchat", "phrasebank", "banking77",
    "goemotions", "omg_emotion", "ravdess", "ectsum", *FINANCIAL, *LABELLED, *SPANS,
    *PAGES,
)  # fmt: skip

ALL_CLASSES = ("deft_tags", "deft_relations")  # their F1 is a mean over classes that a part may not have


def write(folder: Path, files: Mapping[str, str | bytes] = FILES) -> Path:
    """Write the files below the folder, which is then a data directory."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return folder


REFERENCE = os.environ.get("BENCH_DATA")  # before a fixture takes the user's own settings away


def reference_data() -> Path:
    """The data directory with the official files; skips the test where it is missing."""
    folder = Path(REFERENCE) if REFERENCE else Path(__file__).parents[1] / ".." / "shared" / "data"
    if not (folder / "GOLDEN.json").exists():
        pytest.skip(f"the reference data are not in {folder}; set BENCH_DATA to their folder")
    return folder.resolve()


def built(name: str, data_dir: Path, **changes: Any) -> Task:
    """conf/task/NAME as `bench` builds it, without Hydra: with this data directory and these arguments changed."""
    text = (CONF / f"{name}.yaml").read_text(encoding="utf-8")
    config = yaml.safe_load(text.replace("${data_dir}", json.dumps(str(data_dir))).replace("${data.path}", "null"))
    task = build({**config, **changes}, "task")
    assert isinstance(task, Task)
    return task


@cache
def shipped(name: str, folder: Path, **changes: Any) -> Task:
    """conf/task/NAME on the small files in `folder`, or on the reference data where there is no small file for it."""
    more: dict[str, dict[str, Any]] = {
        "chitchat": {"source": f"file:{folder / 'chitchat.json'}", "sha256": None},
        "finmm_docvqa": {"documents": 3},
        "finmm_video_emotion": {"clips": 20, "training_clips": 3},
        "finmm_video_qa": {"clips": 2},
        "finmm_speech": {"utterances": 8},
        "finmm_voice_emotion": {"utterances": 8, "training_utterances": 8},
        **{f"finmm_{one}": {"documents": 8} for one in ("ocr", "page_class", "page_fields", "tables")},
        **{one: {"splits": None} for one in ORDERED},  # their published order is that of the whole files
    }
    data_dir = folder if name in (*CARRIED, *SMALL) else reference_data()
    return built(name, data_dir, **more.get(name, {}) | changes)


def without_meteor() -> Any:
    """Stands for `meteor.ready`: Java takes seconds to start, and tests/test_dstc7.py is where METEOR is tested."""
    raise BenchError("METEOR's program is left out here")


def part(task: Task) -> int | None:
    """How many examples are enough to see what holds for all."""
    return (
        None
        if task.name in (*SMALL, *ALL_CLASSES)
        else 40
        if task.name in CARRIED
        else 1
        if task.name == "earnings21"
        else 4
    )
