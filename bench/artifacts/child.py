"""Programs of other packages, each in a process that ends when ours does, even by `kill -9`: nobody writes on into the cache."""

from __future__ import annotations

import sys

# Its stdin is a pipe of which only we hold the other end: it ends with us, on every system.
_BOUND = """\
import os, runpy, sys, threading
def wait():
    while os.read(0, 4096):
        pass
    os._exit(1)
threading.Thread(target=wait, daemon=True).start()
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


def bound(module: str, *words: str) -> list[str]:
    """The command that runs a module with these words; to be started with `stdin=PIPE`, which stays open while it runs."""
    return [sys.executable, "-c", _BOUND, module, *words]
