"""Bodies taken apart for keeping: secrets out, what is known already left out, the rest compressed. What it makes is read by
`store.bodies`.

An agent sends its whole conversation with each request, so the last long body of each conversation is kept in memory: what the next one
begins and ends with like it costs a comparison, and only what stands between is looked at, cut into pieces and kept.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from hashlib import blake2b

import msgspec
import zstandard

from dragoman.ir.record import Bodies
from dragoman.observe.likeness import Kept, Piece, Shared, cuts, find_again, find_shared, same_beginning, same_end
from dragoman.observe.redact import Redactor, is_secret_name, sayings
from dragoman.store.laid import HASH_BYTES, Laid, Side, pack
from dragoman.wire.frame import Headers

EPOCH_S = 600
"""Seconds of an epoch. Within one a body may refer to pieces of earlier ones; in the next all that it needs is put down anew, so that
old epochs can be deleted whole."""

_LONG = 16 * 1024
_PACK = 64 * 1024
"""Short bodies of several exchanges are compressed together: a third of the time, half of the size."""
_HEAD = 2048
_DEEPEST = 256
_LEVEL = 1
_AROUND = 256
"""How far from where it changed a text is looked through again for secrets."""
_SPLICED = 4096
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
        self._last: OrderedDict[tuple[object, ...], Kept] = OrderedDict()
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
        self._begin(self._epoch)

    # ---- for one exchange ---------------------------------------------------------------------------------------------------

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

    def last(self, key: tuple[object, ...]) -> Kept | None:
        """The body before."""
        return self._last.get(key)

    def keep(self, key: tuple[object, ...], kept: Kept) -> None:
        """Remember for the next body of this conversation."""
        before = self._last.pop(key, None)
        self._held += _size(kept) - (0 if before is None else _size(before))
        self._last[key] = kept
        while self._held > self._memory and self._last:
            self._held -= _size(self._last.popitem(last=False)[1])

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
        self._last.clear()
        self._hashes.clear()
        self._held = 0


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
        sides, packed = self._sides, b""
        if self._texts:
            packed, at = self._keeper.pack(self._texts)
            sides = [side if side.inline is None else _moved(side, side.inline, at) for side in sides]
        return BodyRow((self._id, self._epoch, self._whole, pack(Laid(tuple(sides), packed))), self._blobs)

    def _request(self, name: str, data: bytes, headers: Headers) -> None:
        whole, data = len(data), self._keeper.cut(data)
        if len(data) < _LONG:
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
            self._sides.append(side)
            self._whole += len(data)

    def _as_clients(self, client: bytes, data: bytes) -> Side | None:
        headers, asked = self._bodies.provider_request_headers, self._asked
        if asked is not None and asked.is_clean and asked.data is client:
            splice = self._splice(client, client, data)
            return splice and Side(
                "provider_request", self._headers(headers), len(data), parent="", of=asked.side, head=len(asked.pieces), splice=splice
            )
        if len(client) < _LONG and len(data) < _LONG and self._sides and self._sides[0].inline is not None:
            start, stop = self._sides[0].inline
            splice = self._splice(client, self._texts[0][start:stop], data)
            return splice and Side("provider_request", self._headers(headers), len(data), inline=(start, stop), splice=splice)
        return None

    def _splice(self, client: bytes, base: bytes, data: bytes) -> tuple[int, int, bytes] | None:
        """What makes of `base`, the client's body as it is kept, this one as it is to be kept; None if that is much."""
        head = same_beginning(client, data)
        tail = same_end(client, data, head)
        if len(data) - head - tail > _SPLICED:
            return None
        around = data[max(0, head - _AROUND) : len(data) - max(0, tail - _AROUND)]
        if (base is not client and base != client) or self._redacted(around) is not around:
            if self._asked is not None:
                return None
            # Both as they are kept: so the places are right whatever was taken out.
            client, data = base, self._redacted(data)
            head = same_beginning(client, data)
            tail = same_end(client, data, head)
        put = data[head : len(data) - tail]
        return (head, len(client) - tail, put) if len(put) <= _SPLICED else None

    def _like(self, name: str, other: str, headers: Headers, data: bytes | None) -> None:
        """The same bytes as the other side's."""
        base = next((side for side in self._sides if side.name == other), None)
        if base is not None:
            self._sides.append(msgspec.structs.replace(base, name=name, headers=self._headers(headers), whole=base.whole))

    def _answer(self, name: str, chunks: list[bytes], headers: Headers) -> None:
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        whole, data = len(data), self._keeper.cut(data)
        if self._is_looked_through or self._keeps_all:
            clean = data
        else:
            clean = self._redactor.redact_stream(data) if is_stream(data) else self._redactor.redact(data)
        if len(clean) < _LONG:
            self._inline(name, clean, headers, whole)
        else:
            ends = cuts(clean, 0, len(clean))
            pieces = [self._piece(clean[start:end], end, is_clean=True) for start, end in zip([0, *ends], ends, strict=False)]
            self._sides.append(Side(name, self._headers(headers), whole, pieces=b"".join([piece.hash for piece in pieces])))
        self._whole += whole

    def _inline(self, name: str, clean: bytes, headers: Headers, whole: int) -> None:
        self._texts.append(clean)
        self._sides.append(Side(name, self._headers(headers), whole, inline=(self._at, self._at + len(clean))))
        self._at += len(clean)

    def _long(self, name: str, data: bytes, headers: Headers, whole: int) -> None:
        key = (self._bodies.mode, name, self._conversation if self._conversation is not None else data[:_HEAD])
        last, shared = self._base(key, name, data)
        if last is None or shared is None:
            pieces = new = self._pieces(data, 0, len(data))
            side = Side(name, self._headers(headers), whole, pieces=b"".join([each.hash for each in new]))
        else:
            new = self._new_pieces(last, data, shared)
            pieces = shared.pieces(last, new, len(data))
            side = Side(
                name,
                self._headers(headers),
                whole,
                parent="" if last.exchange_id == self._id else last.exchange_id,
                of=last.side,
                head=shared.head,
                head_part=shared.head_part,
                pieces=b"".join([each.hash for each in new]),
                tail_part=shared.tail_part,
                tail=shared.tail,
            )
        self._sides.append(side)
        is_clean = all(each.is_clean for each in (pieces if last is None or not last.is_clean else new))
        kept = Kept(data, pieces, self._id, name, 0 if last is None else last.depth + 1, is_clean)
        if name == "client_request":
            self._asked = kept
        if last is None or last is not self._asked:
            self._keeper.keep(key, kept)

    def _base(self, key: tuple[object, ...], name: str, data: bytes) -> tuple[Kept | None, Shared | None]:
        """What a body is told as the difference from: what goes to a provider may be nearly what came from the client."""
        asked = self._asked if name == "provider_request" else None
        for last in (asked, self._keeper.last(key)):
            shared = None if last is None or last.depth >= _DEEPEST else find_shared(last, data)
            if shared is not None and (last is not asked or 2 * (shared.stop - shared.start) < len(data)):
                return last, shared
        return None, None

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
            clean = raw if is_clean else self._redactor.redact(raw)
            found.append(self._piece(clean, end, is_clean=clean is raw))
            start = end
        return found

    def _piece(self, clean: bytes, end: int, *, is_clean: bool) -> Piece:
        digest = blake2b(clean, digest_size=HASH_BYTES).digest()
        if self._keeper.is_new(digest, self._epoch):
            self._blobs.append((digest, self._epoch, len(clean), self._keeper.compress(clean)))
        return Piece(end, digest, is_clean)

    def _redacted(self, data: bytes) -> bytes:
        return data if self._keeps_all else self._redactor.redact(data)

    def _headers(self, given: Headers) -> Headers:
        return self._redactor.headers(given, is_looked_through=self._is_looked_through)


def first_look(bodies: Bodies) -> list[bytes]:
    """All texts of an exchange in which a secret may be, but requests that are long or the provider's, which are mostly known already."""
    asked, told = bodies.client_request_headers, bodies.client_response_headers
    heads = (*asked, *told, *bodies.provider_request_headers, *bodies.provider_response_headers)
    found = ["\n".join([value for name, value in heads if not is_secret_name(name)]).encode("utf-8", "surrogateescape")]
    if bodies.mode == _FULL:
        return found
    if bodies.client_request is not None and len(bodies.client_request) < _LONG:
        found.append(bodies.client_request)
    for pieces in (bodies.client_response, bodies.provider_response):
        if pieces:
            data = b"".join(pieces)
            found += [data, *sayings(data)] if is_stream(data) else [data]
    return found


def is_stream(answer: bytes) -> bool:
    """Whether an answer is a stream of events, rather than one JSON value."""
    return answer[:64].lstrip()[:1] not in (b"{", b"[")


def _size(kept: Kept) -> int:
    return len(kept.data) + _PIECE_BYTES * len(kept.pieces)


def _moved(side: Side, place: tuple[int, int], by: int) -> Side:
    return msgspec.structs.replace(side, inline=(place[0] + by, place[1] + by)) if by else side
