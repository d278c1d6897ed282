"""The price of a run: whether it is one of what computes here, and how it comes into the record, also without asking anything."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from bench.errors import BenchError
from bench.models.base import Model
from bench.models.composite import Composite
from bench.record import Run
from bench.runs.claimed import is_own
from bench.runs.folder import RunFolder
from bench.runs.price import shown
from bench.types import Json, Prediction

OF_MODEL = "model.price_per_million"


def price_for(given: Mapping[str, Json], model: Model, name: str) -> dict[str, Json]:
    """The price of this model's answers, {} for none: the one `given`, or that of the model's own settings.

    Raises BenchError where both are there, and where it is a price of something else than what computes, or of a part of it.
    """
    if model.token_price is not None:
        if given:
            raise BenchError(f"price and {OF_MODEL} are both given; leave {OF_MODEL} out")
        given = {
            "name": OF_MODEL, "currency": "USD", "per_hour": None, "per_million": dict(model.token_price),
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(), "source": f"{OF_MODEL}, as given with the run",
        }  # fmt: skip
    if given and (why := _misfit(given, [stage.served_from for stage in _stages(model)])):
        raise BenchError(f"model '{name}' {why}")
    return dict(given)


def _stages(model: Model) -> Iterator[Model]:
    """The models that compute: those of a pipeline, of a pipeline in it too."""
    if isinstance(model, Composite):
        for stage in model.models:
            yield from _stages(stage)
    else:
        yield model


def _misfit(price: Mapping[str, Json], served: list[str]) -> str:
    """Why the price is not that of such stages, "" where it is: a part that costs nothing would make the whole look cheap."""
    hour, million, last = price["per_hour"], price["per_million"], served[-1]
    if "far" in served[:-1]:
        return (
            "asks an endpoint before its last stage, whose tokens nobody counts, so that no price tells what it costs"
        )
    if million and not last:
        return "computes on this machine, where no token has a price; give price.per_hour instead of price.per_million"
    if hour is not None and set(served) == {"far"}:
        return "computes on no machine of ours, so that an hour of one is no price of it; give price.per_million"
    if last == "far" and not million:
        return "ends with an endpoint, whose tokens have a price; give price.per_million too"
    if "" in served and hour is None:
        return "computes in part on this machine, which has a price too; give price.per_hour beside price.per_million (price=)"
    return ""


def recorded(price: Mapping[str, Json], predictions: Iterable[Prediction]) -> dict[str, Json]:
    """The price as the record holds it: with the number of answers of whose tokens the server told nothing, if there are any.

    Such answers would cost nothing by their tokens.
    """
    if not price.get("per_million"):
        return dict(price)
    untold = sum(one.error is None and not one.reused and not one.prompt_tokens for one in predictions)
    return {**price, "uncounted": untold} if untold else dict(price)


def repriced(folder: RunFolder, run: Run, price: Mapping[str, Json], say: Callable[[str], None]) -> Run:
    """The complete run with this price, written in its place; as it is where no price is given, or the one that it has."""
    if not price or _same(run.price, price):
        return run
    where = f"{run.task}/{run.model} ({run.run_id})"
    if not is_own(run):
        say(f"{where} was handed in, so its price stays what was claimed")
        return run
    done = replace(run, price=recorded(price, folder.predictions()))
    with folder.locked():
        folder.amend(done)
    instead = f" instead of {shown(run.price)}" if run.price else ""
    say(f"{where}: costs are now by the price {shown(price)}{instead}; nothing was asked again")
    return done


def _same(before: Mapping[str, Json], price: Mapping[str, Json]) -> bool:
    """Whether a price is the one of before; that of a model's settings has the day of the run which first said it."""
    leave = {"uncounted", "date"} if price["name"] == OF_MODEL else {"uncounted"}
    return {k: v for k, v in before.items() if k not in leave} == {k: v for k, v in price.items() if k not in leave}
