"""The pages that people write: where each of them stands in the site, and their links."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path, PurePosixPath

from bench.errors import BenchError

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"(?P<text>\[(?:[^\[\]]|\[[^\[\]]*\])*\])\((?P<target>[^)\s]+)\)")
_ITEM = re.compile(r"(?:[-*+]|\d+\.) ")
_FENCE = re.compile(r"^(```|~~~)")


def places() -> dict[str, str]:
    """The file of each page in the site, by its file in the repository."""
    found = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "SECURITY.md": "security.md"}
    found |= {f"docs/{path.name}": path.name for path in sorted((ROOT / "docs").glob("*.md"))}
    found |= {f"docs/{path.name}": f"{path.stem}.md" for path in sorted((ROOT / "docs").glob("*.ipynb"))}
    found |= {
        f"tasks/finmm/{path.parent.name}/README.md": f"finmm/{path.parent.name}.md"
        for path in sorted((ROOT / "tasks" / "finmm").glob("*/README.md"))
    }
    specs = sorted((ROOT / "bench" / "data" / "specs").glob("*.md"))
    return found | {f"bench/data/specs/{path.name}": f"annotations/{path.name}" for path in specs}


def write(source: Path) -> None:
    """Write all of them below `source`."""
    found = places()
    for file, place in found.items():
        path = source / place
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (ROOT / file).read_text(encoding="utf-8")
        path.write_text(linked(_cells(text) if file.endswith(".ipynb") else text, file, found), encoding="utf-8")


def _cells(notebook: str) -> str:
    """The cells of a notebook as Markdown, without what they gave."""
    found = []
    for cell in json.loads(notebook)["cells"]:
        text = "".join(cell["source"])
        found.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
    return "\n\n".join(found) + "\n"


def linked(text: str, file: str, found: dict[str, str]) -> str:
    """The text of a file with its links as the site has them; what is no page of it becomes the name of a file.

    Raises BenchError for a link that leads nowhere.
    """
    lines: list[str] = []
    fenced = listed = False
    for number, line in enumerate(text.split("\n"), start=1):
        fenced ^= _FENCE.match(line) is not None
        item = not fenced and _ITEM.match(line) is not None
        if item and not listed and lines and lines[-1].strip():
            lines.append("")  # which Python-Markdown asks for before a list
        listed = item or (listed and (line.startswith(" ") or not line.strip()))
        lines.append(
            line if fenced else _LINK.sub(lambda match, n=number: _link(match, f"{file}:{n}", file, found), line)
        )
    return "\n".join(lines)


def _link(match: re.Match[str], where: str, file: str, found: dict[str, str]) -> str:
    target, _, anchor = match["target"].partition("#")
    if not target or re.match(r"[a-z]+:", target):
        return match[0]
    named = os.path.normpath(PurePosixPath(file).parent / target)
    behind = f"#{anchor}" if anchor else ""
    page = found.get(named) or found.get(f"{named}/README.md")
    if page is not None:
        return f"{match['text']}({os.path.relpath(page, PurePosixPath(found[file]).parent)}{behind})"
    if not (ROOT / named).exists():
        raise BenchError(f"{where}: the link to {match['target']} leads nowhere")
    said = match["text"][1:-1]
    return said if named in said else f"{said} (`{named}`)"
