"""Bodies taken apart for keeping: secrets out, what is known already left out, the rest compressed. What it makes is read by
`store.bodies`.

An agent sends its whole conversation with each request, so the last long body of each conversation is kept in memory: what the next one
begins and ends with like it costs a comparison, and only what stands between is looked at, cut into pieces and kept.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b

import msgspec
import zstandard

from dragoman.ir.record import Bodies
from dragoman.observe.redact import Redactor
from dragoman.store.laid import HASH_BYTES, Laid, Side, pack

EPOCH_S = 600
"""Seconds of an epoch. Within one a body may refer to pieces of earlier ones; in the next all that it needs is put down anew, so that
old epochs can be deleted whole."""

_LONG = 16 * 1024
_PIECE = 1024
_LARGE = 8 * 1024
_LOOK = 8
"""How far before a place to cut the letter stands that decides."""
_BETWEEN = b"},{"
_CLOSES = b"}"
_LEAST = 4096
_ANCHOR = 48
_HEAD = 2048
_DEEPEST = 256
_LEVEL = 1
_BLOCK = 64 * 1024
_SPLICED = 4096
_KNOWN_HASHES = 100_000


class Piece(msgspec.Struct, frozen=True, gc=False):
    """A piece of a body, or a part of one: where it ends in the body as it was sent; is_clean: it is kept as it was sent, so a part
    of it can be referred to."""

    end: int
    hash: bytes
    is_clean: bool


class Kept(msgspec.Struct, frozen=True):
    """The last body of a conversation, and where it is kept."""

    data: bytes
    pieces: list[Piece]
    exchange_id: str
    side: str
    depth: int


class BodyRow(msgspec.Struct, frozen=True):
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
        self._zip = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=False)

    def row(self, exchange_id: str, at: float, conversation: object, bodies: Bodies) -> BodyRow:
        """The rows for the bodies of an exchange. conversation: what its requests have in common, None if that is not known."""
        epoch = int(at) // EPOCH_S
        if epoch > self._epoch:
            self._begin(epoch)
        return _Laying(self, exchange_id, self._epoch, conversation, bodies).row()

    def forget(self) -> None:
        """Refer to nothing that was kept so far: it did not reach the database."""
        self._begin(self._epoch)

    # ---- for one exchange ---------------------------------------------------------------------------------------------------

    def clean(self, data: bytes, mode: str, *, is_stream: bool = False) -> bytes:
        """The text without what is secret, unless `mode` keeps all."""
        if mode == "full":
            return data
        return self._redactor.redact_stream(data) if is_stream else self._redactor.redact(data)

    def headers(self, given: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        """Headers never have their secrets."""
        return tuple([(name, self._redactor.header(name, value)) for name, value in given])

    def cut(self, data: bytes) -> bytes:
        """The beginning of a body that is too long."""
        return data if len(data) <= self._most else data[: self._most]

    def compress(self, data: bytes) -> bytes:
        """As it is stored."""
        return self._zip.compress(data)

    def last(self, key: tuple[object, ...]) -> Kept | None:
        """The body before."""
        return self._last.get(key)

    def keep(self, key: tuple[object, ...], kept: Kept) -> None:
        """Remember for the next body of this conversation."""
        before = self._last.pop(key, None)
        self._held += len(kept.data) - (0 if before is None else len(before.data))
        self._last[key] = kept
        while self._held > self._memory and self._last:
            self._held -= len(self._last.popitem(last=False)[1].data)

    def is_new(self, digest: bytes, epoch: int) -> bool:
        """Whether a piece is to be written: no body of this epoch has it. Says so once."""
        if self._hashes.get(digest) == epoch:
            return False
        if len(self._hashes) >= _KNOWN_HASHES:
            del self._hashes[next(iter(self._hashes))]
        self._hashes[digest] = epoch
        return True

    def _begin(self, epoch: int) -> None:
        self._epoch = epoch
        self._last.clear()
        self._hashes.clear()
        self._held = 0


class _Laying:
    """The bodies of one exchange on their way into rows."""

    def __init__(self, keeper: BodyKeeper, exchange_id: str, epoch: int, conversation: object, bodies: Bodies) -> None:
        self._keeper = keeper
        self._id = exchange_id
        self._epoch = epoch
        self._conversation = conversation
        self._bodies = bodies
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
        text = self._keeper.compress(b"".join(self._texts)) if self._texts else b""
        return BodyRow((self._id, self._epoch, self._whole, pack(Laid(tuple(self._sides), text))), self._blobs)

    def _request(self, name: str, data: bytes, headers: tuple[tuple[str, str], ...]) -> None:
        whole, data = len(data), self._keeper.cut(data)
        if len(data) < _LONG:
            self._inline(name, self._clean(data), headers, whole)
        else:
            self._long(name, data, headers, whole)
        self._whole += whole

    def _sent(self, data: bytes) -> None:
        """What went to the provider: where it is the client's but for a name, only that is kept."""
        whole, headers = len(data), self._bodies.provider_request_headers
        client = self._bodies.client_request
        if client is not None and len(client) < _LONG and len(data) < _LONG and self._sides and self._sides[0].inline is not None:
            # Both as they are kept: so the places are right whatever was taken out.
            start, stop = self._sides[0].inline
            base, mine = self._texts[0][start:stop], self._clean(data)
            head = _same_beginning(base, mine)
            tail = _same_end(base, mine, head)
            if len(mine) - head - tail <= _SPLICED:
                splice = (head, len(base) - tail, mine[head : len(mine) - tail])
                self._sides.append(Side("provider_request", self._headers(headers), whole, inline=(start, stop), splice=splice))
                self._whole += whole
                return
        self._request("provider_request", data, headers)

    def _like(self, name: str, other: str, headers: tuple[tuple[str, str], ...], data: bytes | None) -> None:
        """The same bytes as the other side's."""
        base = next((side for side in self._sides if side.name == other), None)
        if base is not None:
            self._sides.append(msgspec.structs.replace(base, name=name, headers=self._headers(headers), whole=base.whole))

    def _answer(self, name: str, chunks: list[bytes], headers: tuple[tuple[str, str], ...]) -> None:
        data = b"".join(chunks)
        whole, data = len(data), self._keeper.cut(data)
        clean = self._keeper.clean(data, self._bodies.mode, is_stream=data[:64].lstrip()[:1] not in (b"{", b"["))
        if len(clean) < _LONG:
            self._inline(name, clean, headers, whole)
        else:
            ends = cuts(clean, 0, len(clean))
            pieces = [self._piece(clean[start:end], end, is_clean=True) for start, end in zip([0, *ends], ends, strict=False)]
            self._sides.append(Side(name, self._headers(headers), whole, pieces=b"".join([piece.hash for piece in pieces])))
        self._whole += whole

    def _inline(self, name: str, clean: bytes, headers: tuple[tuple[str, str], ...], whole: int) -> None:
        self._texts.append(clean)
        self._sides.append(Side(name, self._headers(headers), whole, inline=(self._at, self._at + len(clean))))
        self._at += len(clean)

    def _long(self, name: str, data: bytes, headers: tuple[tuple[str, str], ...], whole: int) -> None:
        key = (self._bodies.mode, name, self._conversation if self._conversation is not None else data[:_HEAD])
        last = self._keeper.last(key) or self._relative(name, data)
        shared = None if last is None or last.depth >= _DEEPEST else _shared(last, data)
        if last is None or shared is None:
            pieces = self._pieces(data, 0, len(data))
            side = Side(name, self._headers(headers), whole, pieces=b"".join([each.hash for each in pieces]))
        else:
            goes_on = _goes_on(last, data, shared)
            new = self._pieces(data, shared.start, goes_on) + self._pieces(data, goes_on, shared.stop)
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
        depth = 0 if last is None or shared is None else last.depth + 1
        self._keeper.keep(key, Kept(data, pieces, self._id, name, depth))

    def _relative(self, name: str, data: bytes) -> Kept | None:
        """What goes to a provider may be nearly what came from the client."""
        if name != "provider_request" or self._bodies.client_request is None:
            return None
        conversation = self._conversation if self._conversation is not None else self._bodies.client_request[:_HEAD]
        kept = self._keeper.last((self._bodies.mode, "client_request", conversation))
        return kept if kept is not None and kept.exchange_id == self._id else None

    def _pieces(self, data: bytes, start: int, stop: int) -> list[Piece]:
        """A part of a body as it was sent, in pieces."""
        found: list[Piece] = []
        for end in cuts(data, start, stop):
            raw = data[start:end]
            clean = self._clean(raw)
            found.append(self._piece(clean, end, is_clean=clean is raw))
            start = end
        return found

    def _piece(self, clean: bytes, end: int, *, is_clean: bool) -> Piece:
        digest = blake2b(clean, digest_size=HASH_BYTES).digest()
        if self._keeper.is_new(digest, self._epoch):
            self._blobs.append((digest, self._epoch, len(clean), self._keeper.compress(clean)))
        return Piece(end, digest, is_clean)

    def _clean(self, data: bytes) -> bytes:
        return self._keeper.clean(data, self._bodies.mode)

    def _headers(self, given: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return self._keeper.headers(given)


def cuts(data: bytes, start: int, stop: int) -> list[int]:
    """Where to cut a part of a body: where one item of a list ends, and what stands there says so. So what is the same in two bodies is
    cut alike soon after a place where they differ."""
    found: list[int] = []
    at = start + _PIECE
    while stop - start > 2 * _PIECE and (at := data.find(_BETWEEN, at, stop)) >= 0:
        at += 2
        if at - start >= _LARGE or not data[at - _LOOK] & 1:
            found.append(at)
            start = at
            at += _PIECE
    if start < stop:
        found.append(stop)
    return found


class _Shared(msgspec.Struct, frozen=True):
    """What two bodies have in common, as `store.laid.Side` tells it, and which part of the later one is between (start, stop)."""

    head: int
    head_part: int
    tail_part: int
    tail: int
    start: int
    stop: int

    def pieces(self, last: Kept, new: list[Piece], size: int) -> list[Piece]:
        """The pieces of the later body."""
        found = last.pieces[: self.head]
        if self.head_part:
            found.append(Piece(self.start, last.pieces[self.head].hash, True))
        found += new
        shift = size - len(last.data)
        count = self.tail + (1 if self.tail_part else 0)
        ends = last.pieces[len(last.pieces) - count :] if count else []
        return found + [Piece(each.end + shift, each.hash, each.is_clean) for each in ends]


def _shared(last: Kept, data: bytes) -> _Shared | None:
    """None where the bodies have next to nothing in common."""
    # Both ends of what is new stand beside a brace, so that no secret is half in it.
    start = data.rfind(_CLOSES, 0, _same_beginning(last.data, data)) + 1
    room = min(len(last.data), len(data)) - start
    stop = data.find(_CLOSES, len(data) - _same_end(last.data, data, start)) if room > 0 else -1
    stop = len(data) if stop < 0 else stop
    head, at = 0, 0
    for piece in last.pieces:
        if piece.end > start:
            break
        head, at = head + 1, piece.end
    head_part = start - at if head < len(last.pieces) and last.pieces[head].is_clean else 0
    tail, tail_part, ends = _tail(last, len(data) - stop, head)
    begins = at + head_part
    return None if begins + ends < _LEAST else _Shared(head, head_part, tail_part, tail, begins, len(data) - ends)


def _goes_on(last: Kept, data: bytes, shared: _Shared) -> int:
    """Where in what is new the last body goes on after an insertion: what follows there (an agent's tools) was cut at that place before, so
    that it makes the same pieces, whatever follows later."""
    same = shared.start + _same_beginning(last.data[shared.start :], data[shared.start :])
    anchor = last.data[same : same + _ANCHOR]
    found = data.find(anchor, shared.start, shared.stop) if len(anchor) == _ANCHOR else -1
    return found if found >= 0 else shared.stop


def _tail(last: Kept, same: int, head: int) -> tuple[int, int, int]:
    """Of the last pieces, how many are in the last `same` bytes; how many bytes of the one before; and how many bytes that is."""
    size, count, covered = len(last.data), 0, 0
    for at in range(len(last.pieces) - 1, head, -1):
        begins = last.pieces[at - 1].end
        if size - begins > same:
            part = same - covered if last.pieces[at].is_clean else 0
            return count, part, covered + part
        count, covered = count + 1, size - begins
    part = 0
    if len(last.pieces) > head and count == len(last.pieces) - head - 1 and last.pieces[head].is_clean:
        # Both ends may be in one piece: what is left of it after its beginning that is shared too.
        part = max(0, min(same, size) - covered)
    return count, part, covered + part


def _same_beginning(one: bytes, other: bytes) -> int:
    """How many bytes two texts have in common at their beginning: whole blocks are compared, then halves of the one that differs."""
    most, at, block = min(len(one), len(other)), 0, _BLOCK
    while block:
        while at < most and one[at : min(at + block, most)] == other[at : min(at + block, most)]:
            at += block
        block = block // 2 if at < most else 0
    return min(at, most)


def _same_end(one: bytes, other: bytes, but: int) -> int:
    """The same at their end, where the first `but` bytes of both are left out."""
    most, at, block = min(len(one), len(other)) - but, 0, _BLOCK
    while block:
        while at < most and _end(one, at, min(block, most - at)) == _end(other, at, min(block, most - at)):
            at += block
        block = block // 2 if at < most else 0
    return max(0, min(at, most))


def _end(data: bytes, at: int, size: int) -> bytes:
    return data[len(data) - at - size : len(data) - at]
