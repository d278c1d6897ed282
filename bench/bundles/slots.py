"""Who holds a name: an entry's place below leaderboards/submissions, and what keeps a second submitter out of it.

    leaderboards/submissions/<task>/<submitter>/<model>.json     the submitter's name as a folder's (`slug`)
    leaderboards/submissions/<task>/<model>.json                 as earlier versions wrote it: still read, and still held

A submitter is a text, and proves nothing: only the same text may replace its own entry, and whoever replaces one sees what goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.leaderboard import entry as entries
from bench.leaderboard.cells import shown
from bench.models.shipped import models
from bench.record import Run
from bench.text import names

_ANOTHER = "give the model another name: that of a file in conf/model, or --model of `bench score`"


class Taken(BenchError):
    """A name is somebody else's, or looks like it."""


def name_problem(model: str) -> str:
    """Why no submission may bear this model's name, "" for nothing."""
    if said := names.problem(model):
        return f"the model's name {names.quoted(model)} {said}; {_ANOTHER}"
    known = models()
    if known.get(model):
        return f"the name '{model}' is that of a reference row; {_ANOTHER}"
    if other := names.confusable(model, known):
        what = "the reference row" if known[other] else "the model"
        return f"the model's name '{model}' would be taken for {what} '{other}'; {_ANOTHER}"
    return ""


def names_problem(models: Sequence[str], submitter: str) -> str:
    """Why these models of one bundle, or who hands them in, may not be called so, "" for nothing."""
    for i, model in enumerate(models):
        if said := name_problem(model):
            return said
        if other := names.confusable(model, models[:i]):
            return f"the model's name '{model}' would be taken for '{other}' in the same bundle; {_ANOTHER}"
    return submitter_problem(submitter)


def submitter_problem(submitter: str) -> str:
    """Why nobody may be called so, "" for nothing; a submitter may be left out."""
    if submitter and (said := names.problem(submitter, path=False)):
        return f"the submitter's name {names.quoted(submitter)} {said}"
    return ""


def place(folder: Path, run: Run, submitter: str) -> Path:
    """Where the entry of this run stands below `folder`."""
    return folder / run.task / names.slug(submitter) / f"{run.model}.json"


def refuse_taken(folder: Path, run: Run, submitter: str, bundle: str, *, pass_over: bool = False) -> Path | None:
    """The submitter's own entry of the run's task and model, or that of this very bundle, where there is one.

    Raises Taken where somebody else has an entry of this model's name, on any board, or of one that looks like it; and where
    the submitter looks like another. BenchError where an entry of such a name cannot be read, unless such are to `pass_over`: then,
    as where only its submitter's folder looks alike, it holds nothing.
    """
    own = None
    form, look = names.skeleton(run.model), names.skeleton(names.slug(submitter))
    for path in entries.paths(folder):
        parts = path.relative_to(folder).parts
        theirs = parts[1] if len(parts) == entries.DEPTH else ""
        alike = names.skeleton(path.stem) == form
        if not alike and (not theirs or not submitter or names.skeleton(theirs) != look):
            continue
        try:
            origin = entries.read(path).run.origin
        except BenchError:
            if alike and not pass_over:
                raise
            continue
        other = str(origin.get("submitter", ""))
        same = (bool(submitter) and other == submitter) or origin.get("bundle") == bundle
        if alike and path.stem != run.model:
            raise Taken(f"the model's name '{run.model}' would be taken for '{path.stem}' ({path}); {_ANOTHER}")
        if alike and not same:
            whose = repr(other) if other else "somebody who gave no name"
            raise Taken(f"the name '{run.model}' is taken by {whose} ({path}); {_ANOTHER}")
        if other and submitter and not same and names.confusable(submitter, [other]):
            raise Taken(
                f"the submitter {submitter!r} would be taken for {other!r} ({path}); who is the same writes the same"
            )
        if alike and parts[0] == run.task:
            own = path
    return own


def replaced(own: Path | None, bundle: str, submitter: str, *, allowed: bool) -> str:
    """The entry of another bundle that one of this bundle takes the place of, in words; "" for none.

    Raises BenchError where it is not `allowed` to.
    """
    if own is None or entries.read(own).run.origin.get("bundle") == bundle:
        return ""
    what = described(own)
    if not allowed:
        raise BenchError(f"{submitter!r} has an entry of this name: {what}; --replace puts the new one in its place")
    return what


def described(path: Path) -> str:
    """An entry in a few words: what goes where another takes its place."""
    run = entries.read(path).run
    score = run.scores[0]
    vouched = "verified" if run.origin.get("verified") else "self-reported"
    return f"{path}, {vouched}, of {run.created[:10]}, {score.metric} {shown(score, score.value)}"
