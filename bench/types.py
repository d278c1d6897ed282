"""The nouns: what passes from one step to the next. Frozen and plain; nothing here knows a library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard

Json: TypeAlias = Any  # what `json` reads and writes: the one place where `Any` is right


@dataclass(frozen=True)
class Example:
    """One item of a data set. `inputs` and `target` are JSON-safe; the target never leaves the harness.

    A target of None is held out: only those who keep the references can score it. `cluster` names what examples share
    (passage, document, conversation); intervals resample whole clusters.
    """

    id: str
    inputs: Mapping[str, Json]
    target: Json
    cluster: str

    def to_json(self) -> dict[str, Json]:
        """Its fields by name. What `vars` gives stays beside each example for good, which a million of them feel."""
        if type(self) is not Example:
            return dict(vars(self))
        return {"id": self.id, "inputs": self.inputs, "target": self.target, "cluster": self.cluster}


@dataclass(frozen=True)
class Text:
    """A piece of text. `role` is "system", "user" or "assistant", as chat models name them."""

    text: str
    role: str = "user"
    kind = "text"


@dataclass(frozen=True)
class Column:
    """A column of a table: what its values are ("number" or "category"), what it means, and what its codes stand for."""

    name: str
    kind: str
    description: str = ""
    codes: tuple[tuple[str, str], ...] = ()  # (code, meaning)


@dataclass(frozen=True)
class Row(Text):
    """A row of a table: a value for each of `columns`, a float or a text by the column's kind, None where it is missing.

    It is a `Text` too, its row described in words: a language model reads that and needs none of the extra fields.
    """

    columns: tuple[Column, ...] = ()
    values: tuple[float | str | None, ...] = ()
    kind = "row"


@dataclass(frozen=True)
class Reply(Text):
    """What the model itself answered to the request `of` an earlier example: an assistant's turn of its own history.

    The engine puts a `Text` in its place just before it asks; no model ever sees this part. `of` comes before the example that
    shows it, in the order of the data.
    """

    text: str = ""
    role: str = "assistant"
    of: str = ""


@dataclass(frozen=True)
class Image:
    """An encoded picture (PNG or JPEG bytes)."""

    data: bytes = field(repr=False)
    media_type: str = "image/png"
    kind = "image"


class ImageFile(Image):
    """A picture that lies in a file, read each time `data` is asked for."""

    path: str

    def __init__(self, path: str, media_type: str = "image/png") -> None:
        object.__setattr__(self, "path", path)
        object.__setattr__(self, "media_type", media_type)

    @property
    def data(self) -> bytes:
        """The file's bytes; raises OSError when it cannot be read."""
        return Path(self.path).read_bytes()


@dataclass(frozen=True)
class Audio:
    """A recording, as the path of a file on this machine (an hour of speech is too long to hold)."""

    path: str
    kind = "audio"


@dataclass(frozen=True)
class Video:
    """A clip with picture and sound, as the path of a file on this machine.

    `made_from` is the clip of the data that the file was made from, by whose name it is known to people. With a `fault` there is
    no such file: no model is asked, and the example fails with this reason.
    """

    path: str
    made_from: str = ""
    fault: str = ""
    kind = "video"


Part: TypeAlias = Text | Image | Audio | Video


@dataclass(frozen=True)
class Generate:
    """Ask for free text of at most `max_new_tokens` tokens, cut before the first of the `stop` strings.

    White space that a reply begins with, and what stands in its thinking, never ends it: see `bench.text.thinking.cut`.
    """

    max_new_tokens: int
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Span(Generate):
    """Ask for a short answer to `question` that stands in `context` (None: in the picture).

    It is a `Generate` too: a generative model reads the parts and needs none of the extra fields. Where it
    `may_be_unanswerable`, an extractive model may answer with no text.
    """

    question: str = ""
    context: str | None = None
    may_be_unanswerable: bool = False


@dataclass(frozen=True)
class Tag(Generate):
    """Ask for the phrases of a text that bear one of `labels`; `pieces` put together are the text, each piece in one phrase.

    It is a `Generate` too: a generative model reads the parts and says the phrases in the words that they ask for. A tagger
    answers with JSON, [[piece, tag], …], each tag being O, B-LABEL where a phrase begins or I-LABEL where it goes on.
    """

    pieces: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Read(Generate):
    """Ask for all the text of the pictures, a line for a line, in the order in which a person reads it.

    It is a `Generate` too: a generative model reads the parts and writes; a reader of pages needs none of the words of the request.
    """


