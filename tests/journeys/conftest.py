"""Fixtures of the journeys: a machine of its own for each, and the gateways and simulators that several of them share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from machine import CLIENTS, Machine

# The clients that `make test` installs, and the commands of this environment; set before any test looks for `codex`.
os.environ["PATH"] = os.pathsep.join([str(CLIENTS / "node_modules" / ".bin"), str(Path(sys.executable).parent), os.environ["PATH"]])


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A fresh machine."""
    return Machine(tmp_path)
