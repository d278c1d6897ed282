"""Weights in the form that the adapters load: a local folder that transformers reads, made once."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from pathlib import Path

from bench import artifacts
from bench.errors import BenchError


def folder(uri: str, sha256: str | None) -> Path:
    """The folder of a model's weights, tokenizer and config, fetched and, for a GGUF file, dequantised once.

    Raises BenchError when the source cannot be had, differs from its pin or cannot be converted.
    """
    source = artifacts.parse(uri)
    if not source.inside.endswith(".gguf") and not source.name.endswith(".gguf"):
        return artifacts.locate(uri, sha256=sha256, fetch="bench fetch model=NAME")
    if sha256 is None:
        raise BenchError(
            f"{uri} is converted once and kept under its sha256; add sha256 to the model's file in conf/model"
        )
    made = artifacts.derived(sha256, "safetensors")
    if not made.exists():
        _dequantise(artifacts.locate(uri, sha256=sha256, fetch="bench fetch model=NAME"), made)
    return made


def _dequantise(gguf: Path, made: Path) -> None:
    """Write the GGUF file's model as float32 safetensors, which load in a second instead of twenty."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    print(f"bench: dequantising {gguf.name} (once, about 20 s)", file=sys.stderr, flush=True)
    made.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=made.parent, prefix="draft-") as draft:
        with contextlib.redirect_stderr(io.StringIO()):  # a bar of its own that cannot be turned off
            tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
            model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
        # What was read is plain float32 by now; transformers refuses to save it while it is marked as quantised.
        del model.config.quantization_config
        model.hf_quantizer, model.is_quantized = None, False
        done = Path(draft) / "model"
        model.save_pretrained(done)
        tokenizer.save_pretrained(done)
        try:
            os.replace(done, made)
        except OSError:
            if not made.exists():  # else another process was quicker with the same content
                raise
