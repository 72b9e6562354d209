"""Who asks: keys in every header that clients use, and refusals that say what to do and nothing more."""

from __future__ import annotations

import pytest

from dragoman.config.schema import Access, ClientKey
from dragoman.config.secrets import Secret
from dragoman.ir.errors import GatewayError, Kind
from dragoman.policy.identity import ANYONE, Identity, Principal

ADA, BOB = "ada-0123456789abcdef", "bob-0123456789abcdef"
IDENTITY = Identity.compile(Access(keys=(ClientKey("ada", Secret(ADA)), ClientKey("bob", Secret(BOB)))))


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {ADA}"},
        {"authorization": f"bearer  {ADA} "},
        {"x-api-key": ADA},
        {"x-goog-api-key": ADA},
        {"api-key": ADA},
        {"authorization": "Bearer wrong", "x-api-key": ADA},
        {"authorization": "Basic abc", "x-api-key": ADA},
    ],
)
def test_a_known_key_is_its_owner_in_any_header(headers: dict[str, str]) -> None:
    assert IDENTITY.identify(headers) == Principal("ada")


def test_the_bearer_counts_first() -> None:
    assert IDENTITY.identify({"authorization": f"Bearer {BOB}", "x-api-key": ADA}) == Principal("bob")


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer "}, {"authorization": f"Basic {ADA}"}, {"authorization": ADA}, {"x-api-key": " "}, {"cookie": ADA}],
)
def test_no_key_is_refused_with_what_to_do(headers: dict[str, str]) -> None:
    with pytest.raises(GatewayError) as caught:
        IDENTITY.identify(headers)

    error = caught.value
    assert (error.kind, error.source, error.honest_status) == (Kind.AUTHENTICATION, "gateway", 401)
    assert error.message == (
        "this gateway needs a key and got none; send a key from `access.keys` of the gateway's dragoman.yaml as "
        "`Authorization: Bearer ...` (or in `x-api-key` or `x-goog-api-key`)"
    )


@pytest.mark.parametrize("key", ["x", ADA + "x", ADA[:-1], ADA.upper(), f"{ADA} {ADA}", "\xff\x00", "\udcff", "é" * 9000])
def test_an_unknown_key_is_refused_without_being_quoted(key: str) -> None:
    with pytest.raises(GatewayError) as caught:
        IDENTITY.identify({"x-api-key": key})

    assert caught.value.message.startswith("the key of this request is not known here; ")
    assert len(key) < 3 or key.strip() not in caught.value.message


def test_without_keys_anyone_may_ask_with_any_placeholder() -> None:
    open_one = Identity.compile(Access())

    assert open_one.is_open and not IDENTITY.is_open
    assert open_one.identify({}) == open_one.identify({"authorization": "Bearer sk-anything"}) == ANYONE


def test_nothing_of_the_identity_shows_a_key() -> None:
    assert ADA not in repr(vars(IDENTITY))
