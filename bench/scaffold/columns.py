"""Which column is what: the kind of task that a table is for, and the columns that it reads, by what they are called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.errors import BenchError
from bench.types import Json

_ID = ("id", "qid", "uid", "exampleid", "questionid", "key", "nr", "no", "number", "rowid", "idx", "index", "column1")
_CLUSTER = ("cluster", "group", "groupid", "documentid", "docid", "passageid", "conversationid", "customerid")
_ANSWER = ("answer", "answers", "gold", "goldanswer", "target", "expected", "expectedanswer", "expectedoutput", "groundtruth",
           "correct", "correctanswer", "solution", "reference", "output", "response", "completion", "a", "antwort", "reponse",
           "respuesta", "risposta", "label", "ideal")  # fmt: skip
_QUESTION = (
    "question",
    "query",
    "q",
    "ask",
    "frage",
    "pregunta",
    "domanda",
    "prompt",
    "problem",
    "instruction",
    "input",
    "user",
)
_TEXT = ("text", "sentence", "content", "message", "narrative", "review", "headline", "title", "body", "comment", "tweet", "post",
         "utterance", "complaint", "description", "request", "statement", "document", "article", "email", "note", "news",
         "abstract",
         "transcript", "input", "prompt", "question", "query", "source", "testo", "texte", "texto")  # fmt: skip
_LABEL = ("label", "labels", "class", "category", "intent", "sentiment", "topic", "product", "tag", "status", "outcome", "target",
          "y", "default", "defaulted", "churn", "fraud", "decision", "kategorie", "klasse", "gold", "answer", "output")  # fmt: skip
_SCORE = (
    "score",
    "rating",
    "value",
    "sentimentscore",
    "scores",
    "stars",
    "grade",
    "valence",
    "points",
    "rate",
    "label",
    "target",
    "y",
    "gold",
)
_REFERENCE = ("reference", "references", "summary", "reply", "response", "target", "output", "completion", "answer", "highlights",
              "translation", "gold", "label", "bullets")  # fmt: skip
_CONTEXT = (
    "context",
    "passage",
    "paragraph",
    "background",
    "kontext",
    "document",
    "article",
    "text",
    "excerpt",
    "evidence",
    "report",
)
_LETTERS = "ABCDEFGH"
_OPTIONS = ("options", "choices", "optionen", "alternatives")
Roles = Mapping[str, tuple[str, ...]]
# What each kind reads; the first columns of a kind are needed, those under `MAY` are not.
KINDS: Mapping[str, Roles] = {
    "docvqa": {"image": ("image", "picture", "page", "file", "path", "imagepath", "img", "scan"), "question": _QUESTION,
               "answer": _ANSWER},
    "speech": {
        "audio": ("audio", "recording", "sound", "file", "path", "wav", "audiopath", "clip"),
        "transcript": ("transcript", "transcription", "text", "sentence", "words", "reference", "label"),
    },
    "spans": {"tokens": ("tokens", "words"), "tags": ("tags", "nertags", "labels", "label", "bio")},
    "choice": {"question": _QUESTION, "answer": _ANSWER},
    "qa": {"question": _QUESTION, "answer": _ANSWER},
    "scores": {"text": _TEXT, "score": _SCORE},
    "labels": {"text": _TEXT, "label": _LABEL},
    "generation": {"text": _TEXT, "reference": _REFERENCE},
    "table": {"label": _LABEL},
}  # fmt: skip
_MAY: Mapping[str, Roles] = {"qa": {"context": _CONTEXT}, "choice": {"context": _CONTEXT, "options": _OPTIONS}}
_FEW = 50  # different values of a label, at most, where nothing else tells
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)")
_WHOLE = re.compile(r"[-+]?\d+(?:\.0*)?")  # as pandas writes a code, too


@dataclass(frozen=True)
class Columns:
    """The kind, what it reads {role: name}, and the columns of options in order."""

    kind: str
    of: Mapping[str, str]
    options: tuple[str, ...] = ()


def guessed(
    names: Sequence[str], sample: Sequence[Mapping[str, Json]], kind: str | None, told: Mapping[str, str]
) -> Columns:
    """What the columns are; `kind` and `told` {role: name} go before every guess.

    Raises BenchError where a column that the kind needs is not found, or nothing tells the kind, with what there is.
    """
    if wrong := [name for name in told.values() if name not in names]:
        raise BenchError(f"--columns names {wrong[0]!r}, and there are {', '.join(names)[:300]}")
    kind = kind or _kind(names, sample, told)
    needed, may = KINDS[kind], _MAY.get(kind, {})
    known = (*needed, *may, "id", "cluster", *(_LETTERS if kind == "choice" else ()))
    if wrong := [role for role in told if role not in known]:
        raise BenchError(
            f"--columns: {wrong[0]!r} is nothing that a task of kind {kind} reads; it reads {', '.join(known)}"
        )
    _refuse_shared(told)
    found = dict(told)
    options = _options(names, told) if kind == "choice" else ()
    for role, like in {**needed, **may, "id": _ID, "cluster": _CLUSTER}.items():
        left = [name for name in names if name not in found.values() and name not in options]
        if role not in found and (name := _named(left, like)) is not None:
            found[role] = name
    _refuse_missing(kind, found, needed, names, options)
    return Columns(kind, found, options if "options" not in found else ())


def _refuse_shared(told: Mapping[str, str]) -> None:
    """Raise BenchError for a column with two roles, but for one that also says which rows belong together, or is their id."""
    role_of: dict[str, str] = {}
    for role, name in told.items():
        if role not in ("id", "cluster") and (other := role_of.setdefault(name, role)) != role:
            raise BenchError(f"--columns gives {name!r} to both {other} and {role}; each needs a column of its own")


def _refuse_missing(
    kind: str, found: Mapping[str, str], needed: Roles, names: Sequence[str], options: Sequence[str]
) -> None:
    missing = [role for role in needed if role not in found]
    if missing:
        say = ",".join(f"{role}=NAME" for role in missing)
        raise BenchError(
            f"a task of kind {kind} needs {', '.join(needed)}, and which column is {' and '.join(missing)} cannot be told from "
            f"{', '.join(names)[:300]}; say --columns {say}, or another --kind"
        )
    if kind == "choice" and "options" not in found and len(options) < 2:
        raise BenchError(
            f"a task of kind choice needs columns of options called A, B, C … (or option_a, choice1), or a list `options` in "
            "JSON Lines; "
            f"found {', '.join(names)[:200]}; say --columns A=NAME,B=NAME"
        )


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def _named(names: Sequence[str], like: Sequence[str]) -> str | None:
    """The column that is called like the first of these it can be."""
    by_name = {_plain(name): name for name in reversed(names)}
    return next((by_name[one] for one in like if one in by_name), None)


def _options(names: Sequence[str], told: Mapping[str, str]) -> tuple[str, ...]:
    """The columns of options: those that were told by letters, else those called A, option_a, choice1, answer_2 …"""
    if given := [told[letter] for letter in _LETTERS if letter in told]:
        return tuple(given)
    found: dict[int, str] = {}
    for name in names:
        match = re.fullmatch(r"(?:option|choice|answer|opt|alternative)?([a-h]|[0-8])", _plain(name))
        if match and name not in told.values() and (len(_plain(name)) > 1 or match[1].isalpha()):
            place = ord(match[1]) - ord("a") if match[1].isalpha() else int(match[1])
            found.setdefault(place, name)
    return tuple(found[place] for place in sorted(found)) if len(found) > 1 else ()


def _kind(names: Sequence[str], sample: Sequence[Mapping[str, Json]], told: Mapping[str, str]) -> str:
    """The kind by what the columns are called, and where that is not enough by what is in them."""
    for kind in ("docvqa", "speech", "spans", "choice", "qa"):
        roles = KINDS[kind]
        left = [name for name in names if name not in told.values()]
        has = {
            role for role, like in roles.items() if role in told or _named(left, like[:6] if kind == "speech" else like)
        }
        if kind == "choice":
            has = has if "options" in told or _options(names, told) or _named(names, _OPTIONS) else set()
        if has == set(roles) and _is_media(roles, names, sample, told):
            return kind
    text = told.get("text") or _named(names, _TEXT)
    for kind, role in (("scores", "score"), ("labels", "label"), ("generation", "reference")):
        name = told.get(role) or _named([one for one in names if one != text], KINDS[kind][role])
        if text is None or name is None:
            continue
        if role in told or _suits(kind, [row.get(name) for row in sample], is_code=_plain(name) in _LABEL):
            return kind
    if (told.get("label") or _named(names, _LABEL)) and len(names) > 2:
        return "table"
    raise BenchError(
        f"which kind of task this is cannot be told from the columns {', '.join(names)[:300]}; say --kind "
        f"{'|'.join(KINDS)} and which is which, as in --kind qa --columns question=NAME,answer=NAME"
    )


def _is_media(
    roles: Roles, names: Sequence[str], sample: Sequence[Mapping[str, Json]], told: Mapping[str, str]
) -> bool:
    """Whether the column of files has names of files, where the kind has one."""
    role = next(iter(roles))
    if role not in ("image", "audio"):
        return True
    name = told.get(role) or _named(names, roles[role]) or ""
    return all(re.search(r"\.[A-Za-z0-9]{3,4}$", str(row.get(name) or "")) for row in sample)


def _suits(kind: str, values: Sequence[Json], *, is_code: bool) -> bool:
    """Whether the values are scores, labels of a few kinds, or texts; `is_code`: whole numbers may stand for labels."""
    given = [str(one).strip() for one in values if one is not None and str(one).strip()]
    numbers = [one for one in given if _NUMBER.fullmatch(one.replace("\N{MINUS SIGN}", "-"))]
    kinds = len(set(given))
    if kind == "generation":
        return bool(given) and not numbers
    codes = is_code and 2 <= kinds <= min(_FEW, len(given) - 1) and all(_WHOLE.fullmatch(one) for one in given)
    if kind == "labels":
        return codes or 2 <= kinds <= min(_FEW, max(2, len(given) // 2))
    if not is_code:  # called a score: a row that is none is told by its line
        return 2 * len(numbers) > len(given)
    return not codes and bool(given) and len(numbers) == len(given) and kinds > 2
