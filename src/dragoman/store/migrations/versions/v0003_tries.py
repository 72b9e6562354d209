"""Attempts stand in the row of their exchange (those of earlier exchanges stay where they are), and the calls of tools have one index."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make room for them."""
    op.add_column("dragoman_exchanges", Column("tries", Text()))
    for name in ("call", "session", "began"):
        op.drop_index(f"dragoman_tools_{name}", "dragoman_tools")
    op.create_index("dragoman_tools_call", "dragoman_tools", ["session", "call_id"])
