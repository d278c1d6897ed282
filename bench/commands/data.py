"""`bench data check` and `bench data render`."""

from __future__ import annotations

import argparse

from bench.commands.shared import output
from bench.config import compose as conf
from bench.errors import BenchError
from bench.text.shown import tell


def main(options: argparse.Namespace) -> int:
    """`bench data check` or `bench data render`."""
    return _check(options) if options.act == "check" else _render(options)


def _check(options: argparse.Namespace) -> int:
    """Print every problem with file, line, field and rule; 1 if there is one."""
    from bench.data.check import check_file, format_problem

    problems = check_file(options.file, options.spec)
    if options.json:
        output.emit(
            {
                "file": str(options.file),
                "problems": [vars(problem) | {"file": str(problem.file)} for problem in problems],
            }
        )
        return 1 if problems else 0
    for problem in problems:
        tell(format_problem(problem))
    tell(f"{options.file}: {len(problems)} problems" if problems else f"{options.file}: ok")
    return 1 if problems else 0


def _render(options: argparse.Namespace) -> int:
    """Write the documents of finmm_docvqa with another seed or number; conf/ is the link to the task."""
    from bench.config.build import build

    overrides = ["task=finmm_docvqa", f"task.documents={options.n}", f"task.document_seed={options.seed}"]
    config, _ = conf.compose(overrides)
    try:
        build(conf.plain(config)["task"], "task").write(options.folder)
    except OSError as error:
        raise BenchError(f"{options.folder} cannot be written ({error.strerror}); choose another folder") from None
    if options.json:
        output.emit({"folder": str(options.folder), "documents": options.n})
    else:
        tell(f"{options.n} documents in {options.folder}: images/, annotations.jsonl, docvqa.json")
    return 0
