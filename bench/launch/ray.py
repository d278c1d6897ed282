"""Workers of a Ray cluster, or of one that is started here for the run: `launch=ray`.

Ray itself is in a process beside the run's (`bench.launch.ray_process`).
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pickle
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.ground import Ground
from bench.launch.crew import Event, Gone, Parcel, Refused, Work
from bench.launch.ray_settings import Begun, Wanted
from bench.launch.settings import RaySettings
from bench.logs.log import log
from bench.models.base import Model
from bench.runs.code import sha256_of
from bench.runs.environment import physical_cores
from bench.text.shown import terminal

# What workers on other nodes must know that the command line does not say; keys and stores' addresses stay where they are.
_SETTINGS = ("BENCH_DATA", "BENCH_CONF", "BENCH_CACHE", "BENCH_OFFLINE")
_SILENT_SECONDS = 90.0  # of the process beside this one
_CONNECTS_SECONDS = 120.0
_REACHED_SECONDS = 10.0
_ENDS_SECONDS = 15.0
_LOOKS_SECONDS = 0.5
_STORE_BYTES = 512 * 1024**2  # of a cluster that is started here: parcels pass through it
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "RAY_DEDUP_LOGS": "0",
    "RAY_COLOR_PREFIX": "0",
}  # fmt: skip


class RayCrew:
    """Workers on Ray: see `bench.launch.crew.Crew`.

    `wanted` is what of the cluster they take, to be set before they begin; where they are to `keep`, they stay behind a run: the
    next one may have the same work.
    """

    n, keep = 0, False
    wanted: Wanted

    def __init__(self, settings: RaySettings) -> None:
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def serves(self, settings: RaySettings, wanted: Wanted) -> bool:
        """Whether its cluster does for what is wanted now: how many examples there are changes none."""
        return self.settings == settings and replace(self.wanted, most=0) == replace(wanted, most=0)

    def begin(self, work: Work) -> None:
        """Connect to the cluster or start it, and start the workers; raises BenchError where that cannot be."""
        if self._process is None:
            self._connect()
        self._send("begin", self.wanted, pickle.dumps(work))
        while not isinstance(found := self._next(), Begun):
            if isinstance(found, Refused | Gone):
                raise BenchError(found.line if isinstance(found, Refused) else found.why)
        self.n = found.n
        log.info("%d workers on Ray%s", found.n, f": {found.says}" if found.says else "")

    def start(self, worker: int) -> None:
        """Start a worker anew."""
        self._send("start", worker)

    def cut(self, worker: int, ticket: int, parcel: Parcel) -> None:
        """Have a batch cut."""
        self._send("cut", worker, ticket, pickle.dumps(parcel))

    def ask(self, worker: int, ticket: int, parcel: Parcel) -> None:
        """Have a unit answered."""
        self._send("ask", worker, ticket, pickle.dumps(parcel))

    def next(self) -> Event:
        """What comes next."""
        found: Event = self._next()
        return found

    def rest(self) -> None:
        """Let the workers wait for another run, or end them."""
        self._send("rest" if self.keep else "drop")

    def close(self) -> None:
        """End the workers, and the cluster where it was started here."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            self._link.send(("end",))
        self._link.close()
        try:
            process.wait(_ENDS_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        finally:
            self._errors.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _connect(self) -> None:
        """Start the process beside this one, and have it connect."""
        if importlib.util.find_spec("ray") is None:
            raise BenchError("launch=ray needs Ray, which is not installed; `pip install 'finai-bench[ray]'`")
        refuse_silent(self.settings.address)
        ours, theirs = socket.socketpair()
        self._folder = tempfile.mkdtemp(prefix="bench-ray-", dir="/tmp" if Path("/tmp").is_dir() else None)
        self._errors = (Path(self._folder) / "said").open("w+b")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.launch.ray_process", str(theirs.fileno()), self._folder], pass_fds=[theirs.fileno()],
            env=_environment(self.settings), stdin=subprocess.DEVNULL, stdout=self._errors, stderr=self._errors,
            start_new_session=True,
        )  # fmt: skip
        theirs.close()
        self._link, self._heard = Connection(ours.detach()), time.monotonic()
        options: dict[str, Any] = {"address": self.settings.address or "local"}
        if not self.settings.address:
            wanted = self.wanted
            options |= {
                "num_cpus": max(physical_cores(), (wanted.parts or 1) * (wanted.cpus or 1)),
                "num_gpus": None if wanted.gpus else 0,
                "_temp_dir": self._folder, "object_store_memory": _STORE_BYTES,
                "include_dashboard": False,
            }  # fmt: skip
        self._link.send(options)
        found = self._next(_CONNECTS_SECONDS)
        if isinstance(found, Gone):
            raise BenchError(f"launch=ray: {found.why}; see launch.ray.address, RAY_ADDRESS and `ray status`")
        if found:
            raise BenchError(found)

    def _send(self, *message: Any) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # which shows when something is due to come
            self._link.send(message)

    def _next(self, silent: float = _SILENT_SECONDS) -> Any:
        """What comes next but for signs of life; `Gone` where nothing does any more."""
        self._heard = time.monotonic()
        while True:
            try:
                if self._link.poll(_LOOKS_SECONDS):
                    self._heard = time.monotonic()
                    if (found := self._link.recv()) is not None:
                        return found
            except (EOFError, ConnectionResetError):
                return Gone(f"the connection to the Ray cluster ended{self._last()}")
            if time.monotonic() - self._heard > silent:
                return Gone(f"the Ray cluster has not answered for {silent:.0f} s")

    def _last(self) -> str:
        """The last thing that Ray said before it ended."""
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").split("\n")
        said = [line for line in lines if line.strip() and "[state-dump]" not in line]
        for line in said[-5:]:
            log.warning("Ray: %s", terminal(line, 300))
        return f" ({terminal(said[-1].strip(), 200)})" if said else ""


