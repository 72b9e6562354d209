"""Of which release a database is, told before anything is loaded that would use it: a gateway looks before it starts."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Collection
from pathlib import Path
from urllib.parse import unquote

from dragoman.store.faults import StoreRefused

PREFIX = "dragoman_"
VERSION_TABLE = f"{PREFIX}version"
KNOWN = ("0001", "0002", "0003", "0004")
"""The steps of our migrations, in their order."""
_SQLITE = "sqlite:///"
_BUSY_S = 1.0


def check(present: str | None, tables: Collection[str]) -> None:
    """Whether a database with these tables, on this step of the migrations, can be used or be made usable. Raises StoreRefused."""
    if present is not None and present not in KNOWN:
        raise StoreRefused(
            f"the database was written by a newer release (its tables are of version `{present}`, this release knows up to"
            f" `{KNOWN[-1]}`); start that release, or name another `database`"
        )
    strangers = sorted(name for name in tables if name.startswith(PREFIX) and name != VERSION_TABLE)
    if present is None and strangers:
        raise StoreRefused(
            f"the database has tables named like ours (`{strangers[0]}`) but no `{VERSION_TABLE}` that says of which release;"
            " rename them, or name another `database`"
        )


def look(url: str) -> None:
    """Look into a SQLite file, without changing it. Raises StoreRefused where this release will never be able to use it. One that is not
    there, or cannot be opened just now, may become usable; what else a URL names is not looked at."""
    path = Path(unquote(url.removeprefix(_SQLITE).partition("?")[0]))
    if not url.startswith(_SQLITE) or not path.is_file():
        return
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)) as connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            present = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone() if VERSION_TABLE in tables else None
    except sqlite3.OperationalError:
        return
    except sqlite3.DatabaseError as error:
        raise no_database(path, error) from error
    check(None if present is None else present[0], tables)


def no_database(path: Path, error: sqlite3.DatabaseError) -> StoreRefused:
    """What to tell of a file that is something else."""
    return StoreRefused(f"`{path}` is no SQLite database ({error}); move it away, or name another `database`")
