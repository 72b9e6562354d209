"""What of an exchange is looked through for secrets together with many others, since there is nearly always none."""

from __future__ import annotations

from itertools import chain
from operator import itemgetter

import msgspec

from dragoman.ir.kept import FULL
from dragoman.ir.record import Bodies
from dragoman.observe.redact import sayings, without_credentials
from dragoman.wire.frame import Headers

LONG = 16 * 1024
"""A body of so many bytes is compared with the one before it; shorter ones are kept as they are."""
_value = itemgetter(1)


class Heads(msgspec.Struct, frozen=True, gc=False):
    """The headers of an exchange without what their names tell to be a credential."""

    client_request: Headers
    provider_request: Headers
    provider_response: Headers
    client_response: Headers


def known_heads(bodies: Bodies) -> Heads:
    """The headers as they may be kept if `first_look` found no secret in them."""
    return Heads(
        without_credentials(bodies.client_request_headers),
        without_credentials(bodies.provider_request_headers),
        without_credentials(bodies.provider_response_headers),
        without_credentials(bodies.client_response_headers),
    )


def first_look(bodies: Bodies, heads: Heads) -> list[bytes]:
    """All texts of an exchange in which a secret may be, but requests that are long or the provider's, which are mostly known already."""
    given = chain(heads.client_request, heads.client_response, heads.provider_request, heads.provider_response)
    found = ["\n".join(map(_value, given)).encode("utf-8", "surrogatepass")]
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
    return answer[:64].lstrip()[:1] not in (b"{", b"[")
