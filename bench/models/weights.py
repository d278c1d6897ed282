"""Weights in the form that the adapters load: a local folder that transformers reads, made once."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from bench.artifacts.digest import derived, digest
from bench.artifacts.fetch import locate
from bench.artifacts.uri import parse
from bench.errors import BenchError
from bench.models import checkpoint
from bench.text.shown import tell

_FETCH = "bench fetch model=NAME"


def sha256_of(uri: str, sha256: str | None) -> str:
    """The digest that says which weights these are: the given one, else that of what is there, brought first if need be."""
    return sha256 or digest(locate(uri, fetch=_FETCH))


def folder(uri: str, sha256: str | None, trust: Collection[str] = ()) -> Path:
    """The folder of a model's weights, tokenizer and config, fetched; a GGUF file and pickled weights are converted once.

    Raises BenchError when the source cannot be had, differs from its pin, holds pickles without `trust` in "pickle", or
    cannot be converted.
    """
    source = parse(uri)
    if source.inside.endswith(".gguf") or source.name.endswith(".gguf"):
        return _made(uri, sha256, "safetensors", _dequantise)
    path = locate(uri, sha256=sha256, fetch=_FETCH)
    if not (found := checkpoint.pickles(path, uri)):
        return path
    if "pickle" not in trust:
        raise BenchError(
            f"{uri} has its weights in {found[0].name} only, a pickle, which can run code when it is opened; set "
            "model.trust=[pickle] if you trust whoever made it, or convert it to safetensors"
        )
    return _made(uri, sha256, "unpickled", _unpickle)


def _made(uri: str, sha256: str | None, kind: str, make: Callable[[Path, Path, str], None]) -> Path:
    """The folder that `make` writes from this source, kept under the source's digest."""
    made = derived(sha256_of(uri, sha256), kind)
    if made.exists():
        return made
    made.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=made.parent, prefix="draft-") as draft:
        done = Path(draft) / "model"
        make(locate(uri, sha256=sha256, fetch=_FETCH), done, uri)
        try:
            os.replace(done, made)
        except OSError:
            if not made.exists():  # else another process was quicker with the same content
                raise
    return made


def _dequantise(gguf: Path, done: Path, uri: str) -> None:
    """Write the GGUF file's model as float32 safetensors, which load in a second instead of twenty."""
    _refuse_cut(gguf, uri)
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    tell(f"bench: dequantising {gguf.name} (once, about 20 s)", err=True)
    with contextlib.redirect_stderr(io.StringIO()):  # a bar of its own that cannot be turned off
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        model, loading = AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, dtype=torch.float32, output_loading_info=True
        )
    checkpoint.refuse_missing(uri, loading)
    # What was read is plain float32 by now; transformers refuses to save it while it is marked as quantised.
    del model.config.quantization_config
    model.hf_quantizer, model.is_quantized = None, False
    model.save_pretrained(done)
    tokenizer.save_pretrained(done)


def _refuse_cut(gguf: Path, uri: str) -> None:
    """Raise BenchError unless every tensor of the GGUF file lies inside it."""
    from gguf import GGUFReader

    try:
        reader = GGUFReader(gguf)
        due = max((int(tensor.data_offset) + int(tensor.n_bytes) for tensor in reader.tensors), default=0)
        if not 0 < due <= gguf.stat().st_size:
            raise ValueError(f"{gguf.stat().st_size} of {due} bytes")
    except (ValueError, IndexError, KeyError, TypeError, OSError) as error:
        raise BenchError(
            f"{uri} is no complete GGUF file ({str(error)[:200]}); copy it again, and add sha256 to the model's file in "
            "conf/model, so that damage shows before it is read"
        ) from None


def _unpickle(folder: Path, done: Path, uri: str) -> None:
    """Write pickled weights as one safetensors file, beside copies of the folder's other files."""
    from safetensors.torch import save_file

    files = checkpoint.pickles(folder, uri)
    tensors: dict[str, Any] = {}
    try:
        for path in files:
            tensors |= _state(path)
    except (
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
        TypeError,
        AttributeError,
        ImportError,
        pickle.UnpicklingError,
    ) as error:
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise BenchError(f"{uri}: {path.name} cannot be read as weights ({line[:200]}); copy it again") from None
    done.mkdir()
    for other in folder.iterdir():
        if other.is_file() and other not in files:
            shutil.copy(other, done)
    # Tied weights share memory, which safetensors does not write: each gets its own.
    save_file({name: t.clone().contiguous() for name, t in tensors.items()}, done / checkpoint.WHOLE, {"format": "pt"})


def _state(path: Path) -> dict[str, Any]:
    """The tensors of one pickled file by name; only a file that holds more than tensors is allowed to run code."""
    import torch

    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        found = torch.load(path, map_location="cpu", weights_only=False)
    found = found.state_dict() if isinstance(found, torch.nn.Module) else found
    for key in ("state_dict", "model_state_dict", "model"):  # how training loops wrap it
        found = found[key] if isinstance(found, dict) and isinstance(found.get(key), dict) else found
    if not isinstance(found, dict) or not (tensors := {n: t for n, t in found.items() if isinstance(t, torch.Tensor)}):
        raise ValueError(f"it holds a {type(found).__name__} without tensors")
    return tensors
