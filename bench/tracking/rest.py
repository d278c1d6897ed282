"""MLflow's server by its REST API alone: a board needs four kinds of requests, and MLflow's client takes seconds to import.

For plain addresses and the usual names and passwords only. For whatever is set beside that, and for every answer that is not the
expected one, MLflow's own client is asked, which also says what is wrong.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from bench.types import Json

_Found = TypeVar("_Found")
_API = "api/2.0/mlflow"
_PAGE = 1000
_AT_ONCE = 8  # requests
_SOON_SECONDS, _PATIENCE_SECONDS = 10.0, 120.0  # for a small answer, and for a thousand runs
_PLAIN = {"URI", "USERNAME", "PASSWORD", "TOKEN"}  # of MLFLOW_TRACKING_…
_MORE = ("MLFLOW_WORKSPACE",)


class Odd(Exception):
    """The server did not answer as one of MLflow's does, or needs more than this knows."""


class Rest:
    """A server, asked by several threads at once. Whatever hinders it raises Odd."""

    def __init__(self, uri: str) -> None:
        parts = urlsplit(uri)
        if parts.scheme not in ("http", "https") or not parts.hostname or _is_special():
            raise Odd("the address or the environment needs MLflow's client")
        self.uri = uri.rstrip("/")
        self.now = 0.0  # milliseconds since 1970 by the server's clock when it was first asked; 0 where it does not say
        self._own = threading.local()
        self._token = os.environ.get("MLFLOW_TRACKING_TOKEN")
        name, password = (os.environ.get(f"MLFLOW_TRACKING_{what}") for what in ("USERNAME", "PASSWORD"))
        # In UTF-8, as MLflow's client sends them; requests would take Latin-1, in which a password is another one, or none.
        self._login = (name.encode(), password.encode()) if name and password else None

    def experiments(self, *, deleted: bool = False) -> list[tuple[str, str]]:
        """The ids and names of the experiments that are active, or of those that were deleted."""
        view = "DELETED_ONLY" if deleted else "ACTIVE_ONLY"
        asked = {"view_type": view, "max_results": _PAGE}
        pages = self._pages("experiments/search", asked, "experiments", _SOON_SECONDS)
        return [(str(one["experiment_id"]), str(one["name"])) for one in pages]

    def runs(self, experiments: Sequence[str], where: str, *, deleted: bool = False) -> list[Json]:
        """The runs of these experiments that the filter takes, as the API has them."""
        if not experiments:
            return []
        view = "DELETED_ONLY" if deleted else "ACTIVE_ONLY"
        asked = {"experiment_ids": [*experiments], "filter": where, "run_view_type": view, "max_results": _PAGE}
        return [*self._pages("runs/search", asked, "runs", _PATIENCE_SECONDS)]

    def at_once(self, act: Callable[..., _Found], given: Sequence[Any]) -> list[_Found]:
        """What `act` makes of each, some at a time, in their order."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return [*pool.map(act, given)]

    def clock(self) -> float:
        """The server's time in milliseconds since 1970, to the second; 0 where it does not say."""
        self._answer("GET", "health", None, _SOON_SECONDS, (200,))
        return self.now

    def file(self, place: str) -> bytes | None:
        """An artifact that the server keeps, by its address (`mlflow-artifacts:/…`); None where it has none there."""
        parts = urlsplit(place)
        if parts.scheme != "mlflow-artifacts" or parts.netloc:
            raise Odd("its files are kept elsewhere")
        path = quote(parts.path.lstrip("/"))
        answer = self._answer("GET", f"api/2.0/mlflow-artifacts/artifacts/{path}", None, _PATIENCE_SECONDS, (200, 404))
        return bytes(answer.content) if answer.status_code == 200 else None

    def _pages(self, path: str, asked: dict[str, Json], name: str, seconds: float) -> Iterator[Json]:
        token = ""
        while True:
            body = asked | ({"page_token": token} if token else {})
            answer = self._answer("POST", f"{_API}/{path}", body, seconds, (200,))
            try:
                found = answer.json()
                yield from found.get(name, ())
                token = found.get("next_page_token", "")
            except (ValueError, AttributeError, TypeError) as error:
                raise Odd(f"it answers no JSON of MLflow's ({error})") from None
            if not token:
                return

    def _answer(self, method: str, path: str, body: Json, seconds: float, good: Sequence[int]) -> Any:
        import requests

        try:
            answer = self._session().request(
                method, f"{self.uri}/{path}", json=body, timeout=(_SOON_SECONDS, seconds), allow_redirects=False
            )
        except (requests.RequestException, OSError, ValueError) as error:
            raise Odd(str(error)) from None
        with suppress(ValueError, TypeError):
            self.now = self.now or 1000 * parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
        if answer.status_code not in good:
            raise Odd(f"it answers {answer.status_code}")
        return answer

    def _session(self) -> Any:
        """One a thread, each with a connection that stays."""
        if not hasattr(self._own, "session"):
            import requests

            self._own.session = requests.Session()
            if self._login:
                self._own.session.auth = self._login
            elif self._token:
                self._own.session.headers["Authorization"] = f"Bearer {self._token}"
        return self._own.session


def _is_special() -> bool:
    """Whether something is set that MLflow's client heeds beside a name, a password and a token."""
    named = {name.removeprefix("MLFLOW_TRACKING_") for name in os.environ if name.startswith("MLFLOW_TRACKING_")}
    if named - _PLAIN or any(os.environ.get(name) for name in _MORE):
        return True
    if (Path.home() / ".mlflow" / "credentials").exists():
        return True
    from importlib.metadata import entry_points

    return bool(
        entry_points(group="mlflow.request_header_provider") or entry_points(group="mlflow.request_auth_provider")
    )
