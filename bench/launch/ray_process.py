"""The process between a run and Ray: it alone imports Ray, so that a cluster that goes away takes no run with it.

Ray ends a process that has lost its cluster, or leaves it waiting for ever; it writes to stderr and handles signals. None of that
may happen to a run. The run tells this process by messages what is to be asked, and gets events (`bench.launch.crew`). It ends with
the run, and with it the actors, and the cluster where it was started here.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import re
import shutil
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

from bench.launch.crew import Came, Cut, Facts, Fault, Gone, Held, Lost, Over, Ready, Refused, Work
from bench.launch.ray_settings import Begun, Share, Wanted, share
from bench.types import Json

_LOOKS_SECONDS = 0.05
_BEATS_SECONDS = 1.0
_SILENT_SECONDS = 30.0  # of the cluster
_HANGS_SECONDS = 60.0  # of one question to it
_ALONE_SECONDS = 20.0  # that no node has room for a worker


class Between:
    """Starts workers, hands on what they are asked, and tells what comes of it."""

    def __init__(self, link: Connection) -> None:
        self.link = link
        self.actors: dict[int, Any] = {}
        self.ready: set[int] = set()
        self.waits: dict[Any, tuple[str, int, int]] = {}  # what worker and ticket a reference or a generator is of
        self.work: Work | None = None
        self.share: Share | None = None
        self.nodes = Nodes()
        self._one_at_a_time = threading.Lock()
        self._looked = time.monotonic()

    def serve(self) -> None:
        """Until the run has ended."""
        self.nodes.start()
        threading.Thread(target=self._beat, name="beat", daemon=True).start()
        while True:
            self._looked = time.monotonic()
            while self.link.poll(0 if self.waits else _LOOKS_SECONDS):
                message = self.link.recv()
                if message[0] == "end":
                    return
                getattr(self, f"do_{message[0]}")(*message[1:])
            self._look()

    def _beat(self) -> None:
        """Say every second that all is well, or that it is not: from a thread that asks Ray nothing, which may hang."""
        with contextlib.suppress(OSError):
            while True:
                why = self.nodes.gone(self.share, waits=not self.ready)
                if time.monotonic() - self._looked > _HANGS_SECONDS:
                    why = why or f"the Ray cluster has not answered for {_HANGS_SECONDS:.0f} s"
                self._send(Gone(why) if why else None)
                time.sleep(_BEATS_SECONDS)

    def _send(self, message: Any) -> None:
        with self._one_at_a_time:
            self.link.send(message)

    # What a run says.

    def do_begin(self, wanted: Wanted, work: bytes) -> None:
        """Start workers for a work; those that have it already stay."""
        found = share(self.nodes.resources(), wanted)
        if isinstance(found, str):
            self._send(Refused(0, found))
            return
        its: Work = pickle.loads(work)
        if self.work is None or not its.is_as(self.work) or found != self.share:
            self.do_drop()
        self.work, self.share = its, found
        self._send(Begun(found.n, found.says))
        for worker in range(1, found.n + 1):
            if worker in self.ready:
                self._await("ready", worker, 0, self.actors[worker].ready.remote())
            else:
                self.do_start(worker)
        self.ready.clear()

    def do_start(self, worker: int) -> None:
        """Start a worker."""
        from bench.launch.ray_actor import remote

        if self.share is None or self.work is None:
            raise RuntimeError("started before it was begun")
        work = self.work
        if self.share.threads:
            work = replace(work, device=replace(work.device, threads=self.share.threads))
        self.actors[worker] = remote(self.share.cpus, self.share.gpus).remote(pickle.dumps(work))
        self._await("ready", worker, 0, self.actors[worker].ready.remote())

    def do_cut(self, worker: int, ticket: int, parcel: bytes) -> None:
        """Have a batch cut."""
        cut = self.actors[worker].cut.options(concurrency_group="cut")
        self._await("cut", worker, ticket, cut.remote(parcel))

    def do_ask(self, worker: int, ticket: int, parcel: bytes) -> None:
        """Have a unit answered."""
        answer = self.actors[worker].answer.options(num_returns="streaming")
        self._await("answer", worker, ticket, answer.remote(parcel))

    def do_rest(self) -> None:
        """Ask nothing more; what was asked is forgotten."""
        self.waits.clear()

    def do_drop(self) -> None:
        """End all workers."""
        import ray

        self.waits.clear()
        self.ready.clear()
        for actor in self.actors.values():
            ray.kill(actor)
        self.actors.clear()

    # What comes.

    def _await(self, kind: str, worker: int, ticket: int, what: Any) -> None:
        self.waits[what] = (kind, worker, ticket)

    def _look(self) -> None:
        """Tell what has come."""
        import ray

        if not self.waits:
            return
        found, _ = ray.wait([*self.waits], num_returns=1, timeout=_LOOKS_SECONDS, fetch_local=False)
        for one in found:
            kind, worker, ticket = self.waits[one]
            try:
                if kind != "answer":
                    del self.waits[one]
                    self._got(kind, worker, ticket, ray.get(one))
                else:
                    self._got(kind, worker, ticket, ray.get(next(one)))
            except StopIteration:
                self.waits.pop(one, None)
            except ray.exceptions.RayTaskError as error:
                self._send(Fault(worker, str(error)))
            except ray.exceptions.RayError as error:
                self._lost(worker, error)

    def _got(self, kind: str, worker: int, ticket: int, value: Any) -> None:
        event: Any
        if isinstance(value, str):
            event = Refused(worker, value, ticket or None)
        elif isinstance(value, Facts):
            self.ready.add(worker)
            event = Ready(worker, value)
        elif isinstance(value, Held):
            event = Over(worker, ticket, value)
        elif kind == "cut":
            event = Cut(worker, ticket, value)
        else:
            event = Came(worker, ticket, *value)
        self._send(event)

    def _lost(self, worker: int, error: Exception) -> None:
        """A worker is gone, or cannot be reached: it is ended, and told to be lost."""
        import ray

        for one in [one for one, (_, of, _) in self.waits.items() if of == worker]:
            del self.waits[one]
        self.ready.discard(worker)
        with contextlib.suppress(ray.exceptions.RayError, ValueError):
            ray.kill(self.actors[worker])
        said = " ".join(str(error).split())
        with_node = bool(re.search("node (has )?(died|was|is|failed)|owner has died|unexpected system", said))
        why = said[-200:] if "creation task" in said else said.rpartition("The actor is dead because ")[2][:160]
        self._send(Lost(worker, why, with_node))


class Nodes:
    """The nodes of the cluster, asked for again and again by a thread of its own: where the cluster is gone, that may hang."""

    def __init__(self) -> None:
        self._found: Sequence[Mapping[str, Json]] = ()
        self._seen = self._had_room = time.monotonic()
        self._own = ""

    def start(self) -> None:
        """Begin to look."""
        import ray

        self._own = ray.get_runtime_context().get_node_id()
        self._found = ray.nodes()
        threading.Thread(target=self._watch, name="nodes", daemon=True).start()

    def _watch(self) -> None:
        import ray

        while True:
            with contextlib.suppress(Exception):  # what is wrong shows by the silence
                self._found = ray.nodes()
                self._seen = time.monotonic()
            time.sleep(_BEATS_SECONDS)

    def resources(self) -> list[Mapping[str, float]]:
        """Those of each node that is alive."""
        return [one["Resources"] for one in self._found if one["Alive"]]

    def gone(self, wanted: Share | None, *, waits: bool) -> str:
        """Why nothing can come any more, "" where it can; `waits` says that no worker is ready."""
        now = time.monotonic()
        if now - self._seen > _SILENT_SECONDS:
            return f"the Ray cluster has not answered for {_SILENT_SECONDS:.0f} s"
        if any(one["NodeID"] == self._own and not one["Alive"] for one in self._found):
            return "the Ray cluster has lost the node that the run is on"
        if not waits or wanted is None or any(wanted.fits(one) for one in self.resources()):
            self._had_room = now
        if wanted is not None and now - self._had_room > _ALONE_SECONDS:
            return f"no node of the Ray cluster is left that has {wanted.size()}"
        return ""


def connected(options: Mapping[str, Any]) -> str:
    """Connect to the cluster, or start one; the line that says why that cannot be, "" where it is."""
    try:
        import ray
    except ImportError:
        return "launch=ray needs Ray, which is not installed; `pip install 'finai-bench[ray]'`"
    try:
        ray.init(log_to_driver=False, configure_logging=False, **options)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError, OSError, AssertionError) as error:
        said = " ".join(str(error).split())[:500]
        where = (
            "could not be started here" if options["address"] == "local" else f"at {options['address']} took no part"
        )
        return f"launch=ray: the cluster {where} ({said}); see launch.ray.address and RAY_ADDRESS, and `ray status`"
    return ""


def main() -> int:
    """Serve the run that is at the other end of the descriptor that was handed over."""
    link = Connection(int(sys.argv[1]))
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
        options = link.recv()
        refused = connected(options)
        link.send(refused)
        if not refused:
            Between(link).serve()
    if "ray" in sys.modules:
        sys.modules["ray"].shutdown()
    shutil.rmtree(sys.argv[2], ignore_errors=True)  # of who was killed
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a thread that asks a cluster which is gone would hold the end up
