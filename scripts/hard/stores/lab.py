"""A store of scripts/serve_store.py, started as a command of its own."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
import time
from pathlib import Path

from scripts.hard.command import OWN
from scripts.hard.stores.served import unused_port

SCRIPT = Path(__file__).parents[2] / "serve_store.py"


class Lab:
    """The store in `folder`; `uri` is that of its server, `database` that of its database."""

    def __init__(self, folder: Path, *words: str, workers: int = 4) -> None:
        self.folder, self.words, self.workers = folder, words, workers
        self.port, self.database_port = unused_port(), unused_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Lab:
        self.start()
        return self

    def start(self) -> None:
        """Start the script, and wait for the line that it prints for users."""
        self.folder.mkdir(parents=True, exist_ok=True)
        words = [*self.words]
        if os.geteuid() == 0:
            names = [one.pw_name for one in pwd.getpwall()]
            words += ["--user", "postgres" if "postgres" in names else "nobody"]
            for parent in self.folder.parents:
                if parent.stat().st_uid == 0 and not parent.stat().st_mode & 1:
                    parent.chmod(parent.stat().st_mode | 0o111)
        own = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        own |= {"HOME": str(self.folder), "PYTHONPATH": f"{SCRIPT.parents[1]}:{OWN}:{os.environ.get('PYTHONPATH', '')}"}
        words = [sys.executable, str(SCRIPT), str(self.folder / "store"), "--port", str(self.port), "--database-port",
                 str(self.database_port), "--workers", str(self.workers), *words]  # fmt: skip
        with (self.folder / "said.log").open("ab") as said:
            self.process = subprocess.Popen(
                words, stdout=subprocess.PIPE, stderr=said, text=True, cwd=self.folder, env=own
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if line != f"export MLFLOW_TRACKING_URI={self.uri}\n":
            self.end()
            raise RuntimeError(f"the store did not start: {line!r} {(self.folder / 'said.log').read_text()[-1000:]}")

    def end(self) -> None:
        """End it as a service manager does."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(120)
            if self.process.stdout is not None:
                self.process.stdout.close()
            self.process = None

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def database(self) -> str:
        """The address of the database, with its password."""
        password = (self.folder / "store" / "database-password").read_text()
        return f"postgresql+psycopg2://mlflow:{password}@127.0.0.1:{self.database_port}/mlflow"

    def kill_database(self) -> None:
        """End PostgreSQL at once, as when its machine goes away; the script starts it again."""
        pid = int((self.folder / "store" / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        time.sleep(0.1)
