"""The files that hold a checkpoint's weights: what an index and the heads of its files say must be what is there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.models.config_json import json_object

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
BIN = "pytorch_model.bin"
PICKLED = (".bin", ".pt", ".pth", ".ckpt")
MOST_HEADER_BYTES = 100_000_000  # the format's own limit
_OF_TRAINING = ("training_args", "optimizer", "scheduler", "rng_state", "scaler")  # not weights


def pickles(folder: Path, uri: str) -> list[Path]:
    """The checkpoint's pickled weight files; [] where it has safetensors or no weights at all.

    Raises BenchError when a shard is missing, or when there are several files and none has the usual name.
    """
    if not folder.is_dir() or (folder / WHOLE).is_file() or (folder / INDEX).is_file():
        return []
    if (folder / f"{BIN}.index.json").is_file():
        return [folder / name for name in indexed(folder, f"{BIN}.index.json", PICKLED, uri)]
    if (folder / BIN).is_file():
        return [folder / BIN]
    found = [path for path in sorted(folder.iterdir()) if path.suffix in PICKLED and path.is_file()]
    found = [path for path in found if not path.name.startswith(_OF_TRAINING)]
    if len(found) > 1:
        names = ", ".join(path.name for path in found[:4])
        raise BenchError(f"{uri} has several weight files ({names}); keep one of them, or name it {BIN}")
    return found


def safetensors(folder: Path, uri: str) -> list[Path]:
    """The folder's safetensors files, each complete; raises BenchError for what is missing, cut off or not as its index says."""
    if (folder / WHOLE).is_file():
        tensors_of(folder / WHOLE, uri)
        return [folder / WHOLE]
    if (folder / INDEX).is_file():
        stated = indexed(folder, INDEX, (".safetensors",), uri)
        refuse_other(stated, {name: tensors_of(folder / name, uri) for name in stated}, INDEX, uri)
        return [folder / name for name in stated]
    for name in (WHOLE, INDEX, BIN):
        if (path := folder / name).is_symlink() or path.exists():
            what = "a folder" if path.is_dir() else "a link to nothing" if not path.exists() else "no plain file"
            raise BenchError(f"{uri} has no weights: {name} is {what}; put the file itself there")
    others = ", ".join(path.name for path in sorted(folder.glob("*.safetensors"))) or "none"
    raise BenchError(f"{uri} has no weights: {WHOLE} or {INDEX} is due, found {others}; use save_pretrained")


def indexed(folder: Path, index: str, endings: Sequence[str], uri: str) -> dict[str, set[str]]:
    """The names of the tensors that an index states for each of its files, in order of the files' names.

    Raises BenchError for an index that cannot be read, that names what is no weight file of this folder, or that lacks one.
    """
    places = json_object(folder / index, uri).get("weight_map")
    if not isinstance(places, Mapping) or not places:
        raise BenchError(f"{uri}: {index} cannot be read (it has no weight_map); copy it again")
    stated: dict[str, set[str]] = {}
    for tensor, name in places.items():
        if not isinstance(name, str) or Path(name).name != name or "\\" in name or not name.endswith(tuple(endings)):
            raise BenchError(
                f"{uri}: {index} says that {str(tensor)[:80]} is in {str(name)[:80]!r}; a shard is a {endings[0]} file in "
                "the same folder"
            )
        stated.setdefault(name, set()).add(tensor)
    if missing := [name for name in sorted(stated) if not (folder / name).is_file()]:
        raise BenchError(
            f"{uri} lacks {len(missing)} of {len(stated)} shards ({', '.join(missing[:3])}); copy them into the folder"
        )
    return dict(sorted(stated.items()))


def refuse_other(stated: Mapping[str, set[str]], found: Mapping[str, Iterable[str]], index: str, uri: str) -> None:
    """Raise BenchError unless each shard holds the tensors that the index states for it, no more and no fewer."""
    for name, tensors in found.items():
        here = set(tensors)
        for wrong, what in ((stated[name] - here, f"{name} lacks"), (here - stated[name], f"{index} does not name")):
            if wrong:
                where = (
                    f", of which {index} says that it is there" if what.endswith("lacks") else f", which is in {name}"
                )
                raise BenchError(f"{uri}: {what} {min(wrong)[:80]}{where}; copy the index and all its shards again")


def tensors_of(path: Path, uri: str) -> list[str]:
    """The names of a safetensors file's tensors; raises BenchError unless the file is as long and as laid out as its head says.

    The format: eight bytes with the length of the header, the header in JSON, the data that it gives the offsets of.
    """
    from safetensors import SafetensorError, safe_open

    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > size - 8:
                raise ValueError(f"its header does not fit into its {size} bytes")
            if length > MOST_HEADER_BYTES:
                raise ValueError(f"its header has {length:,} bytes, at most {MOST_HEADER_BYTES:,} are read")
            header = json.loads(file.read(length))
        due = 8 + length + max((t["data_offsets"][1] for n, t in header.items() if n != "__metadata__"), default=0)
        if due != size:
            raise BenchError(f"{uri}: {path.name} is cut off or damaged ({size} of {due} bytes); copy it again")
        with safe_open(path, framework="np") as opened:  # types, shapes, and offsets without gap or overlap
            return list(opened.keys())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, SafetensorError) as error:
        raise BenchError(f"{uri}: {path.name} is no complete safetensors file ({error}); copy it again") from None
    except RecursionError:
        raise BenchError(f"{uri}: {path.name} is no safetensors file (its header is nested); copy it again") from None
