"""What of an exchange is looked through for secrets together with many others, since there is nearly always none."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate, pairwise
from operator import attrgetter

import msgspec

from dragoman.ir.kept import FULL
from dragoman.ir.record import Bodies, Record, put_together
from dragoman.observe.redact import MARKED, behind, is_secret_name, sayings
from dragoman.store.laid import SIDES, line_of_names
from dragoman.wire.frame import Headers

LONG = 16 * 1024
"""A body of so many bytes is compared with the one before it; shorter ones are kept as they are."""
_JSON = (b"{", b"[")
_HEADERS = attrgetter(*[f"{side}_headers" for side in SIDES])


class Heads(msgspec.Struct, frozen=True, gc=False):
    """The headers of an exchange without what their names tell to be a credential, as they are laid down: those of one program are named
    alike each time. names: of each side, on one line; values: those of all, each on a line of its own."""

    names: bytes
    values: bytes


_NO_HEADS = Heads(b"", b"")


def known_heads(bodies: Bodies) -> Heads | None:
    """The headers as they may be kept if `first_look` found no secret in them; None where they are no lines of text."""
    asked, sent, came, answered = _HEADERS(bodies)
    if not (asked or sent or came or answered):
        return _NO_HEADS
    names, given = zip(*asked, *sent, *came, *answered, strict=True)
    line, secret = _named(names, len(asked), len(sent), len(came))
    values: list[str] = list(given)
    for number in secret:
        values[number] = MARKED
    try:
        text = "\n".join(values).encode()
    except UnicodeEncodeError:
        # Bytes that are no text, as they may come in a header.
        return None
    return Heads(line, text) if line is not None and text.count(b"\n") == len(values) - 1 else None


def headers_of(bodies: Bodies, side: str) -> Headers:
    """Those of one side, as they came."""
    return getattr(bodies, f"{side}_headers")


@lru_cache(maxsize=256)
def _named(names: tuple[str, ...], *sizes: int) -> tuple[bytes | None, list[int]]:
    """What follows from the names of the headers, of which so many are the first sides': they on a line, and which are credentials."""
    starts = [0, *accumulate(sizes)]
    line = line_of_names([names[start:stop] for start, stop in pairwise([*starts, len(names)])])
    return line, [number for number, name in enumerate(names) if is_secret_name(name)]


def first_look(record: Record, bodies: Bodies, heads: Heads) -> list[bytes]:
    """All texts of an exchange in which a secret may be, but requests that are long or the provider's, which are mostly known already."""
    found = [heads.values]
    if bodies.mode == FULL:
        return found
    if bodies.client_request is not None and len(bodies.client_request) < LONG:
        found.append(bodies.client_request)
    if bodies.client_response:
        found += _said(bodies.client_response, record.dialect)
    if bodies.provider_response:
        found += _said(bodies.provider_response, record.upstream_dialect or record.dialect)
    return found


def _said(pieces: list[bytes], dialect: str) -> list[bytes]:
    data = put_together(pieces)
    return [data, *sayings(data, behind(dialect))] if is_stream(data) else [data]


def is_stream(answer: bytes) -> bool:
    """Whether an answer is a stream of events, rather than one JSON value."""
    return not (answer.startswith(_JSON) or answer[:64].lstrip().startswith(_JSON))
