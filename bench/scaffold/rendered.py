"""Templates: files of this package, filled in."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "templates"
_WIDE = 10**6


def rendered(template: str, **told: Any) -> str:
    """The text of a template; what it names and is not told is an error."""
    return str(_templates().get_template(f"{template}.jinja").render(**told))


@cache
def _templates() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(FOLDER), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True, autoescape=False,  # YAML and Python, no HTML
    )  # fmt: skip
    found.filters["yaml"] = as_yaml
    return found


def as_yaml(value: Any) -> str:
    """A value in one line of YAML, its texts quoted where YAML would take it for something else.

    >>> as_yaml(["yes", "1", "a: b"])
    "['yes', '1', 'a: b']"
    """
    import yaml

    value = " ".join(value.split()) if isinstance(value, str) else value
    return yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, width=_WIDE, sort_keys=False).strip()[
        1:-1
    ]
