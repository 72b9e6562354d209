"""The table of error kinds and the status that a client is told."""

from __future__ import annotations

import pytest

from dragoman.ir.errors import RULES, GatewayError, Kind


def test_every_kind_has_a_rule() -> None:
    assert set(RULES) == set(Kind)


@pytest.mark.parametrize(
    ("kind", "status", "told"),
    [
        (Kind.INVALID_REQUEST, 422, 422),
        (Kind.MODEL_NOT_FOUND, 400, 400),
        (Kind.RATE_LIMITED, 429, 429),
        (Kind.PROVIDER_KEY, 401, 502),
        (Kind.PROVIDER_PERMISSION, 403, 502),
        (Kind.SERVER_ERROR, 500, 502),
        (Kind.OVERLOADED, 529, 503),
        (Kind.MODEL_NOT_FOUND, None, 404),
    ],
)
def test_a_providers_status_is_passed_on_where_it_speaks_of_the_request(kind: Kind, status: int | None, told: int) -> None:
    assert GatewayError(kind, "m", status=status).honest_status == told


def test_an_error_shows_its_kind_and_its_sentence() -> None:
    assert repr(GatewayError(Kind.CUT, "m", source="upstream")) == "GatewayError('cut', 'm', source='upstream', status=None)"
