"""Seats: their names, and which of them are alike."""

from __future__ import annotations

from board_stand import chain, seat

from dragoman.routing.seat import kin_together


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


def test_other_keys_come_before_other_providers_and_these_before_other_models() -> None:
    seats = chain("a/claude-opus-4-1@1", "b/gpt-5@1", "c/claude-opus-4.1@1", "a/claude-opus-4-1@2", "b/gpt-5@2")

    assert [one.id for one in kin_together(seats)] == [
        "a/claude-opus-4-1@1",
        "a/claude-opus-4-1@2",
        "c/claude-opus-4.1@1",
        "b/gpt-5@1",
        "b/gpt-5@2",
    ]
