"""A Python function or class of the user's own as a model: `function: my_module:predict`."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

from bench.artifacts.digest import digest
from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.models.values import as_prediction
from bench.types import Choose, Generate, Output, Prediction, Regress, Request, Transcribe

_PARTS = ("text", "image", "audio", "video")
_OUTPUTS: dict[str, type[Output]] = {
    "Generate": Generate,
    "Choose": Choose,
    "Regress": Regress,
    "Transcribe": Transcribe,
}


class Function(Model):
    """Calls `function(requests)` with a list of Request; it returns a list with an answer for each, in order.

    An answer is a str, a label, numbers, a dict or a Prediction: see `bench.models.values.as_prediction`; None fails its
    request. A class is made once, when the model loads, and its instance is called. `options` are keyword arguments of the
    class, else of the function. With `on_device`, a keyword `device` with the run's Device is among them.

    The module comes from the folder where `bench` runs, or from an installed package. Its revision is the version of the
    package, or the sha256 of the module's file or, in a package, of the whole package, so that an edit is another model.
    """

    def __init__(
        self,
        function: str | None = None,
        parts: list[str] | None = None,
        outputs: list[str] | None = None,
        options: dict[str, Any] | None = None,
        on_device: bool = False,
    ) -> None:
        self.parts, self.outputs = listed_parts(parts), listed_outputs(outputs)
        self.path, self.options = function, dict(options or {})
        self.uses_device = on_device  # here it is the user who knows
        if function is not None:
            self.module, _, self.attribute = function.partition(":")
            if not (self.module and self.attribute.isidentifier()):
                raise BenchError(f"model.function={function} must be MODULE:NAME, such as my_module:predict")
            self.source, self.revision = _source(self.module, function)

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

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """The function's answers; raises BenchError for a list of another length or answers of a wrong type."""
        found = self.call(list(batch), **self.given)
        if not isinstance(found, list | tuple) or len(found) != len(batch):
            got = f"{len(found)}" if isinstance(found, list | tuple) else f"a {type(found).__name__}"
            raise BenchError(f"{self.path} must return a list of {len(batch)} answers, one a request; got {got}")
        return [answered(request, value, str(self.path)) for request, value in zip(batch, found, strict=True)]


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
    names = module.split(".")
    path: Sequence[str] | None = None
    spec: ModuleSpec | None = None
    for i in range(len(names)):
        spec = PathFinder.find_spec(".".join(names[: i + 1]), path)
        if spec is None:
            break
        path = spec.submodule_search_locations or []
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        raise BenchError(
            f"model.function={function}: there is no module {module} in {here} or the installed packages; correct the name"
        )
    file = Path(spec.origin).resolve()
    if {"site-packages", "dist-packages"} & set(file.parts):
        owners = packages_distributions().get(names[0], [])
        if owners:
            return file, f"{function} of {owners[0]} {version(owners[0])}"
    package = file.name == "__init__.py"
    code = file if len(names) == 1 and not package else file.parents[len(names) - 1 - (not package)]
    return file, f"{function} {digest(code)[:16]}"


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
