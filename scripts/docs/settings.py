"""The settings of the site, and its menu."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from bench.errors import BenchError
from scripts.docs.pages import ROOT, places

FILE = "mkdocs.yml"
_WRAPPED = ".md-typeset pre > code { white-space: pre-wrap; }\n"  # passages of tasks are one long line
MENU = {
    "Start": ("index.md", "tutorial.md", "quickstart.md"),
    "How to": (
        "models.md", "tables.md", "data.md", "ci.md", "submissions.md", "held-out.md", "scale.md", "mlflow.md", "training.md",
        "imports.md", "exports.md", "dawnbench.md", "site.md", "release.md", "licences.md",
    ),
    "Explanations": (
        "architecture.md", "statistics.md", "metrics.md", "replies.md", "timing.md", "endpoints-timing.md", "cost.md", "gaming.md",
        "reliability.md", "loading.md", "engine.md", "log.md",
    ),
    "finmm": (
        "finmm/text.md", "finmm/emotion.md", "finmm/dialogue.md", "finmm/picture.md", "finmm/voice.md", "finmm/video.md",
        "annotations/text.md", "annotations/picture.md", "annotations/voice.md", "annotations/video.md",
    ),
    "More": ("security.md", "changelog.md"),
}  # fmt: skip


def write(out: Path, tasks: list[str], code: list[str]) -> None:
    """Write the settings; raises BenchError for a page that stands in no menu."""
    menu = {name: [*files] for name, files in MENU.items()}
    menu = {**menu, "Tasks": ["tasks.md", *tasks], "Reference": code}
    listed = {file for files in menu.values() for file in files}
    if missing := sorted(set(places().values()) - listed):
        raise BenchError(f"{missing[0]} stands in no menu; give it a place in scripts/docs/settings.py")
    order = ("Start", "How to", "Tasks", "Explanations", "Reference", "finmm", "More")
    (out / "src" / "wrapped.css").write_text(_WRAPPED, encoding="utf-8")
    (out / FILE).write_text(
        yaml.safe_dump(_settings(out, [{name: menu[name]} for name in order]), sort_keys=False), encoding="utf-8"
    )


def _settings(out: Path, nav: list[dict[str, list[str]]]) -> dict[str, Any]:
    return {
        "site_name": "FinAI Bench",
        "docs_dir": str(out / "src"),
        "site_dir": str(out / "site"),
        "use_directory_urls": False,  # pages are opened as files too
        "theme": {
            "name": "material",
            "font": False,  # those of the reader's machine; nothing is asked of another one
            "features": ["navigation.tabs", "navigation.indexes", "navigation.top", "content.code.copy", "toc.follow"],
            "palette": [
                {"media": "(prefers-color-scheme: light)", "scheme": "default", "primary": "indigo"},
                {"media": "(prefers-color-scheme: dark)", "scheme": "slate", "primary": "indigo"},
            ],
        },
        "extra_css": ["wrapped.css"],
        "plugins": [
            "search",  # which works where the pages are served: that of pages opened as files asks another machine for a script
            {"mkdocstrings": {"handlers": {"python": {"paths": [str(ROOT)], "options": {
                "show_root_heading": True, "show_source": False, "heading_level": 2, "docstring_style": "google",
                "show_root_full_path": False, "show_signature_annotations": True, "separate_signature": True,
            }}}}},
        ],
        "markdown_extensions": ["attr_list", "tables", "pymdownx.superfences", "pymdownx.highlight", {"toc": {"permalink": True}}],
        "validation": {
            "links": {"not_found": "warn", "anchors": "warn", "absolute_links": "warn"}, "nav": {"omitted_files": "warn"},
        },
        "nav": nav,
    }  # fmt: skip
