"""All answers under way share one room: what they hold never exceeds it, and all of it comes back."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from stand import PLAIN, Told

from dragoman.core.capture import Captured
from dragoman.core.exchange import Inbound
from dragoman.core.pieces import Pieces
from dragoman.core.room import Room
from dragoman.core.runtime import Capture
from dragoman.ir.record import Cut

KB = 1024
ASKED = Inbound("chat", "/v1", "/chat/completions", "", PLAIN, b"{}", "127.0.0.1", 0.0)


def captured(capture: Capture) -> Captured:
    told = Told()
    told.started = True
    return Captured(capture, None, ASKED, told)


def taken(capture: Capture) -> int:
    return capture.room.taken_bytes


def test_nothing_is_taken_before_there_is_something_to_hold() -> None:
    capture = Capture()

    captured(capture).asked((), b"{}")

    assert taken(capture) == 0


def test_grants_grow_with_the_answer() -> None:
    capture, grants = Capture(), list[int]()
    pieces = Pieces(capture)

    for _ in range(200):
        pieces.add(b"x" * KB)
        if not grants or taken(capture) != sum(grants):
            grants.append(taken(capture) - sum(grants))

    # Each with 56 bytes for each piece that has come since the one before.
    assert grants == [4 * KB, 8 * KB + 4 * 56, 16 * KB + 8 * 56, 32 * KB + 16 * 56, 64 * KB + 32 * 56, 64 * KB + 64 * 56, 64 * KB + 64 * 56]
    assert (pieces.whole_bytes, pieces.room_bytes, len(pieces.pieces)) == (200 * KB, 52 * KB, 200)


def test_a_large_piece_takes_what_it_needs() -> None:
    capture = Capture()
    pieces = Pieces(capture)

    pieces.add(b"x" * (3000 * KB))

    assert (taken(capture), pieces.room_bytes) == (3000 * KB, 0)


def test_of_a_body_that_is_too_long_the_very_first_bytes_are_held() -> None:
    capture = Capture(body_bytes=10)
    pieces = Pieces(capture)

    for piece in (b"abcd", b"efgh", b"ijkl", b"m"):
        pieces.add(piece)

    assert pieces.pieces == [b"abcd", b"efgh", b"ij"]
    why = "only the first 10 of 13 bytes were held, since `journal.body_bytes` holds no more"
    assert (pieces.cut("client_response"), pieces.is_crowded) == (Cut("client_response", 13, why), False)


def test_where_the_room_is_full_the_rest_is_left_out_and_stays_out() -> None:
    capture = Capture(running_bytes=8 * KB)
    first, second, third = Pieces(capture), Pieces(capture), Pieces(capture)
    for pieces in (first, second, third):
        pieces.add(b"a" * 4000)

    second.add(b"b" * 100)
    second.add(b"c")
    first.let_go()
    second.add(b"d" * 5)
    third.add(b"e")

    assert (second.pieces, third.pieces) == ([b"a" * 4000, b"b" * 96], [])
    why = "only the first 4096 of 4106 bytes were held, since all answers under way held `journal.queue_bytes`"
    assert second.cut("client_response") == Cut("client_response", 4106, why)
    assert taken(capture) == 4 * KB


def test_a_short_answer_finds_room_beside_long_ones() -> None:
    capture = Capture(running_bytes=200 * KB)
    long, short = [Pieces(capture) for _ in range(3)], Pieces(capture)

    for _ in range(200):
        for pieces in long:
            pieces.add(b"x" * KB)
    short.add(b"y" * KB)

    assert [(pieces.is_crowded, pieces.whole_bytes) for pieces in (*long, short)] == [(True, 200 * KB)] * 3 + [(False, KB)]
    assert [sum(map(len, pieces.pieces)) for pieces in long] == [60 * KB, 60 * KB, 28 * KB]


def test_tiny_pieces_count_for_what_they_take() -> None:
    capture = Capture(running_bytes=KB * KB)
    pieces = Pieces(capture)

    for _ in range(KB * KB):
        pieces.add(b"x")

    assert pieces.is_crowded
    assert 57 * (len(pieces.pieces) - 64 * KB) < taken(capture) <= KB * KB


def test_an_answer_is_counted_once_where_both_sides_share_it() -> None:
    capture = Capture()
    exchange = captured(capture)
    exchange.asked((), b"{}")
    exchange.same()
    for _ in range(4):
        exchange.push(b"x" * KB)

    exchange.differs()
    assert taken(capture) == 4 * KB
    exchange.hear(b"y" * KB)

    assert taken(capture) == 8 * KB
    assert exchange.bodies.provider_response == [b"x" * KB] * 4 + [b"y" * KB]


def test_what_an_earlier_target_said_is_given_back() -> None:
    capture = Capture(body_bytes=6 * KB)
    exchange = captured(capture)
    exchange.asked((), b"{}")
    exchange.hear(b"x" * 9 * KB)

    exchange.asked((), b"{}")
    assert (taken(capture), exchange.bodies.provider_response) == (0, [])
    exchange.hear(b"y" * 5 * KB)
    exchange.over()

    assert (exchange.bodies.provider_response, exchange.bodies.cut) == ([b"y" * 5 * KB], ())


def test_both_sides_tell_what_they_went_without() -> None:
    capture = Capture(running_bytes=4 * KB)
    exchange = captured(capture)
    exchange.asked((), b"{}")
    exchange.hear(b"x" * 4 * KB)
    exchange.push(b"y")

    exchange.over()
    assert [cut.side for cut in exchange.bodies.cut] == ["client_response"]
    assert (capture.room.taken_bytes, capture.room.cut) == (0, 1)


def test_a_side_that_is_cut_is_the_same_as_the_other_only_if_it_was_as_long() -> None:
    capture = Capture(running_bytes=0)
    exchange = captured(capture)
    exchange.asked((), b"{}")
    exchange.hear(b"x" * 10)
    exchange.push(b"x" * 10)

    assert exchange.same_so_far()
    exchange.differs()
    exchange.push(b"y")
    assert not exchange.same_so_far()


DEEDS = st.tuples(
    st.sampled_from(("push", "hear", "hear", "asked", "same", "same so far", "differs", "over")), st.integers(0, 4), st.integers(1, 30_000)
)


@given(st.lists(DEEDS, max_size=120), st.integers(0, 200_000), st.integers(0, 60_000))
def test_whatever_happens_the_room_is_never_overdrawn_and_all_comes_back(
    deeds: list[tuple[str, int, int]], running_bytes: int, body_bytes: int
) -> None:
    capture = Capture(running_bytes=running_bytes, body_bytes=body_bytes)
    running: dict[int, Captured] = {}
    told: dict[int, int] = {}

    for deed, number, size in deeds:
        exchange = running.setdefault(number, captured(capture))
        match deed:
            case "push":
                exchange.push(b"x" * size)
                told[number] = told.get(number, 0) + size
            case "hear":
                exchange.hear(b"y" * size)
            case "asked":
                exchange.asked((), b"{}")
            case "same":
                exchange.same()
            case "same so far":
                exchange.same_so_far()
            case "differs":
                exchange.differs()
            case _:
                del running[number]
                exchange.over()
                judge(exchange, told.pop(number, 0), body_bytes)
        held = sum(held_by(each) for each in running.values())
        assert held <= taken(capture) <= running_bytes
    for number, exchange in running.items():
        exchange.over()
        judge(exchange, told.get(number, 0), body_bytes)

    assert taken(capture) == 0


def held_by(exchange: Captured) -> int:
    """Bytes that this exchange alone holds: each piece once, whichever sides have it."""
    bodies = exchange.bodies
    pieces = {id(piece): piece for piece in (*(bodies.client_response or ()), *(bodies.provider_response or ()))}
    return sum(map(len, pieces.values()))


def judge(exchange: Captured, told: int, body_bytes: int) -> None:
    """What is kept is the beginning of what was told, and what was left out is told."""
    bodies = exchange.bodies
    kept = b"".join(bodies.client_response or ())
    cut = {cut.side: cut.whole_bytes for cut in bodies.cut}
    assert kept == b"x" * min(told, len(kept))
    assert len(kept) <= body_bytes
    assert cut.get("client_response", told) == told
    assert ("client_response" in cut) == (len(kept) < told)


def test_a_reload_changes_the_bound_and_not_the_account() -> None:
    capture = Capture(running_bytes=8 * KB)
    held = Pieces(capture)
    held.add(b"x" * 8 * KB)
    smaller = msgspec.structs.replace(capture, running_bytes=4 * KB)

    Pieces(smaller).add(b"x")
    assert taken(smaller) == 8 * KB
    held.let_go()
    after = Pieces(smaller)
    after.add(b"x")

    assert (isinstance(smaller.room, Room), taken(capture), after.pieces) == (True, 4 * KB, [b"x"])
