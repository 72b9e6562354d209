"""Full-text search over what was new in each exchange: how words get into the index, and how they are looked for.

Indexing costs more than writing, so it is done behind it, when nothing else is to be written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import zstandard
from sqlalchemy import Connection, bindparam, text

from dragoman.store.laid import Laid, Side, new_pieces, places_in, unpack
from dragoman.store.runs import Term, has_runs, in_pairs, terms

_MOST_CHARACTERS = 64 * 1024
_LONGEST_WORD = 64
_PACKS = 4
_SIDES = ("client_request", "client_response")
_SAID = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
_STRING = re.compile(_SAID)
_DELTA = re.compile(r'"(?:delta|text|content|reasoning_content|partial_json|thinking|arguments)"\s*:\s*' + _SAID)
_EVENTS = re.compile(r"\A\s*(?:event|data|id|:)[^\n]{0,200}:?|\ndata:")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_BLANKS = tuple([f"\\{letter}" for letter in "nrtbf"])
_LONG = re.compile(rf"(?<!\S)\S{{{_LONGEST_WORD + 1},}}")
_PLAIN = re.compile(r"[^\W_]+")
"""Words as the databases' own rules cut them: `snake_case` are two."""

Fetch = Callable[[str, Sequence[Any]], Sequence[Any]]


class Words(msgspec.Struct, frozen=True):
    """The words of what was new in one exchange; `number` is that of its bodies."""

    number: int
    epoch: int
    text: str


class Found(msgspec.Struct, frozen=True):
    """How many bodies were looked at, up to which number, and what words they had."""

    count: int
    last: int
    texts: list[Words]


def words_of(fetch: Fetch, mark: str, most: int) -> Found:
    """The words of the next bodies that the index does not have yet."""
    last, whole = _progress(fetch, mark)
    statement = f"SELECT number, epoch, data FROM dragoman_bodies WHERE number > {mark} ORDER BY number LIMIT {mark}"
    rows = fetch(statement, (last, most))
    return Found(len(rows), rows[-1][0] if rows else last, _texts(fetch, mark, rows, whole))


def words_to_forget(fetch: Fetch, mark: str, epoch_before: int, most: int) -> Found:
    """The words of bodies whose time is over, as the index has them: they are made again from the bodies, which are still there."""
    last, whole = _progress(fetch, mark)
    statement = f"SELECT number, epoch, data FROM dragoman_bodies WHERE epoch < {mark} LIMIT {mark}"
    rows = fetch(statement, (epoch_before, most))
    return Found(len(rows), last, _texts(fetch, mark, [row for row in rows if row[0] <= last], whole))


def search(connection: Connection, query: str, most: int = 1000) -> list[str]:
    """The exchanges, newest first, that have all these words among what was new in them; the last word may be the beginning of one."""
    words = _PLAIN.findall(query)
    if not words:
        return []
    if connection.dialect.name == "sqlite":
        statement = (
            "SELECT b.exchange_id FROM dragoman_texts i JOIN dragoman_bodies b ON b.number = i.rowid"
            " WHERE dragoman_texts MATCH :query ORDER BY i.rowid DESC LIMIT :most"
        )
        asked = _asked(words, '"{}"', "*", " AND ", " OR ")
    else:
        statement = (
            "SELECT b.exchange_id FROM dragoman_texts t JOIN dragoman_bodies b ON b.number = t.number"
            " WHERE t.words @@ to_tsquery('simple', :query) ORDER BY t.number DESC LIMIT :most"
        )
        asked = _asked(words, "'{}'", ":*", " & ", " | ")
    rows = connection.execute(text(statement).bindparams(bindparam("query", asked), bindparam("most", most)))
    return [row[0] for row in rows]


def _asked(words: Sequence[str], word: str, beginning: str, both: str, either: str) -> str:
    """The query in a database's own words: how it writes a word, what it adds to a beginning, how it joins two."""

    def written(parts: Sequence[Term]) -> str:
        return both.join(word.format(part.text) + beginning * part.is_beginning for part in parts)

    whole = written([*(Term(each) for each in words[:-1]), Term(words[-1], is_beginning=True)])
    if not any(map(has_runs, words)):
        return whole
    found = [term for each in words for term in terms(each)]
    if not has_runs(found[-1].text):
        found[-1] = Term(found[-1].text, is_beginning=True)
    # What an earlier release has put into the index is there as whole runs.
    return f"({written(found)}){either}({whole})"


