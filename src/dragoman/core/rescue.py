"""Streams that are gone on with by another attempt where one breaks off: what outlives the attempts, and the carrier of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dragoman.core.attempt import Attempt
from dragoman.core.exchange import Exchange
from dragoman.core.failure import attribute
from dragoman.core.runtime import Deployment
from dragoman.core.stamp import PROVING, stamp
from dragoman.core.translated import Translated, cut, garbled
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.request import Request
from dragoman.lower.capabilities import Capabilities
from dragoman.lower.rescue import Rescue
from dragoman.lower.restore import Restore
from dragoman.wire.frame import WireError

_OF_THE_LINE = frozenset({Kind.CUT, Kind.TIMEOUT})


class Rescuing:
    """What outlives the attempts of one exchange. `asked` is the client's request, `writer` writes its one stream.

    Nothing of this holds while the client has no byte: an attempt that failed before is forgotten, and another `Rescuing` begun.
    """

    def __init__(self, exchange: Exchange, asked: Request) -> None:
        self.asked = asked
        self.writer = exchange.dialect.writer(asked)
        self._agent = exchange.agent
        self._rescue = Rescue(asked)
        self._pending = b""
        self.join = self._rescue.feed

    @property
    def resumable(self) -> bool:
        """Whether another attempt can go on with the answer as it stands."""
        return self._rescue.salvage in ("anew", "go_on")

    @property
    def lacks_only_its_end(self) -> bool:
        """Whether everything was said but the mark of the end."""
        return self._rescue.salvage == "end"

    def go_on(self, capabilities: Capabilities) -> Request:
        """What the next attempt asks a target with these capabilities, in the client's terms."""
        resumed = self._rescue.go_on(capabilities)
        self._pending += b"".join([self.writer.feed(event) for event in resumed.events])
        return resumed.request

    def pending(self) -> bytes:
        """What the client must get before the first words of the attempt that goes on."""
        pending, self._pending = self._pending, b""
        return pending

    def end(self) -> tuple[ev.Event, ...]:
        """The end that was missing."""
        return self._rescue.end()

    def fail(self, error: GatewayError, deployment: Deployment | None = None) -> bytes:
        """End the client's stream in an error, of this deployment if that is not said in it yet."""
        if deployment is not None:
            attribute(deployment, error)
        return self.pending() + self.writer.feed(ev.Failed(self._agent.dress_failure(error)))


class Rescued(Translated):
    """Carries the stream of one attempt into the one that its client sees, whose end stays open where another attempt may go on."""

    def __init__(self, attempt: Attempt, rescuing: Rescuing, restore: Restore) -> None:
        super().__init__(attempt, rescuing.writer, restore)
        self._rescuing = rescuing
        self._noted = attempt.noted

    @property
    def resumable(self) -> bool:
        """Whether another attempt may go on with this stream, now that it broke."""
        return self._refused is None and self._rescuing.resumable

    def feed(self, chunk: bytes) -> bytes:
        return self._spoken(self._read(chunk))

    def whole(self, body: bytes) -> bytes:
        return self._spoken(self._upstream.read_response(body, self._quirks))

    def close(self) -> bytes:
        said = self._spoken(self._read_rest())
        return said if self.ended or self.failed is not None else said + self._broken(cut())

    def fail(self, error: GatewayError) -> bytes:
        """End the client's stream with this error; or properly, where the line broke and nothing but the end is missing."""
        if self._is_whole(error):
            return b"".join([self._put(event) for event in self._rescuing.end()])
        return self._rescuing.fail(error, self._deployment)

    def _read(self, chunk: bytes) -> Iterator[ev.Event]:
        try:
            frames = self._framer.feed(chunk)
        except WireError as error:
            raise garbled(error) from error
        for frame in frames:
            yield from self._reader.feed(frame)

    def _read_rest(self) -> Iterator[ev.Event]:
        for frame in self._framer.close():
            yield from self._reader.feed(frame)
        yield from self._reader.close()

    def _spoken(self, events: Iterable[ev.Event]) -> bytes:
        """The events in the client's dialect. Those that came before a fault were said, whatever follows."""
        out = [self._rescuing.pending()]
        try:
            for event in events:
                out.append(self._write(event))
                if self.failed is not None:
                    break
        except GatewayError as error:
            out.append(self._broken(error))
        return b"".join(out)

    def _write(self, event: ev.Event) -> bytes:
        if type(event) in PROVING:
            event = stamp(event, self._origin)
        elif isinstance(event, ev.UsageReported) and self._noted is not None:
            self._noted.usage = event.usage
        return b"".join([self._put(joined) for restored in self._restore.feed(event) for joined in self._rescuing.join(restored)])

    def _say(self, event: ev.Event, kind: type) -> bytes:
        return self._broken(event.error) if isinstance(event, ev.Failed) else super()._say(event, kind)

    def _broken(self, error: GatewayError) -> bytes:
        """The provider's stream is over without its end: nothing is said of that as long as another attempt may go on."""
        if not self._is_whole(error):
            self.failed = error
        return b"" if self.resumable else self.fail(error)

    def _is_whole(self, error: GatewayError) -> bool:
        return self._refused is None and error.kind in _OF_THE_LINE and self._rescuing.lacks_only_its_end


def resume(exchange: Exchange) -> Rescuing | None:
    """The answer that this attempt is to go on with; None where it is to begin one."""
    return exchange.rescuing if exchange.begun else None


def begin(exchange: Exchange, asked: Request) -> Rescuing | None:
    """Remember what the client gets, where its stream shall be gone on with if it breaks. Not where the provider keeps the answer:
    a later request that names it would find but a part."""
    dialect = exchange.dialect
    if not exchange.rescues or not asked.stream or dialect.keeps(asked) or dialect.state_fields(asked):
        exchange.rescuing = None
    else:
        exchange.rescuing = Rescuing(exchange, asked)
    return exchange.rescuing
