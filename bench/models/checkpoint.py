"""What a folder must hold before a model is loaded from it: each thing that can be wrong is one line, in milliseconds."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.models import shards
from bench.models.config_json import json_object, pairs, strings
from bench.types import Json

TRUST = ("pickle", "remote_code")
MOST_LAYERS, MOST_LABELS = 10_000, 1_000_000
_MOST = (("layers", MOST_LAYERS), ("layer", MOST_LAYERS), ("num_labels", MOST_LABELS))
_CONFIGURATIONS = (  # that transformers reads; other files beside them may be anything
    "config.json", "generation_config.json", "tokenizer_config.json", "preprocessor_config.json", "processor_config.json",
    "video_preprocessor_config.json",
)  # fmt: skip
_TOKENIZERS = ("tokenizer.json", "vocab.*", "*.model", "*.tiktoken", "tokenizer_config.json", "tekken.json")


def trusted(given: Sequence[str] | None) -> frozenset[str]:
    """What the user lets a checkpoint do; raises BenchError for an unknown word."""
    if unknown := sorted(set(given or ()) - set(TRUST)):
        raise BenchError(f"model.trust={unknown} is not known; it is a list of {' and '.join(TRUST)}")
    return frozenset(given or ())


def check(folder: Path, uri: str, trust: Collection[str], *, text: bool) -> None:
    """Raise BenchError when something is missing, cut off or would run code that is not trusted; `text`: it needs a tokenizer."""
    if not folder.is_dir():
        raise BenchError(f"{uri} is a file; give the folder that holds it, with config.json and tokenizer")
    config = settings(folder, uri)
    if (folder / "adapter_config.json").exists():  # it names another model by an address that no digest covers
        raise BenchError(f"{uri} holds an adapter (LoRA) of another model; merge the two and save the whole model")
    refuse_code(folder, uri, trust)
    if (folder / "audio_tokenizer_config.json").exists():
        raise BenchError(
            f"{uri}: audio_tokenizer_config.json names another model, which no digest covers; remove that file"
        )
    if config.get("transformers_weights") is not None:
        raise BenchError(
            f"{uri}: config.json names its weights itself (transformers_weights); take that key out and call the file "
            f"{shards.WHOLE}"
        )
    _refuse_many(config, uri)
    shards.safetensors(folder, uri)
    if text and not any(found for pattern in _TOKENIZERS for found in folder.glob(pattern)):
        raise BenchError(f"{uri} has no tokenizer (tokenizer.json, vocab.txt, …); copy it beside config.json")


def settings(folder: Path, uri: str) -> Mapping[str, Json]:
    """The folder's config.json."""
    if not (folder / "config.json").exists():
        raise BenchError(f"{uri} has no config.json; give a folder that save_pretrained or the Hub made")
    return json_object(folder / "config.json", uri)


def refuse_code(folder: Path, uri: str, trust: Collection[str]) -> None:
    """Raise BenchError where a configuration names Python code that is not trusted, or that lies elsewhere.

    Trust in a checkpoint is for what its digest covers: the code in its own folder. Code of another repository and kernels of the
    Hub are never run.
    """
    for path in sorted(folder / name for name in _CONFIGURATIONS if (folder / name).exists()):
        found = list(pairs(json_object(path, uri)))
        for key, value in found:
            if key.endswith("_implementation") and any("/" in name for name in strings(value)):
                raise BenchError(
                    f"{uri}: {path.name} has {key}={str(value)[:80]!r}, which is code of the Hub and never run; take it out"
                )
        maps = [value for key, value in found if key == "auto_map" and value]
        if maps and "remote_code" not in trust:
            raise BenchError(
                f"{uri}: {path.name} has auto_map, so loading runs Python code out of the repository; read that code, "
                "then set ++model.trust=[remote_code]"
            )
        if other := next((name for value in maps for name in strings(value) if "--" in name or "/" in name), None):
            raise BenchError(
                f"{uri}: {path.name} has auto_map with code of another repository ({other[:80]}), which no trust in this one "
                "covers; copy that code into the folder and correct auto_map"
            )


def _refuse_many(config: Mapping[str, Json], uri: str) -> None:
    """Raise BenchError for more layers or labels than a model has: each is made before the weights are looked at."""
    for key, value in pairs(config):
        most = next((most for ending, most in _MOST if key.endswith(ending)), None)
        if most is not None and isinstance(value, int) and value > most:
            raise BenchError(f"{uri}: config.json has {key}={value:,}; at most {most:,} are made, correct it")


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Let transformers ask no network while it loads: a configuration may name weights or kernels of the Hub."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


@contextlib.contextmanager
def one_line(uri: str) -> Iterator[None]:
    """Turn what transformers raises for a checkpoint that it cannot load into one BenchError of one line."""
    try:
        yield
    except BenchError:
        raise
    except Exception as error:  # the libraries raise anything for a file that they cannot read, also a bare Exception
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise BenchError(f"{uri}: {lines[0][:300]}; give a folder with config, tokenizer and safetensors") from error


def refuse_misfit(uri: str, config: Mapping[str, Json], auto_class: str) -> None:
    """Raise BenchError when transformers does not know the model, or has no such head for it; its own code is not asked."""
    import transformers

    if config.get("auto_map"):
        return
    kind = config.get("model_type")
    if not isinstance(kind, str) or kind not in transformers.CONFIG_MAPPING:
        raise BenchError(
            f"{uri}: config.json has model_type={kind!r}, which transformers {transformers.__version__} does not know; "
            "correct it, or install a version that does"
        )
    auto: Any = getattr(transformers, auto_class)
    architectures = list(strings(config.get("architectures")))
    masked = auto_class == "AutoModelForCausalLM" and any(str(name).endswith("ForMaskedLM") for name in architectures)
    if masked or transformers.CONFIG_MAPPING[kind] not in auto._model_mapping:
        what = f"a model of type {kind} ({', '.join(map(str, architectures)) or 'no architectures'})"
        raise BenchError(f"{uri} is {what}, which {auto_class} cannot run; choose the adapter that fits in conf/model")


def refuse_missing(uri: str, loading: Mapping[str, Any], spare: Sequence[str] = ()) -> None:
    """Raise BenchError when the checkpoint lacks weights that the model needs: they would be random.

    `loading` is transformers' account of the load: tied weights are not missing in it, and a wrong shape is a lack. Names
    that begin with one of `spare` are not used by the adapter.
    """
    keys = [str(key) for key in loading["missing_keys"]]
    keys += [f"{key} ({list(has)}, due {list(due)})" for key, has, due in loading.get("mismatched_keys", ())]
    if missing := sorted(key for key in keys if not key.startswith(tuple(spare))):
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise BenchError(
            f"{uri} lacks weights that this model needs, which would be random: {', '.join(missing[:3])}{more}; "
            "give a checkpoint that was trained for this use, or choose the adapter that fits it"
        )
