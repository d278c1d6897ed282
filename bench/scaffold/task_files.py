"""A task of one's own out of a table: its file of conf/task, its rows, and a test of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from bench.artifacts.digest import digest
from bench.config.build import build
from bench.engine.asking import first_examples
from bench.errors import BenchError
from bench.scaffold import choice_rows, rows_out
from bench.scaffold.columns import KINDS, Columns, guessed
from bench.scaffold.files_in import Source, source
from bench.scaffold.media_read import unread
from bench.scaffold.rendered import FOLDER, rendered
from bench.scaffold.sayable import unsayable
from bench.scaffold.written import Draft
from bench.task import Task
from bench.text.counted import counted
from bench.text.normal import normalised
from bench.types import Request

TARGETS = {
    "qa": "tasks.own_questions.QuestionTask", "choice": "tasks.own_questions.ChoiceTask",
    "labels": "tasks.labelled_text.LabelledText", "spans": "tasks.spans.SpanTask", "scores": "tasks.own_texts.ScoreTask",
    "generation": "tasks.own_texts.TextTask", "docvqa": "tasks.own_media.PageTask", "speech": "tasks.own_media.SpeechTask",
    "table": "tasks.table.TableTask",
}  # fmt: skip
_EXAMPLES = {"spans": "spans.jsonl", "docvqa": "docvqa/rows.csv", "speech": "speech/rows.csv"}  # else KIND.csv
_ASKS = {
    "qa": "Answer the question as shortly as you can.",
    "choice": "Choose the one right option. Answer with its letter alone.",
    "labels": "Say which label fits the text.",
    "scores": "Judge the text by a number on the scale from {low:g} to {high:g}.",
    "generation": "Answer the text in two sentences at most.",
    "table": "Read the record and choose its label.",
}
_SHARES = {"qa": "passage", "docvqa": "page", "speech": "recording", "table": "rows that are alike"}
_WORDS = {"PER": "Person", "LOC": "Location", "ORG": "Organisation", "MISC": "Miscellaneous", "MON": "Money"}
_EVENTS = (
    "yes",
    "1",
    "true",
    "y",
    "positive",
    "bad",
    "lost",
    "fraud",
    "default",
    "defaulted",
    "churned",
    "bankrupt",
    "late",
)
_FAVOURABLE = ("paid", "good", "approved", "accepted")


@dataclass(frozen=True)
class Asked:
    """What `bench new task` is told: a file (None: the example of the kind), and what goes before each guess.

    `wording` replaces an instruction, a title and the like; `scenario` is that of the card.
    """

    name: str
    file: str | None = None
    kind: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    header: Sequence[str] = ()
    split: str = "test"
    wanted: rows_out.Wanted = field(default_factory=rows_out.Wanted)
    scenario: str = ""
    wording: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Made:
    """What became of it: the kind, how many rows and how many of them are evaluated, and what had to be guessed."""

    kind: str
    n_rows: int
    n_examples: int
    notes: tuple[str, ...]


def file_names(name: str) -> list[str]:
    """All that a task of this name may write, for a look at what is there."""
    rows = [f"data/{name}.csv", f"data/{name}.jsonl", f"data/{name}/rows.csv", f"data/{name}/rows.jsonl"]
    return [f"conf/task/{name}.yaml", *rows, f"tests/test_{name}.py"]


def make_task(draft: Draft, asked: Asked, *, base: str = "", up: int = 1) -> Made:
    """Make the files of a task in the draft, below `base`, and read it as a run would; `up` levels above its test lies conf/.

    Raises BenchError for rows that are none; nothing is placed here.
    """
    from_file = asked.file is not None
    example = FOLDER / "data" / _EXAMPLES.get(asked.kind or "qa", f"{asked.kind or 'qa'}.csv")
    found = source(asked.file if asked.file is not None else str(example), header=asked.header, split=asked.split)
    columns = guessed(found.names, rows_out.sample(found), asked.kind or (None if from_file else "qa"), asked.columns)
    place = _place(asked.name, columns, found)
    rows = draft.path(f"{base}data/{place}")
    facts = rows_out.convert(found, columns, rows, asked.wanted)
    draft.names += [f"{base}data/{Path(place).parent / one}" for one in facts.media]
    told = _told(asked, columns, found, facts, place)
    try:
        task = _built(rendered("task.yaml", **told, n=facts.n), draft.folder / base / "data")
        examples = first_examples(task, None)
        _refuse_unread((task.request(one) for one in examples), rows.parent, found)
    except BenchError as error:  # of rows that the task cannot take, which are known by the file that they came from
        raise BenchError(str(error).replace(str(rows), found.called).replace(str(rows.parent), found.called)) from None
    n = len(examples)
    draft.write(f"{base}conf/task/{asked.name}.yaml", rendered("task.yaml", **told, n=n))
    best = 1.0 if task.metrics[0].higher_is_better else 0.0
    test = rendered("test_task.py", name=asked.name, n=n, best=best, up=up, conf=_conf_of(base))
    draft.write(f"tests/test_{asked.name}.py", test)
    if not from_file:
        return Made(columns.kind, facts.n, n, ())
    look = [f"look: {line}" for line in unsayable((one, task.request(one)) for one in examples)]
    return Made(columns.kind, facts.n, n, (*_said(columns, found, facts), *found.notes, *look))


def _conf_of(base: str) -> str:
    return f"{base}conf"


def _place(name: str, columns: Columns, found: Source) -> str:
    """Where the rows come to lie below data/: a folder where files lie beside them; CSV unless a cell is a list."""
    lists = columns.kind == "spans" or bool(found.of_hub) or found.path.suffix.lower() in (".jsonl", ".ndjson")
    ending = "jsonl" if lists and columns.kind != "table" else "csv"
    return f"{name}/rows.{ending}" if columns.kind in ("docvqa", "speech") else f"{name}.{ending}"


def _told(asked: Asked, columns: Columns, found: Source, facts: rows_out.Facts, place: str) -> dict[str, Any]:
    """What the template of the task's file is told."""
    kind, title = columns.kind, asked.name.replace("_", " ")
    low, high = facts.scale if kind == "scores" else (0.0, 1.0)
    part = "a fifth of each label of" if kind == "table" else "all"
    of_example = asked.file is None
    where = "an invented example" if of_example else found.of_hub or found.path.name
    told: dict[str, Any] = {
        "name": asked.name, "kind": kind, "target": TARGETS[kind],
        "comment": f"{title}: {counted(facts.n, 'row')}; FILL IN what is asked",
        "instruction": _ASKS.get(kind, "").format(low=low, high=high), "passages": facts.passages,
        "unanswerable": asked.wanted.unanswerable and kind == "qa", "labels": facts.labels, "low": f"{low:g}", "high": f"{high:g}",
        "cluster": "cluster" in columns.of, "drop": facts.dropped, "more": [], "groups": {}, "favourable": "",
        "ranks": "chrf" if facts.other_script else "",
        "label": columns.of.get("label", ""), "positive": _event(facts.labels),
        "words": _words(facts.labels),
        "title": f"FILL IN: {title}", "source": f"FILL IN: who wrote them and where; here from {where}",
        "revision": "1" if found.of_hub or of_example else f"sha256 {digest(found.path)[:16]}",
        "licence": "FILL IN: who may use them and pass them on", "chance": _chance(kind, facts),
        "split": f"FILL IN: which part of the data; here {part} {counted(facts.n, 'row')}",
        "scenario": asked.scenario or "reading", "shares": _SHARES.get(kind, "text"),
        "local": f"{place.partition('/')[0]}/" if "/" in place else place,
    }  # fmt: skip
    if kind == "spans":
        of = ", ".join(told["words"].values())
        told["instruction"] = (
            f"List the phrases of a sentence, a line for each, LABEL: words copied from the sentence. The labels are {of}. If "
            "there are none, write: none"
        )
    favourable = next((one for one in facts.labels if one in _FAVOURABLE), "")
    if of_example and kind == "table" and favourable and "age" in found.names:
        told |= {"favourable": favourable, "groups": {"age": {"column": "age", "bands": [30]}}}
        told["positive"] = next(one for one in facts.labels if one != favourable)
    return told | dict(asked.wording)


