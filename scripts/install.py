"""Makes the environment: `python scripts/install.py VENV EXTRA`, by uv where uv can be had, else by pip.

Needs nothing but the standard library, since it runs before anything is installed. uv reads no pip.conf, so what pip is told
about indexes is handed on to it; what the user tells uv itself (UV_...) goes before that. Without a GPU no package for CUDA
comes in: the plan is looked at before anything is downloaded, and TORCH=any says that it may.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

TORCH = "torch==2.13.0"
CONSTRAINTS = "constraints.txt"
FOR_CUDA = ("nvidia-", "cuda-", "triton", "pytorch-triton")
IMPORTED = (  # by the demo; two halves, one a core
    "torch, transformers.models.llama.modeling_llama, transformers.models.bert.modeling_bert, accelerate, rapidocr",
    "mlflow, mlflow.store.tracking.sqlalchemy_store, pandas, nltk, sklearn, scipy.stats, sacrebleu, matplotlib.pyplot, hydra",
)
QUIET = ["--quiet", "--disable-pip-version-check"]


class InstallError(Exception):
    """What the user can mend; its text is one line."""


def run(command: list[str], **more: object) -> subprocess.CompletedProcess[str]:
    """The finished command with its output as text; a program that cannot be started counts as failed."""
    try:
        return subprocess.run(command, capture_output=True, text=True, **more)  # type: ignore[call-overload,no-any-return]
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))


def reason(done: subprocess.CompletedProcess[str]) -> str:
    """What a failed command says first, and for uv the last cause that it names.

    >>> reason(subprocess.CompletedProcess([], 2, "", "error: Request failed\\n  cause: dns error\\n  cause: not known"))
    'error: Request failed; cause: not known'
    """
    lines = [line.strip() for line in (done.stderr + done.stdout).split("\n") if line.strip()]
    said = [line for line in lines if line.lower().startswith(("error", "×"))][:1] or lines[-1:]
    causes = [line for line in lines if line.lower().startswith("cause")][-1:]
    return "; ".join(said + causes) or f"exit code {done.returncode}"


def has_gpu() -> bool:
    """Whether the driver lists an NVIDIA GPU."""
    return run(["nvidia-smi", "--list-gpus"]).stdout.startswith("GPU ")


def pip_settings(text: str) -> dict[str, list[str]]:
    """The words of each setting in what `pip config list` prints; environment goes before `install`, that before `global`.

    >>> pip_settings("global.index-url='https://a/simple'\\n:env:.find-links='/x /y'\\ninstall.index-url='https://b'")
    {'index-url': ['https://b'], 'find-links': ['/x', '/y']}
    """
    found: dict[str, list[str]] = {}
    rows = [line.partition("=") for line in text.split("\n")]
    for section in ("global.", "install.", ":env:."):
        for key, _, value in rows:
            if key.startswith(section):
                found[key[len(section) :]] = str(ast.literal_eval(value)).split()
    return found


def uv_settings(pip: dict[str, list[str]], own: dict[str, str]) -> dict[str, str]:
    """The environment for uv: the user's own, and pip's settings for whatever that does not say."""
    said = dict(own)
    said.pop("UV_SYSTEM_PYTHON", None)  # the environment is named, the system's is never meant
    handed = {
        "UV_DEFAULT_INDEX": " ".join(pip.get("index-url", [])),
        "UV_INDEX": " ".join(pip.get("extra-index-url", [])),
        "UV_FIND_LINKS": ",".join(pip.get("find-links", [])),
        "UV_INSECURE_HOST": " ".join(pip.get("trusted-host", [])),
        "UV_HTTP_TIMEOUT": "".join(pip.get("default-timeout", pip.get("timeout", []))),
        "SSL_CERT_FILE": " ".join(pip.get("cert", [])),
        "ALL_PROXY": "".join(pip.get("proxy", [])),
        "UV_NO_INDEX": "1" if pip.get("no-index", ["0"])[0].lower() in ("1", "true", "yes", "on") else "",
        "UV_INDEX_STRATEGY": "unsafe-best-match",  # pip's way: the best version of all indexes, not the first that has one
        "UV_LINK_MODE": "copy"
        if _cache(own).stat().st_dev != Path().stat().st_dev
        else "",  # else uv warns that it cannot link
        "UV_NO_CACHE": "" if os.access(_cache(own), os.W_OK) else "1",  # a home that cannot be written
    }
    older = {"UV_DEFAULT_INDEX": "UV_INDEX_URL", "UV_INDEX": "UV_EXTRA_INDEX_URL"}
    for name, value in handed.items():
        if value and not said.get(name) and not said.get(older.get(name, name)):
            said[name] = value
    return said


def _cache(own: dict[str, str], tool: str = "uv") -> Path:
    """The folder of the tool's cache, or what there is of the path to it."""
    folder = Path(
        own.get(f"{tool.upper()}_CACHE_DIR") or Path(own.get("XDG_CACHE_HOME") or Path.home() / ".cache") / tool
    )
    return next(path for path in (folder, *folder.resolve().parents) if path.exists())


