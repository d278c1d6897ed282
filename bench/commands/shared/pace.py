"""How fast something grows and how long it will still take, out of what came since it was begun to be watched."""

from __future__ import annotations

_ENOUGH = 1.0  # seconds of work before a rate is more than noise
_TOGETHER = 0.1  # seconds; what comes as close as that came at once, as the answers of a batch do


class Pace:
    """`done` of `n` (None: unknown), and when they came.

    What was there at the first call is nobody's work of now: rate and time left come from what was added to it. Time that is
    spent otherwise is taken out with `pause`. All times are the caller's, in seconds of one clock.
    """

    def __init__(self, now: float) -> None:
        self.done, self.n = 0, 0
        self._kept: int | None = None
        self._began = self._last = now  # of the work; of the last that came
        self._paused_at: float | None = None
        self._burst_began, self._burst_from, self._largest = now, 0, 1

    def told(self, done: int, n: int, now: float) -> None:
        """Take note that `done` of `n` are there."""
        if done > self.done and self._kept is not None:
            self._paused_at = None  # what came in a pause was worked at
        self.pause(False, now)
        if self._kept is None or done < self.done:  # the first word, or a journal that was cut
            self._kept, self._began, self._last, self._burst_from = done, now, now, done
        elif done > self.done:
            if now - self._last > _TOGETHER:
                self._burst_from = self.done
            self._largest, self._last = max(self._largest, done - self._burst_from), now
        self.done, self.n = done, n

    def pause(self, paused: bool, now: float) -> None:
        """Begin or end a time in which nothing is worked at."""
        if paused and self._paused_at is None:
            self._paused_at = now
        elif not paused and self._paused_at is not None:
            self._began, self._last = self._began + now - self._paused_at, self._last + now - self._paused_at
            self._paused_at = None

    def rate(self, now: float) -> float | None:
        """How many a second, None where too little has come; falls while less comes than before."""
        came, until_last, until_now = self._seen(now)
        if came <= 0 or until_last < _ENOUGH:
            return None
        return min(came / until_last, (came + self._largest) / until_now)

    def left(self, now: float) -> float | None:
        """Seconds until all are there, None where nobody can know: too little has come, or the last are overdue.

        They count down from what the rate promised when the last came, but never below what it would be if as many as ever came
        at once came now: between two batches the time left does not grow, and it does where nothing comes any more.
        """
        came, until_last, until_now = self._seen(now)
        missing = self.n - self.done
        if came <= 0 or until_last < _ENOUGH or missing <= 0:
            return None
        promised = missing * until_last / came - (until_now - until_last)
        least = max(missing - self._largest, 0) * until_now / (came + self._largest)
        found = max(promised, least)
        return found if found > 0 else None

    def _seen(self, now: float) -> tuple[int, float, float]:
        """What came, and the seconds of work until the last of it and until now."""
        now = now if self._paused_at is None else self._paused_at
        return self.done - (self._kept or 0), self._last - self._began, now - self._began


def seconds_text(seconds: float) -> str:
    """A time in the two largest units that it has, rounded up: what is left is never "0 s".

    >>> [seconds_text(one) for one in (0.2, 59.2, 185, 7260, 100000)]
    ['1 s', '1 min 0 s', '3 min 5 s', '2 h 1 min', '1 d 3 h']
    """
    whole = int(-(-seconds // 1))
    for unit, name, below, smaller in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= unit:
            return f"{whole // unit} {name} {whole % unit // below} {smaller}"
    return f"{whole} s"


def rate_text(rate: float) -> str:
    """So many a second; where that is less than one, how long each takes.

    >>> rate_text(12345), rate_text(2.345), rate_text(0.05)
    ('12,345/s', '2.3/s', '20 s each')
    """
    if rate >= 1:
        return f"{rate:,.0f}/s" if rate >= 100 else f"{rate:.1f}/s"
    return f"{1 / rate:.1f} s each" if rate > 0.1 else f"{seconds_text(1 / rate)} each"


def bytes_text(n: float) -> str:
    """An amount of bytes.

    >>> bytes_text(999), bytes_text(98_200_000), bytes_text(2e9)
    ('999 B', '98.2 MB', '2.0 GB')
    """
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if n >= unit:
            return f"{n / unit:.1f} {name}"
    return f"{n:.0f} B"
