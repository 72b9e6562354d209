"""The bodies of an exchange that are all short and hold no secret, as those of most: laid down in one go."""

from __future__ import annotations

from dragoman.ir.record import Bodies, put_together
from dragoman.observe.first_look import LONG, Heads
from dragoman.observe.journal_shelf import Shelf
from dragoman.observe.splice import is_model
from dragoman.store.batch import Row
from dragoman.store.laid import ANSWERED, ASKED, SENT, TOLD, pack_short


def short_row(shelf: Shelf, exchange_id: str, bodies: Bodies, heads: Heads) -> Row | None:
    """The row of such bodies, whose text is then on the shelf; None if one of them is long or cut, or what a provider was sent is more
    than the client's request with another model."""
    asked, splice, answered, said = bodies.client_request, bodies.splice, bodies.provider_response, bodies.client_response
    short = min(LONG, shelf.most_bytes)
    if asked is None or len(asked) >= short or bodies.cut:
        return None
    sides, whole = ASKED, len(asked)
    texts, sizes = [asked], [whole]
    if splice is not None or bodies.provider_request is not None:
        splice = splice or shelf.splices.find(asked, bodies.provider_request or b"")
        size = 0 if splice is None else whole + splice[0] - splice[1] + len(splice[2])
        if splice is None or size >= short or not is_model(splice, asked):
            return None
        sides += SENT
        whole += size
    elif bodies.provider_request_headers:
        sides += SENT
    for side, chunks in ((ANSWERED, answered), (TOLD, said)):
        if chunks is not None:
            answer = put_together(chunks)
            size = len(answer)
            if size >= short:
                return None
            sides += side
            whole += size
            texts.append(answer)
            sizes.append(size)
    if answered is None and said is not None and bodies.provider_response_headers:
        sides += ANSWERED
    texts += heads.names, heads.values
    sizes.append(len(heads.names) + len(heads.values))
    pack = shelf.room()
    row = exchange_id, shelf.epoch, whole, pack_short(sides, pack.key, pack.size, sizes, splice)
    pack.texts += texts
    pack.size += sum(sizes)
    return row
