"""A model of MLflow's registry, `models:/name/version`, through its Python function flavour."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bench.artifacts.digest import digest
from bench.errors import BenchError
from bench.models import data_files
from bench.models.base import Device, Model
from bench.models.checkpoint import trusted
from bench.models.function import answered, listed_outputs, listed_parts
from bench.models.messages import messages
from bench.models.plain_prompt import as_plain_text
from bench.models.pyfunc_files import files, loaded, shown
from bench.models.tabular import frame
from bench.types import Audio, Choose, Image, Json, Prediction, Request, Row, Text, Video

if TYPE_CHECKING:
    import pandas as pd

_URI = re.compile(r"models:/([^/@]+)/(\d+)")
COLUMNS = (
    "id", "output", "text", "prompt", "messages", "question", "context", "labels", "several", "names", "low", "high",
    "max_new_tokens", "stop", "images", "audio", "video",
)  # fmt: skip


class PyFunc(Model):
    """Gives the model a pandas DataFrame with a row for each request, and reads a list, Series, array or frame of answers.

    The columns are `COLUMNS`: `output` is what is asked for (Generate, Span, Choose, …), `text` what the user says last,
    `prompt` all texts as one, `messages` the chat of OpenAI's API, `images` a list of PNG or JPEG bytes, `audio` and `video`
    paths; what a request has not is None. With `columns`, {the model's column: ours}, it gets those alone. With parts=[row] it gets
    the columns of the task's table under their own names, numbers as floats.

    `labels` are those of its classes, in their order: a list of numbers is their probabilities then, and a whole number a place.

    An answer is what a function's would be: see `bench.models.values.as_prediction`. A frame's rows are dicts, or values if it
    has one column. Files that hold data alone are read as `data_files` says, ONNX and the like; any other registered
    model is a pickle or brings its code, so `trust` must hold "pickle", and MLflow loads it then. Its revision is its name and
    version, `weights_sha256` the digest of its files, checked against `sha256` if that is given. It runs on the CPU as far
    as the record knows.
    """

    uses_device = False
    forms_are_told = True
    bound_to = "in its user's registry"
    incidental: ClassVar[frozenset[str]] = frozenset({"store", "runs_dir"})

    def __init__(
        self,
        uri: str | None = None,
        store: str | None = None,
        runs_dir: str = "runs",
        trust: list[str] | None = None,
        parts: list[str] | None = None,
        outputs: list[str] | None = None,
        columns: dict[str, str] | None = None,
        sha256: str | None = None,
        labels: list[str] | None = None,
    ) -> None:
        self.parts, self.outputs = listed_parts(parts), listed_outputs(outputs)
        self.of_rows = self.parts == {"row"}
        if self.of_rows:
            self.parts = frozenset({"text", "row"})  # the instruction is a text, which it does not get
            self.needs = frozenset({"row"})
        self.uri, self.columns, self.labels = uri, columns, labels
        if unknown := [name for name in (columns or {}).values() if name not in COLUMNS]:
            raise BenchError(f"model.columns: {unknown[0]!r} is not one of {', '.join(COLUMNS)}")
        if uri is None:
            return
        if not (match := _URI.fullmatch(uri)):
            raise BenchError(
                f"model.uri={uri} must be models:/NAME/VERSION with a number, since an alias or stage may change"
            )
        may_run_code = "pickle" in trusted(trust)
        self.store = store or f"sqlite:///{(Path(runs_dir) / 'mlflow.db').resolve()}"
        self.folder = files(self.store, uri, match[1], match[2])
        self.plain = None if may_run_code else data_files.model_file(self.folder)
        if not may_run_code and self.plain is None:
            raise BenchError(
                f"{uri} can run any code when it is loaded; if you trust who made it, set model.trust=[pickle]"
            )
        self.revision, self.weights_sha256 = f"{match[1]}/{match[2]}", digest(self.folder)
        if sha256 not in (None, self.weights_sha256):
            raise BenchError(f"{uri} in {shown(self.store)} has sha256 {self.weights_sha256}, expected {sha256}")

    def load(self, device: Device, *, seed: int) -> None:
        """Load the files that were brought, which runs the model's own code."""
        if self.uri is None:
            raise BenchError("model.uri is not given; name a registered model with model.uri=models:/NAME/VERSION")
        self.model: Any = data_files.read(self.plain, self.uri) if self.plain else loaded(self.folder, self.uri)

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """The model's answers; raises BenchError for another number of them or for a wrong type."""
        try:
            found = as_list(self.model.predict(self._frame(batch)))
        except BenchError as error:
            raise BenchError(f"{self.uri}: {error}") from None
        if len(found) != len(batch):
            raise BenchError(f"{self.uri} must return {len(batch)} answers, one a row; got {len(found)}")
        return [
            answered(request, self._named(value, request), str(self.uri))
            for request, value in zip(batch, found, strict=True)
        ]

    def _named(self, value: object, request: Request) -> object:
        """A value under the names of the classes; raises BenchError for classes without a name."""
        if isinstance(value, str | Mapping) or not isinstance(request.output, Choose):
            return value
        if self.labels is None:
            if isinstance(value, int | float) or (isinstance(value, list) and value and _is_number(value[0])):
                order = ",".join(request.output.labels)
                raise BenchError(
                    f"{self.uri} answered {str(value)[:60]}; say which classes these are, in their order, with model.labels=[…] "
                    f"(the task's are [{order[:200]}])"
                )
            return value
        if isinstance(value, Sequence) and len(value) == len(self.labels):
            return dict(zip(self.labels, value, strict=True))
        whole = isinstance(value, int | float) and not isinstance(value, bool) and float(value).is_integer()
        if whole and 0 <= value < len(self.labels):  # type: ignore[operator]
            return self.labels[int(value)]  # type: ignore[call-overload]
        due = f"with model.labels {len(self.labels)} probabilities or one place are due"
        raise BenchError(f"{self.uri} answered {str(value)[:60]}; {due}")

    def _frame(self, batch: Sequence[Request]) -> pd.DataFrame:
        import pandas as pd

        if self.of_rows:
            return frame([part for request in batch for part in request.parts if isinstance(part, Row)])
        rows = [row(request) for request in batch]
        names = self.columns or {name: name for name in COLUMNS}
        return pd.DataFrame(
            {theirs: pd.Series([row[ours] for row in rows], dtype=_dtype(rows, ours)) for theirs, ours in names.items()}
        )


def row(request: Request) -> dict[str, Json]:
    """The columns of one request."""
    texts = [part for part in request.parts if isinstance(part, Text)]
    asked = request.output
    paths: dict[type, str | None] = dict.fromkeys((Audio, Video))
    paths |= {type(part): part.path for part in request.parts if isinstance(part, Audio | Video)}
    found: dict[str, Json] = {
        "id": request.id, "output": type(asked).__name__,
        "text": next((part.text for part in reversed(texts) if part.role == "user"), None),
        "prompt": as_plain_text(texts), "messages": messages(texts),
        "images": [part.data for part in request.parts if isinstance(part, Image)] or None,
        "audio": paths[Audio], "video": paths[Video],
    }  # fmt: skip
    for name in COLUMNS:
        if name not in found:
            value = getattr(asked, name, None)
            found[name] = list(value) if isinstance(value, tuple) else value
    return found


def as_list(found: object) -> list[object]:
    """What a model returned as a list of plain values: numpy's become Python's, a missing one None."""
    import numpy as np
    import pandas as pd

    if isinstance(found, pd.DataFrame):
        one = len(found.columns) == 1
        found = found.iloc[:, 0].tolist() if one else found.to_dict("records")
    elif isinstance(found, pd.Series | np.ndarray):
        found = found.tolist()
    if not isinstance(found, list | tuple):
        raise BenchError(f"a model of MLflow must return a list, Series, array or frame; got a {type(found).__name__}")
    return [_plain(value) for value in found]


def _plain(value: Any) -> object:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if hasattr(value, "tolist"):  # an array or a number of numpy
        value = value.tolist()
    return None if isinstance(value, float) and math.isnan(value) else value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _dtype(rows: Sequence[Mapping[str, Json]], name: str) -> str | None:
    """Lists and missing values stay as they are; texts and numbers become what pandas makes of them."""
    return "object" if any(row[name] is None or isinstance(row[name], list) for row in rows) else None
