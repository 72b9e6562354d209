"""The bodies of one exchange on their way into rows: secrets out, what is known already left out, the rest in pieces. What it makes is
read by `store.bodies`."""

from __future__ import annotations

from hashlib import blake2b
from itertools import pairwise

import msgspec

from dragoman.ir.kept import FULL
from dragoman.ir.record import Bodies
from dragoman.observe.first_look import LONG, Heads, is_stream
from dragoman.observe.journal_shelf import Shelf
from dragoman.observe.likeness import Kept, Piece, Shared, cuts, find_again, find_shared, same_beginning
from dragoman.observe.redact import Redactor
from dragoman.observe.splice import Splice, is_model
from dragoman.store.batch import Row
from dragoman.store.laid import HASH_BYTES, Laid, Side, pack, pack_heads
from dragoman.wire.frame import Headers

_HEAD = 2048
_DEEPEST = 256
_AROUND = 256
"""How far from where it changed a text is looked through again for secrets."""


class BodyRow(msgspec.Struct, frozen=True, gc=False):
    """A row of `bodies` and the rows of `blobs` that it needs."""

    bodies: Row
    blobs: list[Row]


class Laying:
    """The bodies of one exchange on their way into rows."""

    def __init__(self, shelf: Shelf, exchange_id: str, conversation: object, bodies: Bodies, heads: Heads | None) -> None:
        self._shelf = shelf
        self._redactor = shelf.redactor
        self._id = exchange_id
        self._epoch = shelf.epoch
        self._conversation = conversation
        self._bodies = bodies
        self._is_looked_through = heads is not None
        self._given = heads or _redacted_heads(bodies, shelf.redactor)
        self._keeps_all = bodies.mode == FULL
        self._asked: Kept | None = None
        self._sides: list[Side] = []
        self._heads: list[Headers] = []
        self._texts: list[bytes] = []
        self._key, self._start = shelf.room()
        self._at = self._start
        self._blobs: list[Row] = []
        self._whole = 0

    def row(self) -> BodyRow:
        """What is to be written."""
        bodies, given = self._bodies, self._given
        if bodies.client_request is not None:
            self._request("client_request", bodies.client_request, given.client_request)
        if bodies.provider_request is not None:
            self._sent(bodies.provider_request)
        elif given.provider_request:
            self._like("provider_request", "client_request", given.provider_request)
        if bodies.provider_response is not None:
            self._answer("provider_response", bodies.provider_response, given.provider_response)
        if bodies.client_response is not None:
            self._answer("client_response", bodies.client_response, given.client_response)
        if bodies.provider_response is None and given.provider_response and bodies.client_response is not None:
            self._like("provider_response", "client_response", given.provider_response)
        heads = None
        if any(self._heads):
            packed = self._packed_heads()
            heads = self._at, self._at + len(packed)
            self._put_down(packed)
        if self._texts:
            self._shelf.pack(self._texts, self._at - self._start)
        laid = Laid(tuple(self._sides), self._key if self._texts else b"", heads)
        return BodyRow((self._id, self._epoch, self._whole, pack(laid)), self._blobs)

    def _put_down(self, text: bytes) -> None:
        self._texts.append(text)
        self._at += len(text)

    def _packed_heads(self) -> bytes:
        try:
            return pack_heads(self._heads)
        except UnicodeEncodeError:
            # Bytes that are no text, as they may come in a header.
            return pack_heads([self._redactor.headers(head) for head in self._heads])

    def _request(self, name: str, data: bytes, headers: Headers) -> None:
        whole, data = len(data), self._shelf.cut(data)
        if len(data) < LONG:
            # The first look left out what goes to a provider: it hardly ever comes here.
            known = self._is_looked_through and name == "client_request"
            self._inline(name, data if known else self._redacted(data), headers, whole)
        else:
            self._long(name, data, headers, whole)
        self._whole += whole

    def _sent(self, data: bytes) -> None:
        """What went to the provider: where it is the client's but for a name, only that is kept."""
        client = self._bodies.client_request
        side = None if client is None or len(data) != len(self._shelf.cut(data)) else self._as_clients(client, data)
        if side is None:
            self._request("provider_request", data, self._given.provider_request)
        else:
            self._add(side, self._given.provider_request)
            self._whole += len(data)

    def _as_clients(self, client: bytes, data: bytes) -> Side | None:
        asked = self._asked
        if asked is not None and asked.is_clean and asked.data is client:
            splice = self._splice(client, client, data)
            return splice and Side("provider_request", len(data), parent="", of=asked.side, head=len(asked.pieces), splice=splice)
        if len(client) < LONG and len(data) < LONG and self._sides and self._sides[0].inline is not None:
            splice = self._splice(client, self._texts[0], data)
            return splice and Side("provider_request", len(data), inline=self._sides[0].inline, splice=splice)
        return None

    def _splice(self, client: bytes, base: bytes, data: bytes) -> Splice | None:
        """What makes of `base`, the client's body as it is kept, this one as it is to be kept; None if that is much."""
        splice = self._shelf.splices.find(client, data)
        if splice is None:
            return None
        if (base is client or base == client) and not self._brings_secret(splice, data):
            return splice
        # Both as they are kept: so the places are right whatever was taken out.
        return None if self._asked is not None else self._shelf.splices.find(base, self._redacted(data))

    def _brings_secret(self, splice: Splice, data: bytes) -> bool:
        """Whether there may be one in what was changed, with what stands around it. The name of a model is none."""
        if is_model(splice, data):
            return False
        head, _, put = splice
        around = data[max(0, head - _AROUND) : head + len(put) + _AROUND]
        return self._redacted(around) is not around

    def _like(self, name: str, other: str, headers: Headers) -> None:
        """The same bytes as the other side's."""
        base = next((side for side in self._sides if side.name == other), None)
        if base is not None:
            self._add(msgspec.structs.replace(base, name=name), headers)

    def _answer(self, name: str, chunks: list[bytes], headers: Headers) -> None:
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        whole = next((cut.whole_bytes for cut in self._bodies.cut if cut.side == name), len(data))
        data = self._shelf.cut(data)
        if self._is_looked_through or self._keeps_all:
            clean = data
        else:
            clean = self._redactor.redact_stream(data) if is_stream(data) else self._redactor.redact(data)
        if len(clean) < LONG:
            self._inline(name, clean, headers, whole)
        else:
            ends = cuts(clean, 0, len(clean))
            pieces = [self._piece(clean[start:end], end, is_clean=True) for start, end in zip([0, *ends], ends, strict=False)]
            self._add(Side(name, whole, pieces=b"".join([piece.hash for piece in pieces])), headers)
        self._whole += whole

    def _inline(self, name: str, clean: bytes, headers: Headers, whole: int) -> None:
        self._add(Side(name, whole, inline=(self._at, self._at + len(clean))), headers)
        self._put_down(clean)

    def _long(self, name: str, data: bytes, headers: Headers, whole: int) -> None:
        key = (self._bodies.mode, name, self._conversation if self._conversation is not None else data[:_HEAD])
        last, shared = self._base(key, name, data)
        new, pieces = self._laid(last, shared, data)
        is_anew = last is None or shared is None or last.epoch != self._epoch
        side = Side(name, whole, pieces=b"".join([each.hash for each in new]))
        if last is not None and shared is not None and not is_anew:
            side = msgspec.structs.replace(
                side,
                parent="" if last.exchange_id == self._id else last.exchange_id,
                of=last.side,
                head=shared.head,
                head_part=shared.head_part,
                tail_part=shared.tail_part,
                tail=shared.tail,
            )
        self._add(side, headers)
        is_clean = all(each.is_clean for each in (pieces if last is None or not last.is_clean else new))
        kept = Kept(data, pieces, self._id, name, 0 if last is None or is_anew else last.depth + 1, is_clean, self._epoch)
        if name == "client_request":
            self._asked = kept
        if last is None or last is not self._asked:
            # What has little of the one before is no continuation of it, which may have one yet.
            goes_on = last is not None and shared is not None and 2 * (len(data) - shared.stop + shared.start) > len(last.data)
            self._shelf.keep(key, kept, last if goes_on else None)

    def _laid(self, last: Kept | None, shared: Shared | None, data: bytes) -> tuple[list[Piece], list[Piece]]:
        """The pieces that are to be told of a body, and all of its pieces."""
        if last is None or shared is None:
            pieces = self._pieces(data, 0, len(data))
            return pieces, pieces
        new = self._new_pieces(last, data, shared)
        pieces = shared.pieces(last, new, len(data))
        if last.epoch == self._epoch:
            return new, pieces
        # Of another epoch: nothing may be referred to, but what is cut where it was cut before is not kept twice.
        anew = [self._put(data[start:end], end) for start, end in pairwise([0, *[each.end for each in pieces]])]
        return anew, anew

    def _base(self, key: tuple[object, ...], name: str, data: bytes) -> tuple[Kept | None, Shared | None]:
        """What a body is told as the difference from: what goes to a provider may be nearly what came from the client."""
        asked = self._asked if name == "provider_request" else None
        if asked is not None and asked.depth < _DEEPEST:
            shared = find_shared(asked, data)
            if shared is not None and 2 * (shared.stop - shared.start) < len(data):
                return asked, shared
        before = [last for last in self._shelf.last(key) if last.depth < _DEEPEST]
        if not before:
            return None, None
        last = before[0] if len(before) == 1 else max(before, key=lambda last: same_beginning(last.data, data))
        return last, find_shared(last, data)

    def _new_pieces(self, last: Kept, data: bytes, shared: Shared) -> list[Piece]:
        """The pieces of what stands between what both begin and end with."""
        again = find_again(last, data, shared)
        if again is None:
            return self._pieces(data, shared.start, shared.stop)
        found = self._pieces(data, shared.start, again.start)
        found += self._pieces(data, again.start, again.first)
        at = again.first
        for piece in again.pieces:
            found += [piece] if piece.is_whole else self._pieces(data, at, piece.end)
            at = piece.end
        return found + self._pieces(data, at, again.stop) + self._pieces(data, again.stop, shared.stop)

    def _pieces(self, data: bytes, start: int, stop: int) -> list[Piece]:
        """A part of a body as it was sent, in pieces."""
        if start >= stop:
            return []
        part = data[start:stop]
        is_clean = self._keeps_all or not self._redactor.suspects([part])
        found: list[Piece] = []
        for end in cuts(data, start, stop):
            raw = data[start:end]
            found.append(self._piece(raw, end, is_clean=True) if is_clean else self._put(raw, end))
            start = end
        return found

    def _put(self, raw: bytes, end: int) -> Piece:
        clean = self._redacted(raw)
        return self._piece(clean, end, is_clean=clean is raw)

    def _piece(self, clean: bytes, end: int, *, is_clean: bool) -> Piece:
        digest = blake2b(clean, digest_size=HASH_BYTES).digest()
        if self._shelf.is_new(digest):
            self._blobs.append((digest, self._epoch, len(clean), self._shelf.compress(clean)))
        return Piece(end, digest, is_clean)

    def _redacted(self, data: bytes) -> bytes:
        return data if self._keeps_all else self._redactor.redact(data)

    def _add(self, side: Side, headers: Headers) -> None:
        self._sides.append(side)
        self._heads.append(headers)


def _redacted_heads(bodies: Bodies, redactor: Redactor) -> Heads:
    return Heads(
        redactor.headers(bodies.client_request_headers),
        redactor.headers(bodies.provider_request_headers),
        redactor.headers(bodies.provider_response_headers),
        redactor.headers(bodies.client_response_headers),
    )
