"""What a run keeps of each of a million examples, in a tenth of the memory that sets, dictionaries and lists of texts take."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, TypeVar, overload

T = TypeVar("T", bound=Hashable)


class Numbered(Mapping[T, int]):
    """Distinct keys by number, from 0 in the order in which they first came; 20 bytes a key, which is not held itself.

    `key_of` gives the key of a number, which `add` compares. Looked up is by the 64 bits of Python's hash alone: a key that was
    never added is taken for one of a million others once in 10 ** 13 times.
    """

    def __init__(self, key_of: Callable[[int], T], keys: Iterable[T] = (), *, n: int = 0) -> None:
        """`n` is how many are to come, where that is known: what grows is moved, and leaves holes in the memory."""
        self._key_of, self._n = key_of, 0
        self._hashes = array("q", [0]) * n
        # By the hash's last bits; where two have the same, the next that is free.
        self._slots = array("i", [-1]) * (1 << max(3, (3 * n // 2).bit_length()))
        for key in keys:
            self.add(key)

    def add(self, key: T) -> int:
        """The number of a key, the next one where it is new."""
        found, slots, hashes = hash(key), self._slots, self._hashes
        mask = len(slots) - 1
        at = found & mask
        while (number := slots[at]) >= 0:
            if hashes[number] == found and self._key_of(number) == key:
                return number
            at = (at + 1) & mask
        number = slots[at] = self._n
        self._n += 1
        if number < len(hashes):
            hashes[number] = found
        else:
            hashes.append(found)
        if 3 * self._n > 2 * len(slots):
            self._grow()
        return number

    def _grow(self) -> None:
        slots = array("i", [-1]) * (2 * len(self._slots))
        mask = len(slots) - 1
        for number, found in enumerate(self._hashes[: self._n]):
            at = found & mask
            while slots[at] >= 0:
                at = (at + 1) & mask
            slots[at] = number
        self._slots = slots

    def find(self, key: object) -> int:
        """The number of a key, -1 for one that was not added."""
        found, slots, hashes = hash(key), self._slots, self._hashes
        mask = len(slots) - 1
        at = found & mask
        while (number := slots[at]) >= 0:
            if hashes[number] == found:
                return number
            at = (at + 1) & mask
        return -1

    def __getitem__(self, key: T) -> int:
        if (number := self.find(key)) < 0:
            raise KeyError(key)
        return number

    def __contains__(self, key: object) -> bool:
        return self.find(key) >= 0

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[T]:
        return map(self._key_of, range(len(self)))


class Digests(Mapping[str, str]):
    """A digest of 16 hex digits for each id of `places`, put in their order; 12 bytes each.

    One that is put with `repeats` 2 reads as the digest with -2 behind it, and so on.
    """

    def __init__(self, places: Mapping[str, int], n: int = 0) -> None:
        """`n` is how many are to come, where that is known."""
        self._places = places
        self._values, self._repeats = array("Q", [0]) * n, array("I", [1]) * n

    def put(self, place: int, digest: str, repeats: int = 1) -> None:
        """The digest of the next place, or another one of an earlier place."""
        if place == len(self._values):
            self._values.append(0)
            self._repeats.append(1)
        self._values[place], self._repeats[place] = int(digest, 16), repeats

    def __getitem__(self, key: str) -> str:
        place = self._places[key]
        found, repeats = self._values[place], self._repeats[place]
        return f"{found:016x}" if repeats == 1 else f"{found:016x}-{repeats}"

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)


class Counted:
    """How often each number of 64 bits came; 32 bytes each."""

    def __init__(self, n: int) -> None:
        """`n` are to come, at most."""
        self._numbers, self._times = array("Q", [0]) * n, array("I", [0]) * n
        self._known = Numbered[int](self._numbers.__getitem__, n=n)

    def add(self, number: int) -> int:
        """How often it came, this time included."""
        at = self._known.add(number)
        self._numbers[at] = number
        self._times[at] += 1
        return self._times[at]


class Marked(Set[str]):
    """Some of the ids that have a place: a byte for each place."""

    def __init__(self, places: Mapping[str, int], marks: bytearray | None = None) -> None:
        """`marks` has a 1 at the place of each of them."""
        self._places = places
        self._marks = bytearray(len(places)) if marks is None else marks
        self._n = self._marks.count(1)

    def add(self, key: str) -> None:
        """Take in one that has a place."""
        place = self._places[key]
        self._n += not self._marks[place]
        self._marks[place] = 1

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and (place := self._places.get(key, -1)) >= 0 and self._marks[place] == 1

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[str]:
        return (key for key, place in self._places.items() if self._marks[place]) if self._n else iter(())

    @classmethod
    def _from_iterable(cls, found: Iterable[T]) -> Set[T]:
        return frozenset(found)


class Texts(Sequence[str]):
    """Texts one behind the other: their letters in UTF-8 and 8 bytes each; equal to any sequence of the same texts."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._letters, self._ends = bytearray(), array("Q", [0])
        for text in texts:
            self.append(text)

    def append(self, text: str) -> None:
        """Add one more."""
        self._letters += text.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._letters))

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[str, ...]: ...
    def __getitem__(self, at: int | slice) -> str | tuple[str, ...]:
        if isinstance(at, slice):
            return tuple(map(self._text, range(len(self))[at]))
        return self._text(range(len(self))[at])

    def _text(self, at: int) -> str:
        return self._letters[self._ends[at] : self._ends[at + 1]].decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        return map(self._text, range(len(self)))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Texts):
            return self._letters == other._letters and self._ends == other._ends
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Texts({list(self)!r})"


class Values(Sequence[Any]):
    """`n` values in any order, `default` where none was put: texts as `Texts` are, others as they are."""

    def __init__(self, n: int, default: object) -> None:
        self._at = array("I", [0]) * n  # 0: none; even: a text; odd: another value
        self._texts, self._others, self._default = Texts(), list[object](), default

    def put(self, at: int, value: object) -> None:
        """Have this value there."""
        if value is self._default:
            self._at[at] = 0
        elif type(value) is str:
            self._at[at] = 2 * len(self._texts) + 2
            self._texts.append(value)
        else:
            self._at[at] = 2 * len(self._others) + 1
            self._others.append(value)

    def twin(self) -> Values:
        """Another sequence of the same values, in which others can be put; the values themselves are held once."""
        found = Values(0, self._default)
        found._at, found._texts, found._others = self._at[:], self._texts, self._others
        return found

    def __len__(self) -> int:
        return len(self._at)

    @overload
    def __getitem__(self, at: int) -> Any: ...
    @overload
    def __getitem__(self, at: slice) -> list[Any]: ...
    def __getitem__(self, at: int | slice) -> Any:
        return [self._value(kind) for kind in self._at[at]] if isinstance(at, slice) else self._value(self._at[at])

    def _value(self, kind: int) -> Any:
        if not kind:
            return self._default
        return self._others[kind // 2] if kind % 2 else self._texts[kind // 2 - 1]

    def __iter__(self) -> Iterator[Any]:
        return map(self._value, self._at)
