"""`bench completion`: what a shell reads to complete commands, options, names and keys."""

from __future__ import annotations

import argparse

from bench.commands.shared import output
from bench.text.shown import tell


def main(options: argparse.Namespace) -> int:
    """Print the code of the shell."""
    from argcomplete.shell_integration import shellcode

    code = shellcode(["bench"], shell=options.shell)
    if options.shell == "zsh":  # which has `compdef` only once its completion is loaded
        code = code.replace("    autoload is-at-least\n", _LOADED + "    autoload is-at-least\n")
    if options.json:
        output.emit({"shell": options.shell, "code": code})
        return 0
    for line in code.strip("\n").split("\n"):
        tell(line)
    return 0


_LOADED = "    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }\n"
