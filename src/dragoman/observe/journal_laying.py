"""The bodies of one exchange on their way into rows: secrets out, what is known already left out, the rest in pieces. What it makes is
read by `store.bodies`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from dragoman.ir.kept import FULL
from dragoman.ir.record import Bodies, put_together
from dragoman.observe.first_look import LONG, Heads, headers_of, is_stream
from dragoman.observe.journal_shelf import Shelf
from dragoman.observe.likeness import Kept, Piece, Shared, cuts, find_again, find_shared, merged, same_beginning
from dragoman.observe.splice import is_model
from dragoman.store.batch import Row
from dragoman.store.laid import Laid, Side, pack, pack_heads, size_at
from dragoman.wire.splice import Splice, spliced

_HEAD = 2048
_DEEPEST = 64
"""So many bodies are told by the one before; the next by all of its places. The more there are, the longer it takes to read one."""
_AROUND = 256
"""How far from where it changed a text is looked through again for secrets."""


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
        self._heads = heads
        self._keeps_all = bodies.mode == FULL
        self._asked: Kept | None = None
        self._sides: list[Side] = []
        self._texts: list[bytes] = []
        self._pack = shelf.room()
        self._at = self._pack.size
        self._whole = 0

    def row(self) -> Row:
        """What is to be written."""
        bodies = self._bodies
        if bodies.client_request is not None:
            self._request("client_request", bodies.client_request)
        if bodies.splice is not None or bodies.provider_request is not None:
            self._sent()
        elif bodies.provider_request_headers:
            self._like("provider_request", "client_request")
        if bodies.provider_response is not None:
            self._answer("provider_response", bodies.provider_response)
        if bodies.client_response is not None:
            self._answer("client_response", bodies.client_response)
        if bodies.provider_response is None and bodies.provider_response_headers and bodies.client_response is not None:
            self._like("provider_response", "client_response")
        heads = None
        if self._sides and (packed := self._packed_heads()):
            heads = self._at, self._at + len(packed)
            self._put_down(packed)
        laid = Laid(tuple(self._sides), self._pack.key if self._texts else b"", heads)
        self._pack.texts += self._texts
        self._pack.size = self._at
        return self._id, self._epoch, self._whole, pack(laid)

    def _put_down(self, text: bytes) -> None:
        self._texts.append(text)
        self._at += len(text)

    def _packed_heads(self) -> bytes:
        if self._heads is not None:
            return self._heads.names + self._heads.values
        heads = [self._redactor.headers(headers_of(self._bodies, side.name)) for side in self._sides]
        return pack_heads(heads) if any(heads) else b""

    def _request(self, name: str, data: bytes) -> None:
        whole, data = len(data), self._shelf.cut(data)
        if len(data) < LONG:
            # The first look left out what goes to a provider: it hardly ever comes here.
            known = self._is_looked_through and name == "client_request"
            self._inline(name, data if known else self._redacted(data), whole)
        else:
            self._long(name, data, whole)
        self._whole += whole

    def _sent(self) -> None:
        """What went to the provider: where it is the client's but for a name, only that is kept."""
        bodies = self._bodies
        client, sent, splice = bodies.client_request, bodies.provider_request, bodies.splice
        if client is not None:
            splice = splice or (None if sent is None else self._shelf.splices.find(client, sent))
            side = splice and self._as_clients(client, splice)
            if side is not None:
                self._sides.append(side)
                self._whole += side.whole
                return
            sent = sent if splice is None else spliced(client, splice)
        if sent is not None:
            self._request("provider_request", sent)

    def _as_clients(self, client: bytes, splice: Splice) -> Side | None:
        asked, size = self._asked, len(client) + splice[0] - splice[1] + len(splice[2])
        if size > self._shelf.most_bytes:
            return None
        is_harmless = not self._brings_secret(splice, client)
        if asked is not None and asked.is_clean and asked.data is client and is_harmless:
            return Side("provider_request", size, parent="", of=asked.side, splice=splice, first=len(client))
        if len(client) >= LONG or size >= LONG or not self._sides or self._sides[0].inline is None:
            return None
        base = self._texts[0]
        if not is_harmless or base != client:
            # Both as they are kept: so the places are right whatever was taken out.
            found = self._shelf.splices.find(base, self._redacted(spliced(client, splice)))
            return found and Side("provider_request", size, inline=self._sides[0].inline, splice=found)
        return Side("provider_request", size, inline=self._sides[0].inline, splice=splice)

    def _brings_secret(self, splice: Splice, client: bytes) -> bool:
        """Whether there may be one in what was changed, with what stands around it. The name of a model is none."""
        if self._keeps_all or is_model(splice, client):
            return False
        start, stop, put = splice
        around = client[max(0, start - _AROUND) : start] + put + client[stop : stop + _AROUND]
        return self._redacted(around) is not around

    def _like(self, name: str, other: str) -> None:
        """The same bytes as the other side's."""
        base = next((side for side in self._sides if side.name == other), None)
        if base is not None:
            self._sides.append(msgspec.structs.replace(base, name=name))

    def _answer(self, name: str, chunks: list[bytes]) -> None:
        data = put_together(chunks)
        whole = next((cut.whole_bytes for cut in self._bodies.cut if cut.side == name), len(data))
        data = self._shelf.cut(data)
        if self._is_looked_through or self._keeps_all:
            clean = data
        else:
            clean = self._redactor.redact_stream(data) if is_stream(data) else self._redactor.redact(data)
        if len(clean) < LONG:
            self._inline(name, clean, whole)
        else:
            pieces = merged(list(self._cut(clean, 0, len(clean), is_clean=True)))
            self._sides.append(Side(name, whole, parts=_parts(pieces)))
        self._whole += whole

    def _inline(self, name: str, clean: bytes, whole: int) -> None:
        self._sides.append(Side(name, whole, inline=(self._at, self._at + len(clean))))
        self._put_down(clean)

    def _long(self, name: str, data: bytes, whole: int) -> None:
        key = (self._bodies.mode, name, self._conversation if self._conversation is not None else data[:_HEAD])
        last, shared = self._base(key, name, data)
        if last is None or shared is None:
            pieces = merged(self._pieces(data, [(0, len(data))]))
            side, goes_on = Side(name, whole, parts=_parts(pieces)), False
            kept = Kept(data, pieces, self._id, name, 0, _are_clean(pieces), self._epoch)
        else:
            side, kept = self._changed(Side(name, whole), data, last, *shared)
            # What has little of the one before is no continuation of it, which may have one yet.
            goes_on = 2 * (len(data) - shared[1].start + shared[0].stop) > len(last.data)
        self._sides.append(side)
        if name == "client_request":
            self._asked = kept
        if last is None or last is not self._asked:
            self._shelf.keep(key, kept, last if goes_on else None)

    def _changed(self, side: Side, data: bytes, last: Kept, begins: Shared, ends: Shared) -> tuple[Side, Kept]:
        """A body told by how it differs from the last one."""
        again = find_again(last, data, begins, ends)
        before, behind = begins.pieces(last), ends.pieces(last)
        found, rest = self._between(data, begins.stop, ends.start, again)
        same = [] if again is None else again.pieces(last)
        new = [*found, *same, *rest]
        pieces = [*before, *new, *behind]
        is_clean = _are_clean(new if last.is_clean else pieces)
        depth = last.depth + 1 if last.epoch == self._epoch and last.depth < _DEEPEST else 0
        at = 0 if depth else len(before)
        fresh = (at, at + len(found)), (at + len(new) - len(rest), at + len(new))
        if depth:
            parent = "" if last.exchange_id == self._id else last.exchange_id
            first, end = (begins.stop, len(data) - ends.start) if last.is_clean else (_size(before), _size(behind))
            told = msgspec.structs.replace(side, parent=parent, of=last.side, first=first, parts=_parts(new), last=end, fresh=fresh)
        else:
            told = msgspec.structs.replace(side, parts=_parts(pieces), fresh=fresh)
            self._shelf.use([each.place for each in pieces])
        goes_on = ends.start if again is None else again.start
        return told, Kept(data, pieces, self._id, side.name, depth, is_clean, self._epoch, goes_on)

    def _base(self, key: tuple[object, ...], name: str, data: bytes) -> tuple[Kept | None, tuple[Shared, Shared] | None]:
        """What a body is told as the difference from: what goes to a provider may be nearly what came from the client."""
        asked = self._asked if name == "provider_request" else None
        if asked is not None:
            shared = find_shared(asked, data)
            if shared is not None and 2 * (shared[1].start - shared[0].stop) < len(data):
                return asked, shared
        before = self._shelf.last(key)
        if not before:
            return None, None
        last = before[0] if len(before) == 1 else max(before, key=lambda last: same_beginning(last.data, data, guess=last.goes_on))
        return last, find_shared(last, data)

    def _between(self, data: bytes, start: int, stop: int, again: Shared | None) -> tuple[list[Piece], list[Piece]]:
        """The pieces of what stands between what both begin and end with: before what the last one has elsewhere, and behind it."""
        if again is None:
            return merged(self._pieces(data, [(start, stop)])), []
        # One look for secrets at all of it.
        found = self._pieces(data, [(start, again.start), (again.stop, stop)])
        count = sum([each.end <= again.start for each in found])
        return merged(found[:count]), merged(found[count:])

    def _pieces(self, data: bytes, spans: list[tuple[int, int]]) -> list[Piece]:
        """Parts of a body as it was sent, in pieces."""
        parts = [data[start:stop] for start, stop in spans]
        is_clean = self._keeps_all or not self._redactor.suspects(parts)
        return [piece for start, stop in spans for piece in self._cut(data, start, stop, is_clean=is_clean)]

    def _cut(self, data: bytes, start: int, stop: int, *, is_clean: bool) -> Iterator[Piece]:
        place = self._shelf.place
        for end in cuts(data, start, stop):
            raw = data[start:end]
            clean = raw if is_clean else self._redacted(raw)
            yield Piece(end, place(clean), clean is raw)
            start = end

    def _redacted(self, data: bytes) -> bytes:
        return data if self._keeps_all else self._redactor.redact(data)


def _parts(pieces: Iterable[Piece]) -> bytes:
    return b"".join([each.place for each in pieces])


def _are_clean(pieces: Iterable[Piece]) -> bool:
    return False not in [each.is_clean for each in pieces]


def _size(pieces: Iterable[Piece]) -> int:
    """Bytes of pieces as they are kept."""
    return sum([size_at(each.place) for each in pieces])
