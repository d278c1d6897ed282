"""The schema of a database store: MLflow would bring one that lacks a table up to date without a word, for all who use it."""

from __future__ import annotations

import importlib.util
import re
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

from bench.text.secret_urls import public_url
from bench.tracking import empty


def fault(uri: str) -> tuple[str, str] | None:
    """What is wrong with the schema of this database, and what to do; None for one that fits, that is new, or not to be told.

    Raises what SQLAlchemy raises for a database that cannot be reached.
    """
    found = _revision(uri)
    head, known = revisions()
    if found is None or head is None or found == head:
        return None
    import mlflow

    here = f"MLflow {mlflow.__version__} here"
    if found in known:
        return (
            f"its database schema ({found}) is older than that of {here} ({head})",
            f"back it up and bring it up to date with `mlflow db upgrade {shlex.quote(public_url(uri))}`",
        )
    return (
        f"its database schema ({found}) is one that {here} does not know",
        "use the newer MLflow that made it, or name another store",
    )


def _revision(uri: str) -> str | None:
    """The revision that the database says it has; None for a new one, and where several are said."""
    file = empty.file_of(uri)
    if file is not None:
        return _of_file(file) if file.exists() else None
    if uri.startswith("sqlite"):
        return None
    import sqlalchemy

    engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
    try:
        with engine.connect() as connection:
            if not sqlalchemy.inspect(connection).has_table("alembic_version"):
                return None
            rows = connection.execute(sqlalchemy.text("SELECT version_num FROM alembic_version")).fetchall()
    finally:
        engine.dispose()
    return str(rows[0][0]) if len(rows) == 1 else None


def _of_file(file: Path) -> str | None:
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=5)) as db:
            rows = db.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.Error:  # it has no such table, or cannot be read, which MLflow says better
        return None
    return str(rows[0][0]) if len(rows) == 1 else None


def revisions() -> tuple[str | None, set[str]]:
    """The last revision that the installed MLflow knows, None where that is not one, and all that it knows."""
    found = importlib.util.find_spec("mlflow")  # which does not import it: boards need no more of it
    origin = Path(found.origin).parent if found is not None and found.origin else Path()
    before, known = set[str](), set[str]()
    for path in (origin / "store" / "db_migrations" / "versions").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        known.update(re.findall(r"^revision(?:: \w+)? = [\"'](\w+)[\"']", text, re.MULTILINE))
        for line in re.findall(r"^down_revision(?:: [^=]+)? = (.*)$", text, re.MULTILINE):
            before.update(re.findall(r"[\"'](\w+)[\"']", line))
    heads = known - before
    return (heads.pop() if len(heads) == 1 else None), known
