"""Which drivers are loaded for which database."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from dragoman.store.open import open_store
store = open_store(sys.argv[1])
store.writer().close()
store.close()
print([name for name in ("sqlite3", "psycopg") if name in sys.modules])
"""


@pytest.mark.long
def test_who_has_sqlite_does_not_wait_for_the_driver_of_postgresql(tmp_path: Path) -> None:
    asked = [sys.executable, "-c", SCRIPT, f"sqlite:///{tmp_path / 'journal.db'}"]

    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout == "['sqlite3']\n"
