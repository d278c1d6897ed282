"""A section of a model card: a run's scores, what they stand on and how to repeat them; and its place in a card that is there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from bench.data.plain_yaml import plain_yaml
from bench.errors import BenchError
from bench.exports.hub import front_matter, model_index
from bench.exports.item import Item, cut_text, own_and_claimed, repeated
from bench.exports.splice import KEY, spliced
from bench.leaderboard.alike import origin_of, said_device
from bench.leaderboard.cells import shown
from bench.record import Run
from bench.runs.claimed import MARK, date_of
from bench.runs.rates import examples_per_second
from bench.scoring.foreign import imported, is_foreign
from bench.text.shown import code, visible
from bench.text.shown import markdown as plain
from bench.types import Json

_HEADS = ("metric", "value", "95 % interval", "better", "n", "failed")
_RULE = re.compile(r"---[ \t]*\n")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")


def section(one: Item) -> str:
    """The Markdown of one run, between marks by which it is found again."""
    run = one.run
    begin, end = _marks(run)
    lines = [begin, f"## {plain(one.title)} ({plain(run.task)}, version {run.task_version})", ""]
    lines += (
        [
            f"{plain(MARK)} {plain(one.whose[:1].upper() + one.whose[1:], 400)}: {one.claimed} is claimed.",
            "",
        ]
        if one.claimed
        else []
    )
    lines += [_line(_HEADS), "|---|---:|---|---|---:|---:|", *(_line(cells) for cells in _scores(one)), ""]
    lines += [f"Scores marked % are in percent. {_intervals(run)}", ""]
    lines += [f"- {name}: {text}" for name, text in _facts(one).items() if text]
    lines += (
        ["", "To repeat it:", "", "```sh", visible(again).replace("`", "\\x60"), "```"]
        if (again := repeated(one))
        else []
    )
    lines += ["", plain(one.legend)] if one.claimed else []
    return "\n".join([*lines, end, ""])


def _marks(run: Run) -> tuple[str, str]:
    """Comments around the section of a task and model; a `--` would end them."""
    told = f"{run.task}/{run.model}"
    name = re.sub("-{2,}", "-", re.sub(r"[^\w./]", "-", told)).strip("-")
    if name != told:  # two names must not become one
        name += f" {hashlib.sha256(told.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    return f"<!-- finai-bench begin {name} -->", f"<!-- finai-bench end {name} -->"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _scores(one: Item) -> list[list[str]]:
    mark = plain(MARK) if one.claimed == "all" else ""
    found = []
    for score in one.run.scores:
        if score.value is None:
            found.append(
                [
                    plain(score.metric),
                    "–",
                    plain(score.note or "absent", 200),
                    "",
                    str(score.n or "–"),
                    str(score.n_failed),
                ]
            )
            continue
        bounds = (
            f"[{shown(score, score.low)}, {shown(score, score.high)}]"
            if score.low is not None
            else f"– ({plain(score.note, 200)})"
        )
        unit = " %" if score.is_fraction else ""
        better = "higher" if score.higher_is_better else "lower"
        found.append(
            [
                f"{plain(score.metric)}{unit}",
                mark + shown(score, score.value),
                bounds,
                better,
                str(score.n or "–"),
                str(score.n_failed),
            ]
        )
    return found


def _intervals(run: Run) -> str:
    how = dict.fromkeys(score.note for score in run.scores if score.low is not None and score.note)
    return f"Intervals: {plain('; '.join(how))}." if how else "No intervals."


def _facts(one: Item) -> dict[str, str]:
    """What the scores stand on, by its name, as Markdown; what is claimed with its mark."""
    run, environment = one.run, one.run.environment
    versions = environment.get("packages")
    library = versions.get("finai-bench") if isinstance(versions, Mapping) else None
    rate = examples_per_second(run)
    name = environment.get("device_name") or environment.get("cpu") or ""
    said = {
        "device": "" if run.submission else f"{said_device(run)} {name}".strip(),
        "dtype": "" if run.submission else str(environment.get("dtype") or ""), "commit": str(environment.get("commit") or ""),
        "examples_per_second": f"{rate:,.1f}" if rate else "", "date": date_of(run),
    }  # fmt: skip
    told = {name: _told(run, name, text) for name, text in said.items()}
    log = imported(run)
    made_by = f"{log.get('harness')} {log.get('version')}" if is_foreign(run) else f"finai-bench {library or 'unknown'}"
    card = one.card
    data = f"{plain(card.source)}, {plain(card.split)}, licence {plain(card.licence)}" if card else ""
    weights = f", weights sha256 {code(run.weights_sha256[:16])}" if run.weights_sha256 else ""
    return {
        "Model": f"{plain(run.model)}, revision {code(run.model_revision)}{weights}", "Data": data,
        "Examples": plain(cut_text(one) or f"all {run.n_examples:,}"), "Data fingerprint": code(run.data_fingerprint),
        "Predictions": "brought from elsewhere, and timed by nobody here" if run.submission else "",
        "Requests": "" if run.submission else code(run.asked) if run.asked else "unknown",
        "Device": ", ".join(text for text in (told["device"], told["dtype"]) if text),
        "Examples a second": told["examples_per_second"], "Commit": told["commit"], "Date": told["date"],
        "Imported": plain(run.created) if log else "",
        "Made by": plain(f"{made_by}, run {run.run_id}, {origin_of(run)}"),
    }  # fmt: skip


def _told(run: Run, name: str, text: str) -> str:
    if not text:
        return ""
    own, _ = own_and_claimed(run, name, text)
    return plain(text) if own else plain(MARK) + plain(text)


def whole(items: Sequence[Item]) -> str:
    """A card of these runs alone: front matter and a section each."""
    return f"---\n{front_matter(model_index(items))}---\n\n" + "\n".join(map(section, items))


def appended(text: str, items: Sequence[Item], where: str) -> str:
    """A card with the sections and results of these runs: in the place of earlier ones of the same task and model, else behind.

    All else of the card stays as it is, letter for letter. Raises BenchError, beginning with `where`, for what is no front matter,
    and where a result would change what others wrote.
    """
    ends = "\r\n" if "\r\n" in text else "\n"
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    plain_text = text.removeprefix(mark).replace("\r\n", "\n")
    if text.removeprefix(mark) != plain_text.replace("\n", ends):
        raise BenchError(f"{where}: some of its lines end with CR LF and some with LF; save it with one of them")
    begin, head, end, body = _parted(plain_text, where)
    gap = "\n" if body and not head and not body.startswith("\n") else ""
    new = begin + _with_index(head, items, where) + end + gap + body
    for one in items:
        new = _placed(new, one, where)
    return mark + new.replace("\n", ends)


def _parted(text: str, where: str) -> tuple[str, str, str, str]:
    """Front matter between its rules, and what stands behind it."""
    begin = _RULE.match(text)
    if begin is None:
        return "---\n", "", "---\n", text
    end = re.compile(r"^---[ \t]*(\n|$)", re.MULTILINE).search(text, begin.end())
    if end is None:
        raise BenchError(
            f"{where}: its front matter begins with --- and does not end; close it with --- on a line of its own"
        )
    rule = end[0] if end[0].endswith("\n") else f"{end[0]}\n"
    return begin[0], text[begin.end() : end.start()], rule, text[end.end() :]


def _with_index(head: str, items: Sequence[Item], where: str) -> str:
    """The front matter with these results in its model-index, every other line as it was."""
    before, index = _read(head, where), model_index(items)
    merged = _merged(before.get(KEY), index, where)
    new = spliced(head, index, _replaced, where)
    if _read(new, where) != {**before, KEY: merged}:
        raise BenchError(
            f"{where}: its {KEY} cannot be told from the rest of its front matter; write it as a key of its own lines"
        )
    return new


def _replaced(result: Json, known: Sequence[Json]) -> list[int]:
    """Which of a model's results are ours of before, of the same task."""
    return [at for at, one in enumerate(known) if _is_ours(one) and _task(one) == _task(result)]


