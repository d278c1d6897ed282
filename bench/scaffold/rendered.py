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
    """A value in one line of YAML, its texts quoted where YAML 1.1 or OmegaConf (1e3 is a number to it alone) takes them for
    something else.

    >>> as_yaml(["yes", "1", "1e3", "a: b", "low risk"])
    "['yes', '1', '1e3', 'a: b', low risk]"
    """
    import yaml

    text = yaml.dump(
        [value], Dumper=_dumper(), default_flow_style=True, allow_unicode=True, width=_WIDE, sort_keys=False
    )
    return str(text).strip("\n")[1:-1]


@cache
def _dumper() -> Any:
    """A dumper that leaves a text without quotes only where it begins with a letter, as no number does."""
    import yaml

    class Quoting(yaml.SafeDumper):
        """Of this file alone."""

    def text(dumper: Any, value: str) -> Any:
        style = '"' if not value.isprintable() else None if value[:1].isalpha() else "'"
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Quoting.add_representer(str, text)
    return Quoting
