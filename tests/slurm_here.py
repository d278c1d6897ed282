"""A Slurm of one node, started for a test where Debian's slurm-wlm and munge are installed and the test may start them (root)."""

from __future__ import annotations

import os
import platform
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol")
_CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CryptoType=crypto/munge
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
MpiDefault=none
MailProg=/bin/true
ReturnToService=2
KillWait=5
SchedulerParameters=sched_interval=2,bf_interval=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=4000 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str:
    """Why no Slurm can be started here, "" where one can."""
    where = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
    if missing := [name for name in _PROGRAMS if shutil.which(name, path=where) is None]:
        return f"Slurm is not installed: {', '.join(missing)}"
    return "" if os.geteuid() == 0 else "a Slurm can only be started by root"


@contextmanager
def slurm_here(folder: Path) -> Iterator[None]:
    """One node with eight made-up cores, as long as the block lasts; `SLURM_CONF` names it."""
    conf = _configured(folder)
    os.environ["SLURM_CONF"] = str(conf)
    under_way: list[subprocess.Popen[bytes]] = []
    try:
        for command in _daemons(folder, conf):
            path = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
            under_way.append(
                subprocess.Popen(
                    command, env={**os.environ, "PATH": path}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            )
            time.sleep(1.0)
        until = time.monotonic() + 60
        while b"idle" not in subprocess.run(["sinfo", "--noheader"], capture_output=True, check=False).stdout:
            assert time.monotonic() < until, (folder / "slurmctld.log").read_text()[-1000:]
            time.sleep(0.5)
        yield
    finally:
        for one in reversed(under_way):
            one.terminate()
            try:
                one.wait(20)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()


def _configured(folder: Path) -> Path:
    folder.mkdir(mode=0o755)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "key"
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o400)
    with socket.socket() as first, socket.socket() as second:
        for one in (first, second):
            one.bind(("127.0.0.1", 0))
        ports = [one.getsockname()[1] for one in (first, second)]
    host = platform.node().split(".")[0]
    conf = folder / "slurm.conf"
    conf.write_text(_CONF.format(host=host, folder=folder, ports=ports))
    return conf


def _daemons(folder: Path, conf: Path) -> list[list[str]]:
    files = (
        ("socket", "munge.sock"),
        ("key-file", "key"),
        ("seed-file", "seed"),
        ("pid-file", "munged.pid"),
        ("log-file", "munged.log"),
    )
    return [
        ["munged", "--foreground", "--force", *(f"--{name}={folder / file}" for name, file in files)],
        ["slurmctld", "-D", "-f", str(conf)],
        ["slurmd", "-D", "-f", str(conf), "-N", platform.node().split(".")[0]],
    ]
