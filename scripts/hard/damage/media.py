"""Pictures, recordings, films, heads of weights: refused in a line, or read within bounds, and never longer than they are."""

from __future__ import annotations

import io
import json
import struct
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from scripts.hard.damage.readers import _TESTS
from scripts.hard.damage.subject import Damage, Subject


def _as_bench_error(call: Any) -> Any:
    """A `ValueError` about a medium is one example's error, as the loop has it."""

    def read(folder: Path) -> Any:
        try:
            return call(folder)
        except ValueError as error:
            raise BenchError(str(error)) from None

    return read


def subjects() -> Iterator[Subject]:
    """Of each kind a small one."""
    if str(_TESTS) not in sys.path:
        sys.path.insert(0, str(_TESTS))
    import numpy as np
    from PIL import Image as Pictures

    from bench.models import pictures
    from bench.types import ImageFile

    shade = Pictures.fromarray(np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3))
    for kind in ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"):
        out = io.BytesIO()
        shade.save(out, kind)
        name = f"page.{kind.lower()}"

        def picture(folder: Path, name: str = name) -> Any:
            return np.asarray(pictures.decoded(ImageFile(str(folder / name)))).shape

        yield Subject(
            f"picture {kind}", {name: out.getvalue()}, _as_bench_error(picture),
            lambda folder, found, damage: "" if np.prod(found) < 300_000_000 else f"a picture of {found}", named=lambda damage: ("picture",),  # noqa: E501
            raw=True,
        )  # fmt: skip
    yield from _recordings()


def _recordings() -> Iterator[Subject]:
    import numpy as np
    from recordings import VIDEO, VOICE, write_film, write_sound

    from bench.models import sound, video

    with tempfile.TemporaryDirectory() as made:
        wav = write_sound(Path(made) / "a.wav", 0.5).read_bytes()
        film = write_film(Path(made) / "b.mp4", 0.5).read_bytes()

    def heard(folder: Path) -> Any:
        path = str(folder / "a.wav")
        return sound.seconds(path), sound.read(path, 8000)

    def as_long(folder: Path, found: Any, damage: Damage) -> str:
        samples = found[1]
        if not np.isfinite(samples).all():
            return "samples that are no numbers"
        return "" if len(samples) <= 8000 * 3600 else f"{len(samples)} samples of {len(damage.data)} bytes"

    floats = np.sin(np.arange(4000, dtype=np.float32) / 9).astype("<f4").tobytes()
    form = struct.pack("<HHIIHH", 3, 1, 8000, 32000, 4, 32)  # format 3: numbers with a point, of which some are none
    chunks = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(floats)) + floats
    yield Subject("recording WAV", {"a.wav": wav}, _as_bench_error(heard), as_long, raw=True)
    of_floats = b"RIFF" + struct.pack("<I", len(chunks)) + chunks
    yield Subject("recording WAV of floats", {"a.wav": of_floats}, _as_bench_error(heard), as_long, raw=True)

    def seen(folder: Path) -> Any:
        path = str(folder / "b.mp4")
        return sound.seconds(path), sound.read(path, 8000), video.frames(path, 2, 64)

    yield Subject(
        "film MP4", {"b.mp4": film}, _as_bench_error(seen), lambda folder, found, damage: "" if len(found[2]) in (1, 2) else f"{len(found[2])} frames",  # noqa: E501
        raw=True,
    )  # fmt: skip
    yield from _annotations({"voice": (VOICE, "sounds/v1.wav", wav), "video": (VIDEO, "f1/1.mp4", film)})


