"""A Python function or class of the user's own as a model: `function: my_module:predict`."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from bench.errors import BenchError
from bench.models.base import Answered, Device, Model
from bench.models.values import as_prediction
from bench.runs.code import code_of, file_of
from bench.types import Choose, Generate, Output, Prediction, Regress, Request, Transcribe

_NO_MORE = object()
_PARTS = ("text", "row", "image", "audio", "video")
_OUTPUTS: dict[str, type[Output]] = {
    "Generate": Generate,
    "Choose": Choose,
    "Regress": Regress,
    "Transcribe": Transcribe,
}


class Function(Model):
    """Calls `function(requests)` with a list of Request; it returns a list with an answer for each, in order, or
    yields them.

    An answer is a str, a label, numbers, a dict or a Prediction: see `bench.models.values.as_prediction`; None fails its
    request. A class is made once, when the model loads, and its instance is called. `options` are keyword arguments of the
    class, else of the function. With `on_device`, a keyword `device` with the run's Device is among them. `alone` is your word
    that each answer depends on its request alone, whatever else is in the list: then `--reuse` may take over earlier answers.

    The module comes from the folder where `bench` runs, or from an installed package. Its revision has the digest of its source
    (see `bench.runs.code`): of its file and what that imports from beside it, or of the whole package, so that an edit is
    another model.
    """

    incidental: ClassVar[frozenset[str]] = frozenset({"alone"})
    forms_are_told = True
    bound_to = "a function of its user's own"

    def __init__(
        self,
        function: str | None = None,
        parts: list[str] | None = None,
        outputs: list[str] | None = None,
        options: dict[str, Any] | None = None,
        on_device: bool = False,
        alone: bool = False,
    ) -> None:
        self.answers_alone = alone
        self.parts, self.outputs = listed_parts(parts), listed_outputs(outputs)
        self.path, self.options = function, dict(options or {})
        self.uses_device = on_device  # here it is the user who knows
        if function is not None:
            self.module, _, self.attribute = function.partition(":")
            if not (self.module and self.attribute.isidentifier()):
                raise BenchError(f"model.function={function} must be MODULE:NAME, such as my_module:predict")
            self.source, self.revision = _source(self.module, function)
            self.outside = (self.module,)

    def load(self, device: Device, *, seed: int) -> None:
        """Import the module; make the class."""
        if self.path is None:
            raise BenchError("model.function is not given; name a function with model.function=my_module:predict")
        given = self.options | ({"device": device} if self.uses_device else {})
        found = _imported(self.module, self.attribute, self.path, self.source)
        self.call: Callable[..., object] = found
        self.given = given
        if inspect.isclass(found):
            self.call, self.given = _fitting(found, given, self.path)(**given), {}
        if not callable(self.call):
            raise BenchError(f"model.function={self.path} is {type(self.call).__name__}, which cannot be called")
        _fitting(self.call, self.given, self.path, [[]])

    def predict(self, batch: Sequence[Request]) -> Answered:
        """The function's answers; raises BenchError for a list of another length or answers of a wrong type.

        A function that yields its answers, in the order of the requests, has each kept when it comes.
        """
        found = self.call(list(batch), **self.given)
        if isinstance(found, Iterator):
            return self._one_by_one(batch, found)
        if not isinstance(found, list | tuple) or len(found) != len(batch):
            got = f"{len(found)}" if isinstance(found, list | tuple) else f"a {type(found).__name__}"
            raise BenchError(f"{self.path} must return a list of {len(batch)} answers, one a request; got {got}")
        return [answered(request, value, str(self.path)) for request, value in zip(batch, found, strict=True)]

    def _one_by_one(self, batch: Sequence[Request], found: Iterator[object]) -> Iterator[Prediction]:
        given = 0
        for request, value in zip(batch, found, strict=False):
            given += 1
            yield answered(request, value, str(self.path))
        if given < len(batch) or next(found, _NO_MORE) is not _NO_MORE:
            got = "more" if given == len(batch) else given
            raise BenchError(f"{self.path} must yield {len(batch)} answers, one a request; it gave {got}")


def answered(request: Request, value: object, where: str) -> Prediction:
    """The prediction that a value makes, or its failure; raises BenchError for a type that answers no such request."""
    try:
        return as_prediction(request, value)
    except TypeError as error:
        raise BenchError(f"{where} answered request {request.id!r} with {error}") from None
    except ValueError as error:
        return Prediction(request.id, error=f"{where}: {error}"[:500])


def listed_parts(names: Sequence[str] | None) -> frozenset[str]:
    """The parts of these names, text without any."""
    return frozenset(_among("parts", names or ["text"], _PARTS))


def listed_outputs(names: Sequence[str] | None) -> tuple[type[Output], ...]:
    """The outputs of these names, Generate without any."""
    return tuple(_OUTPUTS[name] for name in _among("outputs", names or ["Generate"], tuple(_OUTPUTS)))


def _among(key: str, given: Sequence[str], known: Sequence[str]) -> Sequence[str]:
    for name in given:
        if name not in known:
            raise BenchError(f"model.{key}: {name!r} is not one of {', '.join(known)}")
    return given


def _source(module: str, function: str) -> tuple[Path, str]:
    """The module's file and the revision of its code, without running any of it."""
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)  # last: a file here must not stand before a library of the same name
    file = file_of(module)
    if file is None:
        raise BenchError(
            f"model.function={function}: there is no module {module} in {here} or the installed packages; correct the name"
        )
    code = code_of([module]).get(module, {"sha256": ""})
    return file, f"{function} of {code['version']}" if "version" in code else f"{function} {code['sha256'][:16]}"


def _imported(module: str, attribute: str, function: str, source: Path) -> Any:
    """What the module calls by this name; raises BenchError when it cannot be imported or has none."""
    importlib.invalidate_caches()
    try:
        loaded = importlib.import_module(module)
    except (Exception, SystemExit) as error:  # the user's own code may raise anything
        said = (str(error).splitlines() or [""])[0]
        raise BenchError(
            f"model.function={function}: {source.name} cannot be imported: {type(error).__name__}: {said}"
        ) from None
    if not hasattr(loaded, attribute):
        raise BenchError(f"model.function={function}: {loaded.__file__} has no {attribute!r}")
    return getattr(loaded, attribute)


def _fitting(found: Any, given: dict[str, Any], function: str, arguments: Sequence[Any] = ()) -> Any:
    """The callable; raises BenchError when it does not take these arguments."""
    try:
        inspect.signature(found).bind(*arguments, **given)
    except TypeError as error:
        raise BenchError(f"model.function={function}: {error}; see model.options and model.on_device") from None
    except ValueError:  # a function of another language, which tells no signature
        pass
    return found
