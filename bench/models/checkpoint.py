"""What a folder must hold before a model is loaded from it: each thing that can be wrong is one line, in milliseconds."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.types import Json

TRUST = ("pickle", "remote_code")
WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
_BIN = "pytorch_model.bin"
_PICKLED = (".bin", ".pt", ".pth", ".ckpt")
_OF_TRAINING = ("training_args", "optimizer", "scheduler", "rng_state", "scaler")  # not weights
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
    settings(folder, uri)
    _refuse_code(folder, uri, trust)
    safetensors(folder, uri)
    if text and not any(found for pattern in _TOKENIZERS for found in folder.glob(pattern)):
        raise BenchError(f"{uri} has no tokenizer (tokenizer.json, vocab.txt, …); copy it beside config.json")


def settings(folder: Path, uri: str) -> Mapping[str, Json]:
    """The folder's config.json."""
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BenchError(f"{uri} has no config.json; give a folder that save_pretrained or the Hub made") from None
    except (OSError, ValueError) as error:
        raise BenchError(f"{uri}: config.json cannot be read ({error}); copy it again") from None
    if not isinstance(found, dict):
        raise BenchError(f"{uri}: config.json is no JSON object; copy it again")
    return found


def _refuse_code(folder: Path, uri: str, trust: Collection[str]) -> None:
    """Raise BenchError where a configuration names Python code of the repository and that is not trusted."""
    if "remote_code" in trust:
        return
    for path in sorted(folder.glob("*config.json")):
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(found, dict) and found.get("auto_map"):
                raise BenchError(
                    f"{uri}: {path.name} has auto_map, so loading runs Python code out of the repository; read that code, "
                    "then set model.trust=[remote_code]"
                )


def pickles(folder: Path, uri: str) -> list[Path]:
    """The checkpoint's pickled weight files; [] where it has safetensors or no weights at all.

    Raises BenchError when a shard is missing, or when there are several files and none has the usual name.
    """
    if not folder.is_dir() or (folder / WHOLE).exists() or (folder / INDEX).exists():
        return []
    if (folder / f"{_BIN}.index.json").exists():
        return _shards(folder, f"{_BIN}.index.json", uri)
    if (folder / _BIN).exists():
        return [folder / _BIN]
    found = [path for path in sorted(folder.iterdir()) if path.suffix in _PICKLED and path.is_file()]
    found = [path for path in found if not path.name.startswith(_OF_TRAINING)]
    if len(found) > 1:
        names = ", ".join(path.name for path in found[:4])
        raise BenchError(f"{uri} has several weight files ({names}); keep one of them, or name it {_BIN}")
    return found


def safetensors(folder: Path, uri: str) -> list[Path]:
    """The folder's safetensors files, each complete; raises BenchError when there are none or a shard is missing or cut off."""
    if (folder / WHOLE).exists():
        files = [folder / WHOLE]
    elif (folder / INDEX).exists():
        files = _shards(folder, INDEX, uri)
    elif (folder / "adapter_config.json").exists():
        raise BenchError(
            f"{uri} holds an adapter (LoRA) without its base model; merge the two and save the whole model"
        )
    else:
        others = ", ".join(path.name for path in sorted(folder.glob("*.safetensors"))) or "none"
        raise BenchError(f"{uri} has no weights: {WHOLE} or {INDEX} is due, found {others}; use save_pretrained")
    for path in files:
        _refuse_cut(path, uri)
    return files


def _shards(folder: Path, index: str, uri: str) -> list[Path]:
    try:
        names = sorted(set(json.loads((folder / index).read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BenchError(f"{uri}: {index} cannot be read ({error}); copy it again") from None
    if missing := [name for name in names if not (folder / name).exists()]:
        raise BenchError(
            f"{uri} lacks {len(missing)} of {len(names)} shards ({', '.join(missing[:3])}); copy them into the folder"
        )
    return [folder / name for name in names]


def _refuse_cut(path: Path, uri: str) -> None:
    """Raise BenchError unless the file is as long as its header says.

    The format: eight bytes with the length of the header, the header in JSON, the data that it gives the offsets of.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > size - 8:
                raise ValueError(f"its header does not fit into its {size} bytes")
            header = json.loads(file.read(length))
        due = 8 + length + max((t["data_offsets"][1] for n, t in header.items() if n != "__metadata__"), default=0)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BenchError(f"{uri}: {path.name} is no complete safetensors file ({error}); copy it again") from None
    if due != size:
        raise BenchError(f"{uri}: {path.name} is cut off or damaged ({size} of {due} bytes); copy it again")


@contextlib.contextmanager
def one_line(uri: str) -> Iterator[None]:
    """Turn what transformers raises for a checkpoint that it cannot load into one BenchError of one line."""
    from safetensors import SafetensorError

    try:
        yield
    except (
        OSError,
        ValueError,
        RuntimeError,
        KeyError,
        TypeError,
        AttributeError,
        ImportError,
        SafetensorError,
    ) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise BenchError(f"{uri}: {lines[0][:300]}; give a folder with config, tokenizer and safetensors") from None


def refuse_misfit(uri: str, config: Mapping[str, Json], auto_class: str) -> None:
    """Raise BenchError when transformers does not know the model, or has no such head for it; its own code is not asked."""
    import transformers

    if config.get("auto_map"):
        return
    kind = config.get("model_type")
    if kind not in transformers.CONFIG_MAPPING:
        raise BenchError(
            f"{uri}: config.json has model_type={kind!r}, which transformers {transformers.__version__} does not know; "
            "correct it, or install a version that does"
        )
    auto: Any = getattr(transformers, auto_class)
    architectures = config.get("architectures") or []
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
