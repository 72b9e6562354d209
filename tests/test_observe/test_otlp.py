"""Spans in bytes, judged by the official schema of OTLP."""

from __future__ import annotations

from typing import Any

from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from dragoman.observe.otlp import CLIENT, SERVER, Span, write_request

TRACE, SPAN, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "00f067aa0ba902b7"


def read(body: bytes) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    request.ParseFromString(body)
    return request


def read_attributes(attributes: Any) -> dict[str, Any]:
    return {entry.key: read_value(entry.value) for entry in attributes}


def read_value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return [read_value(inner) for inner in value.array_value.values] if kind == "array_value" else getattr(value, kind)


def test_a_request_is_what_the_schema_says() -> None:
    root = Span("POST /v1/responses", SERVER, TRACE, SPAN, 1, 2, attributes={"text": "é", "yes": True, "no": False})
    child = Span("chat m", CLIENT, TRACE, PARENT, 3, 4, SPAN, "a=1", {"count": -5, "share": 0.5, "many": ["x", "y"]}, "timeout")

    request = read(write_request([root, child], {"service.name": "dragoman"}, "1.0", "https://schema"))

    (resource,) = request.resource_spans
    (scope,) = resource.scope_spans
    assert (read_attributes(resource.resource.attributes), resource.schema_url) == ({"service.name": "dragoman"}, "https://schema")
    assert (scope.scope.name, scope.scope.version, scope.schema_url) == ("dragoman", "1.0", "https://schema")
    assert [MessageToDict(span, preserving_proto_field_name=True).keys() for span in scope.spans] == [
        {"trace_id", "span_id", "name", "kind", "start_time_unix_nano", "end_time_unix_nano", "attributes", "flags"},
        {
            *("trace_id", "span_id", "trace_state", "parent_span_id", "name", "kind", "start_time_unix_nano", "end_time_unix_nano"),
            *("attributes", "status", "flags"),
        },
    ]
    one, two = scope.spans
    assert (one.trace_id.hex(), one.span_id.hex(), one.name, one.kind) == (TRACE, SPAN, "POST /v1/responses", SERVER)
    assert (two.parent_span_id.hex(), two.trace_state, two.kind, two.flags) == (SPAN, "a=1", CLIENT, 1)
    assert (two.start_time_unix_nano, two.end_time_unix_nano) == (3, 4)
    assert (two.status.code, two.status.message) == (2, "timeout")
    assert read_attributes(one.attributes) == {"text": "é", "yes": True, "no": False}
    assert read_attributes(two.attributes) == {"count": -5, "share": 0.5, "many": ["x", "y"]}


def test_half_a_character_does_not_cost_the_batch() -> None:
    request = read(write_request([Span("x\udc80", SERVER, TRACE, SPAN, 1, 2)], {}, "1", "s"))

    assert request.resource_spans[0].scope_spans[0].spans[0].name == "x?"


def test_a_clock_that_was_set_back_makes_no_negative_span() -> None:
    request = read(write_request([Span("x", SERVER, TRACE, SPAN, 9, 2)], {}, "1", "s"))

    assert request.resource_spans[0].scope_spans[0].spans[0].end_time_unix_nano == 9


VALUES = st.one_of(
    st.text(st.characters(codec="utf-8")),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.lists(st.text(st.characters(codec="utf-8"))),
)


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1), VALUES))
def test_any_attribute_comes_through(attributes: dict[str, Any]) -> None:
    request = read(write_request([Span("x", SERVER, TRACE, SPAN, 1, 2, attributes=attributes)], {}, "1", "s"))

    assert read_attributes(request.resource_spans[0].scope_spans[0].spans[0].attributes) == attributes
