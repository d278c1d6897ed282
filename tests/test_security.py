"""SECURITY.md says what the code does: its limits are the constants, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

from bench.bundles import archive, strict, unpack
from bench.bundles.archive import MIB
from bench.data import dawnbench_values
from bench.models import endpoint_post
from bench.models.endpoint_client import Limits
from bench.runs.folder import CONFIG, RECORD
from bench.runs.measurements import FILE as MEASUREMENTS
from bench.text import claimed, names, shown

ROOT = Path(__file__).parents[1]


def test_the_limits_in_security_md_are_those_of_the_code() -> None:
    most = {name: f"{size // MIB} MiB" if size >= MIB else f"{size // 1024} KiB" for name, size in unpack._MOST.items()}
    limits = Limits()
    (entry,) = re.findall(
        r"^_LARGEST = (\d+) \* MIB", (ROOT / "scripts/check_submissions.py").read_text(), re.MULTILINE
    )
    expected = {
        "a bundle": f"{archive.MAX_ARCHIVE // MIB} MiB",
        "a bundle, unpacked": f"{archive.MAX_TOTAL // MIB} MiB",
        "a file in it": f"{archive.MAX_MEMBER // MIB} MiB",
        "files in it": f"{archive.MAX_MEMBERS}",
        "the path of a file in it": f"{archive.MAX_NAME} bytes",
        f"a file's size to its packed size, beyond {archive.SMALL // MIB} MiB": f"{archive.MAX_RATIO} times",
        "a manifest, a record": f"{most[unpack.MANIFEST]}, {most[RECORD]}",
        "a configuration, measurements": f"{most[CONFIG]}, {most[MEASUREMENTS]}",
        "a line of predictions or timings": f"{unpack._LINE // MIB} MiB",
        "an answer": f"{strict._TEXT:,} characters",
        "rows times columns of a metric": f"{strict._CELLS:,}",
        "digits of a whole number": f"{strict._DIGITS}",
        "a name of a model or submitter": f"{names.LONGEST} characters",
        "another claimed text": f"{claimed.LONGEST:,} characters",
        "a text of an entry of DAWNBench": f"{dawnbench_values.MOST_LETTERS:,} characters",
        "a file of an entry of DAWNBench": f"{dawnbench_values.MOST_BYTES // MIB} MiB",
        "a line that is printed": f"{shown._LONGEST_LINE:,} characters",
        "a reply of an endpoint": f"{endpoint_post.MOST // MIB} MiB",
        "one try at an endpoint, and the wait that it may ask for": (
            f"{limits.timeout_seconds:.0f} s, {limits.max_wait_seconds:.0f} s"
        ),
        "an entry in a pull request": f"{entry} MiB",
    }
    text = (ROOT / "SECURITY.md").read_text("utf-8").split("## Limits")[1]
    found = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]*\|$", text, re.MULTILINE))
    del found["what"]
    assert found == expected


def test_what_security_md_points_to_is_there() -> None:
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    for place in {*re.findall(r"\]\(([^)]+)\)", text), *re.findall(r"`((?:bench|scripts|docs)/[\w./]+)`", text)}:
        assert (ROOT / place).is_file(), place
