"""No web page gets through, and what is told to a client that is not one names the way out."""

from __future__ import annotations

import pytest
from house import echo, get, go, house, post
from hypothesis import given
from hypothesis import strategies as st

from dragoman.ir.errors import GatewayError, Kind
from dragoman.server.guard import Guard, check_json, host_name
from dragoman.wire.hosts import is_loopback


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8080",
        "127.0.0.1",
        "127.8.9.1:1",
        "[::1]",
        "[::1]:8080",
        "app.localhost",
        "box.lan",
        "a.b.wild.lan:80",
        "localhost.",
    ],
)
def test_loopback_and_named_hosts_are_let_in(host: str) -> None:
    Guard("127.0.0.1", ["Box.lan", "*.wild.lan"]).check("POST", {"host": host})


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "0.0.0.0", "box.lan.evil", "evilwild.lan", "wild.lan"],
)
def test_other_hosts_are_refused(host: str) -> None:
    with pytest.raises(GatewayError) as refused:
        Guard("127.0.0.1", ["box.lan", "*.wild.lan"]).check("POST", {"host": host})

    assert refused.value.kind is Kind.FORBIDDEN_ORIGIN
    assert refused.value.message == (
        f"the gateway does not answer to the host name `{host}`; call it by its address, or add the name to `server.allowed_hosts`"
    )


@pytest.mark.parametrize(
    "host", ["", "localhost, evil.example", "localhost@evil.example", "a b", "[::1", "[evil]", "localhost:x", ":80", "localhost/x"]
)
def test_what_is_not_one_host_is_refused(host: str) -> None:
    with pytest.raises(GatewayError) as refused:
        Guard("127.0.0.1").check("GET", {"host": host})

    assert refused.value.kind is Kind.INVALID_REQUEST


def test_a_host_once_refused_stays_refused_and_one_let_in_stays_in() -> None:
    guard = Guard("127.0.0.1")

    for _ in range(2):
        guard.check("GET", {"host": "localhost"})
        with pytest.raises(GatewayError):
            guard.check("GET", {"host": "evil.example"})


def test_listening_on_all_addresses_lets_addresses_in_but_no_names() -> None:
    guard = Guard("0.0.0.0")

    guard.check("POST", {"host": "192.168.1.7:8080"})
    with pytest.raises(GatewayError):
        guard.check("POST", {"host": "evil.example"})


def test_listening_on_an_address_lets_that_address_in() -> None:
    Guard("192.168.1.7").check("POST", {"host": "192.168.1.7:8080"})


@pytest.mark.parametrize("origin", ["http://localhost:8080", "https://pages.example", "HTTPS://PAGES.example"])
def test_own_and_configured_origins_are_let_in(origin: str) -> None:
    Guard("127.0.0.1", [], ["https://pages.example/"]).check("POST", {"host": "localhost:8080", "origin": origin})


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:3000", "http://pages.example", "https://pages.example.evil"]
)
def test_foreign_origins_are_refused(origin: str) -> None:
    with pytest.raises(GatewayError) as refused:
        Guard("127.0.0.1", [], ["https://pages.example"]).check("POST", {"host": "localhost:8080", "origin": origin})

    assert refused.value.kind is Kind.FORBIDDEN_ORIGIN


@pytest.mark.parametrize(
    ("method", "mode", "is_let_in"),
    [("GET", "navigate", True), ("GET", "no-cors", False), ("POST", "navigate", False), ("POST", "cors", False)],
)
def test_of_what_other_sites_cause_only_followed_links_are_let_in(method: str, mode: str, is_let_in: bool) -> None:
    headers = {"host": "localhost", "sec-fetch-site": "cross-site", "sec-fetch-mode": mode}

    try:
        Guard("127.0.0.1").check(method, headers)
        was_let_in = True
    except GatewayError:
        was_let_in = False

    assert was_let_in is is_let_in


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json"])
def test_json_content_types_are_taken(kind: str) -> None:
    check_json({"content-type": kind})


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; x=application/json", "text/json", ""]
)
def test_what_a_page_may_send_unasked_is_refused(kind: str) -> None:
    with pytest.raises(GatewayError) as refused:
        check_json({"content-type": kind} if kind else {})

    assert refused.value.honest_status == 415


@given(st.text())
def test_no_host_header_breaks_the_guard(host: str) -> None:
    name = host_name(host)

    assert name is None or not is_loopback(name) or name == "localhost" or name.endswith(".localhost") or name[0] in "1:0"


def test_rebound_names_reach_no_handler() -> None:
    async def story() -> None:
        async with house() as it:
            answers = [
                await it.ask(request)
                for request in (post(host="evil.example"), get("/", host="evil.example"), get("/nowhere", host="evil.example"))
            ]

            assert [answer.status for answer in answers] == [403, 403, 403]

    go(story())


def test_two_host_headers_are_refused() -> None:
    async def story() -> None:
        async with house() as it:
            assert (await it.ask(get("/health", "Host: localhost"))).status == 400

    go(story())


def test_a_body_that_is_not_called_json_reaches_no_exchange() -> None:
    async def story() -> None:
        async with house() as it:
            answer = await it.ask(post(kind="text/plain"))

            assert (answer.status, answer.message) == (
                415,
                "the content type of the request is `text/plain`; it must be `application/json`",
            )

    go(story())


def test_no_page_is_told_that_it_may_read_unless_configured() -> None:
    async def story() -> None:
        async with house() as it:
            preflight = get("/v1/responses", "Origin: https://pages.example", "Access-Control-Request-Method: POST", method="OPTIONS")
            answer = await it.ask(preflight)

            assert answer.status == 403
            assert not [name for name in answer.headers if name.startswith("access-control")]

    go(story())


def test_pages_of_a_configured_origin_may_ask_and_read() -> None:
    async def story() -> None:
        async with house(allowed_origins=("https://pages.example",)) as it:
            origin = "Origin: https://pages.example"
            wanted = "Access-Control-Request-Headers: authorization, x-mine"
            preflight = await it.ask(get("/v1/responses", origin, "Access-Control-Request-Method: POST", wanted, method="OPTIONS"))
            answer = await it.ask(post("/v1/responses", b"{}", origin))

            told = {name: value for name, value in preflight.headers.items() if name.startswith("access-control")}
            assert preflight.status == 204
            assert told == {
                "access-control-allow-origin": "https://pages.example",
                "access-control-allow-methods": "GET, POST",
                "access-control-allow-headers": "authorization, x-mine",
                "access-control-max-age": "600",
            }
            assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "https://pages.example")

    go(story())


def test_options_without_an_origin_tells_the_methods() -> None:
    async def story() -> None:
        async with house(echo) as it:
            answer = await it.ask(get("/v1/responses", method="OPTIONS"))

            assert (answer.status, answer.headers["allow"]) == (204, "POST, OPTIONS")

    go(story())
