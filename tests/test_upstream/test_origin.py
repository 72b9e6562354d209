"""Base URLs, and the head of a request."""

from __future__ import annotations

import pytest

from dragoman.ir.errors import GatewayError, Kind
from dragoman.upstream.origin import Origin
from dragoman.upstream.request import Heads, Route


@pytest.mark.parametrize(
    ("url", "origin", "path", "authority"),
    [
        ("https://api.openai.com/v1", Origin("https", "api.openai.com", 443), "/v1", "api.openai.com"),
        ("https://api.openai.com/v1/", Origin("https", "api.openai.com", 443), "/v1", "api.openai.com"),
        ("HTTP://LocalHost:8000", Origin("http", "localhost", 8000), "", "localhost:8000"),
        ("http://h:80/", Origin("http", "h", 80), "", "h"),
        ("https://h:80", Origin("https", "h", 80), "", "h:80"),
        ("http://[::1]:9/a/b", Origin("http", "::1", 9), "/a/b", "[::1]:9"),
        ("https://[2001:db8::1]", Origin("https", "2001:db8::1", 443), "", "[2001:db8::1]"),
        ("https://bücher.example", Origin("https", "xn--bcher-kva.example", 443), "", "xn--bcher-kva.example"),
    ],
)
def test_a_base_url_is_taken_apart(url: str, origin: Origin, path: str, authority: str) -> None:
    assert (Origin.parse(url), origin.authority) == ((origin, path), authority)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.openai.com/v1",
        "ftp://x",
        "http://",
        "http://:80",
        "http://h:0",
        "http://h:99999",
        "http://h:x",
        "http://user:secret@h",
        "http://h/v1?key=secret",
        "http://h/#secret",
        "http://h\r\nx: y",
        "http://h/a b",
        "http://[::1",
        "http://h/é",
        "http://a\\b",
        "http://a%0d%0ab",
        'http://a"b',
    ],
)
def test_a_bad_base_url_is_refused_without_repeating_secrets(url: str) -> None:
    with pytest.raises(ValueError, match="base URL") as caught:
        Origin.parse(url)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [("localhost", True), ("a.localhost", True), ("127.8.9.1", True), ("::1", True), ("10.0.0.1", False), ("localhost.example", False)],
)
def test_this_machine_is_known(host: str, is_loopback: bool) -> None:
    assert Origin("http", host, 80).is_loopback is is_loopback


H = Route("h")
SMUGGLED = [
    ("x-a", "b\r\nx-c: d"),
    ("x-a", "b\nx-c: d"),
    ("x-a", "b\rc"),
    ("x-a", "b\0c"),
    ("x-a", "b\x7fc"),
    ("x-a", "日本"),
    ("x-a: b\r\nx-c", "d"),
    ("x a", "b"),
    ("", "b"),
    ("X-A", "upper case names could hide framing headers"),
    ("Content-Length", "3"),
    ("authorization", "Bearer secret\n"),
]


@pytest.mark.parametrize("header", SMUGGLED, ids=range(len(SMUGGLED)))
def test_a_header_that_could_smuggle_is_refused_without_its_value(header: tuple[str, str]) -> None:
    with pytest.raises(GatewayError) as caught:
        Heads(H).write("POST", "/", (("x-ok", "1"), header, ("x-ok", "2")), 0)

    assert caught.value.kind is Kind.CONFIG
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("target", ["", "x", "/a b", "/a\r\nx: y", "/\0", "/é", "http://h/"])
def test_a_target_that_is_no_path_is_refused(target: str) -> None:
    with pytest.raises(GatewayError):
        Heads(H).write("POST", target, (), 0)


@pytest.mark.parametrize("method", ["HEAD", "CONNECT", "get", "POST /x HTTP/1.1\r\n"])
def test_other_methods_are_not_sent(method: str) -> None:
    with pytest.raises(ValueError, match="method"):
        Heads(H).write(method, "/", (), 0)


def test_the_same_headers_are_written_alike_and_others_are_not_mistaken_for_them() -> None:
    heads = Heads(H)
    keys = [(("authorization", f"Bearer {number}"),) for number in range(200)]

    first = [heads.write("POST", "/x", key, 3) for key in keys]
    again = [heads.write("POST", "/x", key, 3) for key in keys]

    expected = [f"POST /x HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {n}\r\ncontent-length: 3\r\n\r\n".encode() for n in range(200)]
    assert (first, again) == (expected, expected)