def _event(labels: Sequence[str]) -> str:
    """The label that is called as events are, else the last one."""
    return next((one for one in labels if one.lower() in _EVENTS), labels[-1] if labels else "")


def _words(codes: Sequence[str]) -> dict[str, str]:
    """The word that a model says for each code, its own where that of the list is another's: there may be PER and Person."""
    own = {code: code.replace("_", " ").capitalize() for code in map(normalised, codes)}
    return {
        code: word if _WORDS.get(code, word) in own.values() else _WORDS.get(code, word) for code, word in own.items()
    }


def _chance(kind: str, facts: rows_out.Facts) -> tuple[float, float]:
    """About what the model `random` comes to, as (low, high)."""
    if kind in ("labels", "choice"):
        share = 1 / max(len(facts.labels) or facts.options, 2)
        spread = 2 * (share * (1 - share) / facts.n) ** 0.5
        return round(max(share - spread, 0.0), 3), round(min(share + spread, 1.0), 3)
    return {"table": (-0.2, 0.2), "scores": (-0.2, 0.2), "speech": (0.9, 1.1), "generation": (0.0, 0.2)}.get(
        kind, (0.0, 0.1)
    )


def _built(text: str, data: Path) -> Task:
    """The task of such a file over data that lie there."""
    told = yaml.safe_load(text)
    told["data"] |= {"data_dir": str(data), "path": None}
    task = build(told, "task", Task)
    if not isinstance(task, Task):
        raise BenchError(f"{told['_target_']} is no task that models answer")
    return task


