"""Names and addresses of hosts, as they go over the wire."""

from __future__ import annotations

import pytest

from dragoman.wire.hosts import ascii_host, is_loopback


@pytest.mark.parametrize(
    ("host", "ascii"),
    [
        ("API.Example.com", "api.example.com"),
        ("müller.example", "xn--mller-kva.example"),
        ("my_service", "my_service"),
        ("127.0.0.1", "127.0.0.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
    ],
)
def test_a_host_is_written_in_ascii_and_in_lower_case(host: str, ascii: str) -> None:
    assert ascii_host(host) == ascii


@pytest.mark.parametrize("host", ["", "a b", "ex$ample.com", "a\r\nb", "[::1]", "a/b", "a@b", "ü" * 64])
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="not a legal name of a host"):
        ascii_host(host)


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        *[(host, True) for host in ("localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "::1")],
        *[(host, False) for host in ("", "notlocalhost", "localhost.example", "127.0.0.1.example", "0.0.0.0", "10.0.0.1", "::2")],
    ],
)
def test_only_this_machine_is_loopback(host: str, is_here: bool) -> None:
    assert is_loopback(host) is is_here
