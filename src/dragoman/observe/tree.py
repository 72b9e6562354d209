"""A session as a tree: turns, exchanges, attempts, and the sub-agents' sessions beneath. The sums of each level are those of its parts.

Pure: rows of the journal in, a tree out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

Row = Mapping[str, Any]


class Sums(msgspec.Struct):
    """What a part of a session came to. unpriced: exchanges with tokens whose cost is not known. waited_s: at providers; total_s: of all
    exchanges together; first_at, last_at: Unix seconds of the first beginning and the last end."""

    exchanges: int = 0
    failed: int = 0
    attempts: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost_pico: int = 0
    unpriced: int = 0
    total_s: float = 0.0
    own_s: float = 0.0
    first_at: float | None = None
    last_at: float | None = None

    @property
    def cache_hit_rate(self) -> float | None:
        """The share of the input that came out of the provider's prompt cache; None without input."""
        return self.cache_read_tokens / self.input_tokens if self.input_tokens else None

    def add(self, other: Sums) -> None:
        """Count a part."""
        for name in _ADDED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        moments = [at for at in (self.first_at, other.first_at) if at is not None]
        self.first_at = min(moments, default=None)
        self.last_at = max([at for at in (self.last_at, other.last_at) if at is not None], default=None)


_ADDED = tuple(name for name in Sums.__struct_fields__ if name not in ("first_at", "last_at"))
_OF_ROWS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "cost_pico", "tool_calls")


class Turn(msgspec.Struct):
    """One step of an agent: its exchanges, each with `tries` (its attempts)."""

    id: str | None
    sums: Sums
    exchanges: list[dict[str, Any]]


class Session(msgspec.Struct):
    """A conversation. own: the sums of its turns; sums: those and its sub-agents'. row: what the journal knows of it besides."""

    id: str
    row: Row
    own: Sums
    sums: Sums
    turns: list[Turn]
    agents: list[Session]


def grow(sessions: Sequence[Row], exchanges: Iterable[Row], attempts: Iterable[Row]) -> Session:
    """The tree of the first of `sessions`; the others are those of its sub-agents, with their `parent`. Exchanges in the order of time.
    Turns stand in the order of their first exchange; what names none stands alone."""
    tries: dict[str, list[dict[str, Any]]] = {}
    for attempt in attempts:
        tries.setdefault(attempt["exchange_id"], []).append({name: value for name, value in attempt.items() if name != "exchange_id"})
    made = {row["id"]: Session(row["id"], row, Sums(), Sums(), [], []) for row in sessions}
    for row in exchanges:
        session = made.get(row["session"])
        if session is not None:
            _add(session, {**row, "tries": tries.get(row["id"], [])})
    root = made[sessions[0]["id"]]
    for session in made.values():
        parent = made.get(session.row["parent"] or "")
        if session is not root and parent is not None and parent is not session:
            parent.agents.append(session)
    _total(root, set())
    return root


def sums_of(row: Row) -> Sums:
    """One exchange as sums."""
    counts = {name: row[name] or 0 for name in _OF_ROWS}
    is_unpriced = row["cost_pico"] is None and row["input_tokens"] is not None
    return Sums(
        exchanges=1,
        failed=int(row["error"] is not None),
        attempts=row["attempts"],
        unpriced=int(is_unpriced),
        total_s=row["total_s"],
        own_s=row["own_s"] or 0.0,
        first_at=row["began_at"],
        last_at=row["began_at"] + row["total_s"],
        **counts,
    )


def _add(session: Session, row: dict[str, Any]) -> None:
    turn = next((turn for turn in reversed(session.turns) if turn.id is not None and turn.id == row["turn"]), None)
    if turn is None:
        turn = Turn(row["turn"], Sums(), [])
        session.turns.append(turn)
    turn.exchanges.append(row)
    turn.sums.add(sums_of(row))


def _total(session: Session, seen: set[str]) -> None:
    seen.add(session.id)
    for turn in session.turns:
        session.own.add(turn.sums)
    session.sums.add(session.own)
    session.agents = [agent for agent in session.agents if agent.id not in seen]
    for agent in session.agents:
        _total(agent, seen)
        session.sums.add(agent.sums)
