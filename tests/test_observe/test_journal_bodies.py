"""Bodies come back as they were sent, without what was secret; what is stored grows with what is new."""

from __future__ import annotations

import json
import random
from pathlib import Path

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from dragoman.ir.record import Bodies, put_together
from dragoman.observe.first_look import known_heads
from dragoman.observe.journal_bodies import EPOCH_S, BodyKeeper
from dragoman.observe.redact import Redactor
from dragoman.observe.splice import Splices
from dragoman.store.batch import Batch, Old
from dragoman.store.bodies import Body, read_bodies
from dragoman.store.laid import HASH_BYTES, Laid, Side, pack, pack_heads, pack_short
from dragoman.store.open import Store, open_store
from dragoman.store.search import search
from dragoman.store.tables import blobs
from effort import tries

SECRET = "sk-" + "proj-Ab3dEf6hIj9lMn2pQr5t"
WORDS = (Path(__file__).parent.parent.parent / "docs" / "routing.md").read_text().split()


class Kept:
    """A keeper and a database, in step."""

    def __init__(self, store: Store, *, most_bytes: int = 10**7, memory_bytes: int = 10**8) -> None:
        self.keeper = BodyKeeper(Redactor(), most_bytes=most_bytes, memory_bytes=memory_bytes)
        self.store = store
        self.writer = store.writer()
        self.number = 0

    def keep(self, *exchanges: tuple[str, Bodies], at: float = 0.0, conversation: object = "s") -> None:
        rows = [self.keeper.row(name, at, conversation, bodies) for name, bodies in exchanges]
        self.number += 1
        self.writer.write(Batch("w", self.number, 1.0, bodies=rows, blobs=self.keeper.packs()))

    def read(self, name: str) -> dict[str, Body]:
        with self.store.reader() as connection:
            return read_bodies(connection, name)


def item(dice: random.Random, words: int = 150) -> dict[str, object]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": " ".join(dice.choices(WORDS, k=words))}]}


def asked(items: list[dict[str, object]], turn: int, tools: list[dict[str, object]]) -> bytes:
    document = {"model": "m", "instructions": "Be brief. " * 400, "input": items, "tools": tools, "client_metadata": {"turn": f"t{turn}"}}
    return json.dumps(document, separators=(",", ":")).encode()


def test_short_bodies_of_all_sides_come_back(url: str) -> None:
    kept = Kept(open_store(url))
    bodies = Bodies("redacted", b'{"model":"a","x":1}', [b"data: a\n\n", b"data: b\n\n"], b'{"model":"real/a","x":1}', [b"data: c\n\n"])

    kept.keep(("a", bodies), ("b", Bodies("redacted", b"two", [b"three"])))

    assert {name: body.data for name, body in kept.read("a").items()} == {
        "client_request": b'{"model":"a","x":1}', "client_response": b"data: a\n\ndata: b\n\n",
        "provider_request": b'{"model":"real/a","x":1}', "provider_response": b"data: c\n\n",
    }  # fmt: skip
    assert {name: body.data for name, body in kept.read("b").items()} == {"client_request": b"two", "client_response": b"three"}


def test_headers_come_back_without_keys(tmp_path: Path) -> None:
    kept = Kept(open_store(f"sqlite:///{tmp_path}/j.db"))

    kept.keep(("a", Bodies("full", b"x", client_request_headers=(("authorization", "Bearer y"), ("accept", "*/*")))))

    assert kept.read("a")["client_request"].headers == (("authorization", "[redacted]"), ("accept", "*/*"))


def test_header_that_is_no_text_does_not_keep_the_rest_from_being_kept(tmp_path: Path) -> None:
    kept = Kept(open_store(f"sqlite:///{tmp_path}/j.db"))
    bodies = Bodies("full", b"x", client_request_headers=(("x-name", "caf\udce9"), ("x-half", "\ud800"), ("accept", "*/*")))

    row = kept.keeper.row("a", 0.0, None, bodies, known_heads(bodies))
    kept.writer.write(Batch("w", 1, 1.0, bodies=[row], blobs=kept.keeper.packs()))

    (_, name), (_, half), last = kept.read("a")["client_request"].headers
    assert (name.rstrip("\ufffd"), half.rstrip("\ufffd"), last) == ("caf", "", ("accept", "*/*"))