def refuse_silent(address: str) -> None:
    """Raise BenchError where nobody listens, which Ray would try for minutes."""
    if address == "auto":
        _refuse_none_here()
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), _REACHED_SECONDS).close()
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise BenchError(
            f"launch=ray: nothing answers at {address} ({why}); see launch.ray.address and RAY_ADDRESS, or `ray start` one"
        ) from None


def _refuse_none_here() -> None:
    """Raise BenchError where this machine is no node of a cluster, and what Ray noted of the last one is out of date."""
    if ray_runs_here() is not False:
        return
    noted = Path(os.environ.get("RAY_TMPDIR") or "/tmp", "ray", "ray_current_cluster")
    with contextlib.suppress(OSError, BenchError):
        address = noted.read_text(encoding="utf-8", errors="replace").strip()
        if ":" in address:
            refuse_silent(address)
            return  # it answers: a node outside of this container
    raise BenchError(
        "launch=ray: launch.ray.address=auto means the cluster of this machine, and Ray does not run here; `ray start` it, give "
        "HOST:PORT, or leave the address out, and one is started"
    )


def ray_runs_here() -> bool | None:
    """Whether a process of Ray's node is among those of this machine; None where the system does not say."""
    found = [*Path("/proc").glob("[0-9]*/comm")]
    for path in found:
        with contextlib.suppress(OSError):  # of a process that ended meanwhile
            if path.read_text(encoding="utf-8", errors="replace").strip() in ("raylet", "gcs_server"):
                return True
    return False if found else None


def _environment(settings: RaySettings) -> dict[str, str]:
    """That of the process beside this one: a cluster that is started here listens on loopback, and to who knows its token."""
    own = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}
    ours = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}  # which Ray sets above `auto`
    return {**ours, **_QUIET, **({} if settings.address else own)}


def work_of(ground: Ground, make: partial[Model], lesson: Any = ()) -> Work:
    """What workers get ready for to answer a run; `make` gives its model."""
    basis, model = ground.basis, ground.model
    return Work(
        make, basis.model, basis.device, basis.settings.seed,
        {
            "weights_sha256": model.weights_sha256, "revision": model.revision, "code": sha256_of(basis.code),
            "modules": sorted(basis.code),
        },
        dict(basis.libraries), basis.task.output, basis.settings.strict, lesson, tuple(model.clusters), {}, str(Path.cwd()),
        tuple(one or str(Path.cwd()) for one in sys.path), {name: os.environ[name] for name in _SETTINGS if os.environ.get(name)},
    )  # fmt: skip
