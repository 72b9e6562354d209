"""What a dialect is: a frozen Struct of plain callables. No base class, no I/O, no state but in its readers and writers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, Protocol

import msgspec

from dragoman.dialects.glance import Glance
from dragoman.ir.errors import GatewayError
from dragoman.ir.events import Event
from dragoman.ir.request import Item, Request
from dragoman.ir.response import Response
from dragoman.ir.usage import Usage
from dragoman.wire.frame import Frame, Framer, Headers
from dragoman.wire.splice import Outline


class Call(msgspec.Struct, frozen=True):
    """One HTTP request of a dialect, without address and key.

    `path` is relative to the base URL of the provider (or to the mount point of the gateway) and starts with `/`; `query` has no
    `?`; `headers` holds only those that carry meaning in the dialect (betas, versions). Two dialects carry model and stream in
    the path.
    """

    path: str
    body: bytes
    method: str = "POST"
    query: str = ""
    headers: Headers = ()


class Peek(msgspec.Struct, frozen=True):
    """What routing needs to know of a request, read without parsing the body in full. `outline`: the body's top level, for
    whoever looks at it next, so that it is found only once."""

    model: str
    stream: bool = False
    outline: Outline | None = None


class Quirks(msgspec.Struct, frozen=True):
    """Variations of an API that several providers share; set by profiles, overridable in config, read in one place of a dialect."""

    max_tokens_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    """Chat: the field that limits the output. Default: max_completion_tokens (OpenAI); most compatible servers know max_tokens."""
    stream_usage: bool = True
    """Chat: ask for usage with `stream_options.include_usage`, whether or not the client does (who does not is not told). Default: true."""
    reasoning_field: str = "reasoning_content"
    """Chat: the field in which earlier thoughts are sent back, where the provider wants them at all. Default: reasoning_content."""
    replay_reasoning: bool = False
    """Chat: send earlier thoughts back with the assistant's tool turns (DeepSeek demands it). Default: false."""
    done_is_enough: bool = False
    """Chat: take `[DONE]` as the proper end of a stream without any finish reason. Default: false; such a stream was cut."""
    sign_calls: bool = False
    """Generate: calls that bear no signature of this API (another model made them) get the word that its check lets pass; Gemini 3
    and later refuse them without. Default: false."""
    mixed_tools: bool = False
    """Generate: the API's own tools (web search) may stand beside functions (Gemini 3 and later). Default: false."""
    store: bool | None = False
    """Responses, Chat: what `store` is set to where the client said nothing; null leaves it out. Default: false."""
    thinking: Literal["budget", "adaptive", "level", "none"] = "budget"
    """Messages, Generate: how a model is told to think: a number of tokens, adaptive with an effort (Messages), a level (Generate,
    Gemini 3 and later), or not at all (Messages). Default: budget."""
    thinking_off: Literal["omitted", "disabled", "between_tools"] = "omitted"
    """Messages: how it is told not to think; omitted where it does not think unasked. Default: omitted."""
    binds_thoughts: bool = False
    """Messages: each thought is bound to everything before it, and the API is asked to leave out those whose conversation was changed
    since (tools found on the way, a compaction, another model's turn), which it would refuse. Default: false."""
    cache_breakpoints: Literal["automatic", "blocks", "off"] = "automatic"
    """Messages: cache breakpoints for clients that set none: on tools, instructions and the end of the conversation, the last one set
    by the API itself (automatic) or by us on the last two user turns (blocks). Default: automatic."""
    web_search_tool: str = "web_search_20250305"
    """Messages: the tool that other dialects' web search becomes. Default: web_search_20250305, which all models take."""


class StreamReader(Protocol):
    """Frames of a provider's stream in, neutral events out. Raises nothing on bad input but GatewayError."""

    def feed(self, frame: Frame) -> Iterable[Event]:
        """Translate one frame."""
        ...

    def close(self) -> Iterable[Event]:
        """The bytes are over. A stream that had no proper end yields Failed(cut) here; a proper one yields what is left."""
        ...


class StreamWriter(Protocol):
    """Neutral events in, framed bytes of the client's dialect out (`b""` when an event has no form there)."""

    def feed(self, event: Event) -> bytes:
        """Translate one event. Exactly one terminal event leaves a writer."""
        ...

    def close(self) -> bytes:
        """Nothing more will come. If no terminal event was written, writes the dialect's own error."""
        ...

    def ping(self) -> bytes:
        """A legal event that says only "still here"; opens the stream first if need be."""
        ...


