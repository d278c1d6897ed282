"""The licences of everything that FinAI Bench installs: `python scripts/licences.py` writes docs/licences.md, `--check` looks.

pip-licenses reads what the packages of this environment state, pyproject.toml says which of them a plain installation brings and
which only an extra. What is copyleft, or states nothing, needs an entry below with its reason: else both fail.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/licences.md"
OURS = "finai-bench"
NOT_HERE = ("energy", "vllm")  # extras that the environment of `make test` has not

# A licence that a package states is one of these, as pip-licenses says them; several are joined by AND, OR or ";".
PERMISSIVE = re.compile(
    r"(mit|mit license|mit-0|mit-cmu|0bsd|(new |3-clause |2-clause )?bsd( license)?|bsd-[23]-clause|"
    r"apache(-| )?(software license|2\.0|license,? (version )?2\.0|2\.0 license)?|"
    r"isc( license \(iscl\)|l)?|psf-2\.0|python software foundation license|cnri-python|zlib|"
    r"cc0-1\.0|bsl-1\.0|unlicense|ofl-1\.1|apache-2\.0 with llvm-exception|public domain)", re.IGNORECASE
)  # fmt: skip
FILE_COPYLEFT = re.compile(r"(mpl-2\.0|mozilla public license 2\.0 \(mpl 2\.0\))", re.IGNORECASE)  # its own files alone

# Read by hand, where a package states nothing that can be read, or more than it states comes with it.
READ: Mapping[str, tuple[str, str]] = {
    "axe-playwright-python": ("MIT", "its LICENSE; it states none"),
    "huey": ("MIT", "its LICENSE; it states none"),
    "mlcroissant": ("Apache-2.0", "its repository; it states none"),
    "skops": ("MIT", "its LICENSE; it states none"),
    "av": (
        "BSD-3-Clause",
        "its wheel carries FFmpeg with x264 and x265, which are GPL-2.0 or later; only the extra `audio` brings it",
    ),
    "espeakng-loader": (
        "MIT",
        "it states none; it carries espeak-ng, which is GPL-3.0 or later; only the extra `audio` brings it",
    ),
    "psycopg2-binary": (
        "LGPL-3.0-or-later",
        "used as it is, by the script that serves a store; no extra for users brings it",
    ),
}
LATER = ("av", "espeakng-loader", "psycopg2-binary")  # of these, those that no plain installation may ever bring


def stated() -> dict[str, tuple[str, str]]:
    """Licence and address of each package of this environment, by its normal name, as it states them."""
    command = [sys.executable, "-m", "piplicenses", "--format=json", "--with-urls", "--with-system"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {canonicalize_name(one["Name"]): (one["License"], one["URL"]) for one in json.loads(done.stdout)}


def needed(wanted: Iterable[str]) -> set[str]:
    """The packages that these requirements bring in this environment, by their normal names."""
    found: set[str] = set()
    left = [Requirement(one) for one in wanted]
    seen: set[tuple[str, frozenset[str]]] = set()
    while left:
        one = left.pop()
        name, extras = canonicalize_name(one.name), frozenset(one.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            more = [Requirement(text) for text in requires(name) or []]
        except PackageNotFoundError:
            continue
        found.add(name)
        left += [
            other
            for other in more
            if other.marker is None or any(other.marker.evaluate({"extra": e}) for e in ["", *extras])
        ]
    return found


def brought() -> dict[str, set[str]]:
    """What a plain installation brings (""), and what each extra adds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = {"": needed(project["dependencies"])}
    for extra, wanted in project["optional-dependencies"].items():
        if extra not in (*NOT_HERE, "demo"):
            found[extra] = needed(one for one in wanted if not one.startswith(OURS)) - found[""]
    return found


def kind_of(name: str, licence: str) -> str:
    """ "permissive", "file" (MPL: its own files alone), "copyleft" where that is known and accepted; raises ValueError else."""
    if name in LATER:
        return "copyleft"
    kinds = []
    for part in re.split(r";|\bAND\b|\n", READ[name][0] if name in READ else licence):
        # Of several to choose from the best counts.
        choices = [
            _kind(one.strip(" ()")) if one.strip(" ()").count("(") == 0 else _kind(one.strip())
            for one in re.split(r"\bOR\b", part)
        ]
        kinds.append(min(choices, key=("permissive", "file", "").index))
    if "" in kinds:
        raise ValueError(f"{name}: {licence}")
    return max(kinds, key=("permissive", "file").index)


def _kind(licence: str) -> str:
    return "permissive" if PERMISSIVE.fullmatch(licence) else "file" if FILE_COPYLEFT.fullmatch(licence) else ""


def faults(licences: Mapping[str, tuple[str, str]], by_extra: Mapping[str, set[str]]) -> list[str]:
    """What nobody has looked at, a line each: a licence that is neither permissive nor read, copyleft in a plain installation."""
    found = []
    for extra, names in by_extra.items():
        for name in sorted(names & licences.keys()):
            try:
                kind = kind_of(name, licences[name][0])
            except ValueError as error:
                found.append(f"{error} is not known here; read it, and add it to READ, or leave the package out")
                continue
            if kind == "copyleft" and not extra:
                found.append(f"{name}: {licences[name][0]} is copyleft, and a plain installation brings it")
    return found


def page(licences: Mapping[str, tuple[str, str]], by_extra: Mapping[str, set[str]]) -> str:
    """docs/licences.md."""
    lines = [
        "# Licences of what is installed", "",
        "Made by `python scripts/licences.py` (pip-licenses) from the environment of `make test`. With `--check`, which the tests",
        "run, it fails where a package came in whose licence nobody has looked at, and where a copyleft one comes with a plain",
        "installation.",
        "FinAI Bench itself is Apache-2.0 and carries none of these packages.",
        f"Not in that environment, so not listed: what the extras {' and '.join(NOT_HERE)} add.", "",
    ]  # fmt: skip
    for extra, names in by_extra.items():
        lines += [
            f"## `pip install finai-bench{f'[{extra}]' if extra else ''}`{' adds' if extra else ''}",
            "",
            "| package | licence | |",
            "|---|---|---|",
        ]
        for name in sorted(names & licences.keys()):
            licence, url = licences[name]
            said, why = READ.get(name, (licence, ""))
            link = f"[{name}]({url})" if url.startswith("http") else name
            why = why or ("copyleft for its own files alone" if kind_of(name, licence) == "file" else "")
            lines.append(f"| {link} | {' '.join(said.split()).replace('|', '/')} | {why} |")
        lines.append("")
    return "\n".join(lines)


def main(words: list[str]) -> int:
    """Write the page, or with --check say what is wrong; 1 where something is."""
    licences, by_extra = stated(), brought()
    if wrong := faults(licences, by_extra):
        print("\n".join(f"licences: {line}" for line in wrong), file=sys.stderr)
        return 1
    text = page(licences, by_extra)
    if "--check" not in words:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    listed = set(re.findall(r"^\| \[?([\w.-]+)", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE))
    if missing := sorted(set().union(*by_extra.values()) & licences.keys() - listed):
        print(
            f"licences: {', '.join(missing)} are not in {PAGE.name}; run `python scripts/licences.py`", file=sys.stderr
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
