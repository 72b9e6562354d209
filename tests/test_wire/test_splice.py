"""Top-level fields are read and replaced, and nothing else changes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.wire.frame import WireError
from dragoman.wire.splice import Outline, read_fields, replace_fields, spliced

READ: list[tuple[str, bytes, dict[str, bytes]]] = [
    ("first and last", b'{"model":"a","x":1,"stream":true}', {"model": b'"a"', "stream": b"true"}),
    ("blanks everywhere", b' {\n "model" :\t"a" , "stream":  false }\r\n', {"model": b'"a"', "stream": b"false"}),
    ("nested fields of the same name", b'{"x":{"model":"b"},"y":[{"model":"c"}],"model":"a"}', {"model": b'"a"'}),
    ("names inside strings", rb'{"x":"\"model\":\"b\",","model":"a"}', {"model": b'"a"'}),
    ("an escaped spelling of the name", rb'{"mod\u0065l":"a"}', {"model": b'"a"'}),
    ("escapes in the value stay", rb'{"model":"\u0061\"\\"}', {"model": rb'"\u0061\"\\"'}),
    ("any kind of value", b'{"model":{"a":[1, 2]},"stream":null}', {"model": b'{"a":[1, 2]}', "stream": b"null"}),
    ("other fields twice", b'{"a":1,"a":12,"b":"x","b":[],"model":"m","a":1}', {"model": b'"m"'}),
    ("a longer number first", b'{"a":12,"a":1,"model":"m"}', {"model": b'"m"'}),
    ("words of other scripts", '{"é":"ü\u2028","model":"日本"}'.encode(), {"model": '"日本"'.encode()}),
    ("none of them", b'{"a":1}', {}),
    ("an empty object", b" { } ", {}),
    ("empty names", b'{"":1,"model":2}', {"model": b"2"}),
]


@pytest.mark.parametrize(("name", "body", "expected"), READ, ids=[case[0] for case in READ])
def test_raw_values_are_read(name: str, body: bytes, expected: dict[str, bytes]) -> None:
    assert read_fields(body, ("model", "stream")) == expected


REPLACE: list[tuple[str, bytes, dict[str, bytes | None], bytes]] = [
    ("replace", b'{ "model" : "a" , "x": 1.0 }', {"model": b'"b"'}, b'{ "model" : "b" , "x": 1.0 }'),
    ("replace an escaped spelling", rb'{"mod\u0065l":"a"}', {"model": b'"b"'}, rb'{"mod\u0065l":"b"}'),
    ("add", b'{"a":1 }', {"b": b"2", "c": None, "d": b"3"}, b'{"a":1,"b":2,"d":3 }'),
    ("add to nothing", b" { } ", {"b": b"2", "c": b"3"}, b' {"b":2,"c":3 } '),
    ("remove the first", b'{ "a":1, "b":2}', {"a": None}, b'{ "b":2}'),
    ("remove the middle", b'{"a":1, "b":2 , "c":3}', {"b": None}, b'{"a":1 , "c":3}'),
    ("remove the last", b'{"a":1 , "b":2 }', {"b": None}, b'{"a":1 }'),
    ("remove all", b'{ "a":1, "b":2 }', {"a": None, "b": None}, b"{  }"),
    ("remove all and add", b'{ "a":1, "b":2 }', {"a": None, "c": b"3"}, b'{ "b":2,"c":3 }'),
    ("leave doubles that nobody named", b'{"x":1,"x":1.50,"a":1}', {"a": b"2"}, b'{"x":1,"x":1.50,"a":2}'),
    ("nothing to do", b'{"a" :1e5}', {}, b'{"a" :1e5}'),
    ("a name that needs escapes", b"{}", {'"\n': b"1"}, rb'{"\"\n":1}'),
]


@pytest.mark.parametrize(("name", "body", "changes", "expected"), REPLACE, ids=[case[0] for case in REPLACE])
def test_only_the_named_fields_change(name: str, body: bytes, changes: dict[str, bytes | None], expected: bytes) -> None:
    assert replace_fields(body, changes) == expected


TWICE = [
    b'{"model":"a","model":"b"}',
    b'{"model":"a","model":"a"}',
    rb'{"model":"a","x":1,"m\u006fdel":"b"}',
    b'{"model":1,"model":12}',
    b'{"model":12,"model":1}',
    b'{"model":{"model":1},"model":{"model":1}}',
]


@pytest.mark.parametrize("body", TWICE)
def test_a_named_field_that_stands_twice_is_refused(body: bytes) -> None:
    with pytest.raises(WireError, match="`model` stands twice"):
        read_fields(body, ("model",))
    with pytest.raises(WireError, match="`model` stands twice"):
        replace_fields(body, {"model": b"1"})


class Counted(bytes):
    """Counts how often all of it is decoded."""

    decoded = 0

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        self.decoded += 1
        return super().decode(encoding, errors)


def test_a_body_is_measured_once_however_many_of_its_fields_stand_twice() -> None:
    body = Counted(b'{"model":"m",' + b",".join([b'"a":%d' % number for number in range(1000)]) + b"}")

    assert (read_fields(body, ("model",)), body.decoded) == ({"model": b'"m"'}, 1)


def test_an_object_of_more_fields_than_any_api_has_is_refused() -> None:
    body = b'{"model":"m",' + b",".join([b'"a":%d' % number for number in range(10_000)]) + b"}"

    with pytest.raises(WireError, match="more than 10000 fields"):
        read_fields(body, ("model",))


BROKEN = [
    b"",
    b" ",
    b"[]",
    b'"model"',
    b"1",
    b"null",
    b"{",
    b'{"model"',
    b'{"model":}',
    b'{"model":"a"',
    b'{"model":"a",}',
    b'{"model":"a"}x',
    b'{"model":"a"}{}',
    b"{'model':1}",
    b'{"model":tru}',
    b'{"model":01}',
    b'{"a":"\xff","b":"\xff\xfe',
    b'{"\xff":1}',
    b'{"a":1,,"b":2}',
    b'{"a" 1}',
    b"\xef\xbb\xbf{}",
    "{}".encode("utf-16"),
    b"model=a",
    b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    b'{"a":' * 200_000,
    b'{"a":1,"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
]


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_json_object_is_a_wire_error(body: bytes) -> None:
    with pytest.raises(WireError):
        read_fields(body, ("model",))
    with pytest.raises(WireError):
        replace_fields(body, {"model": b"1"})


@given(st.binary())
def test_any_bytes_give_fields_or_a_wire_error(body: bytes) -> None:
    for call in (lambda: read_fields(body, ("a",)), lambda: replace_fields(body, {"a": b"1"})):
        try:
            call()
        except WireError:
            pass


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "é"]), inner, max_size=3),
    max_leaves=8,
)
PAIRS = st.lists(st.tuples(st.sampled_from(["a", "b", "c", "d\n", 'e"', "é"]), VALUES), max_size=7)
BLANKS = st.sampled_from(["", " ", "\n\t"])


@st.composite
def bodies(draw: st.DrawFn) -> tuple[list[tuple[str, Any]], bytes]:
    pairs = draw(PAIRS)
    ascii_only = draw(st.booleans())

    def blank() -> str:
        return draw(BLANKS)

    members = [
        f"{blank()}{json.dumps(name, ensure_ascii=ascii_only)}{blank()}:{blank()}{json.dumps(value, ensure_ascii=ascii_only)}{blank()}"
        for name, value in pairs
    ]
    return pairs, f"{blank()}{{{','.join(members) or blank()}}}{blank()}".encode("utf-8", "surrogatepass")


def pairs_of(body: bytes) -> list[tuple[str, Any]]:
    return json.loads(body.decode("utf-8"), object_pairs_hook=lambda pairs: pairs)


@given(bodies(), st.dictionaries(st.sampled_from(["a", "b", "é", "new"]), st.sampled_from([b"1", b'"x"', b"[true]", None])))
def test_replacing_does_what_a_parser_would_do(made: tuple[list[tuple[str, Any]], bytes], changes: dict[str, bytes | None]) -> None:
    pairs, body = made
    names = [name for name, _ in pairs]
    if any(names.count(name) > 1 for name in changes):
        with pytest.raises(WireError):
            replace_fields(body, changes)
        return

    before = pairs_of(body)
    after = [
        (name, json.loads(changes[name]) if name in changes else value) for name, value in before if changes.get(name, b"") is not None
    ]
    after += [(name, json.loads(value)) for name, value in changes.items() if value is not None and name not in names]

    changed = replace_fields(body, changes)
    assert repr(pairs_of(changed)) == repr(after)
    assert replace_fields(body, {}) == body
    assert replace_fields(body, read_fields(body, tuple(changes))) == body


@given(bodies(), st.sampled_from(["a", "b", "c", 'e"', "é", "new"]))
def test_a_value_put_into_its_place_is_a_field_replaced(made: tuple[list[tuple[str, Any]], bytes], name: str) -> None:
    _, body = made
    place = Outline(body).place(name)

    if place is not None:
        assert spliced(body, (*place, b'"other"')) == replace_fields(body, {name: b'"other"'})


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"model":"a","x":1}', (9, 12)),
        (b'{"x":{"model":"b"},"model":"a"}', (27, 30)),
        (b'{"x":1}', None),
        (b'{"model": "a"}', None),
        (b'{"model":"a","model":"b"}', None),
    ],
)
def test_the_place_of_a_value_is_told_where_it_needs_no_walk(body: bytes, place: tuple[int, int] | None) -> None:
    assert Outline(body).place("model") == place
