"""Logs for machines (`log.format: json`): each exchange, and each message of the program, as one line with one JSON object."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import msgspec

from dragoman.ir.record import Attempt, Record

_encode = msgspec.json.Encoder().encode
_MESSAGE = 4000


def json_line(record: Record) -> str:
    """An exchange as one line; what is not known is left out. No line end."""
    usage, trace = record.usage, record.trace
    told: dict[str, Any] = {
        "time": _time(record.began_at),
        "level": "info" if record.error is None else "warning",
        "event": "exchange",
        "id": record.id,
        "client": record.client,
        "team": record.team,
        "user": record.user,
        "address": record.address,
        "agent": record.agent,
        "agent_version": record.agent_version,
        "session": record.session,
        "turn": record.turn,
        "run": record.run,
        "kind": record.kind,
        "dialect": record.dialect,
        "asked": record.asked,
        "provider": record.provider,
        "model": record.model,
        "answered": record.answered,
        "lane": record.lane,
        "stream": record.stream,
        "status": record.status,
        "error": record.error,
        "message": record.message and record.message[:_MESSAGE],
        "stop_reason": record.stop_reason,
        "input_tokens": usage and usage.input_tokens,
        "cache_read_tokens": usage and usage.cache_read_tokens,
        "cache_write_tokens": usage and usage.cache_write_tokens,
        "output_tokens": usage and usage.output_tokens,
        "reasoning_tokens": usage and usage.reasoning_tokens,
        "first_token_s": _rounded(record.first_token_s),
        "total_s": _rounded(record.total_s),
        "own_s": _rounded(record.own_s),
        "bytes_in": record.bytes_in,
        "bytes_out": record.bytes_out,
        "attempts": [_attempt(attempt) for attempt in record.attempts] if len(record.attempts) > 1 else None,
        "warnings": [{"field": field, "why": why} for field, why in record.warnings] or None,
        "trace_id": trace and trace.trace_id,
        "span_id": trace and trace.span_id,
    }
    return _written(told)


def json_drops(count: int) -> str:
    """What stands in place of so many lines that nobody took in time."""
    return _written({"level": "warning", "event": "dropped", "exchanges": count})


class JsonFormatter(logging.Formatter):
    """Messages of the program as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        told: dict[str, Any] = {
            "time": _time(record.created),
            "level": record.levelname.lower(),
            "event": "log",
            "logger": record.name,
            "message": record.getMessage(),
            "exception": self.formatException(record.exc_info) if record.exc_info else None,
        }
        return _written(told)


def _attempt(attempt: Attempt) -> dict[str, Any]:
    told = {
        "provider": attempt.provider,
        "model": attempt.model,
        "key": attempt.key,
        "status": attempt.status,
        "error": attempt.error,
        "began_s": _rounded(attempt.began_s),
        "ended_s": _rounded(attempt.ended_s),
    }
    return {name: value for name, value in told.items() if value is not None}


def _written(told: dict[str, Any]) -> str:
    known = {name: value for name, value in told.items() if value is not None and value != ""}
    try:
        return _encode(known).decode()
    except UnicodeEncodeError:
        # Half a character, as a client's header may hold: it must not cost the line.
        return _encode(_valid(known)).decode()


def _valid(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {name: _valid(inner) for name, inner in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return [_valid(inner) for inner in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
