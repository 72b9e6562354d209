"""The bodies of an exchange that are all short and hold no secret, as those of most: laid down in one go."""

from __future__ import annotations

from dragoman.ir.record import Bodies
from dragoman.observe.first_look import LONG, Heads
from dragoman.observe.journal_shelf import Shelf
from dragoman.observe.splice import is_model
from dragoman.store.batch import Row
from dragoman.store.laid import Short, pack_heads, pack_short, spliced


def short_row(shelf: Shelf, exchange_id: str, bodies: Bodies, heads: Heads) -> Row | None:
    """The row of such bodies, whose text is then on the shelf; None if one of them is long or cut, or what a provider was sent is more
    than the client's request with another model."""
    asked = bodies.client_request
    short = min(LONG, shelf.most_bytes)
    if asked is None or len(asked) >= short or bodies.cut:
        return None
    key, start = shelf.room()
    at = start + len(asked)
    texts, whole, place = [asked], len(asked), (start, at)
    sides: list[Short] = [("client_request", whole, place)]
    told = [heads.client_request]
    if bodies.splice is not None or bodies.provider_request is not None:
        splice = bodies.splice or shelf.splices.find(asked, bodies.provider_request or b"")
        size = 0 if splice is None else whole + splice[0] - splice[1] + len(splice[2])
        if splice is None or size >= short or not is_model(splice, asked):
            return None
        whole += size
        sides.append(spliced("provider_request", size, place, splice))
        told.append(heads.provider_request)
    elif heads.provider_request:
        sides.append(("provider_request", whole, place))
        told.append(heads.provider_request)
    said = bodies.client_response
    for name, chunks, head in (
        ("provider_response", bodies.provider_response, heads.provider_response),
        ("client_response", said, heads.client_response),
    ):
        if chunks is not None:
            answer = chunks[0] if len(chunks) == 1 else b"".join(chunks)
            size = len(answer)
            if size >= short:
                return None
            sides.append((name, size, (at, at + size)))
            told.append(head)
            texts.append(answer)
            at += size
            whole += size
    if bodies.provider_response is None and heads.provider_response and said is not None:
        _, size, place = sides[-1][:3]
        sides.append(("provider_response", size, place))
        told.append(heads.provider_response)
    try:
        packed = pack_heads(told) if any(told) else b""
    except UnicodeEncodeError:
        return None
    texts.append(packed)
    shelf.pack(texts, at + len(packed) - start)
    return exchange_id, shelf.epoch, whole, pack_short(sides, key, (at, at + len(packed)) if packed else None)