def weights() -> Iterator[Subject]:
    """Heads of safetensors, GGUF and ONNX files, and the JSON beside them."""
    import numpy as np
    from safetensors.numpy import load, save

    from bench.models import gguf_head
    from bench.models.config_json import json_object
    from bench.models.shards import tensors_of

    tensors = save({"a.weight": np.ones((2, 3), np.float32), "b.bias": np.zeros(3, np.float32)})

    def of_safetensors(folder: Path) -> Any:
        return tensors_of(folder / "model.safetensors", "hub:a/b")

    def names(folder: Path, found: Any, damage: Damage) -> str:
        try:
            due = set(load(damage.data))
        except Exception as error:
            return f"names of what the format's own library refuses ({error})"
        return "" if set(found) == due else f"the names {found}, the format's own library has {sorted(due)}"

    yield Subject("head of safetensors", {"model.safetensors": tensors}, of_safetensors, names, raw=True)

    def text(value: str) -> bytes:
        return len(value).to_bytes(8, "little") + value.encode()

    fields = (
        text("general.name")
        + (8).to_bytes(4, "little")
        + text("x")
        + text("n")
        + (4).to_bytes(4, "little")
        + (7).to_bytes(4, "little")
    )
    fields += (
        text("list")
        + (9).to_bytes(4, "little")
        + (8).to_bytes(4, "little")
        + (2).to_bytes(8, "little")
        + text("a")
        + text("b")
    )
    head = b"GGUF" + (3).to_bytes(4, "little") + (1).to_bytes(8, "little") + (3).to_bytes(8, "little") + fields
    head += text("w") + (2).to_bytes(4, "little") + (2).to_bytes(8, "little") * 2 + bytes(12)

    def walked(folder: Path) -> Any:
        try:
            gguf_head.walk(folder / "model.gguf")
        except ValueError as error:  # as who asks for it says: the file, and why
            raise BenchError(f"model.gguf: {error}") from None
        return None

    yield Subject("head of GGUF", {"model.gguf": head + bytes(64)}, walked, raw=True)
    config = json.dumps({"model_type": "bert", "id2label": {"0": "a"}, "torch_dtype": "float32"}).encode()

    def configured(folder: Path) -> Any:
        return json_object(folder / "config.json", "hub:a/b")

    yield Subject("config.json of a checkpoint", {"config.json": config}, configured, _is_object)


def _is_object(folder: Path, found: Any, damage: Damage) -> str:
    return "" if isinstance(found, dict) else f"a {type(found).__name__}"


def _annotations(media: dict[str, tuple[Any, str, bytes]]) -> Iterator[Subject]:
    """Annotation files of `bench data check`: every problem with its line; what is changed so that the schema knows is a problem."""  # noqa: E501
    from bench.data.check import check_file, format_problem
    from bench.models.sound import opened

    utterances = [
        {
            "id": f"u{i}",
            "conversation": "c1",
            "turn": i,
            "text": "My card was swallowed.",
            "arousal": 0.7,
            "valence": -0.5,
            "emotion": "anger",
        }
        for i in range(3)
    ]
    qas = [{"id": "q1", "question": "?", "is_impossible": False, "answers": [{"text": "Sales", "answer_start": 0}]}]
    qa = {"version": "v2.0", "data": [{"title": "Report", "paragraphs": [{"context": "Sales rose.", "qas": qas}]}]}
    lines = "".join(json.dumps(one) + "\n" for one in utterances).encode()
    files: list[tuple[str, str, dict[str, bytes]]] = [
        ("text", "a.jsonl", {"a.jsonl": lines}),
        ("text", "a.json", {"a.json": json.dumps(qa).encode()}),
    ]
    files += [
        (spec, "a.jsonl", {"a.jsonl": json.dumps(record).encode() + b"\n", name: data})
        for spec, (record, name, data) in media.items()
    ]
    for spec, name, content in files:

        def read(folder: Path, spec: str = spec, name: str = name) -> Any:
            return [
                (problem.line, format_problem(problem))
                for problem in check_file(folder / name, spec, check_images=False, opened=opened)
            ]

        def wrong(folder: Path, found: Any, damage: Damage, name: str = name) -> str:
            n = damage.data.count(b"\n") + 2
            for line, said in found:
                if not 1 <= line <= n or name not in said or "\n" in said:
                    return f"a problem that names no place: {line} {said[:200]!r}"
            if found:
                return ""
            try:
                rows = [
                    json.loads(row)
                    for row in (damage.data.decode().split("\n") if name.endswith("l") else [damage.data.decode()])
                    if row.strip()
                ]
            except (ValueError, RecursionError) as error:
                return f"no problem in what JSON's own reader refuses ({error})"
            return "" if all(isinstance(row, dict) for row in rows) else "no problem in what is no object"

        yield Subject(
            f"annotations {spec} {name}", content, read, wrong, (name,),
            command=lambda folder, spec=spec, name=name: ["data", "check", str(folder / name), "--spec", spec, "--no-files"],
        )  # fmt: skip
