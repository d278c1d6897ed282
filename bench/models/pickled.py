"""Pickled weights read as tensors and nothing else: no object that a file names is ever made, whoever vouches for it."""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.models import shards
from bench.text.rows import rows

if TYPE_CHECKING:
    import torch

LEAST_TORCH = (2, 6)  # before it, the reader of tensors alone could be made to run code (CVE-2025-32434)
_WRAPPED = ("state_dict", "model_state_dict", "model")  # how training loops keep weights beside other things
_GLOBAL = re.compile(r"(?:GLOBAL|global:?) ([\w.]+)")


def tensors(folder: Path, files: Sequence[Path], uri: str) -> dict[str, torch.Tensor]:
    """The tensors of a folder's pickled weight files by name.

    Raises BenchError for a file that holds anything that is not a tensor, a plain value or a container of them, that cannot
    be read, or that does not hold what the index beside it says.
    """
    found = {path.name: _tensors(path, uri) for path in files}
    index = f"{shards.BIN}.index.json"
    if (folder / index).exists():
        shards.refuse_other(shards.indexed(folder, index, shards.PICKLED, uri), found, index, uri)
    return {name: tensor for one in found.values() for name, tensor in one.items()}


def _tensors(path: Path, uri: str) -> dict[str, torch.Tensor]:
    import torch

    if tuple(int(number) for number in torch.__version__.split(".")[:2]) < LEAST_TORCH:
        raise BenchError(
            f"{uri}: {path.name} is a pickle, which torch {torch.__version__} cannot read safely; update it"
        )
    try:
        _refuse_bomb(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it is odd; if it cannot be read, there is a line of our own
            state = torch.load(path, map_location="cpu", weights_only=True)
        for key in _WRAPPED:
            state = state[key] if isinstance(state, Mapping) and isinstance(state.get(key), Mapping) else state
        if not isinstance(state, Mapping):
            raise ValueError(f"it holds a {type(state).__name__} without tensors")
        found = {str(name): value for name, value in state.items() if isinstance(value, torch.Tensor)}
        if not found:
            raise ValueError(f"it holds a {type(state).__name__} without tensors")
        for name, tensor in found.items():
            _refuse_odd(name, tensor)
    except Exception as error:  # what a damaged or hostile file makes the unpickler raise is anything
        raise BenchError(_refusal(path, uri, error)) from None
    return found


def _refusal(path: Path, uri: str, error: Exception) -> str:
    """What to say of a file: torch's own message is long, and advises to open it with all that it may run."""
    said = str(error)
    if isinstance(error, pickle.UnpicklingError) and (named := _GLOBAL.search(said)):
        what = f"holds more than tensors ({named[1]}), which could run code and is never opened"
    elif "TorchScript" in said:
        what = "is a TorchScript archive, which is a program and is never opened"
    elif "legacy .tar" in said:
        what = "is in torch's old tar format, which is never opened"
    else:
        plain = "it is no pickle of tensors" if isinstance(error, pickle.UnpicklingError) else said.strip()
        line = (rows(plain) or [type(error).__name__])[0]
        return f"{uri}: {path.name} cannot be read as weights ({line[:200]}); copy it again"
    return (
        f"{uri}: {path.name} {what}; if you trust whoever made it, convert it to safetensors yourself (docs/loading.md)"
    )


def _refuse_bomb(path: Path) -> None:
    """Raise ValueError for an archive that unpacks to more than it holds: torch writes its records unpacked."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        due, size = sum(info.file_size for info in archive.infolist()), path.stat().st_size
    if due > size:
        raise ValueError(f"it would unpack to {due:,} bytes out of {size:,}")


def _refuse_odd(name: str, tensor: Any) -> None:
    """Raise ValueError for what a file of weights has no use for: sparse, quantised, without data, or larger than its data."""
    import torch

    if tensor.layout is not torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
        raise ValueError(f"{name} is a tensor of another kind ({tensor.layout}, {tensor.device}, {tensor.dtype})")
    held, due = tensor.untyped_storage().nbytes(), tensor.numel() * tensor.element_size()
    if due > held:
        raise ValueError(f"{name} would have {due:,} bytes out of {held:,}")