def for_cuda(names: list[str]) -> list[str]:
    """Those of the packages that only a GPU needs.

    >>> for_cuda(["torch", "nvidia-cublas", "triton", "tritonclient"])
    ['nvidia-cublas', 'triton']
    """
    return [name for name in names if name.startswith(FOR_CUDA[:2]) or name in FOR_CUDA]


def refuse_cuda(names: list[str], where: str) -> None:
    """Raise InstallError when packages for CUDA would come in on a machine without a GPU."""
    if (found := for_cuda(names)) and not has_gpu() and os.environ.get("TORCH") != "any":
        raise InstallError(
            f"{where} {len(found)} packages for CUDA ({', '.join(found[:3])}, …), some 4 GB, and no GPU is here; "
            f"give pip a place that has {TORCH}+cpu (PIP_FIND_LINKS or PIP_EXTRA_INDEX_URL), or take them: TORCH=any"
        )


class Environment:
    """One virtual environment, and the tool that fills it."""

    def __init__(self, venv: Path) -> None:
        self.venv = venv
        self.mark = venv / ".installing"
        self.python = str(venv / "bin/python")
        self.pip = [self.python, "-m", "pip"]

    def make(self) -> None:
        """Make it unless it is there and whole; after an installation that was cut short it is made anew.

        A package that was being written when the process was killed looks installed to uv and to pip. The mark stands from here
        to `done`; what was downloaded is in the caches, so that the second time is short.
        """
        if not self.mark.exists() and run([*self.pip, "--version"]).returncode == 0:
            self.mark.touch()
            return
        done = run([sys.executable, "-m", "venv", "--clear", str(self.venv)])
        if done.returncode:
            raise InstallError(
                f"{sys.executable} cannot make a virtual environment ({reason(done)}); Debian has python3-venv for it"
            )
        self.mark.touch()

    def done(self) -> None:
        """Say that it is whole."""
        self.mark.unlink()

    def uv(self) -> str | None:
        """A uv that starts: the pinned one, which pip brings, else one on the PATH; None, and a line, if there is none."""
        own = str(self.venv / "bin/uv")
        if run([own, "--version"]).returncode == 0:
            return own
        done = run([*self.pip, "install", *QUIET, "--retries", "1", "-c", CONSTRAINTS, "uv"])
        if done.returncode == 0 and run([own, "--version"]).returncode == 0:
            return own
        other = shutil.which("uv")
        if other and run([other, "--version"]).returncode == 0:
            return other
        print(f"install: uv cannot be had ({reason(done)}); pip installs, which takes some minutes longer", flush=True)
        return None

    def by_uv(self, uv: str, wanted: list[str]) -> bool:
        """Whether uv installed them; InstallError where only the build with CUDA is to be had and no GPU is here."""
        pip = pip_settings(run([*self.pip, "config", "list"]).stdout)
        settings = uv_settings(pip, dict(os.environ))
        limits = [word for path in (CONSTRAINTS, *pip.get("constraint", [])) for word in ("-c", path)]
        install = [uv, "pip", "install", "--python", self.python, *limits]
        plan = run([*install, "--dry-run", *wanted], env=settings)
        gpu, names = has_gpu(), planned(plan.stderr)
        if plan.returncode == 0 and for_cuda(names) and not gpu and not settings.get("UV_TORCH_BACKEND"):
            settings["UV_TORCH_BACKEND"] = "cpu"  # PyTorch's own index: asked only now, for it may be out of reach
            plan = run([*install, "--dry-run", *wanted], env=settings)
            names = names if plan.returncode else planned(plan.stderr)
            refuse_cuda(names, "these indexes give")
            if plan.returncode:  # TORCH=any
                del settings["UV_TORCH_BACKEND"]
        elif gpu and "+cpu" in plan.stderr:
            wanted = self._with_gpu(install, wanted, settings)
        done = subprocess.run([*install, "--quiet", *wanted], env=settings, capture_output=True, text=True)
        if done.returncode:
            print(f"install: uv could not ({reason(done)}); pip tries", flush=True)
        return done.returncode == 0

    def _with_gpu(self, install: list[str], wanted: list[str], settings: dict[str, str]) -> list[str]:
        """A local `+cpu` build ranks above the default one; with a GPU the version is asked for to the letter."""
        exact = [word.replace("==", "===") if word == TORCH else word for word in wanted]
        if run([*install, "--dry-run", *exact], env=settings).returncode == 0:
            return exact
        print(
            "install: a GPU is here, but only torch without CUDA is to be had; runs will use the processor", flush=True
        )
        return wanted

    def compile(self) -> None:
        """Write the bytecode of what the demo imports, as pip does for all; else it falls into the load time of the first run.

        All 19,000 files take some 35 s, these 5,500 take 20 to 28. Each process would compile anew where PYTHONDONTWRITEBYTECODE is set.
        """
        own = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        commands = [[self.python, "-c", f"import {names}"] for names in IMPORTED]
        started = [subprocess.Popen(one, env=own, stderr=subprocess.PIPE, text=True) for one in commands]
        for one in started:
            errors = one.communicate()[1]
            if one.returncode:
                last = errors.strip().split("\n")[-1]
                raise InstallError(f"what was installed cannot be imported ({last}); try `make clean`")

    def by_pip(self, wanted: list[str]) -> None:
        """Install by pip, torch first and alone: nothing later asks for another. Raises InstallError."""
        if TORCH in wanted and sys.platform == "linux" and not has_gpu():
            offered = run([*self.pip, "index", "versions", "torch", "--disable-pip-version-check"])
            if offered.returncode == 0 and f"{TORCH[7:]}+cpu" not in offered.stdout and not self.has("torch"):
                refuse_cuda(["nvidia-*"], "pip would bring")
        for step in ([word for word in wanted if word == TORCH], [word for word in wanted if word != TORCH]):
            done = run([*self.pip, "install", *QUIET, "-c", CONSTRAINTS, *step]) if step else None
            if done and done.returncode:
                raise InstallError(
                    f"neither uv nor pip could install {' '.join(step)} ({reason(done)}); is there a network, "
                    "is the package index right (`pip config list`)? What was downloaded is kept: run it again"
                )

    def names(self) -> list[str]:
        """The packages that are installed in it, in lower case."""
        code = "import importlib.metadata as m; print(*{d.metadata['Name'].lower() for d in m.distributions()})"
        return run([self.python, "-c", code]).stdout.split()

    def has(self, name: str) -> bool:
        """Whether that package is installed in it."""
        return name in self.names()


