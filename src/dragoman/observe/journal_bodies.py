"""Bodies taken apart for keeping: secrets out, what is known already left out, the rest compressed. What it makes is read by
`store.bodies`.

An agent sends its whole conversation with each request, so the last long body of each conversation is kept in memory: what the next one
begins and ends with like it costs a comparison, and only what stands between is looked at, cut into pieces and kept.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from hashlib import blake2b
from itertools import pairwise

import msgspec
import zstandard

from dragoman.ir.record import Bodies
from dragoman.observe.first_look import LONG, is_stream
from dragoman.observe.likeness import Kept, Piece, Shared, cuts, find_again, find_shared, same_beginning, same_end
from dragoman.observe.redact import Redactor
from dragoman.store.laid import HASH_BYTES, Laid, Side, pack, pack_heads
from dragoman.wire.frame import Headers

EPOCH_S = 600
"""Seconds of an epoch. Within one a body may refer to pieces of earlier ones; in the next all that it needs is put down anew, so that
old epochs can be deleted whole."""

_PACK = 64 * 1024
"""Short bodies of several exchanges are compressed together: a third of the time, half of the size."""
_HEAD = 2048
_DEEPEST = 256
_LEVEL = 1
_AROUND = 256
"""How far from where it changed a text is looked through again for secrets."""
_MODEL = b'"model":"'
_SPLICED = 4096
_AT_ONCE = 4
"""Conversations that may go on under one name."""
_KNOWN_HASHES = 100_000
_PIECE_BYTES = 160
"""What is remembered of a piece takes about that."""
_FULL = "full"


class BodyRow(msgspec.Struct, frozen=True, gc=False):
    """A row of `bodies` and the rows of `blobs` that it needs."""

    bodies: tuple[str, int, int, bytes]
    blobs: list[tuple[bytes, int, int, bytes]]


class BodyKeeper:
    """Keeps the bodies of one process; used by one thread. `memory_bytes`: of the last bodies of conversations."""

    def __init__(self, redactor: Redactor, *, most_bytes: int, memory_bytes: int = 128 * 1024 * 1024) -> None:
        self._redactor = redactor
        self._most = most_bytes
        self._memory = memory_bytes
        self._held = 0
        self._last: OrderedDict[tuple[object, ...], tuple[Kept, ...]] = OrderedDict()
        self._hashes: dict[bytes, int] = {}
        self._epoch = -1
        self._full: list[tuple[bytes, int, int, bytes]] = []
        self._pack: list[bytes] = []
        self._pack_size = 0
        self._pack_key = os.urandom(HASH_BYTES)
        self._zip = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=False)

    def row(self, exchange_id: str, at: float, conversation: object, bodies: Bodies, *, is_looked_through: bool = False) -> BodyRow:
        """The rows for the bodies of an exchange. conversation: what its requests have in common, None if that is not known.
        is_looked_through: there is no secret in `first_look`."""
        epoch = int(at) // EPOCH_S
        if epoch > self._epoch:
            self._begin(epoch)
        return _Laying(self, exchange_id, self._epoch, conversation, bodies, is_looked_through).row()

    def packs(self) -> list[tuple[bytes, int, int, bytes]]:
        """The rows of `blobs` that hold the short bodies since this was called last."""
        self._end_pack()
        full, self._full = self._full, []
        return full

    def forget(self) -> None:
        """Refer to nothing that was kept so far: it did not reach the database."""
        self._last.clear()
        self._held = 0
        self._begin(self._epoch)

    # ---- for one exchange ---------------------------------------------------------------------------------------------------

    @property
    def held_bytes(self) -> int:
        """What the last bodies of conversations take."""
        return self._held

    @property
    def redactor(self) -> Redactor:
        """Takes secrets out."""
        return self._redactor

    def cut(self, data: bytes) -> bytes:
        """The beginning of a body that is too long."""
        return data if len(data) <= self._most else data[: self._most]

    def compress(self, data: bytes) -> bytes:
        """As it is stored."""
        return self._zip.compress(data)

    def pack(self, texts: list[bytes]) -> tuple[bytes, int]:
        """Put short texts to those of other exchanges: in which piece they are, and where it has them."""
        if self._pack_size >= _PACK:
            self._end_pack()
        at = self._pack_size
        self._pack += texts
        self._pack_size += sum(map(len, texts))
        return self._pack_key, at

    def _end_pack(self) -> None:
        if self._pack:
            self._full.append((self._pack_key, self._epoch, self._pack_size, self._zip.compress(b"".join(self._pack))))
        self._pack, self._pack_size, self._pack_key = [], 0, os.urandom(HASH_BYTES)

    def last(self, key: tuple[object, ...]) -> tuple[Kept, ...]:
        """The bodies before: of each conversation the last one, where several go on under one name (an agent and its sub-agents)."""
        return self._last.get(key, ())

    def keep(self, key: tuple[object, ...], kept: Kept, instead_of: Kept | None) -> None:
        """Remember for the next body of this conversation."""
        before = self._last.pop(key, ())
        after = (*[each for each in before if each is not instead_of][1 - _AT_ONCE :], kept)
        self._held += sum(map(_size, after)) - sum(map(_size, before))
        self._last[key] = after
        while self._held > self._memory and self._last:
            self._held -= sum(map(_size, self._last.popitem(last=False)[1]))

    def is_new(self, digest: bytes, epoch: int) -> bool:
        """Whether a piece is to be written: no body of this epoch has it. Says so once."""
        if self._hashes.get(digest) == epoch:
            return False
        if len(self._hashes) >= _KNOWN_HASHES:
            del self._hashes[next(iter(self._hashes))]
        self._hashes[digest] = epoch
        return True

    def _begin(self, epoch: int) -> None:
        self._end_pack()
        self._epoch = epoch
        self._hashes.clear()
        # Who has said nothing for a whole epoch is not waited for.
        for key in [key for key, kept in self._last.items() if kept[-1].epoch < epoch - 1]:
            self._held -= sum(map(_size, self._last.pop(key)))


class _Laying:
    """The bodies of one exchange on their way into rows."""

    def __init__(
        self, keeper: BodyKeeper, exchange_id: str, epoch: int, conversation: object, bodies: Bodies, is_looked_through: bool
    ) -> None:
        self._keeper = keeper
        self._redactor = keeper.redactor
        self._id = exchange_id
        self._epoch = epoch
        self._conversation = conversation
        self._bodies = bodies
        self._is_looked_through = is_looked_through
        self._keeps_all = bodies.mode == _FULL
        self._asked: Kept | None = None
        self._sides: list[Side] = []
        self._heads: list[Headers] = []
        self._texts: list[bytes] = []
        self._at = 0
        self._blobs: list[tuple[bytes, int, int, bytes]] = []
        self._whole = 0

    def row(self) -> BodyRow:
        bodies = self._bodies
        if bodies.client_request is not None:
            self._request("client_request", bodies.client_request, bodies.client_request_headers)
        if bodies.provider_request is not None:
            self._sent(bodies.provider_request)
        elif bodies.provider_request_headers:
            self._like("provider_request", "client_request", bodies.provider_request_headers, bodies.client_request)
        if bodies.provider_response is not None:
            self._answer("provider_response", bodies.provider_response, bodies.provider_response_headers)
        if bodies.client_response is not None:
            self._answer("client_response", bodies.client_response, bodies.client_response_headers)
        if bodies.provider_response is None and bodies.provider_response_headers and bodies.client_response is not None:
            self._like("provider_response", "client_response", bodies.provider_response_headers, None)
        sides, packed, heads = self._sides, b"", None
        if any(self._heads):
            self._texts.append(self._packed_heads())
            heads = (self._at, self._at + len(self._texts[-1]))
        if self._texts:
            packed, at = self._keeper.pack(self._texts)
            sides = [side if side.inline is None else _moved(side, side.inline, at) for side in sides]
            heads = heads and (heads[0] + at, heads[1] + at)
        return BodyRow((self._id, self._epoch, self._whole, pack(Laid(tuple(sides), packed, heads))), self._blobs)

    def _packed_heads(self) -> bytes:
        try:
            return pack_heads(self._heads)
        except UnicodeEncodeError:
            # Bytes that are no text, as they may come in a header.
            return pack_heads([self._redactor.headers(head) for head in self._heads])

    def _request(self, name: str, data: bytes, headers: Headers) -> None:
        whole, data = len(data), self._keeper.cut(data)
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
        side = None if client is None or len(data) != len(self._keeper.cut(data)) else self._as_clients(client, data)
        if side is None:
            self._request("provider_request", data, self._bodies.provider_request_headers)
        else:
            self._add(side, self._bodies.provider_request_headers)
            self._whole += len(data)

    def _as_clients(self, client: bytes, data: bytes) -> Side | None:
        asked = self._asked
        if asked is not None and asked.is_clean and asked.data is client:
            splice = self._splice(client, client, data)
            return splice and Side("provider_request", len(data), parent="", of=asked.side, head=len(asked.pieces), splice=splice)
        if len(client) < LONG and len(data) < LONG and self._sides and self._sides[0].inline is not None:
            start, stop = self._sides[0].inline
            splice = self._splice(client, self._texts[0][start:stop], data)
            return splice and Side("provider_request", len(data), inline=(start, stop), splice=splice)
        return None

    def _splice(self, client: bytes, base: bytes, data: bytes) -> tuple[int, int, bytes] | None:
        """What makes of `base`, the client's body as it is kept, this one as it is to be kept; None if that is much."""
        head = same_beginning(client, data)
        tail = same_end(client, data, head)
        if len(data) - head - tail > _SPLICED:
            return None
        if (base is not client and base != client) or self._brings_secret(data, head, len(data) - tail):
            if self._asked is not None:
                return None
            # Both as they are kept: so the places are right whatever was taken out.
            client, data = base, self._redacted(data)
            head = same_beginning(client, data)
            tail = same_end(client, data, head)
        put = data[head : len(data) - tail]
        return (head, len(client) - tail, put) if len(put) <= _SPLICED else None

    def _brings_secret(self, data: bytes, start: int, stop: int) -> bool:
        """Whether there may be one in what was changed, with what stands around it. The name of a model is none."""
        opens = data.rfind(b'"', 0, start) + 1
        if data.endswith(_MODEL, 0, opens) and data.find(b'"', start, stop) < 0:
            return False
        around = data[max(0, start - _AROUND) : stop + _AROUND]
        return self._redacted(around) is not around

    def _like(self, name: str, other: str, headers: Headers, data: bytes | None) -> None:
        """The same bytes as the other side's."""
        base = next((side for side in self._sides if side.name == other), None)
        if base is not None:
            self._add(msgspec.structs.replace(base, name=name), headers)

    def _answer(self, name: str, chunks: list[bytes], headers: Headers) -> None:
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        whole, data = len(data), self._keeper.cut(data)
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
        self._texts.append(clean)
        self._add(Side(name, whole, inline=(self._at, self._at + len(clean))), headers)
        self._at += len(clean)

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
            self._keeper.keep(key, kept, last if goes_on else None)

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
        before = [last for last in self._keeper.last(key) if last.depth < _DEEPEST]
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
        if self._keeper.is_new(digest, self._epoch):
            self._blobs.append((digest, self._epoch, len(clean), self._keeper.compress(clean)))
        return Piece(end, digest, is_clean)

    def _redacted(self, data: bytes) -> bytes:
        return data if self._keeps_all else self._redactor.redact(data)

    def _add(self, side: Side, headers: Headers) -> None:
        self._sides.append(side)
        self._heads.append(self._redactor.headers(headers, is_looked_through=self._is_looked_through))


def _size(kept: Kept) -> int:
    return len(kept.data) + _PIECE_BYTES * len(kept.pieces)


def _moved(side: Side, place: tuple[int, int], by: int) -> Side:
    return msgspec.structs.replace(side, inline=(place[0] + by, place[1] + by)) if by else side
