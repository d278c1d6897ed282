"""What is said to somebody who has typed `bench` or `bench run` and nothing else."""

from __future__ import annotations

from bench.text.shown import tell

FIRST_STEPS = (
    ("bench run task=finmm_qa model=lexical limit=20", "a score in seconds: nothing is downloaded"),
    ("bench run suite=mini model=lexical limit=10", "a named set of tasks"),
    ("bench board", "what came of it, ranked"),
)


def first_steps(command: str = "") -> int:
    """Say on stderr what is missing and three commands that work; 2, for a script that has lost its words must not go on."""
    missing = "bench run needs a task and a model" if command else "bench needs a COMMAND"
    tell(f"bench: {missing}; these work as they stand, in this order:", err=True)
    width = max(len(line) for line, _ in FIRST_STEPS)
    for line, what in FIRST_STEPS:
        tell(f"  {line:<{width}}  {what}", err=True)
    more = "`bench list tasks`, `bench list models`" if command else "all commands: `bench --help`"
    tell(f"{more}; TAB completes: `bench completion bash`", err=True)
    return 2
