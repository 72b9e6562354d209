"""Fixtures of the journeys: a machine of its own for each, and the gateways and simulators that several of them share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from machine import Machine

# The clients that `make test` installs; set before any test looks for `codex`.
_CLIENTS = Path(os.environ.get("DRAGOMAN_CLIENTS") or Path(__file__).parents[2] / ".clients") / "node_modules" / ".bin"
os.environ["PATH"] = f"{_CLIENTS}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A fresh machine."""
    return Machine(tmp_path)