@dataclass(frozen=True)
class Fields(Generate):
    """Ask for what stands on the pictures for each of `names`; the answer is a JSON object {name: text or null}.

    It is a `Generate` too: a generative model reads in the parts what each field means and writes the object.
    """

    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rows(Generate):
    """Ask for a table on the pictures as a JSON list of rows, each a list of texts, its heading row first.

    It is a `Generate` too: a generative model reads in the parts which table is meant and writes it.
    """


@dataclass(frozen=True)
class Choose:
    """Ask for a score of each label; the highest wins.

    With `several`, more than one label may be right: a model that has probabilities gives one for each label, which need
    not add up to 1.
    """

    labels: tuple[str, ...]
    several: bool = False


@dataclass(frozen=True)
class Regress:
    """Ask for a number for each of `names`, within `[low, high]`. The last part of the user is the one to judge."""

    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Transcribe:
    """Ask for the words that are spoken."""

    language: str = "en"


Output: TypeAlias = Generate | Choose | Regress | Transcribe


@dataclass(frozen=True)
class Request:
    """What a model sees of an example."""

    id: str
    parts: tuple[Part, ...]
    output: Output


MOST_TOKENS = 10**9  # of one request or answer; a greater count is none


def is_token_count(value: Json) -> TypeGuard[int]:
    """Whether a number of tokens that somebody states can be one.

    >>> is_token_count(7), is_token_count(True), is_token_count(1.0), is_token_count(-1), is_token_count(10**30)
    (True, False, False, False, False)
    """
    return type(value) is int and 0 <= value <= MOST_TOKENS


FINISHES = ("stop", "length", "error", "refused", "none")  # how an answer ended: see `Prediction`


@dataclass(frozen=True)
class Prediction:
    """What a model said, raw. Exactly one of text, label_scores, values, answer or error is set in the journal.

    An extractive model gives `span`, (start, end) in characters of `Span.context`; the engine adds its text. `answer` is
    the final answer out of somebody's submission, which no parser touches. `error` means that the model failed on this
    request; it counts as wrong and is never replaced by a made-up answer. `no_answer` is the model's probability that
    there is none. Token counts are the model's own, 0 if it has none; `truncated` are those cut away because the request was
    longer than the model's context. `asked` is the digest of its request, and `reused` the id of the run that the answer was
    taken from; the engine writes both, and `heard`, the digest of a request with the model's own replies in it as it was asked.

    `finish` says how the answer ended: "stop" by itself (an end token, a stop string, the end of what was picked out of a text),
    "length" cut at the most tokens that it may have, or before its thinking ended, "refused" by an endpoint's filter, "error", or
    "none" where nothing was generated or the model does not tell. `thinking` is what stood before the answer and is not scored,
    `thinking_tokens` long.
    """

    id: str
    text: str | None = None
    span: tuple[int, int] | None = None
    label_scores: Mapping[str, float] | None = None
    values: Mapping[str, float] | None = None
    answer: Json = None
    no_answer: float | None = None
    error: str | None = None
    prompt_tokens: int = 0
    new_tokens: int = 0
    truncated: int = 0
    finish: str = "none"
    thinking: str | None = None
    thinking_tokens: int = 0
    asked: str = ""
    reused: str = ""
    heard: str = ""

    def __post_init__(self) -> None:
        if self.error is not None and self.finish == "none":
            object.__setattr__(self, "finish", "error")

    def but(self, **changes: Any) -> Prediction:
        """The same with other values in some of its fields; as `dataclasses.replace`, in a tenth of its time."""
        found = object.__new__(type(self))
        vars(found).update(vars(self), **changes)
        return found

    def __reduce__(self) -> tuple[Any, ...]:  # what has its default is that very object again in another process
        return Prediction.from_json, (self.to_json(),)

    def to_json(self) -> dict[str, Json]:
        """The journal's line: only what is set, in the order of the fields."""
        return {name: value for name, value in vars(self).items() if value is not _DEFAULTS[name]}

    @classmethod
    def from_json(cls, record: Mapping[str, Json]) -> Prediction:
        """The inverse of `to_json`; raises TypeError on a key that is not a field."""
        span = record.get("span")
        return cls(**{**record, "span": tuple(span) if span is not None else None})


_DEFAULTS = {one.name: one.default for one in fields(Prediction)}
