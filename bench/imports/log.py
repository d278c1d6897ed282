"""What every reader of another harness' log gives, whatever the log looked like."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from bench.bundles.public import public_text
from bench.errors import BenchError
from bench.runs.identity import fingerprint
from bench.text.shown import LONGEST_NAME, visible
from bench.types import Json

FRACTION = "fractions"  # the scale of 0 to 1, or to -1 of what may be below 0
_HUGE = 1e100  # a value beyond it is no score, and its square or sum no number
_MOST_SAMPLES = 2**53  # a whole number that JSON holds
_TEXT = 200  # characters of a strange text that a message shows


@dataclass(frozen=True)
class Sample:
    """One sample of a log: what was asked, said and measured.

    `texts` are the texts of the data it was made of and `prompt` what the model was asked; `own_id` is the id that the data give
    it, "" for none. `choices` are the likelihoods of its choices. `values` are the log's own measurements by metric; a metric
    that has no number here is not in it. `error` says why there is no answer.
    """

    id: str
    texts: tuple[str, ...] = ()
    prompt: str = ""
    target: Json = None
    said: str | None = None
    choices: Mapping[str, float] | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    own_id: str = ""
    error: str | None = None
    finish: str = "none"
    doc: Json = None
    digest: str = ""

    @property
    def stands_on(self) -> str:
        """A digest of the data of the sample: two logs have one sample in common where it is the same."""
        return self.digest or fingerprint([*self.texts], clean(self.target))[:16]


@dataclass(frozen=True)
class Log:
    """What one log says of one task and one model.

    `metrics` are in the order in which they rank, `lower` those of which less is better, `directed` those of which the log itself
    says which way, not their name. `stated` are the log's own figures over all samples. `n` is the number of samples that the log
    says to have measured, None where it does not say, `counts` the same of a metric, `failed` how many of them had no answer by a
    log of figures, `scales` the scale of a metric in words, `FRACTION` or another, where the log says one. `samples` is empty for
    a log of figures alone. `notes` are what a person should know of it, a line each. `folder` is the name of the folder that the
    harness names by the model, for a log that itself names none. `data` says which data figures are of, as a split and subsets:
    two logs of figures are of the same data where it is the same. `asked` is a digest of how the model was asked (solved
    examples, instructions), "" where the log does not say, and `asking` says some of it in words. `commit` is the git hash that
    the log names and `date` its time, in UTC, "" where it says none.
    """

    harness: str
    version: str
    task: str
    model: str
    metrics: tuple[str, ...]
    samples: tuple[Sample, ...] = ()
    stated: Mapping[str, float] = field(default_factory=dict)
    lower: frozenset[str] = frozenset()
    task_version: str = ""
    n: int | None = None
    notes: tuple[str, ...] = ()
    folder: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)
    scales: Mapping[str, str] = field(default_factory=dict)
    data: tuple[str, ...] = ()
    asked: str = ""
    asking: tuple[str, ...] = ()
    directed: frozenset[str] = frozenset()
    commit: str = ""
    date: str = ""

    def ranked_by(self, metric: str | None) -> Log:
        """The same with this metric first; raises BenchError where there is none of this name."""
        if metric is None:
            return self
        if metric not in self.metrics:
            raise BenchError(f"--metric: the log has no {metric[:60]!r}; it has {listed(self.metrics)}")
        return replace(self, metrics=(metric, *(one for one in self.metrics if one != metric)))

    def turned(self, less: Sequence[str], more: Sequence[str]) -> Log:
        """The same with less, or more, better of these metrics; raises BenchError where the log has none, or says otherwise."""
        for name in (*less, *more):
            if name not in self.metrics:
                raise BenchError(
                    f"--less-is-better, --more-is-better: the log has no {name[:60]!r}; it has {listed(self.metrics)}"
                )
            if name in less and name in more:
                raise BenchError(f"{name}: either --less-is-better or --more-is-better, not both")
            if name in self.directed and (name in less) is not (name in self.lower):
                raise BenchError(
                    f"the log itself says that {'less' if name in self.lower else 'more'} is better of {name}"
                )
        return replace(self, lower=(self.lower | set(less)) - set(more), directed=self.directed | {*less, *more})


def clean(value: Json) -> Json:
    """The value without what no file of ours can hold: half a surrogate pair is a question mark, what is no finite number null."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {clean(str(key)): clean(one) for key, one in value.items()}
    return [clean(one) for one in value] if isinstance(value, list | tuple) else value


def texts_in(value: Json) -> Iterator[str]:
    """Every text that stands in a value, however deep."""
    if isinstance(value, str):
        yield clean(value)
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from texts_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts_in(one)


