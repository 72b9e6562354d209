"""Full-text search over what was new in each exchange: how words get into the index, and how they are looked for.

Indexing costs more than writing, so it is done behind it, when nothing else is to be written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
import zstandard
from sqlalchemy import Connection, bindparam, text

from dragoman.store.bodies import HASH_BYTES, Laid, unpack

_MOST_CHARACTERS = 64 * 1024
_LONGEST_WORD = 64
_SIDES = ("client_request", "client_response")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_DELTA = re.compile(r'"(?:delta|text|content|reasoning_content|partial_json|thinking|arguments)"\s*:\s*"((?:[^"\\]|\\.)*)"')
_EVENTS = re.compile(r"\A\s*(?:event|data|id|:)[^\n]{0,200}:?|\ndata:")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_LONG = re.compile(rf"\S{{{_LONGEST_WORD + 1},}}")
_PLAIN = re.compile(r"[\w]+", re.UNICODE)

Fetch = Callable[[str, Sequence[Any]], Sequence[Any]]


class Words(msgspec.Struct, frozen=True):
    """The words of what was new in one exchange."""

    number: int
    exchange_id: str
    epoch: int
    text: str

    def row(self) -> tuple[int, str, int, bytes]:
        """The row of `texts`."""
        return self.number, self.exchange_id, self.epoch, zstandard.compress(self.text.encode("utf-8", "replace"), 1)

    @classmethod
    def of(cls, row: Sequence[Any]) -> Words:
        """The reverse of `row`."""
        return cls(row[0], row[1], row[2], zstandard.decompress(row[3]).decode("utf-8", "replace"))


class Found(msgspec.Struct, frozen=True):
    """How many bodies were looked at, up to which number, and what words they had."""

    count: int
    last: int
    texts: list[Words]


def words_of(fetch: Fetch, mark: str, most: int) -> Found:
    """The words of the next bodies that the index does not have yet."""
    known = fetch("SELECT value FROM dragoman_meta WHERE name = 'indexed'", ())
    last = int(known[0][0]) if known else 0
    statement = f"SELECT number, exchange_id, epoch, data FROM dragoman_bodies WHERE number > {mark} ORDER BY number LIMIT {mark}"
    rows = fetch(statement, (last, most))
    texts: list[Words] = []
    for number, exchange_id, epoch, data in rows:
        plain = _words(fetch, mark, unpack(bytes(data)))
        if plain:
            texts.append(Words(number, exchange_id, epoch, plain))
    return Found(len(rows), rows[-1][0] if rows else last, texts)


def search(connection: Connection, query: str, most: int = 1000) -> list[str]:
    """The exchanges, newest first, that have all these words among what was new in them; the last word may be the beginning of one."""
    words = _PLAIN.findall(query)
    if not words:
        return []
    if connection.dialect.name == "sqlite":
        statement = (
            "SELECT t.exchange_id FROM dragoman_texts_index i JOIN dragoman_texts t ON t.number = i.rowid"
            " WHERE dragoman_texts_index MATCH :query ORDER BY i.rowid DESC LIMIT :most"
        )
        asked = " AND ".join(f'"{word}"' for word in words) + "*"
    else:
        statement = "SELECT exchange_id FROM dragoman_texts WHERE words @@ to_tsquery('simple', :query) ORDER BY number DESC LIMIT :most"
        asked = " & ".join(f"'{word}'" for word in words) + ":*"
    rows = connection.execute(text(statement).bindparams(bindparam("query", asked), bindparam("most", most)))
    return [row[0] for row in rows]


def plain_words(body: bytes) -> str:
    """What a body says: of events the pieces of text put together, else every string in it, without escapes and without endless words."""
    said = body[: 4 * _MOST_CHARACTERS].decode("utf-8", "replace")
    is_stream = _EVENTS.search(said[:4096]) is not None
    found = "".join(_DELTA.findall(said)) if is_stream else " ".join(_STRING.findall(said)) or said
    return _LONG.sub(" ", _ESCAPE.sub(_unescaped, found))[:_MOST_CHARACTERS].replace("\x00", " ")


def _words(fetch: Fetch, mark: str, laid: Laid) -> str:
    inline = zstandard.ZstdDecompressor().decompress(laid.text) if laid.text else b""
    parts: list[str] = []
    for side in laid.sides:
        if side.name not in _SIDES:
            continue
        if side.inline is not None:
            parts.append(plain_words(inline[side.inline[0] : side.inline[1]]))
        elif side.pieces:
            parts.append(plain_words(b"".join(_pieces(fetch, mark, side.pieces))))
    return "\n".join(parts)[:_MOST_CHARACTERS].strip()


def _pieces(fetch: Fetch, mark: str, hashes: bytes) -> Iterable[bytes]:
    for at in range(0, len(hashes), HASH_BYTES):
        rows = fetch(f"SELECT data FROM dragoman_blobs WHERE hash = {mark}", (hashes[at : at + HASH_BYTES],))
        if rows:
            yield zstandard.decompress(rows[0][0])


def _unescaped(match: re.Match[str]) -> str:
    escape = match[1]
    if len(escape) == 5:
        return chr(int(escape[1:], 16))
    return " " if escape in "nrtbf" else escape
