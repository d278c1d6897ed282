"""`evaluate`: one model on one task, as `bench run` does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.notebook.plainly import plainly, turn

if TYPE_CHECKING:
    from bench.commands.shared.plan import Job
    from bench.models.base import Model
    from bench.notebook.evaluation import Evaluation


def evaluate(
    task: str, model: str | Model | Callable[[str], object], *, limit: int | None = None, name: str = "", revision: str = "",
    fresh: bool = False, strict: bool = False, reuse: bool = False, **overrides: Any,
) -> Evaluation:  # fmt: skip
    """Evaluate a model on a task, go on with what was interrupted, or answer at once: `bench run task=TASK model=MODEL`.

    `model` is a name of conf/model, an object of a class derived from `bench.Model`, or a function that takes a prompt and gives
    a text. `overrides` are keys of the configuration: `seed=1`, `runs_dir="…"`, `device={"kind": "cpu"}`,
    `timing="single_stream"`. `limit` takes the first examples, `fresh` starts anew, `strict` and `reuse` are those of `bench run`.

    An object or function is called `name`, by its own name without one. Its run is found again if its code and all the values that
    this reaches are the same. Where that cannot be seen, or it reaches a library that may read a clock, chance, files, the
    environment or a server, every call asks anew, unless `revision` vouches for it: your word that it answers as before as long as
    this text is the same. Libraries that compute alone are those of `bench.runs.pure`: re, math, json, numpy and the like.

    One evaluation of a process goes on at a time; others wait. Raises BenchError, with the line that the command would say.
    """
    with plainly(), turn():
        job = _job(task, model, limit, name, revision, overrides)
        return _evaluated(job, fresh=fresh, strict=strict, reuse=reuse)


def _job(
    task: str, model: str | Model | Callable[[str], object], limit: int | None, name: str, revision: str, more: dict[str, Any]
) -> Job:  # fmt: skip
    from bench.commands.shared.plan import plan, plan_of
    from bench.logs.log import say
    from bench.notebook.given import given
    from bench.notebook.overrides import overrides_of

    if not isinstance(task, str):
        raise BenchError(
            f"task= is of type {type(task).__name__}; give the name of a task (`bench list tasks` shows them)"
        )
    named = {"task": task} | ({"model": model} if isinstance(model, str) else {})
    words = [f"{key}={_named(key, value)}" for key, value in named.items()]
    words += overrides_of(
        more | ({"limit": limit} if limit is not None else {}), model_is_made=not isinstance(model, str)
    )
    if isinstance(model, str):
        if name or revision:
            raise BenchError("name= and revision= are for an object or a function; a model of conf/model has its own")
        return plan(words, multirun=False)[0]
    made = given(model, name, revision)
    if made.unseen:
        say(
            f"model '{made.name}' is asked anew each time, since nobody can tell whether it is what it was: {made.unseen}; "
            "revision= vouches for it"
        )
    return plan_of(words, made.name, made.model, made.told)


def _named(key: str, value: str) -> str:
    """A name of a group; raises BenchError for a text that would be more than that to Hydra."""
    if not value or not all(sign.isalnum() or sign in "_.-/" for sign in value):
        raise BenchError(f"{key} {value!r} does not exist; a {key}'s name is that of its file in conf/{key}")
    return value


def _evaluated(job: Job, *, fresh: bool, strict: bool, reuse: bool) -> Evaluation:
    from bench.commands.shared.jobs import Runner
    from bench.commands.shared.progress import Display
    from bench.logs.log import say
    from bench.notebook.evaluation import Evaluation
    from bench.timing.settings import TimingSettings

    timing = TimingSettings.of(job.config["timing"])
    if timing is not None and timing.alone:
        raise BenchError(
            "timing.alone measures a model without a run; evaluate gives the run: leave it out, or use `bench run`"
        )

    display = Display()
    runner = Runner(fresh=fresh, strict=strict, reuse=reuse, display=display)
    try:
        with display:
            outcome = runner.run([job])
    except KeyboardInterrupt:
        if runner.progress.label:
            say(_interrupted(runner.interrupted(), job))
        raise
    return Evaluation(*outcome.done[0])


def _interrupted(line: str, job: Job) -> str:
    """What a person should know: of a model that cannot be found again, that what is kept is not gone on with."""
    if job.made is not None and not all(found["sha256"] for found in job.made.seen_code.values()):
        return line.replace(
            "the same command goes on from there", "but a new call asks anew, since the model cannot be told again"
        )
    return line.replace("the same command", "the same call")
