"""The closing line: what a run of Codex asked, cost and waited for, as its gateway tells it (`GET /api/runs/<run>`)."""

from __future__ import annotations

import http.client

import msgspec

from dragoman.cli.amounts import dollars
from dragoman.cli.codex.arguments import Door
from dragoman.cli.gateway import get
from dragoman.wire.not_json import NOT_JSON

_WAIT_S = 10.0
"""A busy machine answers late; a gateway that is gone refuses at once."""


class Run(msgspec.Struct, frozen=True):
    """The sums of a run. cost_usd: what it cost, None where a part is unknown; known_cost_usd: its known parts. waited_s: seconds under
    way at each provider. models: how often each answered."""

    requests: int
    turns: int = 0
    failed: int = 0
    left: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    models: dict[str, int] = {}
    waited_s: dict[str, float] = {}
    cost_usd: float | None = None
    known_cost_usd: float = 0.0
    last_error: str | None = None


def fetch_summary(door: Door, key: str | None) -> str | None:
    """The line, or None: nothing was asked, or the gateway is gone."""
    try:
        answer = get(door.address, f"/api/runs/{door.run}", key=key, wait_s=_WAIT_S)
        run = msgspec.json.decode(answer.body, type=Run) if answer.status == 200 else None
    except (OSError, http.client.HTTPException, *NOT_JSON):
        return None
    return tell(run) if run and run.requests else None


def tell(run: Run) -> str:
    """`2 turns (5 requests) · 48.1k tokens in, 62 % cached, 1.2k out · $0.0713 · openai/gpt-5.5 · waited 8.1 s on openai`."""
    turns = _count(run.turns, "turn")
    if run.requests != run.turns:
        turns += f" ({_count(run.requests, 'request')})"
    return " · ".join(filter(None, (turns, _tokens(run), _cost(run), _models(run), _waited(run), _mishaps(run))))


def _tokens(run: Run) -> str:
    if not run.input_tokens and not run.output_tokens:
        return ""
    share = f"{100 * run.cached_tokens // run.input_tokens} % cached, " if run.input_tokens else ""
    return f"{_short(run.input_tokens)} tokens in, {share}{_short(run.output_tokens)} out"


def _cost(run: Run) -> str:
    """Nothing where it is not known at all; what costs nothing is not worth a word."""
    if run.cost_usd is None and run.known_cost_usd:
        return f"over {dollars(run.known_cost_usd)}"
    return dollars(run.cost_usd) if run.cost_usd else ""


def _models(run: Run) -> str:
    return ", ".join(sorted(run.models, key=lambda model: -run.models[model]))


def _waited(run: Run) -> str:
    longest_first = sorted(run.waited_s.items(), key=lambda item: -item[1])
    return "waited " + ", ".join(f"{seconds:.1f} s on {provider}" for provider, seconds in longest_first) if longest_first else ""


def _mishaps(run: Run) -> str:
    failed = f"{run.failed} failed" if run.failed else ""
    left = f"{run.left} cancelled" if run.left else ""
    return ", ".join(filter(None, (failed, left)))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def _short(number: int) -> str:
    if number < 1000:
        return str(number)
    return f"{number / 1000:.1f}k" if number < 1_000_000 else f"{number / 1_000_000:.1f}M"
