"""Spans in the bytes of OTLP: protobuf, of which a trace needs five kinds of fields. Own: docs/decisions/0013-own-otlp.md says why.

https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

Value = str | bool | int | float | Sequence[str]
Attributes = Mapping[str, Value]

SERVER = 2
CLIENT = 3
_ERROR = 2
_SAMPLED = 1
_SCOPE = "dragoman"
_SHORT = 64


class Span(msgspec.Struct, frozen=True):
    """One span. Ids are hex, times nanoseconds since 1970. error: what went wrong, None: nothing."""

    name: str
    kind: int
    trace_id: str
    span_id: str
    start_ns: int
    end_ns: int
    parent_id: str | None = None
    state: str = ""
    attributes: Attributes = {}
    error: str | None = None


def write_request(spans: Iterable[Span], resource: Attributes, version: str, schema_url: str) -> bytes:
    """The body of `POST /v1/traces`: these spans, made by the resource."""
    scope = _text(1, _SCOPE) + _text(2, version)
    scoped = _bytes(1, scope) + b"".join([_bytes(2, _span(span)) for span in spans]) + _text(3, schema_url)
    return _bytes(1, _bytes(1, _attributes(1, resource)) + _bytes(2, scoped) + _text(3, schema_url))


def _span(span: Span) -> bytes:
    status = b"" if span.error is None else _bytes(15, _text(2, span.error) + _number(3, _ERROR))
    parent = b"" if span.parent_id is None else _bytes(4, bytes.fromhex(span.parent_id))
    return b"".join(
        (
            _bytes(1, bytes.fromhex(span.trace_id)),
            _bytes(2, bytes.fromhex(span.span_id)),
            _text(3, span.state),
            parent,
            _text(5, span.name),
            _number(6, span.kind),
            _tag(7, 1) + struct.pack("<Q", span.start_ns),
            _tag(8, 1) + struct.pack("<Q", max(span.start_ns, span.end_ns)),
            _attributes(9, span.attributes),
            status,
            _tag(16, 5) + struct.pack("<I", _SAMPLED),
        )
    )


def _attributes(field: int, attributes: Attributes) -> bytes:
    tag = _tag(field, 2)
    pairs = [
        _known(name, value) if type(value) is str and len(value) <= _SHORT else _pair(name, value) for name, value in attributes.items()
    ]
    return b"".join([part for pair in pairs for part in (tag, _varint(len(pair)), pair)])


def _pair(name: str, value: Value) -> bytes:
    return _name(name) + _bytes(2, _value(value))


# Names are few, and most texts are alike from span to span: half of what a span costs.
@lru_cache(1024)
def _name(name: str) -> bytes:
    return _text(1, name)


_known = lru_cache(4096)(_pair)


def _value(value: Value) -> bytes:
    return _VALUES.get(type(value), _list)(value)


def _list(values: Any) -> bytes:
    return _bytes(5, b"".join([_bytes(1, _value(value)) for value in values]))


_VALUES: dict[type, Callable[[Any], bytes]] = {
    str: lambda value: _bytes(1, _encoded(value)),
    bool: lambda value: _tag(2, 0) + _varint(value),
    int: lambda value: _tag(3, 0) + _varint(value & 0xFFFF_FFFF_FFFF_FFFF),
    float: lambda value: _tag(4, 1) + struct.pack("<d", value),
}


def _text(field: int, text: str) -> bytes:
    """A text field; what is empty is not written."""
    return _bytes(field, _encoded(text)) if text else b""


def _encoded(text: str) -> bytes:
    """A collector refuses a whole batch for one text that is not UTF-8."""
    return text.encode("utf-8", "replace")


def _bytes(field: int, value: bytes) -> bytes:
    return b"%c%b%b" % (field << 3 | 2, _varint(len(value)), value) if field < 16 else _tag(field, 2) + _varint(len(value)) + value


def _number(field: int, value: int) -> bytes:
    return _tag(field, 0) + _varint(value)


def _tag(field: int, wire_type: int) -> bytes:
    return _varint(field << 3 | wire_type)


def _varint(value: int) -> bytes:
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
