"""Models of MLflow's registry whose files hold data and no code: read by their own library alone, never by what MLmodel names.

ONNX, XGBoost's JSON and UBJSON, LightGBM's text and what skops can vouch for. Nothing in the folder's own description is acted on:
neither its loader, nor its paths of code, nor the types that it calls trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.text.secrets import clean

if TYPE_CHECKING:
    import pandas as pd

_BESIDE = frozenset(
    "MLmodel conda.yaml python_env.yaml requirements.txt registered_model_meta input_example.json "
    "serving_input_example.json".split()
)  # what MLflow writes beside a model; none of it is read here


class Reader:
    """A model that was read: `predict` gives a value a row, probabilities where it has them, by name where it knows the names."""

    def predict(self, frame: pd.DataFrame) -> list[Any]:
        """A value for each row of the frame."""
        raise NotImplementedError


def model_file(folder: Path) -> Path | None:
    """The one file that a reader here takes; None where the folder holds another kind, code, or more than MLflow writes."""
    others = [
        path for path in folder.rglob("*") if not path.is_dir() and path.relative_to(folder).as_posix() not in _BESIDE
    ]
    alone = len(others) == 1 and not others[0].is_symlink() and others[0].parent == folder
    return others[0] if alone and others[0].suffix in _READERS else None


def read(path: Path, uri: str) -> Reader:
    """The model in the file; raises BenchError where it is none, or holds what could run code."""
    try:
        return _READERS[path.suffix](path)
    except BenchError as error:
        raise BenchError(f"{uri}: {error}") from None
    except ImportError as error:
        raise BenchError(f"{uri} needs a library that is not installed: {error}") from None
    except Exception as error:  # each library raises its own
        raise BenchError(f"{uri}: {path.name} cannot be read: {said(error)}") from None


def said(error: Exception) -> str:
    """The first line of what a library says."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {clean(lines[0])[:200] if lines else ''}"


class _Skops(Reader):
    def __init__(self, path: Path) -> None:
        import skops.io

        if unknown := skops.io.get_untrusted_types(file=path):
            raise BenchError(
                f"{path.name} holds {clean(str(unknown[0]))[:80]}, which skops cannot vouch for and which may run code; if you "
                "trust who made it, set model.trust=[pickle]"
            )
        self.model = skops.io.load(path, trusted=None)

    def predict(self, frame: pd.DataFrame) -> list[Any]:
        if not hasattr(self.model, "predict_proba"):
            return list(self.model.predict(frame).tolist())
        chances = self.model.predict_proba(frame).tolist()
        classes = self.model.classes_.tolist()
        if all(isinstance(one, str) for one in classes):
            return [dict(zip(classes, row, strict=True)) for row in chances]
        return list(chances)


class _XGBoost(Reader):
    def __init__(self, path: Path) -> None:
        import xgboost

        whole = path.read_bytes()
        if not whole.startswith(b"{"):
            raise BenchError(f"{path.name} is neither JSON nor UBJSON")
        self.model = xgboost.Booster()
        self.model.load_model(bytearray(whole))

    def predict(self, frame: pd.DataFrame) -> list[Any]:
        import xgboost

        names = self.model.feature_names
        chosen = only_numbers(frame, names if names else list(frame.columns))
        found = self.model.predict(xgboost.DMatrix(chosen))
        return _chances(found.tolist(), '"binary:logistic"' in self.model.save_config())


class _LightGBM(Reader):
    def __init__(self, path: Path) -> None:
        import lightgbm

        text = path.read_text(encoding="utf-8")
        if not text.startswith("tree\n"):
            raise BenchError(f"{path.name} is no text of LightGBM")
        self.binary = "\nobjective=binary" in text
        self.model = lightgbm.Booster(model_str=text)

    def predict(self, frame: pd.DataFrame) -> list[Any]:
        chosen = only_numbers(frame, self.model.feature_name())
        return _chances(self.model.predict(chosen).tolist(), self.binary)


class _Onnx(Reader):
    def __init__(self, path: Path) -> None:
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = 1
        settings.log_severity_level = 4
        self.model = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])

    def predict(self, frame: pd.DataFrame) -> list[Any]:
        inputs = self.model.get_inputs()
        if len(inputs) == 1 and inputs[0].name not in frame.columns:
            given = {inputs[0].name: only_numbers(frame, list(frame.columns)).to_numpy(dtype=_dtype(inputs[0]))}
        else:
            named(frame, [one.name for one in inputs])
            given = {one.name: frame[[one.name]].to_numpy(dtype=_dtype(one)) for one in inputs}
        found = self.model.run(None, given)[-1]  # converters put the probabilities behind the labels
        rows: list[Any] = found if isinstance(found, list) else found.tolist()
        return [_by_class(row) for row in rows]


def _by_class(row: Any) -> Any:
    """Probabilities by the names of the classes, or in the order of their numbers."""
    if not isinstance(row, Mapping) or all(isinstance(name, str) for name in row):
        return row[0] if isinstance(row, list) and len(row) == 1 else row
    return [row[number] for number in sorted(row)]


def _dtype(given: Any) -> str:
    kinds = {
        "tensor(float)": "float32",
        "tensor(double)": "float64",
        "tensor(int64)": "int64",
        "tensor(string)": "object",
    }
    if given.type not in kinds:
        raise BenchError(f"its input {given.name!r} is a {given.type}; {', '.join(kinds)} can be given")
    return kinds[given.type]


def _chances(found: Sequence[Any], binary: bool) -> list[Any]:
    """Of one probability a row both, the first class's first."""
    return [[1.0 - one, one] for one in found] if binary else list(found)


def named(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The columns that the model names, in its order; raises BenchError where the table lacks one."""
    if missing := [name for name in names if name not in frame.columns]:
        raise BenchError(
            f"it reads a column {missing[0]!r}, which the table has not; it has {', '.join(map(str, frame.columns))[:200]}"
        )
    return frame[list(names)]


def only_numbers(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Those columns, which must be numbers: which number stands for a category only its maker knows."""
    chosen = named(frame, names)
    if words := [name for name in chosen.columns if chosen[name].dtype != "float64"]:
        raise BenchError(
            f"it reads numbers, and column {words[0]!r} is of categories; register it with its encoder, by skops or ONNX"
        )
    return chosen


_READERS: dict[str, Callable[[Path], Reader]] = {
    ".skops": _Skops, ".json": _XGBoost, ".ubj": _XGBoost, ".xgb": _XGBoost, ".lgb": _LightGBM, ".txt": _LightGBM, ".onnx": _Onnx,
}  # fmt: skip
