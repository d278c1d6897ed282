"""The pages: templates with every text escaped, and what each of them is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from bench.leaderboard import cells, endings
from bench.leaderboard.definition import Board
from bench.leaderboard.markdown import SUITE
from bench.leaderboard.suite import SuiteBoard
from bench.record import Run, Score
from bench.runs import rates
from bench.runs.claimed import LEGEND, Claimed, date_text, is_claimed, legend, rerun_of, shown
from bench.site.duration import duration
from bench.site.examples import Written
from bench.site.folder import SiteFolder
from bench.site.scores import Slice
from bench.site.times import Times
from bench.site.view import View, brief
from bench.text.names import labelled
from bench.text.shown import visible

_HERE = Path(__file__).parent
# What the pages may load: the site's own files. Chromium takes 'self' for that on a page from the disk too; the scheme is for
# browsers that take such a page for nobody's own. The hash is that of the style which Observable Plot puts into a chart.
_PLOT_STYLE = "sha256-jSYQUrW7J0b3jPqhZP9C2Xh1PyJKHKXd4s0fpGGKrww="
POLICY = (
    f"default-src 'none'; script-src 'self' file:; style-src 'self' file: '{_PLOT_STYLE}'; img-src 'self' file: data:; "
    "media-src 'self' file:; base-uri 'none'; form-action 'none'"
)


@cache
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, finalize=_seen,
    )  # fmt: skip
    found.globals |= {
        "policy": POLICY,
        "shown": cells.shown,
        "interval": cells.interval,
        "legend": LEGEND,
        "ended": endings,
    }
    found.tests |= {"claimed": lambda text: isinstance(text, Claimed)}
    found.filters |= {
        "yaml": _yaml,
        "seconds": duration,
        "plain": _plain,
        "brief": brief,
        "day": _day,
        "named": labelled,
    }
    return found


def _seen(value: Any) -> Any:
    """A text with what cannot be seen as its number, before it is escaped; what is markup of a template already stays."""
    from markupsafe import Markup

    return visible(value, lines=True) if isinstance(value, str) and not isinstance(value, Markup) else value


def page(out: SiteFolder, path: str, template: str, **given: Any) -> None:
    """Write one page; `path` is its place in the site, from which its links are relative."""
    root = "../" * path.count("/")
    out.write(path, _environment().get_template(template).render(root=root, **given))


def assets(out: SiteFolder) -> None:
    """Write the scripts, the style and the libraries with their licence."""
    for folder in ("assets", "vendor"):
        for path in sorted((_HERE / folder).iterdir()):
            if path.is_file():
                out.write(f"{folder}/{path.name}", path.read_bytes())


def run_page(
    out: SiteFolder, name: str, run: Run, origin: str, *, board: Mapping[str, str] | None, slices: Sequence[Slice],
    written: Written, ranked: Score | None, times: Times,
) -> None:  # fmt: skip
    """The page of one run, whose `board` has a name and a title, None where it is on none."""
    facts = {
        "run": run.run_id,
        "origin": origin,
        "made": date_text(run, minutes=True),
        "task version": str(run.task_version),
        "examples": (f"{run.n_examples:,}" if run.n_examples else "unknown")
        + (f", the first {run.limit:,}" if run.limit and run.limit <= run.n_examples else ""),
        "model revision": shown(run, "revision", run.model_revision),
        "device": _device(run),
        "commit": shown(run, "commit", str(run.environment.get("commit") or "–")),
    }
    if told := [text for text in (endings.line(run, cells.shown), endings.unknown(run)) if text]:
        facts["answers"] = "; ".join(told)
    if (again := rerun_of(run)) is not None:
        facts["run again"] = f"{again}, its speed {'reproduced' if again.reproduced else 'not reproduced'}"
    prints = {"data": run.data_fingerprint, "weights": run.weights_sha256 or "–"} | dict(run.files)
    records = {"computed": run.computed, "audit": run.audit, "submission": run.submission, "origin": run.origin}
    page(
        out, f"runs/{name}.html", "run.html", run=run, name=name, facts=facts, prints=prints, board=board, slices=slices,
        written=written, ranked=ranked, records={key: value for key, value in records.items() if value},
        claimed=is_claimed(run, "times"), legend=legend(run), timings=rates.shown(run), times=times,
    )  # fmt: skip


def board_page(out: SiteFolder, name: str, board: Board, views: Sequence[View], origins: Sequence[str]) -> None:
    """The page of one board."""
    page(out, f"boards/{name}.html", "board.html", board=board, views=views, origins=origins)


def suite_page(out: SiteFolder, name: str, board: SuiteBoard, tables: Sequence[Mapping[str, Any]]) -> None:
    """The page of a suite's board."""
    page(out, f"boards/{name}.html", "suite.html", board=board, tables=tables, text=SUITE)


def _device(run: Run) -> str:
    if run.submission:
        return "predictions were brought, nothing ran here"
    parts = " ".join(str(run.environment.get(key) or "") for key in ("device", "device_name", "dtype"))
    return shown(run, "device", parts.strip())


def _day(run: Run) -> str:
    return date_text(run)


def _yaml(value: Any) -> str:
    import yaml

    return str(yaml.safe_dump(_plain_types(value), sort_keys=False, allow_unicode=True, width=100))


def _plain_types(value: Any) -> Any:
    """Tuples as lists, which YAML can hold."""
    if isinstance(value, Mapping):
        return {str(key): _plain_types(one) for key, one in value.items()}
    return [_plain_types(one) for one in value] if isinstance(value, list | tuple) else value


def _plain(value: Any) -> str:
    """A figure of a record as text."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
