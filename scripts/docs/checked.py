"""What a reader's browser loads for a page: nothing from other machines, and nothing that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

_LOADS = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "link": "href",
}
_KINDS = ("stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch", "modulepreload", "manifest")
_STYLE = re.compile(r"(?:@import\s+|url\()\s*['\"]?(?:https?:)?//[^'\")]+")


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.own: list[str] = []  # addresses below the site that are loaded

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what the tag has loaded from elsewhere."""
        given = dict(attrs)
        address = given.get(_LOADS.get(tag, "")) or ""
        if tag == "link" and not set((given.get("rel") or "").split()) & set(_KINDS):
            return
        if re.match(r"(?:https?:)?//", address):
            self.found.append(f"<{tag}> loads {address}")
        elif address and not address.startswith("data:"):
            self.own.append(address.partition("?")[0].partition("#")[0])


def faults(site: Path) -> list[str]:
    """A line for each thing that a page or style loads from elsewhere, or from where nothing is."""
    return [f"{path.relative_to(site)}: {said}" for path in sorted(site.rglob("*")) for said in _of_file(path, site)]


def _of_file(path: Path, site: Path) -> Iterator[str]:
    if path.suffix == ".html":
        page = _Page()
        page.feed(path.read_text(encoding="utf-8"))
        yield from page.found
        for one in page.own:  # from the root of the site, or from the page
            if not (site / one.lstrip("/") if one.startswith("/") else path.parent / one).exists():
                yield f"it loads {one}, which is not there"
    elif path.suffix == ".css":
        yield from (f"its style loads {found[0]}" for found in _STYLE.finditer(path.read_text(encoding="utf-8")))
