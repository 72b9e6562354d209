"""Who may look at the pages, and for how long."""

from __future__ import annotations

from typing import Any

import pytest
from house import ABOUT
from msgspec.structs import replace

from dragoman.config.schema import Access, ClientKey
from dragoman.config.secrets import Secret
from dragoman.ir.errors import GatewayError, Kind
from dragoman.policy.identity import Identity
from dragoman.server.about import About
from dragoman.server.door import LASTS_S, Door

KEY = "a-client-key-of-ada"


def closed(*keys: str) -> About:
    access = Access(keys=tuple(ClientKey(name=f"k{number}", key=Secret(key)) for number, key in enumerate(keys)))
    return replace(ABOUT, closed=True, identify=Identity(access).identify)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def cookie(headers: Any) -> dict[str, str]:
    return {"cookie": f"other=1; {headers[0][1].partition(';')[0]}"}


def refused(door: Door, address: str, headers: dict[str, str]) -> Kind:
    with pytest.raises(GatewayError) as error:
        door.enter(address, headers)
    assert KEY not in str(error.value)
    return error.value.kind


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_without_client_keys_it_is_open_on_its_own_machine(address: str) -> None:
    Door(lambda: ABOUT).enter(address, {})


@pytest.mark.parametrize("address", ["192.168.0.7", "::ffff:192.168.0.7", "fe80::1", "", "?"])
def test_without_client_keys_nobody_looks_from_elsewhere(address: str) -> None:
    assert refused(Door(lambda: ABOUT), address, {}) is Kind.PERMISSION


@pytest.mark.parametrize("header", ["forwarded", "x-forwarded-for", "x-real-ip"])
def test_without_client_keys_nobody_looks_through_a_proxy_of_this_machine(header: str) -> None:
    assert refused(Door(lambda: ABOUT), "127.0.0.1", {header: "192.168.0.7"}) is Kind.PERMISSION


def test_with_client_keys_one_is_needed_from_everywhere() -> None:
    door = Door(lambda: closed(KEY))

    assert refused(door, "127.0.0.1", {}) is Kind.AUTHENTICATION
    door.enter("192.168.0.7", {"authorization": f"Bearer {KEY}"})


def test_who_has_logged_in_is_let_in_by_the_cookie() -> None:
    door = Door(lambda: closed(KEY), draw=lambda: "a-word")
    headers = door.log_in(KEY, is_secure=False)

    assert headers == (("set-cookie", "dragoman_login=a-word; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"),)
    door.enter("192.168.0.7", cookie(headers))


def test_the_cookie_goes_over_tls_only_where_the_page_came_so() -> None:
    assert Door(lambda: closed(KEY)).log_in(KEY, is_secure=True)[0][1].endswith("; SameSite=Strict; Secure")


@pytest.mark.parametrize("key", ["", "wrong", KEY[:-1], KEY + "x", "x" * 5000])
def test_a_wrong_key_opens_nothing(key: str) -> None:
    with pytest.raises(GatewayError) as error:
        Door(lambda: closed(KEY)).log_in(key, is_secure=False)

    assert error.value.kind is Kind.AUTHENTICATION
    assert KEY not in error.value.message


def test_every_login_has_a_word_of_its_own_that_nobody_guesses() -> None:
    door = Door(lambda: closed(KEY))
    words = {cookie(door.log_in(KEY, is_secure=False))["cookie"] for _ in range(5)}

    assert len(words) == 5
    assert all(len(word) > 60 for word in words)
    assert refused(door, "127.0.0.1", {"cookie": "dragoman_login=guessed"}) is Kind.AUTHENTICATION
    assert refused(door, "127.0.0.1", {"cookie": "dragoman_login="}) is Kind.AUTHENTICATION


def test_a_login_ends_by_itself() -> None:
    clock = Clock()
    door = Door(lambda: closed(KEY), clock=clock)
    headers = cookie(door.log_in(KEY, is_secure=False))
    clock.now = LASTS_S
    door.enter("127.0.0.1", headers)
    clock.now = LASTS_S + 1

    assert refused(door, "127.0.0.1", headers) is Kind.AUTHENTICATION


def test_a_login_ends_when_config_knows_its_key_no_more() -> None:
    abouts = [closed(KEY)]
    door = Door(lambda: abouts[-1])
    headers = cookie(door.log_in(KEY, is_secure=False))
    abouts.append(closed("another-key"))

    assert refused(door, "127.0.0.1", headers) is Kind.AUTHENTICATION


def test_who_logs_out_is_out() -> None:
    door = Door(lambda: closed(KEY))
    headers = cookie(door.log_in(KEY, is_secure=False))

    assert door.log_out(headers)[0][1].startswith("dragoman_login=; Path=/; Max-Age=0;")
    assert refused(door, "127.0.0.1", headers) is Kind.AUTHENTICATION


def test_only_so_many_logins_are_remembered() -> None:
    door = Door(lambda: closed(KEY))
    first = cookie(door.log_in(KEY, is_secure=False))
    for _ in range(1000):
        last = cookie(door.log_in(KEY, is_secure=False))

    assert refused(door, "127.0.0.1", first) is Kind.AUTHENTICATION
    door.enter("127.0.0.1", last)