def _read(head: str, where: str) -> dict[str, Json]:
    try:
        found = plain_yaml(f"\n{head}") if head.strip() else {}  # lines are those of the card, whose first is ---
    except BenchError as error:
        raise BenchError(f"{where}: its front matter is not plain YAML ({error}); correct it") from None
    except ValueError as error:
        raise BenchError(
            f"{where}: its front matter is not plain YAML ({' '.join(str(error).split())}); correct it"
        ) from None
    if not isinstance(found, dict):
        raise BenchError(f"{where}: its front matter is {type(found).__name__}, expected keys and values; correct it")
    return found


def _merged(known: Json, new: Sequence[dict[str, Json]], where: str) -> list[dict[str, Json]]:
    """The index with the new results: those of the same task take the place of ours of before, those of others stay."""
    if known is None:
        return list(new)
    if not isinstance(known, list) or not all(
        isinstance(one, dict) and isinstance(one.get("results"), list) for one in known
    ):
        raise BenchError(f"{where}: its {KEY} is no list of models with results; correct it")
    found = [dict(one) for one in known]
    for model in new:
        same = next((one for one in found if one.get("name") == model["name"]), None)
        if same is None:
            found.append(model)
            continue
        new_by_task = {_task(result): result for result in model["results"]}
        tasks = set(new_by_task)
        placed = [
            new_by_task.pop(_task(one), None) if _is_ours(one) and _task(one) in tasks else one
            for one in same["results"]
        ]
        same["results"] = [one for one in placed if one is not None] + list(new_by_task.values())
    return found


def _task(result: Json) -> str:
    task = result.get("task") if isinstance(result, Mapping) else None
    return str(task.get("name")) if isinstance(task, Mapping) else ""


def _is_ours(result: Json) -> bool:
    """Whether a result of an index is one that this wrote: its data have a fingerprint and a run."""
    data = result.get("dataset") if isinstance(result, Mapping) else None
    arguments = data.get("args") if isinstance(data, Mapping) else None
    return isinstance(arguments, Mapping) and {"fingerprint", "run"} <= set(arguments)


def _placed(text: str, one: Item, where: str) -> str:
    """The text with the section of a run in the place of the one of before, else at its end."""
    begin, end = _marks(one.run)
    begins, ends = _found(text, begin, where), _found(text, end, where)
    if not begins and not ends:
        return text + "\n" * (2 - min(2, len(text) - len(text.rstrip("\n")))) + section(one)
    if (len(begins), len(ends)) != (1, 1) or begins > ends:
        raise BenchError(f"{where}: the marks of its section {begin} are not a pair; remove them")
    return text[: begins[0]] + section(one).rstrip("\n") + text[ends[0] + len(end) :]


def _found(text: str, mark: str, where: str) -> list[int]:
    """Where the mark is a line of its own, and not quoted in a fence."""
    found, at, fence = [], 0, ""
    for line in text.split("\n"):
        if fence:
            fence = (
                ""
                if (closed := _FENCE.match(line)) and closed[1].startswith(fence) and not closed[2].strip()
                else fence
            )
        elif (opened := _FENCE.match(line)) and not (opened[1][0] == "`" and "`" in opened[2]):
            fence = opened[1]
        elif line.rstrip() == mark:
            found.append(at)
        at += len(line) + 1
    if fence:
        raise BenchError(f"{where}: its last {fence} opens a block of code that does not end; close it")
    return found
