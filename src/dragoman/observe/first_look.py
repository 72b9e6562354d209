"""What of an exchange is looked through for secrets together with many others, since there is nearly always none."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate
from operator import attrgetter

import msgspec

from dragoman.ir.kept import FULL
from dragoman.ir.record import Bodies
from dragoman.observe.redact import MARKED, is_secret_name, sayings
from dragoman.wire.frame import Headers

LONG = 16 * 1024
"""A body of so many bytes is compared with the one before it; shorter ones are kept as they are."""
_JSON = (b"{", b"[")
_HEADERS = attrgetter("client_request_headers", "provider_request_headers", "provider_response_headers", "client_response_headers")


class Heads(msgspec.Struct, frozen=True, gc=False):
    """The headers of an exchange without what their names tell to be a credential. values: those of all of them, in lines."""

    client_request: Headers
    provider_request: Headers
    provider_response: Headers
    client_response: Headers
    values: str = ""


_NO_HEADS = Heads((), (), (), ())


def known_heads(bodies: Bodies) -> Heads:
    """The headers as they may be kept if `first_look` found no secret in them."""
    asked, sent, came, answered = _HEADERS(bodies)
    if not (asked or sent or came or answered):
        return _NO_HEADS
    names, values = zip(*asked, *sent, *came, *answered, strict=True)
    heads, values = [asked, sent, came, answered], list(values)
    for place, number, at in _credentials(names, len(asked), len(sent), len(came)):
        head = list(heads[number])
        head[at] = names[place], MARKED
        heads[number], values[place] = tuple(head), MARKED
    asked, sent, came, answered = heads
    return Heads(asked, sent, came, answered, "\n".join(values))


@lru_cache(maxsize=256)
def _credentials(names: tuple[str, ...], *sizes: int) -> list[tuple[int, int, int]]:
    """Which headers of these names hold a credential: their place among all, in which head they are and where there. sizes: of the heads
    but the last. Those of one program are named alike each time."""
    found = [place for place, name in enumerate(names) if is_secret_name(name)]
    starts = [0, *accumulate(sizes)]
    return [(place, number := bisect_right(starts, place) - 1, place - starts[number]) for place in found]


def first_look(bodies: Bodies, heads: Heads) -> list[bytes]:
    """All texts of an exchange in which a secret may be, but requests that are long or the provider's, which are mostly known already."""
    found = [heads.values.encode("utf-8", "surrogatepass")]
    if bodies.mode == FULL:
        return found
    if bodies.client_request is not None and len(bodies.client_request) < LONG:
        found.append(bodies.client_request)
    for pieces in (bodies.client_response, bodies.provider_response):
        if pieces:
            data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            found += [data, *sayings(data)] if is_stream(data) else [data]
    return found


def is_stream(answer: bytes) -> bool:
    """Whether an answer is a stream of events, rather than one JSON value."""
    return not (answer.startswith(_JSON) or answer[:64].lstrip().startswith(_JSON))
