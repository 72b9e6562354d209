"""What a script can have go wrong: faults and their places, faults by chance, limits of keys."""

from __future__ import annotations

import difflib
from typing import Any, Literal

import msgspec

from dragoman.simulator.errors import ERRORS


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place in the body: after so many bytes or events, or at a moment of what is said. Default: before the first byte of the body."""

    bytes: int | None = None
    """Bytes of the body."""
    events: int | None = None
    """Whole events of the stream."""
    into: int = 0
    """With `events`: so many bytes into the next event."""
    before_end: bool = False
    """Just before the first of the events that end the stream."""
    before_output: bool = False
    """Just before the first event that says something; behind what opens the stream."""
    within: Literal["text", "thought", "call"] | None = None
    """In the middle of the words, the thoughts or the arguments of the first call; where there are none, as `before_end`. A whole answer
    has but its middle."""


class Stall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Silence at some place."""

    at: Place | Literal["head"] = "head"
    """Where; `head`: before the status line."""
    for_s: float | None = None
    """Seconds. Default: for ever, until the client leaves."""


class Cut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The answer stops."""

    at: Place | Literal["head"] = Place()
    """Where; `head`: instead of the status line."""
    how: Literal["end", "fin", "reset"] = "fin"
    """`end`: HTTP ends properly, the content does not; `fin`: the connection closes; `reset`: an RST."""


class Insert(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Foreign bytes at some place."""

    at: Place = Place()
    """Where."""
    text: str | None = None
    """These characters."""
    noise_bytes: int = 0
    """So many senseless bytes."""
    huge_event_bytes: int = 0
    """One event of an unknown type and about this size."""
    comment_bytes: int = 0
    """One SSE comment of about this size."""


class Trickle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body drips."""

    bytes: int = 1
    """Bytes per write. Default: 1."""
    delay_s: float = 0.001
    """Wait between writes, in seconds. Default: 0.001."""


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What goes wrong. Several may be combined; they are applied in the order of these fields."""

    error: str | None = None
    """A provider's error by name (`dragoman simulate --list-errors` prints them): status, headers and body as that provider sends them."""
    status: int | None = None
    """A status; its body is the dialect's own for it, unless `body` is given."""
    body: Any = None
    """The body instead: text, or JSON."""
    content_type: str | None = None
    """The content type instead."""
    headers: dict[str, str] = {}
    """Further headers, such as Retry-After."""
    in_stream: str | None = None
    """An error event inside the stream after the first output, with this code."""
    in_stream_message: str = "The server had an error while processing your request. Sorry about that!"
    """The words of that error."""
    in_stream_at: Place | None = None
    """Where it comes instead."""
    end: Literal["proper", "missing", "twice", "no_done", "no_usage"] = "proper"
    """How the stream ends. `no_done`: without the last event only."""
    insert: tuple[Insert, ...] = ()
    """Foreign bytes, places counted in the untouched body."""
    trickle: Trickle | None = None
    """Slow dripping."""
    stall: Stall | None = None
    """Silence."""
    cut: Cut | None = None
    """A sudden end."""

    def __post_init__(self) -> None:
        if self.error is not None and self.error not in ERRORS:
            near = difflib.get_close_matches(self.error, ERRORS, 3, 0.4)
            told = f"; near it: {', '.join(f'`{name}`' for name in near)}" if near else ""
            raise ValueError(f"there is no error `{self.error}`{told} (`dragoman simulate --list-errors` prints them all)")


class Mishaps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Faults by chance, on whatever answer they fall."""

    rate: float = 0.3
    """Share of the requests. Default: 0.3."""
    seed: int = 0
    """The same seed gives the same faults to the same requests. Default: 0."""
    in_a_row: int | None = None
    """After so many of them comes a sound answer. Default: there is no such mercy."""
    faults: tuple[Fault, ...] = (
        Fault(error="rate_limit", headers={"retry-after": "0", "retry-after-ms": "20"}),
        Fault(error="server_error"),
        Fault(error="overloaded"),
        Fault(error="bad_gateway"),
        Fault(cut=Cut("head")),
        Fault(cut=Cut("head", "reset")),
        Fault(cut=Cut(Place())),
        Fault(cut=Cut(Place(before_output=True))),
        Fault(cut=Cut(Place(within="thought"))),
        Fault(cut=Cut(Place(within="text"))),
        Fault(cut=Cut(Place(within="call"))),
        Fault(cut=Cut(Place(before_end=True), "end")),
        Fault(in_stream="server_error", in_stream_at=Place(before_output=True)),
        Fault(in_stream="server_error"),
    )
    """What happens, each as often as the others. Default: refusals, cuts and errors at every moment."""


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much one key may ask, in windows of time that begin with its first request."""

    key: str = "*"
    """Glob on the API key. Each key that it fits has a window of its own."""
    requests: int = 60
    """Requests in a window. Default: 60."""
    per_s: float = 60.0
    """Length of a window in seconds. Default: 60."""
