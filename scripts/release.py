"""Makes a release and tries it as a stranger would: `make wheel`, or `python scripts/release.py [OUT]`.

Builds sdist and wheel, looks at the wheel's content, installs it into a new environment in an empty folder (torch first and alone,
so that the build without CUDA is taken where pip is told of one), runs the demo's first task and its board there, and writes a list
of all that was installed (SBOM, CycloneDX). Says what each step did and took; the first that fails ends it with one line.
"""

from __future__ import annotations

import email.parser
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TORCH = "torch==2.13.0"
SENT = {
    "bench": "bench",
    "tasks": "tasks",
    "conf": "bench/conf",
    "leaderboards": "bench/leaderboards",
}  # folder, place in the wheel
TRIED = (["list", "tasks"], ["run", "task=finmm_qa", "model=lexical", "limit=20"], ["board"])
MOST_BYTES = 10_000_000


class ReleaseError(Exception):
    """What is wrong with the release, in one line."""


def run(command: Sequence[str | Path], cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """What a command prints; ReleaseError with its last line where it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).split("\n") if line.strip()]
        raise ReleaseError(f"`{' '.join(words[-6:])}` ended with {done.returncode}: {lines[-1] if lines else ''}")
    return done.stdout


def build(out: Path, *, isolated: bool = True) -> Path:
    """The wheel, made out of the sdist; without `isolated` by the hatchling of this environment, which asks no network."""
    run([sys.executable, "-m", "build", *([] if isolated else ["--no-isolation"]), "--outdir", out, ROOT])
    return max(out.glob("*.whl"), key=lambda path: path.stat().st_mtime)


def tracked() -> list[str]:
    """The files of the repository, as git has them or would take them."""
    names = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]).split("\0")
    return [name for name in names if name and (ROOT / name).is_file()]


def problems(wheel: Path, files: Sequence[str]) -> list[str]:
    """What the wheel lacks of these files of the repository, and what it holds that no user needs, a line each."""
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
        meta = next(name for name in names if name.endswith(".dist-info/METADATA"))
        said = email.parser.BytesParser().parsebytes(opened.read(meta))
        entry = opened.read(meta.replace("METADATA", "entry_points.txt")).decode()
    wanted = set()
    for name in files:
        top, _, rest = name.partition("/")
        if top in SENT and rest:
            wanted.add(f"{SENT[top]}/{rest}")
    found = [f"lacks {name}" for name in sorted(wanted - names)]
    places = (*(f"{place}/" for place in SENT.values()), f"{meta.split('/')[0]}/")
    found += [
        f"holds {name}, which is not in the repository"
        for name in sorted(names - wanted)
        if not name.startswith(places[-1])
    ]
    if wheel.stat().st_size > MOST_BYTES:
        found.append(f"has {wheel.stat().st_size:,} bytes, more than {MOST_BYTES:,}")
    if "bench = bench.cli:main" not in entry:
        found.append("gives no command `bench`")
    if not any("licenses/LICENSE" in name for name in names):
        found.append("holds no LICENSE")
    found += [
        f"says no {field}"
        for field in ("Requires-Python", "License-Expression", "Description-Content-Type")
        if not said[field]
    ]
    return found


def _clean() -> dict[str, str]:
    """The environment of a user who has never heard of this repository."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "BENCH_", "VIRTUAL_ENV", "MLFLOW_"))
    }


def tried(wheel: Path, folder: Path) -> Path:
    """Install the wheel into a new environment and run the first commands in an empty folder; the environment's Python."""
    env = _clean() | {"BENCH_CACHE": str(folder / "cache")}
    run([sys.executable, "-m", "venv", folder / "venv"], env=env)
    python, empty = folder / "venv/bin/python", folder / "empty"
    empty.mkdir()
    for wanted in (TORCH, str(wheel)):
        began = time.monotonic()
        run([python, "-m", "pip", "install", "--quiet", wanted], cwd=empty, env=env)
        say(f"pip install {Path(wanted).name}: {time.monotonic() - began:.0f} s")
    for words in TRIED:
        began = time.monotonic()
        lines = run([folder / "venv/bin/bench", *words], cwd=empty, env=env).strip().split("\n")
        say(
            f"bench {' '.join(words)}: {time.monotonic() - began:.1f} s; {len(lines)} lines, the first: {lines[0][:90]}"
        )
    return python


def list_of_parts(python: Path, out: Path, folder: Path, wheel: Path) -> Path:
    """The SBOM of an environment, made by cyclonedx-py, which gets an environment of its own."""
    run([sys.executable, "-m", "venv", folder / "tools"])
    run([folder / "tools/bin/python", "-m", "pip", "install", "--quiet", "cyclonedx-bom>=7,<8"], env=_clean())
    made = out / f"{wheel.stem}.cdx.json"
    run(
        [folder / "tools/bin/cyclonedx-py", "environment", "--output-reproducible", "--output-file", made, python],
        env=_clean(),
    )
    text = made.read_text(encoding="utf-8").replace(
        wheel.as_uri(), wheel.name
    )  # where it lay here is nobody's business
    if "file://" in text:
        raise ReleaseError(f"{made.name} names a folder of this machine; look for file:// in it")
    made.write_text(text, encoding="utf-8")
    return made


def say(text: str) -> None:
    """A line of what was done."""
    print(f"release: {text}", flush=True)


def main(words: Sequence[str]) -> int:
    """Do all steps; what was made is in OUT (dist)."""
    out = Path(words[0] if words else "dist").resolve()
    if dirty := run(["git", "status", "--porcelain"]).strip():
        raise ReleaseError(
            f"the checkout has {len(dirty.split(chr(10)))} changes that no commit holds; commit or remove them"
        )
    began = time.monotonic()
    wheel = build(out)
    if wrong := problems(wheel, tracked()):
        raise ReleaseError(f"{wheel.name} {'; '.join(wrong[:5])}")
    say(
        f"{wheel.name}: {wheel.stat().st_size:,} bytes, holds what the repository has; {time.monotonic() - began:.0f} s"
    )
    folder = Path(tempfile.mkdtemp(prefix="bench-release-"))
    try:
        python = tried(wheel, folder)
        parts = list_of_parts(python, out, folder, wheel)
        say(f"{parts.name}: what `pip install` brought, by name, version and licence")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say(f"{wheel} works where nothing else is; docs/release.md says what comes next")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except ReleaseError as error:
        sys.exit(f"release: {error}")
