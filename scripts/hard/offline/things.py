"""What the trials fetch: small conversations, a wheel, a model of a few numbers, and the configuration that names them."""

from __future__ import annotations

import hashlib
import io
import json
import random
import zipfile
from pathlib import Path

from scripts.hard.offline.served import Server

WORDS = (
    "the bank will pay your loan a fee next week if you call us about the card that was lost on my way to work".split()
)
PAGE = "talk_page.json"


def talk(seed: int, n: int = 60, spare_bytes: int = 0) -> bytes:
    """Conversations as the task chitchat reads them; spare bytes make them take their time."""
    draw = random.Random(seed)

    def message(sender: str) -> dict[str, str]:
        return {"sender": sender, "text": " ".join(draw.choices(WORDS, k=9))}

    found = {f"c{i}": {"messages": [[message("ab"[turn % 2])] for turn in range(8)]} for i in range(n)}
    return json.dumps(found).encode() + b" " * spare_bytes


def sha256(data: bytes) -> str:
    """Of bytes, as a pin."""
    return hashlib.sha256(data).hexdigest()


def configured(folder: Path, server: Server, names: dict[str, bytes], *, pinned: bool = True) -> Path:
    """A conf folder with a task of each name, served under it, and the suite `hard_web` of all; its BENCH_CONF."""
    (folder / "task").mkdir(parents=True, exist_ok=True)
    (folder / "suite").mkdir(exist_ok=True)
    for name, data in names.items():
        path = f"/{name}.json"
        server.files[path] = data
        pin = f"sha256: {sha256(data)}\n" if pinned else ""
        text = f"# Talk\n_target_: tasks.chitchat.Chitchat\nsource: {server.address(path)}\n{pin}"
        (folder / "task" / f"{name}.yaml").write_text(text)
    suite = f"# @package _global_\n# All of them\nsuite:\n  tasks: [{', '.join(names)}]\n"
    (folder / "suite" / "hard_web.yaml").write_text(suite)
    return folder


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def wheel(folder: Path, data: bytes) -> str:
    """A wheel in a folder that pip is told of, which holds the data; the URI of these."""
    about = "hard_talk-1.0.dist-info"
    members = {
        "hard_talk/talk.json": data,
        f"{about}/METADATA": b"Metadata-Version: 2.1\nName: hard-talk\nVersion: 1.0\n",
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: trial\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": b"hard_talk/talk.json,,\n",
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hard_talk-1.0-py3-none-any.whl").write_bytes(zipped(members))
    return "pypi:hard-talk==1.0#hard_talk/talk.json"


def left_over(cache: Path) -> list[str]:
    """The drafts and half-made files of a cache: what no process needs."""
    found = list(cache.glob("drafts/*"))
    found += [path for path in cache.rglob(".*") if path.is_file()] + list(cache.glob("fetch-*"))
    return sorted(str(path.relative_to(cache)) for path in found)


def believe(cache: Path, file: Path) -> None:
    """Have the records of a cache take a file's new times for those of its old bytes, as a disk that rots would leave them."""
    from bench.artifacts import kept

    state = file.stat()
    for record in cache.glob("records/*.json"):
        found = json.loads(record.read_text())
        name = cache / found["path"]
        inside = file.relative_to(name).as_posix() if name in file.parents else "" if name == file else None
        if inside is not None and inside in found["files"]:
            known = found["files"][inside]
            known[1:] = [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
            found["check"] = kept.check(found["path"], found["files"])
            record.write_text(json.dumps(found))
