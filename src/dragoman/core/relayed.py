"""What carries the bytes of a relayed stream."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

from dragoman.core.attempt import Attempt
from dragoman.core.failure import attribute, filtered
from dragoman.core.stream import COMMENT, Watched
from dragoman.core.translated import Translated
from dragoman.ir.errors import GatewayError, Kind
from dragoman.lower.restore import UNCHANGED

_FILTERED = frozenset({"content_filter", "refusal"})
_BOUNDARY = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_BOUNDARIES = (b"\n\n", b"\r\n\r\n", b"\r\r")


def _last_frame(chunk: bytes) -> int | None:
    """Where the last frame begins that ends in this chunk; None: not after another one."""
    ends = [found.end() for found in _BOUNDARY.finditer(chunk)]
    return ends[-2] if len(ends) > 1 else None


class Relayed:
    """Carries bytes as they are. Knows where a frame ends, so that a sign of life never stands inside one."""

    resumable = False
    as_it_comes = True

    def __init__(self, attempt: Attempt) -> None:
        exchange = attempt.exchange
        self.tap = exchange.dialect.tap()
        self.ready = False
        self.ended = False
        self.failed: GatewayError | None = None
        self._attempt = attempt
        self._dialect = exchange.dialect
        self._agent = exchange.agent
        self.watch = self.tap.feed
        self._last = b"\n\n"
        """The latest bytes, at least four of them if there were as many."""

    def feed(self, chunk: bytes) -> bytes:
        if self.watch(chunk):
            return self.look(chunk)
        self._last = chunk
        return chunk

    @property
    def watched(self) -> Watched:
        return self

    def passed(self, chunk: bytes) -> None:
        self._last = chunk

    def look(self, chunk: bytes) -> bytes:
        """A chunk that may hold more than words: as the client's program understands it."""
        tap = self.tap
        self.ready, self.ended, self.failed = tap.first_token, tap.ended, tap.failed
        if tap.failed is not None or tap.reason in _FILTERED:
            chunk = self._ended_badly(chunk)
        reword = self._agent.reword
        if reword is not None:
            chunk = reword(chunk)
        self._last = chunk if len(chunk) > 3 else self._last[-4:] + chunk
        return chunk

    def _ended_badly(self, chunk: bytes) -> bytes:
        """The chunk in which the stream failed: with an ending that the client's program understands, where it needs another one."""
        error = self.tap.failed
        if error is None and not self._agent.knows_refusals:
            error = filtered(None)
        if error is None:
            return chunk
        attribute(self._attempt.deployment, error)
        dressed = self._agent.dress_failure(error)
        start = _last_frame(chunk) or (0 if self._between_frames else None)
        if dressed is error or start is None:
            return chunk
        self.failed = error
        return chunk[:start] + self._dialect.write_failure(dressed, self.tap)

    def whole(self, body: bytes) -> bytes:
        asked = self._attempt.exchange.read()
        out = Translated(self._attempt, self._dialect.writer(asked), UNCHANGED).whole(body)
        self.feed(out)
        return out

    def close(self) -> bytes:
        tap = self.tap
        if tap.ended or tap.may_end or tap.failed is not None:
            return b""
        self.failed = GatewayError(Kind.CUT, "the provider's stream broke off before its proper end", source="upstream")
        return self.fail(self.failed)

    def ping(self) -> bytes:
        if not self._between_frames:
            return b""
        # Stream helpers of SDKs want the opening event first; a comment is legal even before it.
        return self._dialect.keep_alive if self.tap.model else COMMENT

    def fail(self, error: GatewayError) -> bytes:
        attribute(self._attempt.deployment, error)
        gap = b"" if self._between_frames else b"\n\n"
        return gap + self._dialect.write_failure(self._agent.dress_failure(error), self.tap)

    @property
    def _between_frames(self) -> bool:
        return self._last.endswith(_BOUNDARIES)


class WithoutCounts(Relayed):
    """Carries all but the counts that only we have asked for. `_held`: the beginning of a frame that may be theirs; they come when the
    answer is over, so what comes before is not held."""

    def __init__(self, attempt: Attempt, tells_only: Callable[[bytes], bool]) -> None:
        super().__init__(attempt)
        self._tells_only = tells_only
        self._held = b""
        self.watch = self._watch

    def _watch(self, chunk: bytes) -> bool:
        return self.tap.feed(chunk) or bool(self._held)

    def look(self, chunk: bytes) -> bytes:
        tap = self.tap
        if (self._held or tap.reason is not None or tap.usage is not None) and tap.failed is None:
            chunk = self._without(self._held + chunk, is_over=tap.ended)
        elif self._held:
            chunk, self._held = self._held + chunk, b""
        return super().look(chunk)

    def close(self) -> bytes:
        rest = self._without(self._held, is_over=True)
        self._last = self._last[-4:] + rest
        return rest + super().close()

    def _without(self, chunk: bytes, *, is_over: bool) -> bytes:
        ends = [found.end() for found in _BOUNDARY.finditer(chunk)]
        if is_over:
            ends.append(len(chunk))
        frames = [chunk[start:end] for start, end in itertools.pairwise([0, *ends])]
        self._held = chunk[ends[-1] :] if ends else chunk
        kept = [frame for frame in frames if not self._tells_only(frame)]
        if len(kept) < len(frames):
            self.as_it_comes = False
        elif not self._held:
            return chunk
        return b"".join(kept)
