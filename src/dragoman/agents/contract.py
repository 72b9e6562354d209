"""What an agent is: a page of facts about one client program, as a frozen Struct of plain callables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from dragoman.ir.errors import GatewayError
from dragoman.wire.frame import Headers

Dressed = tuple[int, Headers, bytes]


class Session(msgspec.Struct, frozen=True):
    """What the client calls its conversation and its step, for stickiness and the record. None: not told."""

    session_id: str | None = None
    turn_id: str | None = None
    kind: str | None = None
    """turn, compaction, title, review, prewarm, subagent, … in the agent's own word."""
    also: tuple[str, ...] = ()
    """Further words that are true of it, of those that conditions know: turn, title, compaction, prewarm, review, subagent."""
    thread_id: str | None = None
    """A sub-agent's own conversation, within that of `session_id`."""
    parent_id: str | None = None
    """The conversation of whom a sub-agent works for."""


class Offer(msgspec.Struct, frozen=True):
    """A model that the gateway offers, and what is known of what answers it; where several may, what holds for all of them.

    model: the bare name of the model behind the name, None if it may be one of several. window: the tokens that a conversation may
    hold, None if unknown. window_chosen: config says so. efforts: as in Capabilities; None is unknown. images: takes pictures.
    verbosity: takes a verbosity.
    """

    name: str
    model: str | None = None
    description: str = ""
    window: int | None = None
    window_chosen: bool = False
    efforts: tuple[str, ...] | None = None
    images: bool = True
    verbosity: bool = False


Offers = Callable[[Sequence[str]], Sequence[Offer]]
"""What the gateway offers: all that it lists, and those of these further names that it knows."""


class Agent(msgspec.Struct, frozen=True):
    """One client program.

    recognise: headers (lower-case names) -> is it this program. version: its version from the headers, or None.
    session: the ids it sends. strip_headers: request headers that go to no provider. strip_fields: top-level JSON fields that
    name the user's paths, machine or commits; they go to no provider but, by choice, one whose profile allows metadata.
    dress_error: an error before any output, in the form that makes this program show our sentence, or None for the dialect's own.
    dress_failure: a GatewayError as it shall stand inside a stream (kind, code or retry changed), before the dialect writes it.
    knows_refusals: False: it drops the parts in which a model refuses, and asks again where a filter ended the answer. So it gets the words
    as plain text, and an answer that a filter ended as one that failed for good.
    reword: what it would drop of a relayed stream, in words that it shows: chunk -> chunk; None where nothing needs that.
    place: the directory and the repository that it works in, as far as it tells: headers -> (path, URL).
    write_models: the list of models in this program's own shape, or None for the usual one.
    """

    name: str
    recognise: Callable[[Mapping[str, str]], bool]
    version: Callable[[Mapping[str, str]], str | None]
    session: Callable[[Mapping[str, str]], Session]
    strip_headers: frozenset[str] = frozenset()
    strip_fields: frozenset[str] = frozenset()
    dress_error: Callable[[GatewayError, str], Dressed | None] = lambda error, dialect: None
    """(error, name of the client's dialect) -> status, headers, body."""
    dress_failure: Callable[[GatewayError], GatewayError] = lambda error: error
    knows_refusals: bool = True
    reword: Callable[[bytes], bytes] | None = None
    place: Callable[[Mapping[str, str]], tuple[str | None, str | None]] = lambda headers: (None, None)
    write_models: Callable[[str, Offers, bytes | None], bytes | None] = lambda query, offers, own: None
    """(query of the request, what is offered, what the run's launcher said of the program's own models) -> body."""
