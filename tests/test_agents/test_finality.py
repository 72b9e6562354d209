"""What programs are told that ask again by the status alone."""

from __future__ import annotations

import json

import pytest

from dragoman.agents.finality import tell_for_good
from dragoman.ir.errors import GatewayError, Kind


@pytest.mark.parametrize("kind", [Kind.QUOTA, Kind.PROVIDER_KEY, Kind.PROVIDER_PERMISSION, Kind.CONFIG])
@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_what_no_further_try_can_mend_is_an_error_of_the_request(kind: Kind, dialect: str) -> None:
    told = tell_for_good(GatewayError(kind, "no quota is left", retry_after_s=60), dialect)

    assert told is not None
    status, headers, body = told
    assert (status, dict(headers), json.loads(body)["error"]["message"]) == (400, {"content-type": "application/json"}, "no quota is left")


@pytest.mark.parametrize(
    "error",
    [
        GatewayError(Kind.RATE_LIMITED, "m", retry_after_s=2),
        GatewayError(Kind.SERVER_ERROR, "m"),
        GatewayError(Kind.CONTEXT_OVERFLOW, "m"),
        GatewayError(Kind.QUOTA, "m", status=400),
        GatewayError(Kind.AUTHENTICATION, "m"),
    ],
    ids=lambda error: f"{error.kind}-{error.status}",
)
def test_all_else_is_told_honestly(error: GatewayError) -> None:
    assert tell_for_good(error, "chat") is None
