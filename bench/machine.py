"""Which machine this is, and whether a path lies on a file system that other machines see, too."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import re
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

_OF_ONE = frozenset(
    "apfs bcachefs btrfs exfat ext2 ext3 ext4 f2fs fuseblk hfs jfs msdos nilfs2 ntfs ntfs3 overlay ramfs reiserfs rootfs squashfs "
    "tmpfs vfat xfs zfs".split()
)  # types of file systems that one machine has for itself; whatever else there is may be seen by others
_MOUNTS = Path("/proc/self/mountinfo")


@functools.cache
def boot() -> str:
    """The system that runs here since it was started, also for processes in containers; its name where it does not say."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return platform.node()


@functools.cache
def processes() -> str:
    """Those whose numbers mean the same processes: of this system, and of this container in it."""
    space = ""
    with suppress(OSError):
        space = str(Path("/proc/self/ns/pid").readlink())
    return f"{boot()} {space}"


@functools.cache
def token() -> str:
    """Eight letters for `processes()`: a process's number and these are no other process's at the same time."""
    return hashlib.sha256(f"{platform.node()} {processes()}".encode()).hexdigest()[:8]


def lives(pid: int) -> bool:
    """Whether a process of this number runs here; one that is dead and was not asked for yet does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # it is somebody else's
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (OSError, IndexError):
        return True


def began(pid: int) -> str:
    """When the process of this number began, by the system's own count; "" where it does not say."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def shared_kind(path: Path) -> str:
    """The type of the file system that a path lies on, if machines may share it ("nfs4", "lustre", "fuse.sshfs"); else "".

    A type that is not known is taken for one; where the system does not say, there is none.
    """
    where = Path(os.path.realpath(path))
    found = max(
        (
            (len(place.parts), number, kind)
            for number, (place, kind) in enumerate(_mounts())
            if where.is_relative_to(place)
        ),
        default=(0, 0, ""),
    )  # of two at one place the later one hides the other
    return "" if found[2] in _OF_ONE else found[2]


def database_in(folder: Path, name: str) -> Path | None:
    """Where a SQLite file of ours that may be lost lies: in its folder, but for one that other machines may see.

    SQLite is not made for those: of them it lies in a temporary folder of this user on this machine. None where there is none
    that nobody else can write.
    """
    if not shared_kind(folder):
        return folder / name
    place = Path(tempfile.gettempdir()) / f"finai-bench-{os.getuid()}"
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        found = place.lstat()
    except OSError:
        return None
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    if not is_ours or shared_kind(place):
        return None
    return place / f"{hashlib.sha256(os.path.realpath(folder).encode()).hexdigest()[:16]}-{name.lstrip('.')}"


def _mounts() -> list[tuple[Path, str]]:
    """Where file systems lie, and of what type each is, by `proc_pid_mountinfo(5)`."""
    found = []
    with suppress(OSError):
        for line in _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").split("\n"):
            before, dash, behind = line.partition(" - ")
            if dash and len(words := before.split(" ")) > 4:
                place = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), words[4])
                found.append((Path(place), behind.split(" ")[0]))
    return found
