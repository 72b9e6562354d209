"""What is remembered of an exchange: one Struct, filled as the exchange goes, read by everything that observes."""

from __future__ import annotations

from functools import reduce
from typing import Any

import msgspec

from dragoman.ir.request import Executor
from dragoman.ir.usage import Usage

REPLAY = "replay"
"""The kind of an exchange whose request was recorded before, and is sent once more."""
REPLAYS_HEADER = "x-dragoman-replay"
"""The header that says so, and of which exchange it was."""


LONGEST_NAME = 512
"""Letters of what a client calls itself, its conversation or its model that go on record: much is remembered by such names."""


class Trace(msgspec.Struct, frozen=True):
    """The place of an exchange in a distributed trace (https://www.w3.org/TR/trace-context/). Ids are hex. parent_id: the client's span;
    state: its `tracestate`. is_sampled: spans are wanted."""

    trace_id: str
    span_id: str
    parent_id: str | None = None
    is_sampled: bool = True
    state: str = ""


class Attempt(msgspec.Struct):
    """One try at one deployment. Times are seconds since the exchange began; None: not reached. ended_s: its answer was there to
    the last byte, or failed. usage: the tokens that it told; of an attempt that was answered, None: nothing is known of what it billed."""

    provider: str
    model: str
    began_s: float
    key: str | None = None
    connected_s: float | None = None
    first_byte_s: float | None = None
    ended_s: float | None = None
    status: int | None = None
    error: str | None = None
    span_id: str | None = None
    usage: Usage | None = None


class ToolCall(msgspec.Struct):
    """One call of a tool that an answer asked for. arguments: as they were written, empty where bodies are not to be kept; size_bytes:
    theirs in any case; command: what is run, where the tool runs commands; executor: who runs it."""

    call_id: str
    name: str
    arguments: str = ""
    command: str | None = None
    size_bytes: int = 0
    executor: Executor = "client"


class ToolResult(msgspec.Struct):
    """The result of a tool, as a later request brought it. tokens: an estimate."""

    call_id: str
    size_bytes: int = 0
    is_error: bool = False
    tokens: int | None = None


class Cut(msgspec.Struct, frozen=True):
    """A body of which only the beginning was held. side: its name among the bodies; whole_bytes: how long it was; why: a sentence."""

    side: str
    whole_bytes: int
    why: str


class Bodies(msgspec.Struct):
    """What was sent and received, as it was on the wire: kept by the journal as `mode` says (`full`, `redacted` or `none`).

    Of an answer the pieces, in turn: they are put together where nobody waits. None for the provider's side: it was the client's, byte
    by byte, but for the `splice` (from, to, instead) that may be told. Headers have lower-case names; the journal takes out what is secret
    in them. cut: which answers are longer than this. outline: the top level of the client's request, once it was read (a
    `wire.splice.Outline`).
    """

    mode: str = "redacted"
    client_request: bytes | None = None
    client_response: list[bytes] | None = None
    provider_request: bytes | None = None
    provider_response: list[bytes] | None = None
    client_request_headers: tuple[tuple[str, str], ...] = ()
    client_response_headers: tuple[tuple[str, str], ...] = ()
    provider_request_headers: tuple[tuple[str, str], ...] = ()
    provider_response_headers: tuple[tuple[str, str], ...] = ()
    cut: tuple[Cut, ...] = ()
    splice: tuple[int, int, bytes] | None = None
    outline: Any = None

    def __repr__(self) -> str:
        # The headers hold the keys of both sides.
        return f"Bodies({self.mode!r})"


def put_together(pieces: list[bytes]) -> bytes:
    """An answer that came in pieces. From then on it is one piece, so that it is put together once, whoever asks."""
    if len(pieces) != 1:
        pieces[:] = [b"".join(pieces)]
    return pieces[0]


class Record(msgspec.Struct):
    """One exchange. `began_at` is Unix seconds; the other times are seconds since then.

    asked: the model name of the client; provider, model: who answered; answered: the model name in the provider's own answer.
    lane: relay or translate, None if refused before. outcome: HTTP status told to the client (499: it left), error: kind.
    decision: where it was to go and why (a `routing.decision.Decision`; `told` there makes JSON of it); attempts: where it went, in turn.
    session, turn, run: what the agent (or the launcher, by header) calls its conversation, its step, its process; parent_session: of a
    sub-agent. key_prefix: how a refused key begins. routed, rule: the virtual model and its rule that decided. calls: tools that the
    answer asks for; results: those that the request brought. cwd, repo: only where config wants them. usage: the tokens of all attempts;
    tier: how the provider says that it processed the request, where that is not in the usage. replays: the exchange whose request this
    is once more.

    Of how long it took, each part that there was: waiting for a place (queue), for limits and budget (admission), guards, the cache;
    waited: before further tries, and for a classifier; generation: from the first token to the last; tools: those that the gateway ran;
    own: the gateway's own share.
    """

    id: str
    began_at: float
    client: str = "-"
    address: str = ""
    agent: str | None = None
    agent_version: str | None = None
    session: str | None = None
    turn: str | None = None
    kind: str | None = None
    run: str | None = None
    dialect: str = ""
    path: str = ""
    trace: Trace | None = None
    upstream_dialect: str | None = None
    asked: str = ""
    provider: str | None = None
    model: str | None = None
    answered: str | None = None
    lane: str | None = None
    stream: bool = False
    status: int = 0
    error: str | None = None
    message: str | None = None
    decision: Any = None
    usage: Usage | None = None
    attempts: list[Attempt] = []
    warnings: list[tuple[str, str]] = []
    bytes_in: int = 0
    bytes_out: int = 0
    first_token_s: float | None = None
    total_s: float = 0.0
    parent_session: str | None = None
    team: str | None = None
    user: str | None = None
    key_prefix: str | None = None
    routed: str | None = None
    rule: str | None = None
    stop_reason: str | None = None
    queue_s: float | None = None
    admission_s: float | None = None
    guards_s: float | None = None
    cache_s: float | None = None
    generation_s: float | None = None
    tools_s: float | None = None
    own_s: float | None = None
    cache_hit: str | None = None
    calls: list[ToolCall] = []
    results: list[ToolResult] = []
    cwd: str | None = None
    repo: str | None = None
    bodies: Bodies | None = None
    waited_s: float = 0.0
    tier: str | None = None
    replays: str | None = None


def sum_up(record: Record) -> None:
    """Work out what follows from what was noted of an exchange that is over: the tokens of all its attempts, how long its answer was
    generated, and the gateway's own share: what nobody else is the cause of, not the providers, not a wait."""
    if len(record.attempts) > 1:
        _sum_up_usage(record)
    if record.stream and record.first_token_s is not None and record.attempts:
        ended_s = record.attempts[-1].ended_s
        record.generation_s = (record.total_s if ended_s is None else ended_s) - record.first_token_s
    left_s = record.total_s - record.waited_s
    parts = (record.queue_s, record.admission_s, record.guards_s, record.cache_s, record.tools_s)
    if parts != _NO_PARTS:
        left_s -= sum([part_s for part_s in parts if part_s is not None])
    for attempt in record.attempts:
        left_s -= (record.total_s if attempt.ended_s is None else attempt.ended_s) - attempt.began_s
    record.own_s = left_s if left_s > 0.0 else 0.0


_NO_PARTS = (None,) * 5


def _sum_up_usage(record: Record) -> None:
    """The tokens of an exchange are those of its attempts, since each is billed that told some."""
    told = [attempt.usage for attempt in record.attempts if attempt.usage is not None]
    if told:
        record.usage = reduce(Usage.plus, told)
