"""Sums of exchanges by all that they are told apart by. They are made behind the writing, of earlier exchanges too."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Double, Integer, Text

revision = "0004"
down_revision = "0003"

_NAMED = "client team user provider model agent outcome"
_APART = (
    "session parent_session run kind lane asked routed rule stop_reason dialect_in dialect_out provider_key answered agent_version address"
    " repo cwd"
)
_SUMS = (
    "exchanges failed unpriced attempts input_tokens output_tokens cache_read_tokens cache_write_tokens reasoning_tokens cost_pico"
    " tool_calls bytes_in bytes_out first_tokens"
)
_SUMS_S = "total_s first_token_s generation_s own_s"


def upgrade() -> None:
    """Make room for them."""
    op.create_table(
        "dragoman_digests",
        Column("hour", Integer(), nullable=False),
        *[Column(name, Text(), nullable=False, server_default="") for name in _NAMED.split()],
        Column("status", Integer(), nullable=False, server_default="0"),
        *[Column(name, Text()) for name in _APART.split()],
        *[Column(name, BigInteger(), nullable=False, server_default="0") for name in _SUMS.split()],
        *[Column[float](name, Double(), nullable=False, server_default="0") for name in _SUMS_S.split()],
        *[Column(f"each_{name}", Text()) for name in f"{_SUMS_S} upstream_first_byte_s connect_s queue_s".split()],
    )
    op.create_index("dragoman_digests_hour", "dragoman_digests", ["hour"])
