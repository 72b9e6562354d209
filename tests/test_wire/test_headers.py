"""Header helpers."""

from __future__ import annotations

import pytest

from dragoman.wire.headers import first, parse_retry_after, retry_after_s

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 1.5 ", 1.5),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30.0),
        ("Tuesday, 14-Nov-23 22:13:50 GMT", 30.0),
        ("Tue Nov 14 22:13:50 2023", 30.0),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 0.0),
        ("-1", None),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("1e9", None),
        ("٣", None),
        ("9" * 400, None),
        ("Tue, 99 Nov 2023 22:13:50 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


def test_milliseconds_are_finer_so_they_count_first() -> None:
    assert retry_after_s((("retry-after", "2"), ("retry-after-ms", "1500")), NOW) == 1.5
    assert retry_after_s((("retry-after", "2"), ("retry-after-ms", "x")), NOW) == 2.0
    assert retry_after_s((), NOW) is None


def test_the_first_value_is_found() -> None:
    headers = (("x-a", "1"), ("x-a", "é"))

    assert first(headers, "x-a") == "1"
    assert first(headers, "x-b") is None
