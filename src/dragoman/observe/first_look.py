"""What of an exchange is looked through for secrets together with many others, since there is nearly always none."""

from __future__ import annotations

from dragoman.ir.record import Bodies
from dragoman.observe.redact import is_secret_name, sayings

LONG = 16 * 1024
"""A body of so many bytes is compared with the one before it; shorter ones are kept as they are."""
_FULL = "full"


def first_look(bodies: Bodies) -> list[bytes]:
    """All texts of an exchange in which a secret may be, but requests that are long or the provider's, which are mostly known already."""
    asked, told = bodies.client_request_headers, bodies.client_response_headers
    heads = (*asked, *told, *bodies.provider_request_headers, *bodies.provider_response_headers)
    found = ["\n".join([value for name, value in heads if not is_secret_name(name)]).encode("utf-8", "surrogatepass")]
    if bodies.mode == _FULL:
        return found
    if bodies.client_request is not None and len(bodies.client_request) < LONG:
        found.append(bodies.client_request)
    for pieces in (bodies.client_response, bodies.provider_response):
        if pieces:
            data = b"".join(pieces)
            found += [data, *sayings(data)] if is_stream(data) else [data]
    return found


def is_stream(answer: bytes) -> bool:
    """Whether an answer is a stream of events, rather than one JSON value."""
    return answer[:64].lstrip()[:1] not in (b"{", b"[")
