"""The bodies of an exchange that are all short and hold no secret, as those of most: laid down in one go."""

from __future__ import annotations

from dragoman.ir.record import Bodies
from dragoman.observe.first_look import LONG, Heads
from dragoman.observe.journal_shelf import Shelf
from dragoman.observe.splice import is_model
from dragoman.store.batch import Row
from dragoman.store.laid import Laid, Side, pack, pack_heads


def short_row(shelf: Shelf, exchange_id: str, bodies: Bodies, heads: Heads) -> Row | None:
    """The row of such bodies, whose text is then on the shelf; None if one of them is long or cut, or what a provider was sent is more
    than the client's request with another model."""
    asked, sent = bodies.client_request, bodies.provider_request
    short = min(LONG, shelf.most_bytes)
    if asked is None or len(asked) >= short or bodies.cut:
        return None
    key, start = shelf.room()
    at = start + len(asked)
    texts, whole, place = [asked], len(asked), (start, at)
    sides, told = [Side("client_request", whole, place)], [heads.client_request]
    if sent is not None:
        splice = shelf.splices.find(asked, sent) if len(sent) < short else None
        if splice is None or not is_model(splice, sent):
            return None
        whole += len(sent)
        sides.append(Side("provider_request", len(sent), place, splice=splice))
        told.append(heads.provider_request)
    elif heads.provider_request:
        sides.append(Side("provider_request", whole, place))
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
            sides.append(Side(name, size, (at, at + size)))
            told.append(head)
            texts.append(answer)
            at += size
            whole += size
    if bodies.provider_response is None and heads.provider_response and said is not None:
        answered = sides[-1]
        sides.append(Side("provider_response", answered.whole, answered.inline))
        told.append(heads.provider_response)
    try:
        packed = pack_heads(told) if any(told) else b""
    except UnicodeEncodeError:
        return None
    texts.append(packed)
    shelf.pack(texts, at + len(packed) - start)
    laid = Laid(tuple(sides), key, (at, at + len(packed)) if packed else None)
    return exchange_id, shelf.epoch, whole, pack(laid)
