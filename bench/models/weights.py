"""Weights in the form that the adapters load: a local folder that transformers reads, made once."""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.artifacts.digest import derived, digest
from bench.artifacts.failing import keeping
from bench.artifacts.fetch import locate
from bench.artifacts.made import made
from bench.artifacts.uri import parse
from bench.errors import BenchError
from bench.models import checkpoint, gguf_head, pickled, shards
from bench.text.shown import tell

_FETCH = "bench fetch model=NAME"


def sha256_of(uri: str, sha256: str | None) -> str:
    """The digest that says which weights these are: the given one, else that of what is there, brought first if need be."""
    return sha256 or digest(locate(uri, fetch=_FETCH))


def folder(uri: str, sha256: str | None) -> Path:
    """The folder of a model's weights, tokenizer and config, fetched; a GGUF file and pickled weights are converted once.

    Raises BenchError when the source cannot be had, differs from its pin, or cannot be converted.
    """
    source = parse(uri)
    if source.inside.endswith(".gguf") or source.name.endswith(".gguf"):
        return _made(uri, sha256, "safetensors", _dequantise)
    path = locate(uri, sha256=sha256, fetch=_FETCH)
    return _made(uri, sha256, "unpickled", _unpickle) if shards.pickles(path, uri) else path


def _made(uri: str, sha256: str | None, kind: str, make: Callable[[Path, Path, str], None]) -> Path:
    """The folder that `make` writes from this source, kept under the source's digest."""
    place = derived(sha256_of(uri, sha256), kind)
    with keeping(f"{uri}, converted,"):
        return made(place, "converting", uri, lambda draft: make(locate(uri, sha256=sha256, fetch=_FETCH), draft, uri))


def _dequantise(gguf: Path, done: Path, uri: str) -> None:
    """Write the GGUF file's model as float32 safetensors, which load in a second instead of twenty."""
    _refuse_cut(gguf, uri)
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    tell(f"bench: dequantising {gguf.name} (once, about 20 s)", err=True)
    with tempfile.TemporaryDirectory() as alone, contextlib.redirect_stderr(io.StringIO()):  # it has a bar of its own
        # What lies beside the file is not part of it: a config.json there could name another model, or code.
        (Path(alone) / gguf.name).symlink_to(gguf.resolve())
        options = {"gguf_file": gguf.name, "local_files_only": True, "trust_remote_code": False}
        with checkpoint.one_line(uri), checkpoint.alone():
            tokenizer = AutoTokenizer.from_pretrained(alone, **options)
            model, loading = AutoModelForCausalLM.from_pretrained(
                alone, dtype=torch.float32, output_loading_info=True, **options
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
        gguf_head.walk(gguf)
        reader = GGUFReader(gguf)
        due = max((int(tensor.data_offset) + int(tensor.n_bytes) for tensor in reader.tensors), default=0)
        if not 0 < due <= gguf.stat().st_size:
            raise ValueError(f"{gguf.stat().st_size} of {due} bytes")
    except Exception as error:  # what the reader raises for a damaged file is anything
        raise BenchError(
            f"{uri} is no complete GGUF file ({str(error)[:200]}); copy it again, and add sha256 to the model's file in "
            "conf/model, so that damage shows before it is read"
        ) from None


def _unpickle(folder: Path, done: Path, uri: str) -> None:
    """Write pickled weights as one safetensors file, beside copies of the folder's other files."""
    from safetensors.torch import save_file

    found = pickled.tensors(folder, shards.pickles(folder, uri), uri)
    done.mkdir()
    for other in folder.iterdir():
        if other.is_file() and other.suffix not in shards.PICKLED:
            shutil.copy(other, done)
    # Tied weights share memory, which safetensors does not write: each gets its own.
    save_file({name: t.clone().contiguous() for name, t in found.items()}, done / shards.WHOLE, {"format": "pt"})