def plain_words(body: bytes, apart: Callable[[str], str] = in_pairs) -> str:
    """What a body says: of events the pieces of text put together, else every string in it, without escapes and without endless words.
    apart: what puts spaces between words that have none."""
    said = body[: 4 * _MOST_CHARACTERS].decode("utf-8", "replace")
    is_stream = _EVENTS.search(said[:4096]) is not None
    found = "".join(_DELTA.findall(said)) if is_stream else " ".join(_STRING.findall(said)) or said
    return _sound(_LONG.sub(" ", apart(_plain(found)))[:_MOST_CHARACTERS].replace("\x00", " "))


def _plain(text: str) -> str:
    """The text without escapes."""
    if "\\u" in text or "\x00" in text or text.endswith("\\"):
        return _ESCAPE.sub(_unescaped, text)
    # Mostly a few kinds of them, each looked for by itself: a tenth of the time.
    text = text.replace("\\\\", "\x00")
    for blank in _BLANKS:
        text = text.replace(blank, " ")
    return text.replace("\\", "").replace("\x00", "\\")


def _progress(fetch: Fetch, mark: str) -> tuple[int, int]:
    """Up to which number bodies are indexed; and up to which an earlier release has done it, with whole runs of letters as words."""
    known = dict(fetch("SELECT name, value FROM dragoman_meta WHERE name IN ('indexed', 'indexed_whole')", ()))
    last = int(known.get("indexed", 0))
    if "indexed_whole" not in known:
        fetch(f"INSERT INTO dragoman_meta (name, value) VALUES ('indexed_whole', {mark}) RETURNING value", (str(last),))
    return last, int(known.get("indexed_whole", last))


def _texts(fetch: Fetch, mark: str, rows: Sequence[Any], whole: int) -> list[Words]:
    packs = _Packs(fetch, mark)
    ways = [(number, epoch, unpack(bytes(data)), _as_it_is if number <= whole else in_pairs) for number, epoch, data in rows]
    found = [Words(number, epoch, _words(laid, packs, apart)) for number, epoch, laid, apart in ways]
    return [each for each in found if each.text]


def _as_it_is(text: str) -> str:
    return text


def _words(laid: Laid, packs: _Packs, apart: Callable[[str], str]) -> str:
    parts: list[str] = []
    for side in laid.sides:
        if side.name not in _SIDES:
            continue
        if side.inline is not None:
            parts.append(plain_words(packs.text(laid.pack)[side.inline[0] : side.inline[1]], apart))
        elif new := _new(side, packs):
            parts.append(plain_words(new, apart))
    return "\n".join(parts)[:_MOST_CHARACTERS].strip()


def _new(side: Side, packs: _Packs) -> bytes:
    """What a long body has that its conversation had not before."""
    places = places_in(side.parts)
    fresh = places if side.fresh is None else [place for start, stop in side.fresh for place in places[start:stop]]
    found = [packs.text(key)[start:stop] for key, start, stop in fresh]
    return b"".join(found or [packs.text(key) for key in new_pieces(side)])


class _Packs:
    """Packs as they are needed. One after the other has the same: the last ones are enough to remember."""

    def __init__(self, fetch: Fetch, mark: str) -> None:
        self._fetch = fetch
        self._statement = f"SELECT data FROM dragoman_blobs WHERE hash = {mark}"
        self._texts: dict[bytes, bytes] = {}
        self._unzip = zstandard.ZstdDecompressor()

    def text(self, key: bytes) -> bytes:
        """What is in it; nothing where it is not there."""
        if key not in self._texts:
            rows = self._fetch(self._statement, (key,)) if key else ()
            if len(self._texts) >= _PACKS:
                del self._texts[next(iter(self._texts))]
            self._texts[key] = self._unzip.decompress(rows[0][0]) if rows and rows[0][0] else b""
        return self._texts[key]


def _sound(text: str) -> str:
    """The text as databases take it: JSON may write an emoji as two escapes, halves of one letter. One half without the other is none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _unescaped(match: re.Match[str]) -> str:
    escape = match[1]
    if len(escape) == 5:
        return chr(int(escape[1:], 16))
    return " " if escape in "nrtbf" else escape
