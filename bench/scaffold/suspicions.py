"""What may be wrong with a task's rows, told without any model: a line for each."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from bench.scaffold.sayable import unsayable
from bench.stats.intervals import MIN_CLUSTERS
from bench.task import Task
from bench.text.apart import unread_in_words
from bench.text.counted import counted
from bench.text.normal import normalised
from bench.types import Choose, Example, Json, Request, Span, Tag, Text

BLANK = "FILL IN"
_NAMED = 3  # ids that a line names
_SHORT = 3  # characters, below which a target stands in every text
_RARE, _COMMON = 5, 0.8  # examples of the rarest label; share of the commonest
_WIDE = 0.1  # half an interval's width, from which on few models can be told apart
_LEAKS = 0.9  # share of right labels that stand in the text and others do not


def ids(examples: Sequence[Example]) -> list[str]:
    """Ids that are missing, or come twice."""
    found = []
    if empty := [i for i, one in enumerate(examples) if not isinstance(one.id, str) or not one.id.strip()]:
        have = "has" if len(empty) == 1 else "have"
        found.append(
            f"{counted(len(empty), 'example')} {have} no id, the first is number {empty[0] + 1}; give each its own"
        )
    uses = Counter(one.id for one in examples)
    if len(uses) < len(examples) and (twice := [key for key, n in uses.items() if n > 1 and str(key).strip()]):
        come = "comes" if len(twice) == 1 else "come"
        found.append(f"{counted(len(twice), 'id')} {come} more than once: {_some(twice)}; give each example its own")
    return found


def warnings(
    task: Task, examples: Sequence[Example], looked: Sequence[Example], requests: Sequence[Request]
) -> Iterator[str]:
    """Blanks of the card, inputs that come twice, targets that the prompt shows, classes, clusters and the width of an interval."""
    if blanks := [name for name, value in vars(task.card).items() if BLANK in str(value)]:
        yield f"the card says nothing yet of {', '.join(blanks)}: look for {BLANK} in conf/task/{task.name}.yaml"
    yield from _doubled(looked, requests)
    if any(one.target is None for one in examples):
        yield "the references are held out: nothing can be scored here"
    else:
        yield from _shown(task, looked, requests)
        yield from _not_in_passage(looked, requests)
        yield from unsayable(zip(looked, requests, strict=True))
        yield from _classes(task, examples)
    yield from _clusters(task, examples)


def _doubled(looked: Sequence[Example], requests: Sequence[Request]) -> Iterator[str]:
    """Requests that ask the very same, and those of them whose targets differ, which nobody can all get right."""
    of: dict[object, list[Example]] = {}
    for example, request in zip(looked, requests, strict=True):
        of.setdefault((_parts(request), request.output), []).append(example)
    doubled = [some for some in of.values() if len(some) > 1]
    if doubled:
        n = sum(len(some) - 1 for some in doubled)
        ask = "asks" if n == 1 else "ask"
        yield f"{counted(n, 'example')} {ask} what another asks already: {_some([one.id for one in doubled[0]])}"
    if apart := [some for some in doubled if len({repr(one.target) for one in some}) > 1]:
        yield f"{len(apart):,} of these with different targets, so that no model gets all right: {_some([x.id for x in apart[0]])}"


def _parts(request: Request) -> tuple[object, ...]:
    return tuple((part.role, part.text) if isinstance(part, Text) else _media(part) for part in request.parts)


def _media(part: object) -> object:
    """A picture or recording by its file, or by its bytes."""
    return getattr(part, "path", None) or getattr(part, "data", None)


def _shown(task: Task, looked: Sequence[Example], requests: Sequence[Request]) -> Iterator[str]:
    """Targets that stand in the prompt where they should not."""
    if issubclass(task.output, Tag):
        return  # whose phrases are copied out of the text
    hits, labels = [], issubclass(task.output, Choose)
    for example, request in zip(looked, requests, strict=True):
        if labels and isinstance(request.output, Choose):
            if _label_shown(example, request.output, request):
                hits.append(example.id)
        elif any(len(one) >= _SHORT and _stands(one, _asked(request)) for one in _targets(example.target)):
            hits.append(example.id)
    if not hits or (labels and len(hits) < _LEAKS * len(looked)):
        return
    told = f"in {len(hits):,} of {counted(len(looked), 'prompt')} the target stands in what is asked: {_some(hits)}"
    if labels:
        yield f"{told}; the text names the right label and no other, so that reading is not needed"
    else:
        yield f"{told}; right where the answer is to be copied out of that text, a leak otherwise"


def _not_in_passage(looked: Sequence[Example], requests: Sequence[Request]) -> Iterator[str]:
    """Answers that are to be copied out of a passage and do not stand in it."""
    missing, n = [], 0
    for example, request in zip(looked, requests, strict=True):
        context = request.output.context if isinstance(request.output, Span) else None
        if context is not None and (answers := _targets(example.target)):
            n += 1
            passage = _plain(context)
            if not any(_stands(one, passage) for one in answers):
                missing.append(example.id)
    if missing:
        yield (
            f"in {len(missing):,} ({100 * len(missing) / n:.0f} %) of {counted(n, 'passage')} no accepted answer stands: "
            f"{_some(missing)}; no model that copies a phrase can be right there"
        )


def _label_shown(example: Example, output: Choose, request: Request) -> bool:
    """Whether the text of the user names the right one of the labels, and no other."""
    right = example.target.get("label") if isinstance(example.target, dict) else example.target
    if not isinstance(right, str):
        return False
    text = _asked(request)
    named = [label for label in output.labels if len(label) >= _SHORT and _stands(_plain(label), text)]
    return [_plain(label) for label in named] == [_plain(right.replace("_", " "))]


def _asked(request: Request) -> str:
    """What the last text of the user says; without the passage, where that is told apart."""
    texts = [part.text for part in request.parts if isinstance(part, Text) and part.role == "user"] or [""]
    output = request.output
    if isinstance(output, Span):
        return _plain(output.question)
    return _plain(texts[-1])


def _targets(target: Json) -> list[str]:
    """The texts of a target that is one, or a list of them."""
    found = target if isinstance(target, list) else [target]
    return [_plain(one) for one in found if isinstance(one, str)]


def _plain(text: str) -> str:
    return " ".join(normalised(text).casefold().split())


def _stands(target: str, text: str) -> bool:
    """Whether the words of a target stand in a text as whole words."""
    at = text.find(target)
    while at >= 0:
        before, behind = text[at - 1 : at], text[at + len(target) : at + len(target) + 1]
        if not (before.isalnum() or behind.isalnum()):
            return True
        at = text.find(target, at + 1)
    return False


def _classes(task: Task, examples: Sequence[Example]) -> Iterator[str]:
    """How many of each label there are, and which are too few or too many."""
    if not issubclass(task.output, Choose):
        return
    if unread := unread_in_words(getattr(task, "labels", ())):
        yield (
            f"a reply {unread[0][1][:60]!r} is read as no label, and only {unread[0][0][:40]!r} alone as one; so with "
            f"{counted(len(unread), 'label')}: {_some([label for label, _ in unread])}; other names may be read in both"
        )
    counts = Counter(_label(one.target) for one in examples)
    if None in counts:
        return
    of = ", ".join(f"{label} {n:,}" for label, n in counts.most_common(8)) + (" …" if len(counts) > 8 else "")
    most = counts.most_common(1)[0]
    labels = set(getattr(task, "labels", ()))
    if missing := sorted(labels - {str(one) for one in counts}):
        yield f"no example has the label {', '.join(missing[:8])}"
    if most[1] > _COMMON * len(examples):
        yield f"{100 * most[1] / len(examples):.0f} % have the label {most[0]!r} ({of}): who says it always is right so often"
    elif labels and counts.most_common()[-1][1] < _RARE:
        yield f"some labels are rare ({of}): what is said of them stands on a few examples"


def _label(target: Json) -> str | None:
    if isinstance(target, dict):
        found = target.get("label") or target.get("labels")
        target = found[0] if isinstance(found, list) and len(found) == 1 else found
    return target if isinstance(target, str) else None


def _clusters(task: Task, examples: Sequence[Example]) -> Iterator[str]:
    """How wide an interval is at this size, by clusters that weigh as they do."""
    sizes = Counter(one.cluster for one in examples)
    if len(sizes) < MIN_CLUSTERS:
        yield f"{counted(len(sizes), 'cluster')} ({task.card.cluster}): an interval needs {MIN_CLUSTERS}, so there will be none"
        return
    if (half := half_width(examples)) > _WIDE:
        yield (
            f"an interval will be about ± {100 * half:.0f} points at {len(examples):,} examples in {len(sizes):,} clusters "
            f"({task.card.cluster}); ± 5 takes about {math.ceil(len(examples) * (half / 0.05) ** 2 / 10) * 10:,} examples"
        )


def half_width(examples: Sequence[Example]) -> float:
    """Half of the 95 % interval of a share of one half, were the examples of a cluster all right or all wrong together.

    With clusters of unequal size their number is that of equal ones that weigh the same, (sum n)^2 / sum n^2.
    Source: Kish 1965, "Survey Sampling".
    """
    sizes = Counter(one.cluster for one in examples).values()
    return 1.96 * math.sqrt(0.25 * sum(n * n for n in sizes)) / sum(sizes)


def _some(found: Sequence[object]) -> str:
    shown = ", ".join(str(one)[:40] for one in found[:_NAMED])
    return shown + (f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else "")
