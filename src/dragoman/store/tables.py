"""The tables of the database, all named `dragoman_…`, for building queries. How they come to be: `store/migrations`.

Times are Unix seconds (`…_at`) or seconds since the exchange began (`…_s`); money is whole units of 1e-12 US dollar (`…_pico`); NULL
means not told or not known, never zero. Texts that sums are grouped by are never NULL there but empty.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Double, Identity, Index, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.types import TypeEngine

from dragoman.store.release import PREFIX

metadata = MetaData()

_Big = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits; SQLite's own counting key wants to be called INTEGER."""


def _columns(kind: type[TypeEngine[Any]] | TypeEngine[Any], *names: str) -> list[Column[Any]]:
    return [Column(name, kind) for name in names]


def _told(kind: type[TypeEngine[Any]] | TypeEngine[Any], default: str, *names: str) -> list[Column[Any]]:
    """Columns that are never NULL."""
    return [Column(name, kind, nullable=False, server_default=default) for name in names]


exchanges = Table(
    f"{PREFIX}exchanges",
    metadata,
    Column("id", Text, primary_key=True),
    Column("began_at", Double, nullable=False),
    *_columns(Text, "session", "turn", "parent_session", "run", "kind"),
    *_told(Text, "", "client"),
    *_columns(Text, "team", "user", "address", "key_prefix", "agent", "agent_version"),
    *_columns(Text, "dialect_in", "dialect_out", "lane", "asked", "routed", "rule", "decision"),
    *_columns(Text, "provider", "model", "provider_key", "answered"),
    *_told(Boolean, "0", "stream"),
    *_told(Integer, "0", "status"),
    *_columns(Text, "error", "message", "stop_reason"),
    *_columns(_Big, "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "total_tokens"),
    Column("usage_extra", Text),
    Column("cost_pico", _Big),
    Column("cost_parts", Text),
    *_told(Integer, "0", "attempts", "tool_calls"),
    *_columns(Double, "queue_s", "admission_s", "guards_s", "cache_s", "waited_s", "connect_s", "upstream_first_byte_s", "first_token_s"),
    *_columns(Double, "generation_s", "tools_s", "own_s"),
    *_told(Double, "0", "total_s"),
    *_told(_Big, "0", "bytes_in", "bytes_out"),
    Column("cache_hit", Text),
    Column("warnings", Text),
    *_told(Text, "none", "bodies"),
    *_columns(Text, "cwd", "repo", "replays", "tries"),
    Index(f"{PREFIX}exchanges_began", "began_at", "model", "client", "first_token_s", "total_s"),
    Index(f"{PREFIX}exchanges_session", "session", "began_at"),
    Index(f"{PREFIX}exchanges_model", "model", "began_at"),
    Index(f"{PREFIX}exchanges_client", "client", "began_at"),
)
"""One row for each request of a client. decision, usage_extra, cost_parts (units of `…_pico` by kind), warnings and tries (the attempts:
`store.tries`) are JSON. bodies: `full`, `redacted`, `none`, or `dropped` (there was no room for them)."""
_failed = exchanges.c.error.is_not(None)
Index(f"{PREFIX}exchanges_error", exchanges.c.error, exchanges.c.began_at, sqlite_where=_failed, postgresql_where=_failed)

attempts = Table(
    f"{PREFIX}attempts",
    metadata,
    Column("exchange_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    *_told(Text, "", "provider", "model"),
    Column("provider_key", Text),
    *_told(Double, "0", "began_s"),
    *_columns(Double, "connected_s", "first_byte_s", "ended_s"),
    Column("status", Integer),
    Column("error", Text),
    *_columns(_Big, "input_tokens", "output_tokens", "cost_pico"),
)
"""Of exchanges that an earlier release wrote, one row for each try at a deployment, counted from 1."""

tools = Table(
    f"{PREFIX}tools",
    metadata,
    Column("exchange_id", Text, primary_key=True),
    Column("call_id", Text, primary_key=True),
    *_told(Double, "0", "began_at"),
    Column("session", Text),
    *_told(Text, "", "name"),
    Column("arguments", Text),
    Column("command", Text),
    Column("arguments_bytes", _Big),
    Column("result_exchange_id", Text),
    Column("is_error", Boolean),
    *_columns(_Big, "result_bytes", "result_tokens"),
    Index(f"{PREFIX}tools_call", "session", "call_id"),
)
"""One row for each call of a tool. The result is seen in a later request: its id, size, and tokens by estimate. arguments: the beginning
of them, without secrets. command: what was run, where the tool runs commands."""

blobs = Table(
    f"{PREFIX}blobs",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("raw_size", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Index(f"{PREFIX}blobs_epoch", "epoch"),
)
"""Packs of texts: `hash` is a key of 16 bytes, `data` is Zstandard, empty where a pack that is gone was to stay. epoch: the last time slot
in which a body has used it; bodies use packs of their own epoch only, so what is older than every body may go."""

bodies = Table(
    f"{PREFIX}bodies",
    metadata,
    Column("number", _Big, Identity(), primary_key=True),
    Column("exchange_id", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("raw_size", _Big, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Index(f"{PREFIX}bodies_exchange", "exchange_id"),
    Index(f"{PREFIX}bodies_epoch", "epoch"),
)
"""Where the bodies of an exchange are: read them by `store.bodies`."""

sessions = Table(
    f"{PREFIX}sessions",
    metadata,
    Column("id", Text, primary_key=True),
    *_columns(Text, "parent", "agent", "client", "cwd", "repo", "last_turn"),
    *_told(Double, "0", "first_at", "last_at"),
    *_told(_Big, "0", "exchanges", "turns", "failed", "unpriced", "attempts", "tool_calls"),
    *_told(_Big, "0", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "cost_pico"),
    *_told(Double, "0", "total_s"),
    Index(f"{PREFIX}sessions_last", "last_at"),
    Index(f"{PREFIX}sessions_parent", "parent"),
)
"""Sums of each session, kept as its exchanges are written. unpriced: exchanges with tokens whose cost is not known."""

session_models = Table(
    f"{PREFIX}session_models",
    metadata,
    Column("session", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    *_told(_Big, "0", "exchanges"),
)
"""Who answered in a session, and how often."""

DIMENSIONS = ("hour", "client", "team", "user", "provider", "model", "agent", "outcome")
SUMS = (
    "exchanges", "failed", "unpriced", "attempts", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
    "reasoning_tokens", "cost_pico", "tool_calls", "bytes_in", "bytes_out", "first_tokens",
)  # fmt: skip
SUMS_S = ("total_s", "first_token_s", "generation_s", "own_s")

usage_hours = Table(
    f"{PREFIX}usage_hours",
    metadata,
    Column("hour", Integer, primary_key=True, autoincrement=False),
    *[Column(name, Text, primary_key=True) for name in DIMENSIONS[1:]],
    *_told(_Big, "0", *SUMS),
    *_told(Double, "0", *SUMS_S),
)
"""Sums of each hour (Unix seconds // 3600) for each combination that occurred. outcome: `ok`, or the kind of the error. first_tokens:
exchanges that had a first token, whose times `first_token_s` adds up."""

TIMES = ("total_s", "first_token_s")

usage_times = Table(
    f"{PREFIX}usage_times",
    metadata,
    Column("hour", Integer, primary_key=True, autoincrement=False),
    *[Column(name, Text, primary_key=True) for name in DIMENSIONS[1:]],
    Column("part", Integer, primary_key=True, autoincrement=False),
    *_columns(Text, *TIMES),
)
"""The single times that `usage_hours` adds up, so that percentiles need not read every exchange (see `store.batch.PER_S`), one
after the other. part: counts on within the hour, so that no row grows long."""

MEASURES = (*SUMS_S, "upstream_first_byte_s", "connect_s", "queue_s")
"""Times of which percentiles are told."""
APART = (
    "session", "parent_session", "run", "kind", "lane", "asked", "routed", "rule", "stop_reason", "dialect_in", "dialect_out",
    "provider_key", "answered", "agent_version", "address", "repo", "cwd",
)  # fmt: skip
"""What exchanges may be told apart by besides `DIMENSIONS` and their status."""

digests = Table(
    f"{PREFIX}digests",
    metadata,
    Column("hour", Integer, nullable=False),
    *_told(Text, "", *DIMENSIONS[1:]),
    *_told(Integer, "0", "status"),
    *_columns(Text, *APART),
    *_told(_Big, "0", *SUMS),
    *_told(Double, "0", *SUMS_S),
    *_columns(Text, *(f"each_{name}" for name in MEASURES)),
    Index(f"{PREFIX}digests_hour", "hour"),
)
"""Sums of some thousand exchanges at a time, by hour and by all that they are told apart by: see `store.digest`. There may be several rows
of the same. each_…: the single times that the sums add up, as `usage_times` has them, but written as numbers with commas between."""

writers = Table(
    f"{PREFIX}writers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("last", _Big, nullable=False),
    Column("written_at", Double, nullable=False),
)
"""The number of the last batch of each writer, so that what is written again after a connection broke counts once."""

meta = Table(f"{PREFIX}meta", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))
"""Small things to remember, as how far the full-text index has come (`indexed`; `indexed_whole`: `store.search`), or the digests
(`digested`: `store.digest`)."""
