"""A store of an earlier schema, made by MLflow's own migrations, and one of a schema that no MLflow here knows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from scripts.hard.forked import asked, begin
from scripts.hard.row import Row, Scale, counted
from scripts.hard.stores.databases import made, run_into
from scripts.hard.stores.study import synced, unlogged


def tried(scale: Scale) -> Iterator[Row]:
    """Several earlier revisions, and an unknown one."""
    folder = scale.folder / "schemas"
    folder.mkdir()
    yield _schemas(folder, scale)


def _schemas(folder: Path, scale: Scale) -> Row:
    """Stores of earlier revisions, made by MLflow's own migrations, and of one that no MLflow here knows."""
    revisions = asked(_revisions, scale.folder)  # the first first
    chosen = [revisions[i] for i in ((-2, -6, -15, -30, 30, 12) if scale.long else (-2,))]
    verdicts = []
    for revision in chosen:
        path = folder / f"{revision}.db"
        path.parent.mkdir(exist_ok=True)
        asked(lambda path=path, revision=revision: _at(path, revision), folder)  # type: ignore[misc]
        verdicts.append(_of_schema(path, revision, folder))
    path = folder / "newer.db"
    uri = made(path)
    _stamp(path, "feedfacecafe")
    done = run_into(uri, folder / "newer")
    fault = unlogged(done, folder / "newer" / "runs", 1) or (
        "" if "use the newer MLflow" in done.stderr else done.stderr
    )
    _stamp(path, revisions[-1])
    verdicts.append(fault or synced(uri, folder, folder / "newer" / "runs"))
    return counted(
        f"a store of an earlier schema ({', '.join(chosen)}), and of an unknown one; upgrade, `bench sync`", verdicts
    )


def _of_schema(path: Path, revision: str, folder: Path) -> str:
    uri, runs = f"sqlite:///{path}", folder / revision / "runs"
    done = run_into(uri, runs.parent)
    if fault := unlogged(done, runs, 1):
        return f"{revision}: {fault}"
    if f"`mlflow db upgrade {uri}`" not in done.stderr:
        return f"{revision}: the command is not named: {done.stderr}"
    if (now := _stamped(path)) != revision:
        return f"the schema was {revision} and is {now}, with nobody's leave"
    upgraded = begin(lambda: _upgraded(uri), folder).wait()
    if upgraded.returncode:
        return f"{revision}: MLflow's upgrade failed: {upgraded.stderr[-300:]}"
    fault = synced(uri, folder, runs)
    return f"{revision}: {fault}" if fault else ""


def _upgraded(uri: str) -> int:
    """`mlflow db upgrade URI`."""
    from mlflow.cli import cli

    return int(cli(["db", "upgrade", uri], standalone_mode=False) or 0)


def _revisions() -> list[str]:
    import mlflow
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(Path(mlflow.__file__).parent / "store" / "db_migrations"))
    return [one.revision for one in script.walk_revisions()][::-1]


def _at(path: Path, revision: str) -> None:
    import sqlalchemy
    from alembic import command
    from mlflow.store.db.utils import _get_alembic_config
    from mlflow.store.tracking.dbmodels.initial_models import Base

    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    Base.metadata.create_all(engine)
    config = _get_alembic_config(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def _stamped(path: Path) -> str:
    with closing(sqlite3.connect(path)) as db:
        return str(db.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def _stamp(path: Path, revision: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        db.commit()
