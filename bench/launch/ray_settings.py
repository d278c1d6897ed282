"""How much of a Ray cluster the workers of a run take, by what its nodes have; plain, without Ray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_MOST_WITHOUT_GPU = 4  # workers, unless more are asked for: each has the model in memory of its own


@dataclass(frozen=True)
class Wanted:
    """What was asked for: `parts` workers with `gpus` and `cpus` of theirs, None for a share; `threads` None: as many as `cpus`."""

    parts: int | None
    gpus: float
    cpus: int | None
    threads: int | None
    most: int  # more workers than there are clusters of examples would have nothing to do


@dataclass(frozen=True)
class Share:
    """`n` workers with so much each; `threads` 0 leaves them as the run has them; `says` what a person should know."""

    n: int
    cpus: int
    gpus: float
    threads: int
    says: str = ""

    def fits(self, node: Mapping[str, float]) -> bool:
        """Whether a node of these resources could hold one."""
        return places(node, self.cpus, self.gpus) > 0

    def size(self) -> str:
        """What one takes, in words."""
        gpus = f" and {self.gpus:g} GPU{'s' if self.gpus > 1 else ''}" if self.gpus else ""
        return f"{self.cpus} CPU{'s' if self.cpus > 1 else ''}{gpus}"


@dataclass(frozen=True)
class Begun:
    """The workers were started: how many, and what a person should know."""

    n: int
    says: str


def places(node: Mapping[str, float], cpus: int, gpus: float) -> int:
    """How many workers have room on a node."""
    found = [int(node.get("CPU", 0.0) // cpus)]
    if gpus:
        have = node.get("GPU", 0.0)
        found.append(int(have // gpus) if gpus >= 1 else int(have) * int(1 / gpus))
    return min(found)


def share(nodes: Sequence[Mapping[str, float]], wanted: Wanted) -> Share | str:
    """How many workers there are and what each takes; a line that says what is missing, where there is room for none.

    Without a number one for each GPU, else one for each CPU, at most four, and the CPUs are shared among them.
    """
    gpus, cpus = wanted.gpus, wanted.cpus or 1
    room = sum(places(one, cpus, gpus) for one in nodes)
    n = min(wanted.parts or (room if gpus else min(room, _MOST_WITHOUT_GPU)), wanted.most)
    if wanted.cpus is None and not gpus and room:
        own = [int(one.get("CPU", 0.0)) for one in nodes if one.get("CPU", 0.0) >= 1]
        cpus = max(1, min(*own, sum(own) // n))
        room = sum(places(one, cpus, gpus) for one in nodes)
    found = Share(n, cpus, gpus, wanted.threads or (0 if gpus else cpus))
    if not room:
        have = ", ".join(f"{one.get('CPU', 0):g} CPUs {one.get('GPU', 0):g} GPUs" for one in nodes[:8]) or "none"
        return (
            f"launch=ray: no node has {Share(1, cpus, gpus, 0).size()}, which each worker takes (nodes: {have}); see "
            "launch.ray.gpus, launch.ray.cpus and device.kind"
        )
    if n > room:
        return Share(
            n, cpus, gpus, found.threads, f"{room} of {n} workers have room on the cluster at once, the others wait"
        )
    return found
