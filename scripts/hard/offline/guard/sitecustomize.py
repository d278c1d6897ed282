"""Read by Python as it starts, where this folder is on its path: connects nowhere, and writes down who wanted to.

Every attempt is a line of the file that HARD_SOCKETS names: what was tried, and from where.
"""

import os
import socket
import traceback
from pathlib import Path
from typing import Any, NoReturn


def _refused(what: str, where: object) -> NoReturn:
    frames = reversed(traceback.extract_stack()[-12:-2])
    by = " < ".join(f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno}" for frame in frames)
    with Path(os.environ["HARD_SOCKETS"]).open("a", encoding="utf-8") as file:
        file.write(f"{what} {where!r} by {by}\n")
    raise OSError(101, "no network in this trial")


def _closed(real: Any, what: str) -> Any:
    def asked(self: socket.socket, *address: Any) -> Any:
        if self.family == getattr(socket, "AF_UNIX", None):
            return real(self, *address)
        _refused(what, address[-1])

    return asked


if "HARD_SOCKETS" in os.environ:
    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, _closed(getattr(socket.socket, name), name))
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
        setattr(socket, name, lambda *host, name=name, **_: _refused(name, host))
