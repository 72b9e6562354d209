"""The tables of the journal: exchanges with what belongs to them, bodies and their pieces, sums."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Double, Identity, Integer, LargeBinary, Text, text
from sqlalchemy.types import TypeEngine

revision = "0001"
down_revision = None

_KINDS: dict[str, TypeEngine[Any]] = {
    "text": Text(),
    "double": Double(),
    "flag": Boolean(),
    "int": Integer(),
    "big": BigInteger().with_variant(Integer(), "sqlite"),
    "bytes": LargeBinary(),
}
# name:kind, then * (part of the key) or ! (never NULL), + (counts by itself), =default
_TABLES = {
    "attempts": """
        exchange_id:text* number:int* provider:text!= model:text!= provider_key:text began_s:double!=0 connected_s:double
        first_byte_s:double ended_s:double status:int error:text input_tokens:big output_tokens:big cost_pico:big
    """,
    "blobs": """
        hash:bytes* epoch:int! raw_size:int! data:bytes!
    """,
    "bodies": """
        number:big*+ exchange_id:text! epoch:int! raw_size:big! data:bytes!
    """,
    "exchanges": """
        id:text* began_at:double! session:text turn:text parent_session:text run:text kind:text client:text!= team:text user:text
        address:text key_prefix:text agent:text agent_version:text dialect_in:text dialect_out:text lane:text asked:text
        routed:text rule:text decision:text provider:text model:text provider_key:text answered:text stream:flag!=0 status:int!=0
        error:text message:text stop_reason:text input_tokens:big output_tokens:big cache_read_tokens:big cache_write_tokens:big
        reasoning_tokens:big total_tokens:big usage_extra:text cost_pico:big cost_parts:text attempts:int!=0 tool_calls:int!=0
        queue_s:double admission_s:double guards_s:double cache_s:double waited_s:double connect_s:double upstream_first_byte_s:double
        first_token_s:double generation_s:double tools_s:double own_s:double total_s:double!=0 bytes_in:big!=0 bytes_out:big!=0
        cache_hit:text warnings:text bodies:text!=none cwd:text repo:text replays:text
    """,
    "meta": """
        name:text* value:text!
    """,
    "session_models": """
        session:text* provider:text* model:text* exchanges:big!=0
    """,
    "sessions": """
        id:text* parent:text agent:text client:text cwd:text repo:text last_turn:text first_at:double!=0 last_at:double!=0
        exchanges:big!=0 turns:big!=0 failed:big!=0 unpriced:big!=0 attempts:big!=0 tool_calls:big!=0 input_tokens:big!=0
        output_tokens:big!=0 cache_read_tokens:big!=0 cache_write_tokens:big!=0 reasoning_tokens:big!=0 cost_pico:big!=0
        total_s:double!=0
    """,
    "tools": """
        exchange_id:text* call_id:text* began_at:double!=0 session:text name:text!= arguments:text command:text arguments_bytes:big
        result_exchange_id:text is_error:flag result_bytes:big result_tokens:big
    """,
    "usage_hours": """
        hour:int* client:text* team:text* user:text* provider:text* model:text* agent:text* outcome:text* exchanges:big!=0
        failed:big!=0 unpriced:big!=0 attempts:big!=0 input_tokens:big!=0 output_tokens:big!=0 cache_read_tokens:big!=0
        cache_write_tokens:big!=0 reasoning_tokens:big!=0 cost_pico:big!=0 tool_calls:big!=0 bytes_in:big!=0 bytes_out:big!=0
        first_tokens:big!=0 total_s:double!=0 first_token_s:double!=0 generation_s:double!=0 own_s:double!=0
    """,
    "writers": """
        id:text* last:big! written_at:double!
    """,
}
_INDEXES = {
    "blobs_epoch": ("blobs", "epoch"),
    "bodies_epoch": ("bodies", "epoch"),
    "bodies_exchange": ("bodies", "exchange_id"),
    "exchanges_began": ("exchanges", "began_at model client first_token_s total_s"),
    "exchanges_client": ("exchanges", "client began_at"),
    "exchanges_error": ("exchanges", "error began_at"),
    "exchanges_model": ("exchanges", "model began_at"),
    "exchanges_session": ("exchanges", "session began_at"),
    "sessions_last": ("sessions", "last_at"),
    "sessions_parent": ("sessions", "parent"),
    "tools_began": ("tools", "began_at"),
    "tools_call": ("tools", "call_id"),
    "tools_session": ("tools", "session"),
}
_TEXT_INDEX = {
    # Without a copy of the words, and without their places: an eighth of the size, and phrases are not asked for.
    "sqlite": ("CREATE VIRTUAL TABLE dragoman_texts USING fts5(words, content='', detail=none, tokenize='unicode61 remove_diacritics 2')",),
    "postgresql": (
        "CREATE TABLE dragoman_texts (number bigint PRIMARY KEY, epoch integer NOT NULL, words tsvector NOT NULL)",
        "CREATE INDEX dragoman_texts_epoch ON dragoman_texts (epoch)",
        "CREATE INDEX dragoman_texts_words ON dragoman_texts USING gin (words)",
    ),
}


def upgrade() -> None:
    """Make them."""
    for name, columns in _TABLES.items():
        op.create_table(f"dragoman_{name}", *[_column(written) for written in columns.split()])
    for name, (table, columns) in _INDEXES.items():
        failed = text("error IS NOT NULL") if name == "exchanges_error" else None
        op.create_index(f"dragoman_{name}", f"dragoman_{table}", columns.split(), sqlite_where=failed, postgresql_where=failed)
    for statement in _TEXT_INDEX[op.get_bind().dialect.name]:
        op.execute(statement)


def _column(written: str) -> Column[Any]:
    head, _, default = written.partition("=")
    name, _, kind = head.rstrip("*!+").partition(":")
    return Column(
        name,
        _KINDS[kind],
        *([Identity()] if "+" in head else []),
        primary_key="*" in head,
        autoincrement="+" in head,
        nullable="*" not in head and "!" not in head,
        server_default=default if "=" in written else None,
    )