class Tap(Protocol):
    """Watches relayed bytes of this dialect without changing them. Cheap: looks for what it needs and parses only that.

    `usage`, `reason`, `model` and the rest are read when wanted. `first_token`: output was seen. `ended`:
    the dialect's own end mark was seen, nothing of use follows. `may_end`: everything but the mark was seen, which some servers
    leave out. `failed`: an error inside the stream, or a whole body that is no reply. `kept`: the id under which the provider keeps
    the reply, to be gone on from; None: it does not. `tier`: how it says that it processed the request, where the counts do not tell.
    """

    @property
    def usage(self) -> Usage | None:
        """The latest counts."""
        ...

    reason: str | None
    model: str | None
    first_token: bool
    ended: bool
    may_end: bool
    failed: GatewayError | None
    kept: str | None
    tier: str | None

    def feed(self, chunk: bytes) -> bool:
        """Watch a chunk of a stream. False: it was whole events, no more than further words of an output that has begun, so that nothing
        but the counts may have changed and none of it needs to be said in other words."""
        ...

    def whole(self, body: bytes) -> None:
        """Watch a whole JSON reply."""
        ...


class StreamUsage(msgspec.Struct, frozen=True):
    """How the streams of an API come to tell their token counts, where they do so only for who asks."""

    field: str
    """The top-level field of a request by which they are asked for."""
    asking: Callable[[bytes | None], bytes | None]
    """The raw JSON of that field that asks for them, made of what the client has there (None: nothing); None if that asks already."""
    tells_only: Callable[[bytes], bool]
    """Whether a whole frame of a stream holds the counts and nothing else."""


def _no_state(_: Request) -> list[str]:
    return []


def _keeps_nothing(_: Request) -> bool:
    return False


class Dialect(msgspec.Struct, frozen=True):
    """A wire API, named for the API (`responses`, `chat`), never for a company."""

    name: str
    path: str
    """The path below a provider's base URL, as `/responses`; `{model}` stands for the model where the path carries it."""
    stream_type: str
    """The content type of a stream, as `text/event-stream`."""
    peek: Callable[[Call], Peek]
    """Model and stream. Raises GatewayError(invalid_request) for what is not JSON, has no model, or has a routing key twice."""
    read_request: Callable[[Call], Request]
    """Raises GatewayError(invalid_request) with the JSON path of what is wrong."""
    write_request: Callable[[Request, Quirks], tuple[Call, list[tuple[str, str]]]]
    """The call, and (field, why) for each thing that could not be said."""
    read_response: Callable[[bytes, Quirks], list[Event]]
    """A whole reply as the events of a stream that arrived at once, Started to Ended."""
    write_response: Callable[[Response, Request], bytes]
    framer: Callable[[], Framer]
    reader: Callable[[Quirks], StreamReader]
    writer: Callable[[Request], StreamWriter]
    read_error: Callable[[int, Headers, bytes], GatewayError]
    """A provider's error answer (source upstream). Takes anything: HTML, empty, half JSON."""
    write_error: Callable[[GatewayError], tuple[int, Headers, bytes]]
    """Honest status, headers, and body of the dialect."""
    tap: Callable[[], Tap]
    write_failure: Callable[[GatewayError, Tap], bytes]
    """The framed end of a relayed stream that failed: the dialect's own error after whatever the tap saw, as one terminal event
    (the tap of this dialect keeps what is needed for it: the reply's id, the next sequence number)."""
    glance: Glance
    """What routing and the journal want to know of its bodies, and where it stands in them."""
    unsaid: Callable[[Item], str | None]
    """What of an item of an answer the dialect has no form for, in words that follow "has no form for"; None where it tells all."""
    state_fields: Callable[[Request], list[str]] = _no_state
    """Names of the fields by which the request leans on state at the provider; refused where it cannot be relayed."""
    keeps: Callable[[Request], bool] = _keeps_nothing
    """Whether the provider is asked to keep the answer, for later requests to name; a wish that is warned of where none does."""
    keep_alive: bytes = b": keep-alive\n\n"
    """A framed message for a relayed stream that is silent, legal between any two frames, ignored by clients of this dialect; a
    data event where comments do not keep known clients waiting."""
    readdress: Callable[[Call, str], Call] | None = None
    """Where the path carries the model: the client's call as one below a provider's base URL, for another model, without the
    client's key. None: path and query say neither."""
    stream_usage: StreamUsage | None = None
    """None: streams tell their counts unasked."""
    cites_pages: bool = False
    """Whether an answer can name the pages that its words are from, whatever API found them."""
    carry_headers: frozenset[str] = frozenset()
    """Request headers of the client that carry meaning in this dialect and go upstream."""