def test_secrets_go_unless_all_is_to_be_kept(tmp_path: Path) -> None:
    kept = Kept(open_store(f"sqlite:///{tmp_path}/j.db"))
    long = json.dumps({"input": [{"text": f"{SECRET} {number}" + "x" * 3000} for number in range(20)]}).encode()

    for mode in ("full", "redacted"):
        for name, body in (("short", SECRET.encode()), ("long", long)):
            kept.keep((f"{mode}-{name}", Bodies(mode, body, [body], body.replace(b"x", b"y", 1))))

    found = {
        name: b"".join(body.data for body in kept.read(name).values())
        for name in ("full-short", "full-long", "redacted-short", "redacted-long")
    }
    assert {name: SECRET.encode() in data for name, data in found.items()} == {
        "full-short": True, "full-long": True, "redacted-short": False, "redacted-long": False,
    }  # fmt: skip
    assert kept.read("redacted-long")["client_request"].data == long.replace(SECRET.encode(), b"[redacted]")


@pytest.mark.parametrize("is_told", [False, True], ids=["compared", "told"])
@pytest.mark.parametrize("size", [10, 30_000])
@pytest.mark.parametrize(
    ("asked", "sent", "kept_as"),
    [
        (b'{"model":"a","x":"%b"}', b'{"model":"real-a","x":"%b"}', b'{"model":"real-a","x":"%b"}'),
        (b'{"model":"a","x":"%b"}', b'{"model":"","api_key":"hunter2222","x":"%b"}', b'{"model":"","api_key":"[redacted]","x":"%b"}'),
        (b'{"x":"%b"}', b'{"x":"%b","api_key":"hunter2222"}', b'{"x":"%b","api_key":"[redacted]"}'),
        (b'{"model":"a","x":"%b"}', b'{"model":"b","api_key":"hunter2222","x":"%b"}', b'{"model":"b","api_key":"[redacted]","x":"%b"}'),
        (b'{"api_key":"","x":"%b"}', b'{"api_key":"hunter2222","x":"%b"}', b'{"api_key":"[redacted]","x":"%b"}'),
    ],
    ids=["model", "field for model", "field", "model and field", "value"],
)
def test_what_the_gateway_put_into_a_request_is_looked_through(
    size: int, asked: bytes, sent: bytes, kept_as: bytes, is_told: bool, tmp_path: Path
) -> None:
    kept, text = Kept(open_store(f"sqlite:///{tmp_path}/j.db")), b"word " * (size // 5)
    splice = Splices().find(asked % text, sent % text) if is_told else None
    bodies = Bodies("redacted", asked % text, None, None if is_told else sent % text, splice=splice)

    row = kept.keeper.row("a", 0.0, "s", bodies, known_heads(bodies))
    kept.writer.write(Batch("w", 1, 1.0, bodies=[row], blobs=kept.keeper.packs()))

    assert {name: body.data for name, body in kept.read("a").items()} == {
        "client_request": asked % text,
        "provider_request": kept_as % text,
    }


def test_body_that_is_too_long_keeps_its_beginning_and_says_how_long_it_was(tmp_path: Path) -> None:
    kept = Kept(open_store(f"sqlite:///{tmp_path}/j.db"), most_bytes=10)

    kept.keep(("a", Bodies("full", b"0123456789abc")))

    assert kept.read("a") == {"client_request": Body((), b"0123456789", 13)}


# One database for all examples: making one takes longer than an example.
@settings(max_examples=tries(60))
@given(data=st.data())
def test_conversation_comes_back_however_it_goes_on(data: st.DataObject, tmp_path_factory: object) -> None:
    kept = Kept(_shared(tmp_path_factory))
    kept.writer.sweep(Old(0.0, 10**6), 10**6)
    kept.number = _next_number()
    dice = random.Random(data.draw(st.integers(0, 1000)))
    items, tools = [item(dice) for _ in range(30)], [item(dice, 40) for _ in range(30)]
    sent: dict[str, tuple[bytes, bytes]] = {}
    epochs: dict[str, int] = {}
    epoch = 0
    for turn in range(data.draw(st.integers(1, 6))):
        epoch += data.draw(st.sampled_from([0, 0, 1, 2]))
        for change in data.draw(st.lists(st.sampled_from(["add", "add", "drop", "swap", "secret", "cut", "tools"]), max_size=3)):
            _change(change, items, tools, dice)
        body = asked(items, turn, tools)
        name = f"{kept.number}-{turn}"
        sent[name] = (body, body.replace(b'"model":"m"', b'"model":"real-m"'))
        epochs[name] = epoch
        kept.keep((name, Bodies("redacted", body, [body[:40_000]], sent[name][1])), at=1.0 * epoch * EPOCH_S)
        # As the journal does at most: what this epoch and the one before use is still referred to.
        kept.writer.sweep(Old(0.0, epoch - 1), 10**6)

    for name, (body, provider) in [(name, each) for name, each in sent.items() if epochs[name] >= epoch - 1]:
        found = kept.read(name)
        clean = Redactor().redact
        assert (found["client_request"].data, found["provider_request"].data) == (clean(body), clean(provider))
        assert found["client_response"].data == clean(body[:40_000])


def _change(change: str, items: list[dict[str, object]], tools: list[dict[str, object]], dice: random.Random) -> None:
    place = dice.randrange(len(items)) if items else 0
    if change == "add":
        items.append(item(dice))
    elif change == "drop":
        del items[place : place + 2]
    elif change == "swap":
        items.insert(place, item(dice, 30))
    elif change == "secret":
        items.append({"type": "function_call_output", "output": f"OPENAI_API_KEY={SECRET}{dice.randrange(10)}"})
    elif change == "cut":
        del items[len(items) // 2 :]
    else:
        tools.insert(0, item(dice, 20))


_made: list[object] = []
_numbers = iter(range(1000, 10**9, 100))


def _next_number() -> int:
    return next(_numbers)


def _shared(factory: object) -> Store:
    if not _made:
        _made.append(open_store(f"sqlite:///{factory.mktemp('bodies')}/j.db"))  # type: ignore[attr-defined]
    return _made[0]  # type: ignore[return-value]


def test_what_is_remembered_of_conversations_is_bounded_and_what_comes_back_is_whole(tmp_path: Path) -> None:
    kept = Kept(open_store(f"sqlite:///{tmp_path}/j.db"), memory_bytes=400_000)
    dice = random.Random(1)
    sent: dict[str, bytes] = {}
    for turn in range(3):
        for number in range(12):
            sent[f"{number}-{turn}"] = asked([item(dice) for _ in range(60 + number)], turn, [])
            kept.keep((f"{number}-{turn}", Bodies("redacted", sent[f"{number}-{turn}"])), conversation=f"s{number}")
            assert 0 < kept.keeper.held_bytes <= 400_000

    assert all(kept.read(name)["client_request"].data == body for name, body in sent.items())


def test_who_says_nothing_for_a_whole_epoch_is_forgotten(tmp_path: Path) -> None:
    kept = Kept(open_store(f"sqlite:///{tmp_path}/j.db"))
    body = asked([item(random.Random(1)) for _ in range(60)], 1, [])
    kept.keep(("a", Bodies("redacted", body)), conversation="a")
    held = kept.keeper.held_bytes

    kept.keep(("b", Bodies("redacted", b"short")), at=1.0 * EPOCH_S)
    then = kept.keeper.held_bytes
    kept.keep(("c", Bodies("redacted", b"short")), at=2.0 * EPOCH_S)

    assert (then, kept.keeper.held_bytes) == (held, 0)


def test_body_of_a_later_epoch_refers_to_nothing_before_and_is_cut_alike(url: str) -> None:
    kept = Kept(open_store(url))
    dice = random.Random(1)
    items = [item(dice) for _ in range(60)]
    first, second = asked(items, 1, []), asked([*items, item(dice)], 2, [])
    kept.keep(("a", Bodies("redacted", first)), at=0.0)
    before = _blobs(kept.store)

    kept.keep(("b", Bodies("redacted", second)), at=1.0 * EPOCH_S)
    more = _blobs(kept.store) - before
    while kept.writer.sweep(Old(0.0, 1), 50):
        pass

    assert (kept.read("a"), kept.read("b")["client_request"].data) == ({}, second)
    assert more <= 3


def _blobs(store: Store) -> int:
    with store.reader() as connection:
        return connection.execute(select(func.count()).select_from(blobs)).scalar_one()


def test_conversation_over_many_epochs_is_kept_once_and_outlives_the_old_ones(url: str) -> None:
    kept = Kept(open_store(url))
    dice = random.Random(1)
    items, sent = [item(dice) for _ in range(60)], list[bytes]()
    for epoch in range(5):
        items.append(item(dice))
        sent.append(asked(items, epoch, []))
        kept.keep((str(epoch), Bodies("redacted", sent[-1])), at=1.0 * epoch * EPOCH_S)

    while kept.writer.sweep(Old(0.0, 3), 50):
        pass

    found = [kept.read(str(epoch)).get("client_request") for epoch in range(5)]
    assert found == [None] * 3 + [Body((), body, len(body)) for body in sent[3:]]
    with kept.store.reader() as connection:
        assert connection.execute(select(func.sum(blobs.c.raw_size))).scalar_one() < len(sent[-1]) + 5_000


def test_what_another_conversation_began_with_in_the_epoch_before_is_not_kept_twice(url: str) -> None:
    kept = Kept(open_store(url))
    tools = [item(random.Random(1), 40) for _ in range(100)]
    sent = [asked([item(random.Random(number))], 1, tools) for number in range(2)]

    for number in range(2):
        kept.keep((str(number), Bodies("redacted", sent[number])), at=1.0 * number * EPOCH_S, conversation=number)
    while kept.writer.sweep(Old(0.0, 1), 50):
        pass

    assert (kept.read("0"), kept.read("1")["client_request"].data) == ({}, sent[1])
    with kept.store.reader() as connection:
        assert connection.execute(select(func.sum(blobs.c.raw_size))).scalar_one() < len(sent[0]) + 5_000


def test_body_whose_pack_is_gone_is_left_out(url: str) -> None:
    kept = Kept(open_store(url))
    bodies = Bodies("redacted", asked([item(random.Random(1)) for _ in range(30)], 1, []), [b"{}"])

    row = kept.keeper.row("a", 0.0, "s", bodies)
    short, long = sorted(kept.keeper.packs(), key=lambda pack: pack[2])
    kept.writer.write(Batch("w", 1, 1.0, bodies=[row], blobs=[short, (long[0], 0, 0, b"")]))

    assert kept.read("a") == {"client_response": Body((), b"{}", 2)}


def test_bodies_that_an_earlier_release_kept_come_back(url: str) -> None:
    kept = Kept(open_store(url))
    texts = {bytes([number]) * HASH_BYTES: text for number, text in enumerate((b"one ", b"two ", b"three ", b"four"))}
    one, two, three, four = texts
    rows = [
        ("a", Side("client_request", 9, pieces=one + two + three)),
        # Two pieces, two letters of the third; a new one; the last two letters of the third.
        ("b", Side("client_request", 9, parent="a", of="client_request", head=1, head_part=2, pieces=four, tail_part=2)),
        ("c", Side("client_request", 9, parent="b", of="client_request", head=2, pieces=one, tail=1, splice=(0, 3, b"1"))),
    ]
    zipped = zstandard.ZstdCompressor().compress
    kept.writer.write(
        Batch(
            "w", 1, 1.0,
            bodies=[(name, 0, 9, pack(Laid((side,)))) for name, side in rows],
            blobs=[(key, 0, len(text), zipped(text)) for key, text in texts.items()],
        )
    )  # fmt: skip

    assert [kept.read(name)["client_request"].data for name, _ in rows] == [b"one two three ", b"one twfoure ", b"1 twone e "]


def test_short_bodies_that_an_earlier_release_kept_come_back(url: str) -> None:
    kept = Kept(open_store(url))
    texts = b"asks", b"answers", pack_heads([(("accept", "*/*"),), (), ()])
    asked, said, heads = ((0, 4), (4, 11), (11, 11 + len(texts[2])))
    sides = (
        ("client_request", 4, asked),
        ("provider_request", 5, asked, None, "", 0, 0, b"", 0, 0, (0, 1, b"te")),
        ("client_response", 7, said),
    )
    key = b"k" * HASH_BYTES
    row = "a", 0, 16, msgspec.msgpack.encode((sides, key, heads))

    kept.writer.write(Batch("w", 1, 1.0, bodies=[row], blobs=[(key, 0, heads[1], zstandard.ZstdCompressor().compress(b"".join(texts)))]))

    assert kept.read("a") == {
        "client_request": Body((("accept", "*/*"),), b"asks", 4),
        "provider_request": Body((), b"tesks", 5),
        "client_response": Body((), b"answers", 7),
    }


def test_short_bodies_that_a_later_release_kept_are_none(url: str) -> None:
    kept = Kept(open_store(url))
    key = b"k" * HASH_BYTES

    kept.writer.write(Batch("w", 1, 1.0, bodies=[("a", 0, 4, pack_short("09", key, 0, [4, 4], None))], blobs=[(key, 0, 8, b"")]))

    assert kept.read("a") == {}


def test_old_bodies_go_and_what_newer_ones_share_with_them_stays(url: str) -> None:
    kept = Kept(open_store(url))
    dice = random.Random(1)
    items = [item(dice) for _ in range(30)]
    first, second = asked(items, 1, []), asked([*items, item(dice)], 2, [])
    kept.keep(("a", Bodies("redacted", first)), at=0.0)
    kept.keep(("b", Bodies("redacted", second)), at=3 * EPOCH_S)

    while kept.writer.sweep(Old(0.0, 2), 5):
        pass

    assert (kept.read("a"), kept.read("b")["client_request"].data) == ({}, second)


def test_words_of_what_is_new_are_found_until_their_time_is_over(url: str) -> None:
    kept = Kept(open_store(url))
    dice = random.Random(1)
    items = [item(dice) for _ in range(30)]
    kept.keep(("a", Bodies("redacted", asked([*items, {"text": "The zebra\nsleeps"}], 1, []))), at=0.0)
    kept.keep(("b", Bodies("redacted", asked([*items, {"text": "The zebra\nsleeps"}, {"text": "and a giraffe"}], 2, []))), at=1.0)
    kept.keep(
        ("c", Bodies("redacted", b'{"text":"another zebra"}', [b'data: {"delta":"gir"}\n\n', b'data: {"delta":"affes"}\n\n'])),
        at=5 * EPOCH_S,
    )
    while kept.writer.index(2):
        pass

    def found(query: str) -> list[str]:
        with kept.store.reader() as connection:
            return search(connection, query)

    assert (found("zebra"), found("giraffe"), found("zebra sleeps"), found("lion"), found('" (NEAR zebra*')) == (
        ["c", "a"],
        ["c", "b"],
        ["a"],
        [],
        [],
    )
    while kept.writer.sweep(Old(0.0, 3), 1):
        pass
    assert (found("zebra"), found("giraffe")) == (["c"], ["c"])


def test_words_that_stand_behind_a_conversation_are_those_of_its_first_request_alone(url: str) -> None:
    kept = Kept(open_store(url))
    dice = random.Random(1)
    items, tools = [item(dice) for _ in range(30)], [{"name": "zebra"}, *[item(dice, 40) for _ in range(30)]]
    for turn, word in enumerate(("lion", "tiger", "giraffe", "bear")):
        items.append({"text": word})
        kept.keep((word, Bodies("redacted", asked(items, turn, tools))), at=(0.0, 0.0, 1.0, 1.0)[turn] * EPOCH_S)
    while kept.writer.index(2):
        pass

    with kept.store.reader() as connection:
        found = [search(connection, word) for word in ("zebra", "lion", "tiger", "giraffe", "bear")]

    assert found == [["lion"], ["lion"], ["tiger"], ["giraffe"], ["bear"]]


def test_answer_that_came_in_pieces_is_put_together_once() -> None:
    pieces = [b"data: a\n\n", b"data: b\n\n"]

    found = [put_together(pieces), put_together(pieces), put_together([])]

    assert (found, pieces) == ([b"data: a\n\ndata: b\n\n"] * 2 + [b""], found[:1])
    assert found[0] is found[1]


_head = st.lists(st.tuples(st.sampled_from(["accept", "authorization", "x-note"]), st.text(max_size=8)), max_size=3).map(tuple)
_answer = st.none() | st.lists(st.binary(max_size=9), max_size=2)


@settings(max_examples=tries(60))
@given(data=st.data())
def test_what_was_looked_through_before_is_kept_as_it_would_be_without(data: st.DataObject, tmp_path_factory: object) -> None:
    kept, model = Kept(_shared(tmp_path_factory)), data.draw(st.sampled_from([b"a", b"longer", b'no"name']))
    kept.writer.sweep(Old(0.0, 10**6), 10**6)
    kept.number = _next_number()
    asked = data.draw(st.none() | st.sampled_from([b'{"model":"a","x":1}', b"", b'{"model":"a","y":"%b"}' % (b"word " * 4000)]))
    sent = data.draw(st.sampled_from([None, b'{"model":"%b","x":1}' % model, b'{"model":"%b","y":"%b"}' % (model, b"word " * 4000)]))
    bodies = Bodies("redacted", asked, data.draw(_answer), sent, data.draw(_answer))
    bodies.client_request_headers, bodies.client_response_headers = data.draw(_head), data.draw(_head)
    bodies.provider_request_headers, bodies.provider_response_headers = data.draw(_head), data.draw(_head)

    rows = [kept.keeper.row(name, 0.0, None, bodies, heads) for name, heads in (("looked", known_heads(bodies)), ("not", None))]
    kept.writer.write(Batch("w", kept.number, 1.0, bodies=rows, blobs=kept.keeper.packs()))

    looked, not_looked = kept.read("looked"), kept.read("not")
    assert list(looked.items()) == list(not_looked.items())
    assert {name: body.data for name, body in looked.items() if name.endswith("request")} == {
        name: body for name, body in (("client_request", asked), ("provider_request", _sent(bodies))) if body is not None
    }


def _sent(bodies: Bodies) -> bytes | None:
    """What a provider was sent: what the client had sent, where nothing else is told."""
    return bodies.provider_request or (bodies.client_request if bodies.provider_request_headers else None)
