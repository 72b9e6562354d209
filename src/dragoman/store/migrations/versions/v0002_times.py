"""The single times of exchanges by the hour, beside the sums of them: for percentiles."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Integer, Text

revision = "0002"
down_revision = "0001"

_DIMENSIONS = ("client", "team", "user", "provider", "model", "agent", "outcome")
_TIMES = ("total_s", "first_token_s")
_FILL = """
    INSERT INTO dragoman_usage_times
    SELECT {hour}, client, coalesce(team, ''), coalesce("user", ''), coalesce(provider, ''),
        coalesce(model, ''), coalesce(agent, ''), coalesce(error, 'ok'), 0, {total_s}, {first_token_s}
    FROM dragoman_exchanges GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
"""
_LONGEST = 2**32 - 1
_NOT_NULL = "CASE WHEN {0} IS NOT NULL THEN "
_JOINED = {
    "sqlite": f"group_concat({_NOT_NULL} printf('%08x', min(max(CAST({{0}} * 100000 + 0.5 AS INTEGER), 0), {_LONGEST})) END, '')",
    "postgresql": f"string_agg({_NOT_NULL} lpad(to_hex(least(greatest({{0}} * 100000, 0), {_LONGEST})::bigint), 8, '0') END, '')",
}
_HOUR = {"sqlite": "CAST(began_at / 3600 AS INTEGER)", "postgresql": "floor(began_at / 3600)::integer"}


def upgrade() -> None:
    """Make them, of the exchanges that are there."""
    op.create_table(
        "dragoman_usage_times",
        Column("hour", Integer(), primary_key=True, autoincrement=False),
        *[Column(name, Text(), primary_key=True, nullable=False) for name in _DIMENSIONS],
        Column("part", Integer(), primary_key=True, autoincrement=False),
        *[Column(name, Text()) for name in _TIMES],
    )
    database = op.get_bind().dialect.name
    joined = _JOINED[database]
    op.execute(_FILL.format(hour=_HOUR[database], **{name: joined.format(name) for name in _TIMES}))
