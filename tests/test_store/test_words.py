"""What gets into the full-text index of bodies: words that any database takes, whatever a body says."""

from __future__ import annotations

import json
import re

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.store.batch import Batch, Old
from dragoman.store.laid import HASH_BYTES, Laid, Side, pack
from dragoman.store.open import open_store
from dragoman.store.search import plain_words, search
from effort import tries


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"text":"a rocket \\ud83d\\ude80 flies"}', "text a rocket \U0001f680 flies"),
        (b'{"text":"half \\ud83d of one"}', "text half \ufffd of one"),
        (b'{"text":"\\ude80\\ud83d"}', "text \ufffd\ufffd"),
        (b'{"text":"na\\u00efve \\u4f60\\u597d \\u0000 end"}', "text na\u00efve \u4f60\u597d   end"),
        (b'data: {"delta":"\\ud83d"}\n\ndata: {"delta":"\\ude80"}\n\n', "\U0001f680"),
        (b'{"text":"\xff\xfe"}', "text \ufffd\ufffd"),
    ],
)
def test_letters_that_are_escaped_are_read_whole(body: bytes, words: str) -> None:
    assert plain_words(body) == words


@settings(max_examples=tries(200))
@given(st.binary(max_size=60) | st.text(st.characters() | st.sampled_from('"\\ud83d80')).map(lambda text: json.dumps(text).encode()))
def test_words_are_always_such_as_a_database_takes(body: bytes) -> None:
    words = plain_words(body)

    assert words.encode().decode() == words
    assert "\x00" not in words


def test_no_body_keeps_those_behind_it_out_of_the_index(url: str) -> None:
    texts = [b'{"text":"one \\ud83d\\ude80"}', b'{"text":"two \\ud800"}', b'{"text":"three \\u0000 zebras"}']
    keys = [bytes([number]) * HASH_BYTES for number in range(len(texts))]
    rows = [pack(Laid((Side("client_request", len(text), (0, len(text))),), key)) for key, text in zip(keys, texts, strict=True)]
    store = open_store(url)
    writer = store.writer()
    writer.write(
        Batch(
            "w", 1, 1.0,
            bodies=[(name, 0, 9, row) for name, row in zip("abc", rows, strict=True)],
            blobs=[(key, 0, len(text), zstandard.ZstdCompressor().compress(text)) for key, text in zip(keys, texts, strict=True)],
        )
    )  # fmt: skip

    counts = [writer.index(2), writer.index(2), writer.index(2)]

    with store.reader() as connection:
        found = {word: search(connection, word) for word in ("one", "two", "zebras")}
    assert (counts, found) == ([2, 1, 0], {"one": ["a"], "two": ["b"], "zebras": ["c"]})
    while writer.sweep(Old(0.0, 1), 5):
        pass
    with store.reader() as connection:
        assert search(connection, "zebras") == []


@settings(max_examples=tries(300))
@given(
    st.lists(
        st.sampled_from(["\\", '"', "n", "t", "u0041", "ud83d", " ", "a", "b" * 40, "\n", "\x00", "{", '"delta":', "data: ", "é"])
    ).map("".join)
)
def test_words_are_those_of_the_plain_way_to_find_them(body: str) -> None:
    is_stream = re.search(r"\A\s*(?:event|data|id|:)[^\n]{0,200}:?|\ndata:", body) is not None
    strings = re.findall(r'"delta"\s*:\s*"((?:[^"\\]|\\.)*)"', body) if is_stream else re.findall(r'"((?:[^"\\]|\\.)*)"', body)
    found = "".join(strings) if is_stream else " ".join(strings) or body

    def letter(match: re.Match[str]) -> str:
        escape = match[1]
        return chr(int(escape[1:], 16)) if len(escape) == 5 else " " if escape in "nrtbf" else escape

    plain = re.sub(r"\S{65,}", " ", re.sub(r"(?s)\\(u[0-9a-f]{4}|.)", letter, found)).replace("\x00", " ")
    assert plain_words(body.encode()) == "".join(each if each < "\ud800" else "\ufffd" for each in plain)