def planned(text: str) -> list[str]:
    """The names in uv's plan, which has a line ` + name==version` for each."""
    return [line[3:].partition("==")[0] for line in text.split("\n") if line.startswith(" + ")]


def main(venv: str, extra: str) -> None:
    """Make the environment, fill it, and say how long each step took."""
    if sys.version_info < (3, 11):  # noqa: UP036 - it is run by whatever python3 is there
        raise InstallError(
            f"{sys.executable} is Python {sys.version.split()[0]}, 3.11 is needed: make … PYTHON=python3.11"
        )
    if not os.access(_cache(dict(os.environ), "pip"), os.W_OK):
        os.environ["PIP_NO_CACHE_DIR"] = "1"  # else pip cannot build where the home cannot be written
    environment, wanted, times = Environment(Path(venv)), [TORCH, "-e", f".[{extra}]"], [time.monotonic()]
    environment.make()
    times.append(time.monotonic())
    uv = environment.uv()
    times.append(time.monotonic())
    tool = "uv"
    if uv is None or not environment.by_uv(uv, wanted):
        tool = "pip"
        environment.by_pip(wanted)
    times.append(time.monotonic())
    if tool == "uv":
        environment.compile()
    refuse_cuda(environment.names(), f"{venv} has")
    environment.done()
    times.append(time.monotonic())
    steps = zip(("venv", "uv", f"packages by {tool}", "bytecode"), times, times[1:], strict=False)
    print("install: " + ", ".join(f"{name} {end - start:.0f} s" for name, start, end in steps), flush=True)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except InstallError as error:
        sys.exit(f"install: {error}")
