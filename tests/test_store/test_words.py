"""What gets into the full-text index of bodies: words that any database takes, whatever a body says."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.store.batch import Batch, Old
from dragoman.store.laid import HASH_BYTES, Laid, Side, pack
from dragoman.store.open import Store, open_store
from dragoman.store.search import plain_words, search
from effort import tries


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"text":"a rocket \\ud83d\\ude80 flies"}', "text a rocket \U0001f680 flies"),
        (b'{"text":"half \\ud83d of one"}', "text half \ufffd of one"),
        (b'{"text":"\\ude80\\ud83d"}', "text \ufffd\ufffd"),
        (b'{"text":"na\\u00efve \\u4f60\\u597d \\u0000 end"}', "text na\u00efve  \u4f60\u597d \u597d    end"),
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


def _short(key: bytes, text: bytes) -> bytes:
    return pack(Laid((Side("client_request", len(text), (0, len(text))),), key))


def _kept(url: str, texts: dict[str, str]) -> Store:
    """A database with one body for each text, at epoch 0; nothing is indexed yet."""
    store, said = open_store(url), [json.dumps({"text": text}, ensure_ascii=False).encode() for text in texts.values()]
    keys = [bytes([number]) * HASH_BYTES for number in range(len(texts))]
    bodies = [(name, 0, 9, _short(key, text)) for name, key, text in zip(texts, keys, said, strict=True)]
    blobs = [(key, 0, len(text), zstandard.ZstdCompressor().compress(text)) for key, text in zip(keys, said, strict=True)]
    store.writer().write(Batch("w", 1, 1.0, bodies=bodies, blobs=blobs))
    return store


def _found(store: Store, *queries: str) -> dict[str, list[str]]:
    with store.reader() as connection:
        return {query: search(connection, query) for query in queries}


SAID = {
    "zh": "请帮我修复数据库连接池的内存泄漏问题，使用Python编写单元测试。" + "我们昨天在生产环境里看到了同样的错误而没有人知道原因" * 6,
    "ja": "データベース接続プールのメモリリークを修正してください。東京都のサーバーでPostgreSQLを使います。人々のﾌﾟﾛｸﾞﾗﾑ",
    "ko": "데이터베이스 연결에서 메모리 누수를 고쳐 주세요. 학교에서는 Django를 씁니다.",
    "en": "Fix the memory leak of connection_pool, please.",
}


def test_any_word_within_a_run_of_chinese_japanese_or_korean_letters_is_found(url: str) -> None:
    store = _kept(url, SAID)
    assert store.writer().index(9) == len(SAID)

    asked = {
        "zh": ("内存泄漏", "连接", "泄", "题", "使用Python", "python", "编写", "单元 测试", "生产环境"),
        "ja": ("接続", "メモリ", "リーク", "京都", "都", "サーバー", "PostgreSQLを使", "postgre", "人々", "プログラム", "ﾒﾓﾘ"),
        "ko": ("데이터베이스", "베이스", "누수", "메모리 누수", "학교", "교", "Django를", "\u1112\u1161\u11a8\u1100\u116d"),
        "en": ("memory leak", "connection_pool", "connection_po"),
    }
    for name, words in asked.items():
        assert _found(store, *words) == {word: [name] for word in words}
    assert _found(store, "泄内", "메모리 connection", "_") == {"泄内": [], "메모리 connection": [], "_": []}


def test_words_of_an_earlier_release_are_found_as_they_were_and_forgotten_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    store = _kept(f"sqlite:///{path}", {"old": "修复数据库 東京都 leak", "new": "修复数据库 東京都 leak"})
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO dragoman_texts (rowid, words) VALUES (1, 'text 修复数据库 東京都 leak')")
        connection.execute("INSERT INTO dragoman_meta VALUES ('indexed', '1')")
    writer = store.writer()

    assert (writer.index(9), writer.index(9)) == (1, 0)

    assert _found(store, "修复数据库", "東京都 leak", "数据库", "京", "修复数") == {
        "修复数据库": ["new", "old"], "東京都 leak": ["new", "old"], "数据库": ["new"], "京": ["new"], "修复数": ["new", "old"],
    }  # fmt: skip
    while writer.sweep(Old(0.0, 1), 5):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, dragoman_texts, row)")
        assert connection.execute("SELECT term FROM vocabulary").fetchall() == []