def _refuse_unread(requests: Iterable[Request], folder: Path, found: Source) -> None:
    """Raise BenchError for a picture or recording that nothing can read, by the file that was brought."""
    if wrong := next(unread(requests), ""):
        raise BenchError(wrong.replace(str(folder), str(found.path.parent)))


def _said(columns: Columns, found: Source, facts: rows_out.Facts) -> list[str]:
    """What was taken for what, and what of the file is not used."""
    of = ", ".join(f"{role} = {name}" for role, name in columns.of.items())
    options = f", options = {', '.join(columns.options)}" if columns.options else ""
    lines = [f"kind {columns.kind}: {of}{options} (other: --kind {'|'.join(KINDS)}, --columns ROLE=NAME,…)"]
    used = {*columns.of.values(), *columns.options}
    left = [name for name in found.names if name not in used]
    if left and columns.kind != "table":
        lines.append(f"left out: {', '.join(left)}"[:300])
    if columns.kind == "table" and facts.dropped:
        lines.append(
            f"no model sees {', '.join(facts.dropped)}; what is known only after the event belongs under drop, too"
        )
    if facts.commas:
        lines.append(
            f"look: the numbers of {', '.join(facts.commas)[:200]} hold a comma or %, so a model "
            "gets them as categories; write them with a point alone"
        )
    if columns.kind == "scores":
        low, high = facts.scale
        lines.append(
            f"the scale is taken to be {low:g} to {high:g}: the scores are from {facts.low:g} to {facts.high:g}"
        )
    if facts.reading:
        lines.append(choice_rows.said(facts.reading))
    if facts.unanswered:
        lines.append(f"without an answer: {facts.unanswered:,} of {counted(facts.n, 'question')}")
    return lines


# Of each scenario: the tasks of an example from end to end, as (ending of the name, kind, file, wording).
_RISK: Mapping[str, Any] = {"instruction": "Say whether what the monitoring of payments saw is ordinary or suspicious."}
_OFFERS: Mapping[str, Any] = {
    "instruction": "Judge whether the customer will subscribe a deposit after this campaign.", "labels": ["no", "yes"],
    "positive": "yes", "more": ["lift"],
}  # fmt: skip
_WISHES: Mapping[str, Any] = {"instruction": "Say which product the customer should be told about."}
_TICKETS: Mapping[str, Any] = {"instruction": "Say which desk of the bank the customer's message is for."}
_LOANS: Mapping[str, Any] = {"instruction": "Judge whether the loan will be paid back."}
_REPLIES: Mapping[str, Any] = {
    "instruction": "You are a service agent of a bank. Reply to the customer in two short sentences."
}
SCENARIOS: Mapping[str, tuple[tuple[str, str, str, Mapping[str, Any]], ...]] = {
    "risk": (("credit", "table", "table.csv", _LOANS), ("alerts", "labels", "risk_alerts.csv", _RISK)),
    "marketing": (
        ("offers", "table", "marketing_offers.csv", _OFFERS),
        ("wishes", "labels", "marketing_wishes.csv", _WISHES),
    ),
    "operations": (("desk", "labels", "labels.csv", _TICKETS), ("replies", "generation", "generation.csv", _REPLIES)),
}
CARDS = {"risk": "risk control", "marketing": "marketing", "operations": "operations"}


def of_scenario(asked: Asked, scenario: str, place: int = 0) -> Asked:
    """The example of a scenario's task at that place, under the asked name."""
    _, kind, file, wording = SCENARIOS[scenario][place]
    told = {"source": "an invented example: FILL IN who wrote yours, and where", **wording}
    columns = {"label": "subscribed"} if file.startswith("marketing_offers") else {}
    path = str(FOLDER / "data" / file)
    return replace(asked, file=path, kind=kind, columns=columns, scenario=CARDS[scenario], wording=told)
