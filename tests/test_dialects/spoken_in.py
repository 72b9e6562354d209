"""What is said in a dialect, as its readers take it, for tests of several dialects."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from dragoman.dialects.contract import Call, Quirks
from dragoman.dialects.registry import dialect
from dragoman.ir import events as ev
from dragoman.ir import request as ir
from dragoman.ir.fold import Fold
from dragoman.ir.response import Response
from dragoman.wire.frame import Frame

_PLAIN = Quirks(stream_usage=False, store=None)


def read(name: str, value: dict[str, Any]) -> ir.Request:
    """A request."""
    path = "/models/some-model:generateContent" if name == "generate" else dialect(name).path
    return dialect(name).read_request(Call(path, json.dumps(value).encode()))


def body(name: str, request: ir.Request, quirks: Quirks = _PLAIN) -> Any:
    """What a provider of the dialect is asked."""
    return json.loads(dialect(name).write_request(request, quirks)[0].body)


def whole(name: str, value: Any) -> Response:
    """A whole answer."""
    return folded(dialect(name).read_response(json.dumps(value).encode(), Quirks()))


def heard(name: str, *frames: Any) -> list[ev.Event]:
    """The events of a stream that is over after these frames: bytes, or what is JSON."""
    reader = dialect(name).reader(Quirks())
    data = [frame if isinstance(frame, bytes) else json.dumps(frame).encode() for frame in frames]
    return [*(event for each in data for event in reader.feed(Frame(each))), *reader.close()]


def streamed(name: str, *frames: Any) -> Response:
    """The answer that these frames bring."""
    return folded(heard(name, *frames))


def folded(events: Iterable[ev.Event]) -> Response:
    """The answer that these events are. Raises the error that it ended in."""
    fold = Fold()
    for event in events:
        fold.feed(event)
    return fold.response()
