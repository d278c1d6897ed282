"""`bench run`: evaluate models on tasks."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from bench.artifacts.held import stay_offline
from bench.commands.shared import output, timing_text
from bench.commands.shared.streams import can_say
from bench.config import compose as conf
from bench.errors import EXIT_INTERNAL
from bench.launch.parent import end_with_parent
from bench.text import secrets
from bench.text.shown import tell

if TYPE_CHECKING:
    from bench.commands.shared.jobs import Outcome


def main(options: argparse.Namespace) -> int:
    """Evaluate, print scores and say where the run is; 1 where every example of a run failed."""
    if options.cfg:
        return _show(options.overrides)
    if options.offline:
        stay_offline()
    end_with_parent()
    from bench.commands.shared.jobs import Runner
    from bench.commands.shared.parts import print_launched, print_part
    from bench.commands.shared.plan import plan
    from bench.commands.shared.progress import Display
    from bench.logs.log import say
    from bench.runs import spans

    imported = spans.clock()
    told: dict[str, Any] = {}
    if not options.json:
        told = {
            "done": output.print_run, "timed": timing_text.print_timing, "part": print_part, "launched": print_launched,
        }  # fmt: skip
    display = Display()
    runner = Runner(fresh=options.fresh, strict=options.strict, reuse=options.reuse, display=display, **told)
    try:
        with display:
            display.run(f"bench run {' '.join(options.overrides)}").doing("reads the settings")
            jobs = plan(options.overrides, multirun=options.multirun)
            outcome = runner.run(jobs, before=_before(imported, is_process=options.is_process))
    except KeyboardInterrupt:
        if not runner.progress.label:  # before the first job
            raise
        say(runner.interrupted())
        return 130
    if options.json:
        _emit(outcome, only=len(jobs) == 1)
    return EXIT_INTERNAL if outcome.is_fault else 2 if outcome.failed else 1 if outcome.answerless else 0


def _show(overrides: list[str]) -> int:
    """Print the composed configuration."""
    import yaml

    config, _ = conf.compose(overrides)
    shown = dict(secrets.withheld(conf.plain(config)))
    text = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True)
    for line in (text if can_say(text) else yaml.safe_dump(shown, sort_keys=False)).rstrip("\n").split("\n"):
        tell(line)
    return 0


def _emit(outcome: Outcome, *, only: bool) -> None:
    """One JSON object: the run's, or that of the `only` job, else all of them."""
    found = [output.summary(finished, folder) for finished, folder in outcome.done]
    runs = {folder for _, folder in outcome.done}
    found += [output.timing_alone(*one) for one in outcome.timed if one[1] not in runs]
    found += [one.to_json() for one in outcome.parts]
    found += [one.to_json() for one in outcome.launched]
    many = {"runs": found, "skipped": outcome.skipped + outcome.untaught, "failed": dict(outcome.failed)}
    output.emit(found[0] if only and found else many)


def _before(imported: float, *, is_process: bool) -> list[tuple[str, float, float]]:
    """What went before the first job, name, start and end: imports since the process began, and reading the settings."""
    from bench.runs import spans

    began = spans.process_began() if is_process else None
    imports = [("import", began, imported)] if began is not None else []
    return [*imports, ("settings", imported, spans.clock())]
