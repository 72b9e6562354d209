"""Seats: their names."""

from __future__ import annotations

from board_stand import seat


def test_a_seat_knows_its_names() -> None:
    made = seat("router/anthropic/claude-sonnet-4.5@spare")

    assert (made.id, made.account, made.deployment, made.kin) == (
        "router/anthropic/claude-sonnet-4.5@spare",
        "router@spare",
        "router/anthropic/claude-sonnet-4.5",
        "claude-sonnet-4-5",
    )


def test_a_provider_without_keys_has_plain_names() -> None:
    made = seat("here/llama")

    assert (made.id, made.account) == ("here/llama", "here")