def number(value: Json) -> float | None:
    """A measured value as a float, None for what is no finite number.

    >>> number(True), number(0.5), number("0.5"), number([1, 2]), number(float("nan"))
    (1.0, 0.5, None, None, None)
    """
    if not isinstance(value, bool | int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def refuse_huge(values: Mapping[str, float], what: str) -> None:
    """Raise BenchError for a value of `what` that is too large to be a score."""
    for name, value in values.items():
        if abs(value) > _HUGE:
            raise BenchError(
                f"{what}: {shortly(name, 60)} is {value:.6g}, which is no score; values up to {_HUGE:g} are read"
            )


def refuse_huge_of(samples: Iterable[Sample]) -> None:
    """The same of what was measured of each sample, and of the likelihoods of its choices."""
    for one in samples:
        refuse_huge({**one.values, **(one.choices or {})}, f"sample {shortly(one.id, 60)!r}")


def failed_line(samples: Sequence[Sample], what: str) -> list[str]:
    """A line on the samples that ended in an error by the log itself, with the first; none where none did."""
    if not samples:
        return []
    first = samples[0]
    return [
        f"{len(samples):,} {what} and count as wrong, the first is {shortly(first.id, 60)!r}: {shortly(first.error, 80)}"
    ]


def counted(value: Json, where: str) -> int | None:
    """A number of samples that a log states, None where it states none; raises BenchError for what is no whole number.

    >>> counted(8, "x"), counted(8.0, "x"), counted(None, "x")
    (8, 8, None)
    """
    found = None if isinstance(value, bool) else number(value)
    if value is not None and (found is None or not found.is_integer() or not 0 <= found < _MOST_SAMPLES):
        raise BenchError(f"{where} is {shortly(value, 40)!r}, expected a number of samples")
    return None if found is None else int(found)


def dated(value: Json) -> str:
    """The time that a log states, in seconds since 1970 or by ISO 8601, as records have times; "" for what is none.

    >>> dated(1796017679.8), dated("2026-11-29T10:00:00+01:00"), dated("1796017679"), dated("today"), dated(None)
    ('2026-11-30T05:47:59+00:00', '2026-11-29T09:00:00+00:00', '2026-11-30T05:47:59+00:00', '', '')
    """
    text = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    try:
        if re.fullmatch(r"[0-9]{9,10}(\.[0-9]*)?", text):
            found = datetime.datetime.fromtimestamp(float(text), datetime.UTC)
        else:
            found = datetime.datetime.fromisoformat(text)
        found = found.replace(tzinfo=found.tzinfo or datetime.UTC).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        return ""
    return found.isoformat(timespec="seconds")


def commit_of(value: Json) -> str:
    """The commit that a log states: a git hash, or what `git describe` says; "" for what is none.

    >>> commit_of("a1b2c3d4"), commit_of("v0.4.9-12-gabc"), commit_of(None), commit_of("none at all")
    ('a1b2c3d4', 'v0.4.9-12-gabc', '', '')
    """
    return value if isinstance(value, str) and re.fullmatch(r"[\w.+-]{1,60}", value, re.ASCII) else ""


def refuse_version(version: Json, read: str, where: str) -> None:
    """Raise BenchError for a version of a harness that is not of a series in `read`, "mteb 1 or 2"; none stated is no matter.

    >>> refuse_version("0.4.13.dev0", "lm-eval 0.4", "x"), refuse_version(None, "lm-eval 0.4", "x")
    (None, None)
    """
    harness, _, series = read.partition(" ")
    known = "|".join(map(re.escape, series.split(" or ")))
    if version not in (None, "") and not re.fullmatch(rf"v?(?:{known})(?:[^0-9].*)?", str(version), re.DOTALL):
        raise BenchError(f"{where} was written by version {shortly(version, 30)} of {harness}; {series} is read")


def named(text: Json) -> str:
    """The name of a metric as a record may hold it: what cannot be seen as its number, without a secret or a local place.

    >>> named("exact\\n match"), named("a\\x1b[1m")
    ('exact match', 'a\\\\x1b[1m')
    """
    return _named(str(clean(text)))


@cache
def _named(text: str) -> str:
    found = visible(public_text(" ".join(text.split())))
    if len(found) > LONGEST_NAME:  # of two that begin alike each keeps a name of its own
        found = f"{found[: LONGEST_NAME - 7]}…{fingerprint(text)[:6]}"
    return found or "score"


def listed(names: Sequence[str], most: int = 8) -> str:
    """Names of a log for a message, the first of many."""
    shown = ", ".join(shortly(name, 60) for name in names[:most])
    return (shown or "none") + (f", … ({len(names)} in all)" if len(names) > most else "")


def shortly(value: Json, most: int = _TEXT) -> str:
    """A strange value in one line, for a message or a record: what cannot be seen stands as its number."""
    text = visible(" ".join(str(clean(value)).split()))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def merged(samples: Sequence[Sample], what: str) -> tuple[list[Sample], list[str]]:
    """One sample an id, and a line on what was put together.

    Of one that was answered several times (repeats, epochs), in the order given, the values are the means, as the harnesses
    count them, and the answer is the first. A value that one of them lacks is not there.
    """
    refuse_huge_of(samples)
    by_id: dict[str, list[Sample]] = {}
    for one in samples:
        by_id.setdefault(one.id, []).append(one)
    found = [_mean(group) if len(group) > 1 else group[0] for group in by_id.values()]
    if len(found) == len(samples):
        return found, []
    most = max(map(len, by_id.values()))
    return found, [
        f"each sample has up to {most} {what}: its value is their mean, and where answers are scored here it is the first"
    ]


def _mean(group: Sequence[Sample]) -> Sample:
    answered = [one for one in group if one.error is None]
    if len(answered) < len(group):  # a mean of what was lucky enough to end
        return next(one for one in group if one.error is not None)
    names = [name for name in group[0].values if all(name in one.values for one in group)]
    values = {name: math.fsum(one.values[name] for one in group) / len(group) for name in names}
    return replace(group[0], values=values)
