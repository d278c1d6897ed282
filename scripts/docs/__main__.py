"""Makes the documentation site: `python -m scripts.docs [--out build/docs]`.

The site is OUT/site, which needs no server but for its search: `python -m http.server -b 127.0.0.1 -d OUT/site`.

Pages are those of docs/ and the READMEs; pages of tasks come from their cards, references from docstrings, schema and `--help`.
It ends with 1 for a link that leads nowhere, a page that stands in no menu, or one that asks another machine for anything.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.errors import BenchError
from scripts.docs import checked, pages, reference, settings, tasks


def main() -> int:
    """Write the sources of the site, have MkDocs build it, and look at what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build/docs"), help="the folder that is made anew")
    out = parser.parse_args().out.absolute()
    os.environ["BENCH_OFFLINE"] = "1"  # data that are not here are fetched for no page
    if out.exists() and any(out.iterdir()) and not (out / settings.FILE).is_file():
        raise BenchError(f"{out} holds something else than the documentation; name another folder with --out")
    shutil.rmtree(out, ignore_errors=True)
    source = out / "src"
    source.mkdir(parents=True)
    pages.write(source)
    of_tasks = tasks.write(source)
    of_code = reference.write(source)
    settings.write(out, of_tasks, of_code)
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--config-file",
        str(out / settings.FILE),
    ]
    own = os.environ | {"NO_MKDOCS_2_WARNING": "1"}  # a notice on its successor
    if (code := subprocess.run(command, check=False, env=own).returncode) != 0:
        return code
    faults = checked.faults(out / "site")
    for line in faults:
        print(line, file=sys.stderr)
    print(f"{sum(1 for _ in (out / 'site').rglob('*.html')):,} pages in {out / 'site'}")
    return 1 if faults else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(f"docs: {error}")
