"""Fixtures of the journeys: a machine of its own for each, and the gateways and simulators that several of them share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from machine import Machine

# The clients that `make test` installs, and the commands of this environment; set before any test looks for `codex`.
_CLIENTS = Path(os.environ.get("DRAGOMAN_CLIENTS") or Path(__file__).parents[2] / ".clients") / "node_modules" / ".bin"
os.environ["PATH"] = os.pathsep.join([str(_CLIENTS), str(Path(sys.executable).parent), os.environ["PATH"]])


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A fresh machine."""
    return Machine(tmp_path)
